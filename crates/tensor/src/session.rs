//! One device with five verbs: allocate, upload, run, read, free.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;

use ndarray::{ArcArray, IxDyn};

use crate::array::{Array, DType, Spec};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, GpuOptions, Held};
use crate::op::Op;

/// A device. Everything but [`Session::read`] only records; program order is kept. Clones are the same device.
///
/// A failure of the device surfaces at the next read, once, as a typed error; what was made from a tensor that failed, fails too.
/// Everything stays usable after an [`Error::OutOfMemory`] or [`Error::Validation`]; after [`Error::Lost`] nothing does.
#[derive(Clone)]
pub struct Session {
    backend: Backend,
    cancel: Option<Cancel>,
}

#[derive(Clone)]
enum Backend {
    Cpu(Rc<Meter>),
    Gpu(Rc<Gpu>),
}

/// What a session runs on.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// True where WGSL runs.
    pub gpu: bool,
    /// `NVIDIA H100`, `llvmpipe`, `CPU twin`.
    pub name: String,
    /// Driver or architecture; may be empty.
    pub detail: String,
    /// A software adapter.
    pub software: bool,
    /// Limits: name, asked for, offered by the adapter.
    pub limits: Vec<(String, f64, f64)>,
    /// Optional features in use.
    pub features: Vec<String>,
}

/// An array on a session's device; freed when the last clone is dropped.
#[derive(Clone)]
pub struct Tensor {
    spec: Rc<Spec>,
    storage: Rc<Storage>,
}

enum Storage {
    Host(Array, #[expect(dead_code, reason = "counts the bytes until it is dropped")] Counted),
    Device(Rc<Held>),
    Failed(Error),
    /// Only the shape is left: a tape let the values go.
    Released,
}

/// Bytes in use, and the most there ever were.
#[derive(Default)]
struct Meter {
    now: Cell<u64>,
    peak: Cell<u64>,
}

/// Bytes that count as in use as long as this lives.
struct Counted {
    meter: Rc<Meter>,
    bytes: u64,
}

impl Counted {
    fn new(meter: &Rc<Meter>, bytes: u64) -> Self {
        meter.now.set(meter.now.get() + bytes);
        meter.peak.set(meter.peak.get().max(meter.now.get()));
        Self { meter: meter.clone(), bytes }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.meter.now.set(self.meter.now.get() - self.bytes);
    }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = match &*self.storage {
            Storage::Host(..) => "host",
            Storage::Device(_) => "device",
            Storage::Failed(_) => "failed",
            Storage::Released => "released",
        };
        write!(f, "Tensor({:?} {:?}, {place})", self.spec.dtype, self.spec.shape)
    }
}

impl Tensor {
    fn new(spec: Spec, storage: Storage) -> Self {
        Self { spec: Rc::new(spec), storage: Rc::new(storage) }
    }

    /// Shape and element type.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The first elements in another shape, without a copy: how weights are read that lie in front of their optimiser's state.
    /// Panics where `shape` holds more elements than there are: a bug of the caller.
    #[must_use]
    pub fn prefix(&self, shape: impl Into<Vec<usize>>) -> Self {
        let spec = Spec { shape: shape.into(), dtype: self.spec.dtype };
        assert!(spec.len() <= self.spec.len(), "{:?} holds more elements than {:?}", spec.shape, self.spec.shape);
        Self { spec: Rc::new(spec), storage: self.storage.clone() }
    }

    /// Shape and element type without values; whoever asks for them panics.
    pub(crate) fn released(spec: Rc<Spec>) -> Self {
        Self { spec, storage: Rc::new(Storage::Released) }
    }

    /// The specification, shared.
    pub(crate) fn shared_spec(&self) -> Rc<Spec> {
        self.spec.clone()
    }

    /// The same values in another shape, without a copy. Panics where the number of elements differs: a bug of the caller.
    pub fn reshape(&self, shape: impl Into<Vec<usize>>) -> Self {
        let spec = Spec { shape: shape.into(), dtype: self.spec.dtype };
        assert_eq!(spec.len(), self.spec.len(), "{:?} has not as many elements as {:?}", spec.shape, self.spec.shape);
        Self { spec: Rc::new(spec), storage: self.storage.clone() }
    }
}

impl Session {
    /// The CPU twins.
    pub fn cpu() -> Self {
        Self { backend: Backend::Cpu(Rc::default()), cancel: None }
    }

    /// Opens the GPU.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] with its cause; [`Error::Validation`] where the adapter refuses a device.
    pub async fn gpu(options: GpuOptions) -> Result<Self> {
        Ok(Self { backend: Backend::Gpu(Gpu::open(options).await?), cancel: None })
    }

    /// wgpu's no-op backend, for tests: every pipeline, binding and dispatch is validated, nothing is computed, reads give zeros or what was uploaded.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn noop() -> Self {
        Self { backend: Backend::Gpu(Gpu::noop()), cancel: None }
    }

    /// The same device, with reads that answer [`Error::Cancelled`] once the flag is up.
    #[must_use]
    pub fn with_cancel(&self, cancel: Cancel) -> Self {
        Self { backend: self.backend.clone(), cancel: Some(cancel) }
    }

    /// What it runs on.
    pub fn info(&self) -> Info {
        match &self.backend {
            Backend::Cpu(_) => Info {
                gpu: false,
                name: "CPU twin".into(),
                detail: String::new(),
                software: false,
                limits: Vec::new(),
                features: if cfg!(target_feature = "simd128") { vec!["wasm simd128".into()] } else { Vec::new() },
            },
            Backend::Gpu(gpu) => gpu.info(),
        }
    }

    /// True where WGSL runs.
    pub fn is_gpu(&self) -> bool {
        matches!(self.backend, Backend::Gpu(_))
    }

    /// Bytes of the tensors that live on the device.
    pub fn bytes_in_use(&self) -> u64 {
        match &self.backend {
            Backend::Cpu(meter) => meter.now.get(),
            Backend::Gpu(gpu) => gpu.bytes_in_use(),
        }
    }

    /// The most bytes that lived on the device at once since it was opened or since [`Session::forget_peak`].
    pub fn peak_bytes(&self) -> u64 {
        match &self.backend {
            Backend::Cpu(meter) => meter.peak.get(),
            Backend::Gpu(gpu) => gpu.peak_bytes(),
        }
    }

    /// Starts the count of [`Session::peak_bytes`] anew from what is in use.
    pub fn forget_peak(&self) {
        match &self.backend {
            Backend::Cpu(meter) => meter.peak.set(meter.now.get()),
            Backend::Gpu(gpu) => gpu.forget_peak(),
        }
    }

    /// How often work was handed to the device; 0 on the CPU, which works at once.
    pub fn submits(&self) -> u64 {
        match &self.backend {
            Backend::Cpu(_) => 0,
            Backend::Gpu(gpu) => gpu.submits(),
        }
    }

    /// Ends the device as a crash of the driver would: for tests of what then happens. Does nothing on the CPU.
    pub fn destroy(&self) {
        if let Backend::Gpu(gpu) = &self.backend {
            gpu.destroy();
        }
    }

    /// Zeros.
    pub fn allocate(&self, spec: Spec) -> Tensor {
        match &self.backend {
            Backend::Cpu(_) => match zeros(&spec) {
                Ok(array) => self.host(array),
                Err(error) => Tensor::new(spec, Storage::Failed(error)),
            },
            Backend::Gpu(gpu) => device(gpu.allocate(&spec), spec),
        }
    }

    /// Copies host values to the device.
    pub fn upload(&self, array: Array) -> Tensor {
        match &self.backend {
            Backend::Cpu(_) => self.host(array),
            Backend::Gpu(gpu) => {
                let spec = array.spec();
                device(gpu.upload(&array), spec)
            }
        }
    }

    /// Records an operation (runs it, on the CPU). Panics on shapes that do not fit.
    pub fn run(&self, op: &dyn Op, inputs: &[&Tensor]) -> Tensor {
        let specs: Vec<Spec> = inputs.iter().map(|t| t.spec().clone()).collect();
        let output = op.output(&specs);
        if let Some(error) = inputs.iter().find_map(|t| t.error()) {
            return Tensor::new(output, Storage::Failed(error.clone()));
        }
        match &self.backend {
            Backend::Cpu(_) => {
                // Nobody will read what comes now.
                if self.is_cancelled() {
                    return Tensor::new(output, Storage::Failed(Error::Cancelled));
                }
                let arrays: Vec<Array> = inputs.iter().map(|t| t.array()).collect();
                let result = op.cpu(&arrays.iter().collect::<Vec<_>>());
                debug_assert_eq!(result.spec(), output, "{}: the twin keeps to the shape rule", op.name());
                self.host(result)
            }
            Backend::Gpu(gpu) => {
                let buffers: Vec<&Held> = inputs.iter().map(|t| t.buffer()).collect();
                device(gpu.run(op, &specs, &output, &buffers), output)
            }
        }
    }

    /// Runs an operation on `state` and `others`, and gives `state` up: on the CPU the result may be made in its memory, where nobody else
    /// holds it. For optimisers, whose weights and moments are replaced at every step.
    pub fn renew(&self, op: &dyn Op, state: Tensor, others: &[&Tensor]) -> Tensor {
        let given_up = match &self.backend {
            Backend::Cpu(_) if !self.is_cancelled() => others.iter().all(|t| t.error().is_none()),
            _ => false,
        };
        if !given_up || state.error().is_some() {
            let inputs: Vec<&Tensor> = std::iter::once(&state).chain(others.iter().copied()).collect();
            return self.run(op, &inputs);
        }
        let specs: Vec<Spec> = std::iter::once(&state).chain(others.iter().copied()).map(|t| t.spec().clone()).collect();
        let output = op.output(&specs);
        let others: Vec<Array> = others.iter().map(|t| t.array()).collect();
        let own = state.array();
        // The array has to be the last that holds the memory.
        drop(state);
        let result = op.cpu_in_place(own, &others.iter().collect::<Vec<_>>());
        debug_assert_eq!(result.spec(), output, "{}: the twin keeps to the shape rule", op.name());
        self.host(result)
    }

    /// [`Session::run`] for operations of very many launches: waits along the way, so that a cancel finds little in the queue. A
    /// cancel makes a failed tensor, as every failure does.
    pub async fn run_paced(&self, op: &dyn Op, inputs: &[&Tensor]) -> Tensor {
        let Backend::Gpu(gpu) = &self.backend else { return self.run(op, inputs) };
        let specs: Vec<Spec> = inputs.iter().map(|t| t.spec().clone()).collect();
        let output = op.output(&specs);
        if let Some(error) = inputs.iter().find_map(|t| t.error()) {
            return Tensor::new(output, Storage::Failed(error.clone()));
        }
        let buffers: Vec<&Held> = inputs.iter().map(|t| t.buffer()).collect();
        device(gpu.run_paced(op, &specs, &output, &buffers, self.cancel.as_ref()).await, output)
    }

    /// Plans smaller tiles from now on: what to try when memory ran out, before the work is done again. False where that cannot help:
    /// on the CPU, and where tiles are as small as is sensible.
    pub fn smaller_tiles(&self) -> bool {
        match &self.backend {
            Backend::Cpu(_) => false,
            Backend::Gpu(gpu) => gpu.smaller_tiles(),
        }
    }

    /// Waits for everything recorded and copies one tensor back: the only place where earlier failures surface.
    ///
    /// # Errors
    /// Whatever went wrong since the last read: lost, out of memory, validation, or [`Error::Cancelled`].
    pub async fn read(&self, tensor: &Tensor) -> Result<Array> {
        let mut arrays = self.read_many(&[tensor]).await?;
        Ok(arrays.pop().expect("one tensor was asked for"))
    }

    /// Reads a tensor and lets go of it: on the CPU its values are not copied, where nobody else holds them.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub async fn take(&self, tensor: Tensor) -> Result<Array> {
        let array = self.read(&tensor).await?;
        drop(tensor);
        Ok(array)
    }

    /// Reads several at the price of one.
    ///
    /// # Errors
    /// As [`Session::read`].
    // Boxed: an async function is compiled again in every crate that awaits it.
    #[inline(never)]
    pub fn read_many<'a>(&'a self, tensors: &'a [&'a Tensor]) -> Pin<Box<dyn Future<Output = Result<Vec<Array>>> + 'a>> {
        Box::pin(async move {
            self.check()?;
            let failed = tensors.iter().find_map(|t| t.error());
            match &self.backend {
                Backend::Cpu(_) => match failed {
                    Some(error) => Err(error.clone()),
                    None => Ok(tensors.iter().map(|t| t.array()).collect()),
                },
                Backend::Gpu(gpu) => {
                    if let Some(error) = failed {
                        gpu.forgive(error);
                        return Err(error.clone());
                    }
                    let wanted: Vec<_> = tensors.iter().map(|t| (t.spec(), t.buffer())).collect();
                    gpu.read(&wanted, self.cancel.as_ref()).await
                }
            }
        })
    }

    /// For long routines that record without reading: hands over what is recorded, and waits until at most two submits are
    /// unfinished, so that a cancel finds little in the queue. On the CPU it only looks at the flag.
    ///
    /// # Errors
    /// [`Error::Cancelled`] or [`Error::Lost`].
    pub async fn breathe(&self) -> Result<()> {
        self.check()?;
        if let Backend::Gpu(gpu) = &self.backend {
            gpu.breathe(self.cancel.as_ref()).await?;
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(Cancel::is_cancelled)
    }

    fn host(&self, array: Array) -> Tensor {
        let Backend::Cpu(meter) = &self.backend else { unreachable!("only the CPU holds arrays") };
        let spec = array.spec();
        let counted = Counted::new(meter, spec.bytes());
        Tensor::new(spec, Storage::Host(array, counted))
    }
}

impl Tensor {
    fn error(&self) -> Option<&Error> {
        match &*self.storage {
            Storage::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// The values in this tensor's shape.
    fn array(&self) -> Array {
        match &*self.storage {
            Storage::Host(array, _) if array.spec() == *self.spec => array.clone(),
            Storage::Host(array, _) => reshaped(array.clone(), &self.spec.shape),
            Storage::Released => panic!("a tape let these values go because nothing was said to look at them"),
            _ => panic!("this tensor belongs to another device"),
        }
    }

    fn buffer(&self) -> &Held {
        match &*self.storage {
            Storage::Device(held) => held,
            Storage::Released => panic!("a tape let these values go because nothing was said to look at them"),
            _ => panic!("this tensor belongs to another device"),
        }
    }
}

fn device(held: Result<Held>, spec: Spec) -> Tensor {
    let storage = match held {
        Ok(held) => Storage::Device(Rc::new(held)),
        Err(error) => Storage::Failed(error),
    };
    Tensor::new(spec, storage)
}

fn reshaped(array: Array, shape: &[usize]) -> Array {
    fn to<T: Clone>(a: ArcArray<T, IxDyn>, shape: &[usize]) -> ArcArray<T, IxDyn> {
        let a = if a.is_standard_layout() { a } else { a.as_standard_layout().into_owned().into_shared() };
        let (all, wanted) = (a.len(), shape.iter().product::<usize>());
        let a = if all == wanted {
            a
        } else {
            let line = a.into_shape_with_order(IxDyn(&[all])).expect("as many elements");
            line.slice_move(ndarray::s![..wanted]).into_dyn()
        };
        a.into_shape_with_order(IxDyn(shape)).expect("the number of elements was checked")
    }
    match array {
        Array::F32(a) => Array::F32(to(a, shape)),
        Array::U32(a) => Array::U32(to(a, shape)),
    }
}

/// Zeros, or an error where the machine has no room for so many.
fn zeros(spec: &Spec) -> Result<Array> {
    fn filled<T: Clone + Default>(spec: &Spec) -> Result<Vec<T>> {
        let no_room = || Error::OutOfMemory { what: format!("an array of shape {:?}", spec.shape), bytes: spec.bytes(), held: 0 };
        let mut values = Vec::new();
        values.try_reserve_exact(spec.len()).map_err(|_| no_room())?;
        values.resize(spec.len(), T::default());
        Ok(values)
    }
    Ok(match spec.dtype {
        DType::F32 => Array::from_f32(&spec.shape, filled(spec)?),
        DType::U32 => Array::from_u32(&spec.shape, filled(spec)?),
    })
}
