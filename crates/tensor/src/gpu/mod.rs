//! The GPU: the only place that names wgpu.

mod faults;
mod memory;
mod open;
mod pace;
mod pipelines;
mod pool;
mod read;
mod recorder;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use espalier_kernels::BindingKind;
use futures_channel::oneshot;

use crate::array::Spec;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::op::{Launch, Op, Plan, Slot};
use crate::ops::plan::{Limits, limits, under};
use crate::session::Info;
use faults::Faults;
use memory::Owed;
pub use open::{GpuOptions, Presence};
use pace::Pace;
use pipelines::Pipelines;
pub use pool::Held;
use pool::Pool;
use recorder::{Range, Recorder};

/// A WebGPU device.
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: Info,
    faults: Faults,
    pool: Rc<RefCell<Pool>>,
    pipelines: RefCell<Pipelines>,
    recorder: RefCell<Recorder>,
    pace: RefCell<Pace>,
    /// Answers that the device still owes about buffers.
    owed: RefCell<Vec<Owed>>,
    /// Submits that may be unfinished, oldest first.
    in_flight: RefCell<VecDeque<oneshot::Receiver<()>>>,
    idle_staging: Cell<Option<wgpu::Buffer>>,
    /// Bytes uploaded since the last submit.
    uploads: Cell<u64>,
    poison: Option<wgpu::Buffer>,
    submits: Cell<u64>,
    /// Bytes of one binding that plans keep to: WebGPU's limit, less once memory ran out.
    tile: Cell<u64>,
    /// Bytes of buffers that may be held, for tests of what happens when there are no more.
    room: Option<u64>,
}

/// Tiles are not made smaller than this.
const SMALLEST_TILE: u64 = 2 << 20;

/// A plan, its output and its scratch buffers with their sizes.
struct Made {
    plan: Plan,
    result: Held,
    scratch: Vec<(Held, u64)>,
}

impl Made {
    /// What one launch binds.
    fn ranges<'a>(&'a self, launch: &Launch, op: &str, specs: &[Spec], output: &Spec, inputs: &[&'a Held]) -> Vec<Range<'a>> {
        let whole = |held, bytes: u64| Range { held, offset: 0, size: bound(bytes) };
        let range = |slot: &Slot| match *slot {
            Slot::Input(i) => whole(inputs[i], specs[i].bytes()),
            Slot::Output => whole(&self.result, output.bytes()),
            Slot::Scratch(i) => whole(&self.scratch[i].0, self.scratch[i].1),
            Slot::InputPart(i, offset, bytes) => part(inputs[i], offset, bytes, specs[i].bytes(), op),
            Slot::OutputPart(offset, bytes) => part(&self.result, offset, bytes, output.bytes(), op),
        };
        launch.buffers.iter().map(range).collect()
    }
}

impl Gpu {
    /// Opens the adapter that suits best.
    ///
    /// # Errors
    /// [`Error::NoAdapter`], or [`Error::Validation`] where it refuses a device.
    pub async fn open(options: GpuOptions) -> Result<Rc<Self>> {
        Ok(Rc::new(Self::new(open::open(&options).await?, &options)))
    }

    /// A device that validates and computes nothing.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn noop() -> Rc<Self> {
        Rc::new(Self::new(open::noop(), &GpuOptions::default()))
    }

    fn new(opened: open::Opened, options: &GpuOptions) -> Self {
        let open::Opened { device, queue, info } = opened;
        let faults = Faults::default();
        faults.listen(&device);
        let recorder = RefCell::new(Recorder::new(&device));
        let poison = options.poison.then(|| {
            let usage = wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
            let buffer = device.create_buffer(&wgpu::BufferDescriptor { label: Some("poison"), size: 1 << 16, usage, mapped_at_creation: false });
            queue.write_buffer(&buffer, 0, &[0xff; 1 << 16]);
            buffer
        });
        Self {
            device,
            queue,
            info,
            faults,
            pool: Rc::default(),
            pipelines: RefCell::default(),
            recorder,
            pace: RefCell::new(Pace::new(options.clock)),
            owed: RefCell::default(),
            in_flight: RefCell::default(),
            idle_staging: Cell::default(),
            uploads: Cell::new(0),
            poison,
            submits: Cell::new(0),
            tile: Cell::new(Limits::DEFAULT.binding),
            room: options.room,
        }
    }

    /// Submits so far.
    pub fn submits(&self) -> u64 {
        self.submits.get()
    }

    /// What it is.
    pub fn info(&self) -> Info {
        self.info.clone()
    }

    /// Ends the device.
    pub fn destroy(&self) {
        self.device.destroy();
    }

    /// Takes back a complaint that the caller is told from elsewhere.
    pub fn forgive(&self, error: &Error) {
        self.faults.forgive(error);
    }

    /// Records the plan of an operation.
    ///
    /// # Errors
    /// Out of memory for its output or scratch, or lost. Panics on plans that don't fit their kernels: bugs.
    pub fn run(&self, op: &dyn Op, specs: &[Spec], output: &Spec, inputs: &[&Held]) -> Result<Held> {
        let made = self.made(op, specs, output)?;
        for launch in &made.plan.launches {
            self.launch(op.name(), launch, &made.ranges(launch, op.name(), specs, output, inputs));
        }
        Ok(made.result)
    }

    /// The same for plans of very many launches: waits along the way, so that a cancel finds two submits in the queue at most.
    ///
    /// # Errors
    /// Those of [`Gpu::run`], and a cancel.
    pub async fn run_paced(&self, op: &dyn Op, specs: &[Spec], output: &Spec, inputs: &[&Held], cancel: Option<&Cancel>) -> Result<Held> {
        let made = self.made(op, specs, output)?;
        for launch in &made.plan.launches {
            if self.launch(op.name(), launch, &made.ranges(launch, op.name(), specs, output, inputs)) {
                self.breathe(cancel).await?;
            }
        }
        Ok(made.result)
    }

    /// A plan with its buffers.
    fn made(&self, op: &dyn Op, specs: &[Spec], output: &Spec) -> Result<Made> {
        let plan = self.plan(op, specs, output);
        let result = self.take(output.bytes(), false, || format!("the output of {}, {:?}", op.name(), output.shape))?;
        self.poison(&result);
        let mut scratch = Vec::with_capacity(plan.scratch.len());
        for bytes in &plan.scratch {
            let held = self.take(*bytes, false, || format!("scratch of {}", op.name()))?;
            self.clear(&held);
            scratch.push((held, *bytes));
        }
        self.faults.now(op.name());
        Ok(Made { plan, result, scratch })
    }

    /// Plans smaller tiles from now on: what is tried when memory ran out. False where they are as small as is sensible.
    pub fn smaller_tiles(&self) -> bool {
        let smaller = self.tile.get() / 4;
        let possible = smaller >= SMALLEST_TILE;
        if possible {
            self.tile.set(smaller);
            self.pool.borrow_mut().purge();
        }
        possible
    }

    /// A software adapter multiplies about ten times slower than the slowest hardware: its launches are cut finer, for the same 100 ms.
    fn plan(&self, op: &dyn Op, specs: &[Spec], output: &Spec) -> Plan {
        let Limits { binding, macs } = limits();
        let macs = if self.info.software { macs.min(1 << 28) } else { macs };
        under(Limits { binding: binding.min(self.tile.get()), macs }, || op.gpu(specs, output))
    }

    /// Records one launch; true where that filled a submit.
    fn launch(&self, op: &'static str, launch: &Launch, ranges: &[Range<'_>]) -> bool {
        let kernel = launch.kernel;
        let uniform = kernel.bindings.iter().find_map(|b| if let BindingKind::Uniform(bytes) = b.kind { Some(bytes as usize) } else { None });
        assert_eq!(launch.params.len(), uniform.unwrap_or(0), "{op}: parameters of {}", kernel.name);
        let storage = kernel.bindings.len() - usize::from(uniform.is_some());
        assert_eq!(ranges.len(), storage, "{op}: buffers of {}", kernel.name);
        if launch.groups.contains(&0) {
            return false;
        }
        if !self.recorder.borrow().fits(&launch.params) {
            self.submit();
        }
        self.recorder.borrow_mut().dispatch(&self.device, &mut self.pipelines.borrow_mut(), launch, ranges);
        let full = self.pace.borrow_mut().add(kernel.name, launch.groups);
        if full {
            self.submit();
        }
        full
    }

    /// Hands over what is recorded.
    fn submit(&self) {
        self.submits.set(self.submits.get() + 1);
        self.recorder.borrow_mut().submit(&self.queue);
        self.pool.borrow_mut().submitted();
        self.uploads.set(0);
        let timed = self.pace.borrow_mut().submit();
        let (tell, done) = oneshot::channel();
        self.queue.on_submitted_work_done(move || {
            timed();
            // Nobody may be waiting.
            let _ = tell.send(());
        });
        let mut in_flight = self.in_flight.borrow_mut();
        in_flight.push_back(done);
        // Natively callbacks come when somebody polls; in a browser this does nothing.
        let _ = self.device.poll(wgpu::PollType::Poll);
        while in_flight.front_mut().is_some_and(|d| !matches!(d.try_recv(), Ok(None))) {
            in_flight.pop_front();
        }
        drop(in_flight);
        self.pace.borrow_mut().observe();
    }
}

/// Bytes that are bound for so many: whole `vec4`s, so that a kernel that reads four at a time sees the tail. Buffers are never
/// smaller. `arrayLength` may therefore be up to three elements above the tensor's.
fn bound(bytes: u64) -> u64 {
    bytes.max(16).next_multiple_of(16)
}

fn part<'a>(held: &'a Held, offset: u64, bytes: u64, of: u64, op: &str) -> Range<'a> {
    assert!(offset.is_multiple_of(256), "{op}: a part starts at a multiple of 256 bytes");
    assert!(offset + bytes <= of, "{op}: a part lies inside its tensor");
    Range { held, offset, size: bound(bytes).min(held.capacity() - offset) }
}
