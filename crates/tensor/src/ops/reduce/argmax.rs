//! Where the largest element is.

use espalier_kernels::reduce::argmax::Params;

use super::Middle;
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::order::By;
use crate::ops::plan::{Run, grid, input_part, launch, output_part, row_runs};
use crate::ops::sampling::{SIZES, float_array, sample, tied_array, tiled, wild_array};
use crate::ops::values::flat;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Index of the largest element along one axis (which goes away), or over everything; the lower index where two are equal
/// (−0 equals +0), and that of the first NaN where there is one. 2³² − 1 of nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgMax {
    /// Along which axis; over everything where there is none.
    pub axis: Option<usize>,
}

impl Op for ArgMax {
    fn name(&self) -> &'static str {
        "reduce/argmax"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        Spec::u32(Middle::output(&inputs[0].shape, self.axis, false))
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let shape = inputs[0].spec().shape;
        let Middle { outer, axis, inner } = Middle::new(&shape, self.axis);
        let x = flat(inputs[0]);
        let results = (0..outer * inner).map(|n| {
            let key = |a: usize| By::Value.key(x[n / inner * axis * inner + n % inner + a * inner]);
            // Of equal keys the reversed index makes the first the largest.
            (0..axis).max_by_key(|&a| (key(a), std::cmp::Reverse(a))).map_or(u32::MAX, |a| a as u32)
        });
        Array::from_u32(&Middle::output(&shape, self.axis, false), results.collect())
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let Middle { outer, axis, inner } = Middle::new(&inputs[0].shape, self.axis);
        if output.is_empty() {
            return Plan::default();
        }
        let launches = row_runs(outer, axis * inner).map(|run| {
            let x = input_part(0, Run { start: run.start * axis * inner, len: run.len * axis * inner }, inputs[0].len());
            let y = output_part(Run { start: run.start * inner, len: run.len * inner }, output.len());
            let params = Params::new(run.len as u32, axis as u32, inner as u32, x.base, y.base);
            launch(params, vec![x.slot, y.slot], grid(run.len * inner))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Indices.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "an index is flat where it has a slope at all" })
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let all_of = ArgMax { axis: None };
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), all_of, vec![float_array(&[n], 1)])).collect();
    all.extend(SIZES.iter().map(|&n| sample(format!("{n} ties"), all_of, vec![tied_array(&[n], 2)])));
    all.push(sample("wild", ArgMax { axis: Some(1) }, vec![wild_array(&[65, 64], 3)]));
    for (shape, axis) in [([5, 64, 3], 1), ([5, 65, 1], 0), ([300, 7, 2], 0), ([300, 7, 2], 2), ([2, 0, 3], 1)] {
        let op = ArgMax { axis: Some(axis) };
        all.push(sample(format!("{shape:?} along {axis}"), op, vec![tied_array(&shape, 4)]));
        all.push(tiled(format!("{shape:?} along {axis}"), op, vec![tied_array(&shape, 5)], 4096));
    }
    all
}
