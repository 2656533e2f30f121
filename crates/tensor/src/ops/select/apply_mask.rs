//! Elements set to zero.

use espalier_kernels::select::apply_mask::Params;

use crate::array::{Array, DType, Spec};
use crate::op::{Op, Plan, Sample, Tolerance, Value};
use crate::ops::plan::{grid_of, input_part, launch, output_part, runs};
use crate::ops::sampling::{SIZES, float_array, indices, sample, tiled, wild_array};
use crate::ops::values::{flat, flat_u32};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `w` and a mask of its shape: 0 where the mask is set, `w` to the bit elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplyMask;

impl Op for ApplyMask {
    fn name(&self) -> &'static str {
        "select/apply_mask"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        assert!(inputs[0].shape == inputs[1].shape && inputs[1].dtype == DType::U32, "a mask of the same shape");
        Spec::f32(inputs[0].shape.clone())
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let (w, mask) = (flat(inputs[0]), flat_u32(inputs[1]));
        let kept = w.iter().zip(mask.iter()).map(|(&w, &gone)| if gone != 0 { 0.0 } else { w });
        Array::from_f32(&inputs[0].spec().shape, kept.collect())
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        let n = output.len();
        let launches = runs(n).map(|run| {
            let (x, mask, y) = (input_part(0, run, n), input_part(1, run, n), output_part(run, n));
            launch(Params::new(run.len as u32, x.base, mask.base, y.base), vec![x.slot, mask.slot, y.slot], grid_of(run.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Bits are moved.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn looks_at(&self, value: Value, _wanted: &[bool]) -> bool {
        value == Value::Input(1)
    }

    /// The gradient, masked: what is held at zero does not move.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Ok(vec![Some(vjp.session.run(&Self, &[vjp.grad, &vjp.inputs[1]])), None])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mask = |n: usize, seed| Array::from_u32(&[n], indices(n, 2, seed));
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), ApplyMask, vec![float_array(&[n], 1), mask(n, 2)])).collect();
    all.push(sample("wild", ApplyMask, vec![wild_array(&[1031], 3), mask(1031, 4)]));
    all.push(tiled("1031", ApplyMask, vec![float_array(&[1031], 5), mask(1031, 6)], 1024));
    all
}
