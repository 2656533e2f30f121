//! The five verbs on the CPU, on the GPU and on the no-op backend: order, failures, cancel, empty tensors, reuse of buffers.

use espalier_kernels::{Binding, BindingKind, Kernel};
use espalier_tensor::ops::matmul::MatMul;
use espalier_tensor::tape::{Gradients, NotDifferentiable, Vjp};
use espalier_tensor::{Array, Cancel, Error, GpuOptions, Launch, NoAdapter, Op, Plan, Presence, Session, Slot, Spec, Tolerance};
use pollster::block_on;

use crate::device;

/// y = x + by, in `parts` launches over parts of the tensors, through a scratch buffer that must hold zeros.
#[derive(Debug)]
struct Add {
    by: f32,
    parts: usize,
    kernel: &'static Kernel,
}

const SOURCE: &str = "
override EXTRA: f32 = 0.0;
override TILE: u32 = 64;
struct Params { n: u32, by: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> dirt: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
var<workgroup> tile: array<f32, TILE>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = id.x;
    tile[lane] = params.by;
    workgroupBarrier();
    if i < params.n {
        y[i] = x[i] + tile[63u - lane] + EXTRA + dirt[i];
        dirt[i] = 1000.0;
    }
}
";

const BINDINGS: &[Binding] = &[
    Binding { index: 0, name: "params", kind: BindingKind::Uniform(8) },
    Binding { index: 1, name: "x", kind: BindingKind::Read },
    Binding { index: 2, name: "dirt", kind: BindingKind::ReadWrite },
    Binding { index: 3, name: "y", kind: BindingKind::ReadWrite },
];

static ADD: Kernel = Kernel {
    name: "test/add",
    source: SOURCE,
    written: SOURCE,
    bindings: BINDINGS,
    workgroup: [64, 1, 1],
    overrides: &[("EXTRA", Some(0.0)), ("TILE", Some(64.0))],
};

static BROKEN: Kernel = Kernel { name: "test/broken", source: "fn main( {", written: "", bindings: BINDINGS, workgroup: [64, 1, 1], overrides: &[] };

fn add(by: f32) -> Add {
    Add { by, parts: 1, kernel: &ADD }
}

impl Op for Add {
    fn name(&self) -> &'static str {
        "test/add"
    }
    fn output(&self, inputs: &[Spec]) -> Spec {
        inputs[0].clone()
    }
    fn cpu(&self, inputs: &[&Array]) -> Array {
        Array::F32(inputs[0].f32().mapv(|x| x + self.by).into_shared())
    }
    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let each = (inputs[0].len() / self.parts).next_multiple_of(64).max(64);
        let starts = (0..inputs[0].len()).step_by(each);
        let launches = starts.map(|start| {
            let n = each.min(output.len() - start);
            let (offset, bytes) = (4 * start as u64, 4 * n as u64);
            let extra = if start == 0 { 0.0 } else { 100.0 };
            Launch {
                kernel: self.kernel,
                params: [(n as u32).to_le_bytes(), (self.by - extra as f32).to_le_bytes()].concat(),
                buffers: vec![Slot::InputPart(0, offset, bytes), Slot::Scratch(usize::from(start > 0)), Slot::OutputPart(offset, bytes)],
                overrides: vec![("EXTRA", extra)],
                groups: [n.div_ceil(64) as u32, 1, 1],
            }
        });
        // The first part has a scratch of its own; later parts share one, so only two parts are tried.
        Plan { scratch: vec![4 * each as u64; 2], launches: launches.collect() }
    }
    fn tolerance(&self, _: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }
    fn vjp(&self, _: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: "test/add", why: "a test" })
    }
}

fn ramp(n: usize) -> Array {
    Array::from_f32(&[n], (0..n).map(|i| i as f32).collect())
}

fn values(session: &Session, tensor: &espalier_tensor::Tensor) -> Vec<f32> {
    block_on(session.read(tensor)).expect("nothing fails here").into_f32()
}

fn devices() -> Vec<Session> {
    [Some(Session::cpu()), device::gpu()].into_iter().flatten().collect()
}

#[test]
fn program_order_is_kept() {
    for session in devices() {
        for n in [0usize, 1, 63, 64, 65, 257, 5000] {
            let mut tensor = session.upload(ramp(n));
            for step in 0..10 {
                // Uploads in between reuse buffers that recorded work may still need.
                let other = session.upload(Array::from_f32(&[n], vec![step as f32; n]));
                tensor = session.run(&add(1.0), &[&tensor]);
                drop(session.run(&add(5.0), &[&other]));
            }
            let expected: Vec<f32> = (0..n).map(|i| i as f32 + 10.0).collect();
            assert_eq!(values(&session, &tensor), expected, "{n} on {}", session.info().name);
        }
    }
}

#[test]
fn parts_and_overrides() {
    for session in devices() {
        for n in [64usize, 65, 1000, 4099] {
            let y = session.run(&Add { parts: 2, ..add(2.0) }, &[&session.upload(ramp(n))]);
            assert_eq!(values(&session, &y), (0..n).map(|i| i as f32 + 2.0).collect::<Vec<_>>(), "{n}");
        }
    }
}

#[test]
fn many_launches_between_two_reads() {
    let Some(session) = device::gpu() else { return };
    let mut tensor = session.upload(ramp(100));
    for _ in 0..3000 {
        tensor = session.run(&add(1.0), &[&tensor]);
    }
    assert_eq!(values(&session, &tensor)[7], 3007.0);
}

#[test]
fn allocate_gives_zeros_even_from_used_buffers() {
    for session in devices() {
        for _ in 0..3 {
            drop(session.run(&add(7.0), &[&session.upload(ramp(300))]));
            let zeros = session.allocate(Spec::f32([300]));
            assert!(values(&session, &zeros).iter().all(|v| *v == 0.0));
        }
    }
}

#[test]
fn empty_and_scalar_tensors() {
    for session in devices() {
        for shape in [vec![0], vec![3, 0, 2], vec![]] {
            let n = shape.iter().product::<usize>();
            let x = session.upload(Array::from_f32(&shape, vec![1.0; n]));
            let y = session.run(&add(1.0), &[&x]);
            let read = block_on(session.read(&y)).expect("empty tensors are no error");
            assert_eq!(read, Array::from_f32(&shape, vec![2.0; n]));
        }
        let flags = session.upload(Array::from_u32(&[0], vec![]));
        assert_eq!(block_on(session.read(&flags)).expect("empty").into_u32(), Vec::<u32>::new());
    }
}

#[test]
fn several_reads_in_one() {
    for session in devices() {
        let a = session.upload(ramp(3));
        let b = session.upload(Array::from_u32(&[2, 1], vec![4, 5]));
        let empty = session.allocate(Spec::f32([0]));
        let read = block_on(session.read_many(&[&a, &empty, &b, &a])).expect("nothing fails here");
        assert_eq!(read[0], ramp(3));
        assert_eq!(read[1], ramp(0));
        assert_eq!(read[2], Array::from_u32(&[2, 1], vec![4, 5]));
        assert_eq!(read[3], read[0]);
    }
}

#[test]
fn reshape_shares_the_values() {
    for session in devices() {
        let x = session.upload(ramp(6)).reshape([2, 3]);
        let y = session.run(&add(1.0), &[&x]);
        let read = block_on(session.read(&y)).expect("nothing fails here");
        assert_eq!(read, Array::from_f32(&[2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    }
}

#[test]
fn bytes_come_back_when_tensors_go() {
    for session in devices() {
        assert_eq!(session.bytes_in_use(), 0);
        let x = session.upload(ramp(1 << 16));
        let one = session.bytes_in_use();
        assert!((1 << 18..1 << 19).contains(&one), "{one}");
        let y = session.run(&add(1.0), &[&x]);
        assert!(session.bytes_in_use() >= 2 * (1 << 18));
        let copy = y.clone();
        drop((x, y));
        assert!(session.bytes_in_use() >= 1 << 18);
        drop(copy);
        assert_eq!(session.bytes_in_use(), 0);
    }
}

#[test]
fn a_cancelled_session_reads_no_more_and_others_do() {
    for session in devices() {
        let cancel = Cancel::new();
        let mine = session.with_cancel(cancel.clone());
        let x = mine.run(&add(1.0), &[&mine.upload(ramp(10))]);
        assert_eq!(values(&mine, &x)[0], 1.0);
        cancel.cancel();
        assert_eq!(block_on(mine.read(&x)), Err(Error::Cancelled));
        assert_eq!(block_on(mine.breathe()), Err(Error::Cancelled));
        assert_eq!(values(&session, &x)[0], 1.0, "the device itself goes on");
    }
}

#[test]
fn too_large_is_out_of_memory_and_nothing_else_is_hurt() {
    for session in devices() {
        let fine = session.upload(ramp(4));
        let absurd = session.allocate(Spec::f32([1 << 20, 1 << 22]));
        let from_it = session.run(&add(1.0), &[&absurd]);
        for tensor in [&absurd, &from_it] {
            let error = block_on(session.read(tensor)).expect_err("16 TiB");
            assert!(matches!(&error, Error::OutOfMemory { bytes, .. } if *bytes == 1 << 44), "{error}");
        }
        let y = session.run(&add(1.0), &[&fine]);
        assert_eq!(values(&session, &y), [1.0, 2.0, 3.0, 4.0]);
    }
}

#[test]
fn a_failed_allocation_is_told_at_the_next_read_of_anything() {
    let Some(session) = device::gpu() else { return };
    let fine = session.upload(ramp(4));
    drop(session.allocate(Spec::f32([1 << 20, 1 << 22])));
    assert!(matches!(block_on(session.read(&fine)), Err(Error::OutOfMemory { .. })));
    assert_eq!(values(&session, &fine), [0.0, 1.0, 2.0, 3.0], "told once");
}

#[test]
fn a_kernel_that_is_refused_is_a_validation_error() {
    for session in [Some(Session::noop()), device::gpu()].into_iter().flatten() {
        let x = session.upload(ramp(4));
        let y = session.run(&Add { kernel: &BROKEN, ..add(1.0) }, &[&x]);
        let error = block_on(session.read(&y)).expect_err("it does not parse");
        assert!(matches!(&error, Error::Validation { what, .. } if what == "test/add"), "{error}");
        assert_eq!(block_on(session.read(&x)).map(|a| a.spec()), Ok(Spec::f32([4])), "the session goes on");
    }
}

#[test]
fn a_lost_device_is_told_and_stays_lost() {
    let Some(session) = device::gpu() else { return };
    let x = session.upload(ramp(4));
    let y = session.run(&add(1.0), &[&x]);
    session.destroy();
    for _ in 0..2 {
        let error = block_on(session.read(&y)).expect_err("the device is gone");
        assert!(matches!(error, Error::Lost { .. }), "{error}");
    }
    let z = session.run(&add(1.0), &[&y]);
    assert!(matches!(block_on(session.read(&z)), Err(Error::Lost { .. })));
    assert!(matches!(block_on(session.read(&session.upload(ramp(4)))), Err(Error::Lost { .. })));
}

#[test]
fn where_memory_runs_out_smaller_tiles_go_through() {
    let room = Some(30 << 20);
    let Ok(session) = block_on(Session::gpu(GpuOptions { allow_software: true, room, ..GpuOptions::default() })) else {
        assert!(std::env::var_os("CI").is_none(), "no GPU in CI");
        return;
    };
    // Rows that are no multiple of four are padded in scratch: 16 MB beside 16 MB of input, and that is too much.
    let (m, k) = (4096, 1023);
    let values: Vec<f32> = (0..m * k).map(|i| (i % 7) as f32 - 3.0).collect();
    let (a, b) = (Array::from_f32(&[m, k], values), Array::from_f32(&[k, 4], vec![1.0; 4 * k]));
    let expected = MatMul::NN.cpu(&[&a, &b]);
    let (a, b) = (session.upload(a), session.upload(b));
    let product = || block_on(session.read(&session.run(&MatMul::NN, &[&a, &b])));
    let first = product().expect_err("there is no room");
    assert!(matches!(&first, Error::OutOfMemory { what, bytes, held } if what.contains("matmul") && *bytes > 1 << 20 && *held > 16 << 20), "{first}");
    let mut tries = 0;
    let result = loop {
        assert!(session.smaller_tiles(), "still not small enough");
        tries += 1;
        match product() {
            Ok(result) => break result,
            Err(error) => assert!(matches!(error, Error::OutOfMemory { .. }), "{error}"),
        }
    };
    // Sums of small integers are exact.
    assert_eq!((result, tries), (expected, 2), "128 MiB, 32 MiB, then 8 MiB");
    assert!(session.smaller_tiles() && !session.smaller_tiles(), "2 MiB is the end");
    assert!(!Session::cpu().smaller_tiles());
}

#[test]
fn absence_has_three_causes() {
    for (presence, cause) in [(Presence::Missing, NoAdapter::Missing), (Presence::Insecure, NoAdapter::InsecureContext)] {
        let opened = block_on(Session::gpu(GpuOptions { presence, ..GpuOptions::default() }));
        assert_eq!(opened.err(), Some(Error::NoAdapter(cause)));
    }
}

#[test]
fn a_software_adapter_must_be_asked_for() {
    let Some(session) = device::gpu() else { return };
    if session.info().software {
        let opened = block_on(Session::gpu(GpuOptions::default()));
        assert_eq!(opened.err(), Some(Error::NoAdapter(NoAdapter::SoftwareOnly)));
    }
}

#[test]
fn info_names_the_device_and_its_limits() {
    let cpu = Session::cpu().info();
    assert!(!cpu.gpu && !cpu.software && cpu.name == "CPU twin");
    let noop = Session::noop().info();
    assert!(noop.gpu && noop.limits.iter().any(|(name, asked, offered)| name.contains("storage binding") && *asked >= 1e8 && offered >= asked));
}
