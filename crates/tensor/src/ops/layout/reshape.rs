//! The same elements in another shape.

use espalier_kernels::layout::reshape::Params;

use super::runs_moved;
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance, Value};
use crate::ops::plan::{grid_of, input_part, launch, output_part, runs};
use crate::ops::sampling::{SIZES, float_array, sample, tiled, wild_array};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// The same elements, in row-major order, in this shape, copied: on a tape, or where the copy is wanted. `Tensor::reshape` shares them.
/// Panics where their number differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshape(
    /// The new shape.
    pub Vec<usize>,
);

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "layout/reshape"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let output = Spec { shape: self.0.clone(), dtype: inputs[0].dtype };
        assert_eq!(inputs[0].len(), output.len(), "{:?} does not reshape to {:?}", inputs[0].shape, self.0);
        output
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        runs_moved(inputs[0], &self.0, inputs[0].spec().len(), std::iter::once(Some(0)))
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        let n = output.len();
        let launches = runs(n).map(|run| {
            let (x, y) = (input_part(0, run, n), output_part(run, n));
            launch(Params::new(run.len as u32, x.base, y.base), vec![x.slot, y.slot], grid_of(run.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Bits are moved.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn looks_at(&self, _value: Value, _wanted: &[bool]) -> bool {
        false
    }

    /// The gradient in the input's shape.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Ok(vec![Some(vjp.grad.reshape(vjp.spec(0).shape.clone()))])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), Reshape(vec![1, n]), vec![float_array(&[n, 1], 1)])).collect();
    all.push(sample("scalar", Reshape(vec![]), vec![float_array(&[1, 1], 2)]));
    all.push(sample("wild", Reshape(vec![65, 7]), vec![wild_array(&[7, 65], 3)]));
    all.push(sample("integers", Reshape(vec![2, 3]), vec![Array::from_u32(&[6], vec![1, 2, 3, 4, 5, 0x7f80_0001])]));
    all.push(tiled("1031", Reshape(vec![1031, 1]), vec![float_array(&[1031], 4)], 1024));
    all
}
