//! The contract of an operation.

use espalier_kernels::Kernel;

use crate::array::{Array, Spec};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// One operation: a shape rule, a CPU twin, a GPU plan, a gradient, and samples for its tests.
///
/// An operation is a plain value (its configuration), one file `ops/FAMILY/OP.rs`, beside one kernel `shaders/FAMILY/OP.wgsl`.
pub trait Op: std::fmt::Debug {
    /// `family/op`.
    fn name(&self) -> &'static str;

    /// What comes out for these inputs. Panics on shapes that do not fit: a bug of the caller.
    fn output(&self, inputs: &[Spec]) -> Spec;

    /// The CPU twin.
    fn cpu(&self, inputs: &[&Array]) -> Array;

    /// What the GPU is to do.
    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan;

    /// How far the two may part on these inputs, with the reason in its documentation. It sees the inputs because the
    /// error of a sum or a product is bounded by the sum of its terms' magnitudes, not by the magnitude of what is left of them.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance;

    /// The CPU twin where the first input is given up: an optimiser works in its memory.
    fn cpu_in_place(&self, first: Array, others: &[&Array]) -> Array {
        let inputs: Vec<&Array> = std::iter::once(&first).chain(others.iter().copied()).collect();
        self.cpu(&inputs)
    }

    /// Whether [`Op::vjp`] looks at a value, beyond its shape, when these inputs want a gradient. What nobody looks at is freed early.
    fn looks_at(&self, value: Value, wanted: &[bool]) -> bool {
        let _ = (value, wanted);
        true
    }

    /// Gradients of the inputs, written with other operations.
    fn vjp(&self, vjp: Vjp<'_>) -> std::result::Result<Gradients, NotDifferentiable>;
}

/// A value that the gradient of an operation may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// The i-th input.
    Input(usize),
    /// The output.
    Output,
}

/// How far a GPU result may be from its CPU twin: `|gpu − cpu| ≤ absolute + relative · scale`, where `scale` is the largest
/// finite magnitude of the CPU result. Where both are NaN, or both the same infinity, they agree; with [`Tolerance::EXACT`]
/// integers are equal and floats are equal in value (−0 = +0, NaN agrees with NaN).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// In units of the result.
    pub absolute: f32,
    /// As a share of the scale.
    pub relative: f32,
}

impl Tolerance {
    /// Bits must be equal (masks, indices, counts, copies).
    pub const EXACT: Self = Self { absolute: 0.0, relative: 0.0 };

    /// `absolute` only.
    pub const fn absolute(absolute: f32) -> Self {
        Self { absolute, relative: 0.0 }
    }

    /// `relative` only.
    pub const fn relative(relative: f32) -> Self {
        Self { absolute: 0.0, relative }
    }
}

/// An operation with inputs for its tests.
pub struct Sample {
    /// What is special about it: `ties`, `prime 257`.
    pub label: String,
    /// The operation.
    pub op: Box<dyn Op>,
    /// Its inputs.
    pub inputs: Vec<Array>,
}

/// Launches in order over the inputs, the output and scratch buffers.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Sizes in bytes of buffers that live only during the plan; zeroed before.
    pub scratch: Vec<u64>,
    /// What to launch, in order.
    pub launches: Vec<Launch>,
}

/// One dispatch.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Bytes of its `Params`; empty where it has none.
    pub params: Vec<u8>,
    /// What is bound to the storage bindings, ascending.
    pub buffers: Vec<Slot>,
    /// Values for `override` constants.
    pub overrides: Vec<(&'static str, f64)>,
    /// Workgroups a dimension, each ≤ 65 535.
    pub groups: [u32; 3],
}

/// A buffer, or a part of one, of a plan. Offsets are bytes and multiples of 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The i-th input, whole.
    Input(usize),
    /// The output, whole.
    Output,
    /// The i-th scratch buffer, whole.
    Scratch(usize),
    /// `bytes` from `offset` of the i-th input: how tensors over the binding limit are tiled.
    InputPart(usize, u64, u64),
    /// `bytes` from `offset` of the output.
    OutputPart(u64, u64),
}
