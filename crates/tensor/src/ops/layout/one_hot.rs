//! Classes as rows with a single 1.

use espalier_kernels::layout::one_hot::Params;

use crate::array::{Array, DType, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::plan::{Run, grid_of, input_part, launch, output_part, row_runs};
use crate::ops::sampling::{SIZES, indices, sample, tiled};
use crate::ops::values::flat_u32;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `index [n]` (integers) to `[n, classes]`: 1 where the column is the index, 0 elsewhere. An index past the end gives a row of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneHot {
    /// Columns of the result.
    pub classes: usize,
}

impl Op for OneHot {
    fn name(&self) -> &'static str {
        "layout/one_hot"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        assert!(inputs[0].dtype == DType::U32 && inputs[0].shape.len() == 1, "a list of integers");
        Spec::f32([inputs[0].len(), self.classes])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let index = flat_u32(inputs[0]);
        let rows = index.iter().flat_map(|&i| (0..self.classes).map(move |c| if c == i as usize { 1.0 } else { 0.0 }));
        Array::from_f32(&[index.len(), self.classes], rows.collect())
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let n = inputs[0].len();
        if output.is_empty() {
            return Plan::default();
        }
        let launches = row_runs(n, self.classes).map(|run| {
            let index = input_part(0, run, n);
            let y = output_part(Run { start: run.start * self.classes, len: run.len * self.classes }, output.len());
            let params = Params::new(run.len as u32, self.classes as u32, index.base, y.base);
            launch(params, vec![index.slot, y.slot], grid_of(run.len * self.classes))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Zeros and ones.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "its input is an integer" })
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let at = |n: usize, below: usize| vec![Array::from_u32(&[n], indices(n, below, 1))];
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), OneHot { classes: 17 }, at(n, 20))).collect();
    all.push(sample("no classes", OneHot { classes: 0 }, at(5, 1)));
    all.push(tiled("257×65", OneHot { classes: 65 }, at(257, 65), 1024));
    all
}
