//! Cross-entropy of rows of logits against one class each.

use espalier_kernels::loss::cross_entropy::Params;

use super::{CrossEntropyGrad, class_samples, classes};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::exponential::{largest, sum_of_exponentials};
use crate::ops::plan::{Run, input_part, output_part, row_launch, row_path, row_runs};
use crate::ops::values::{ULP, flat, flat_u32, gamma, magnitude};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `logits [n, classes]` and `targets [n]` (integers) to `[n]`: `−ln softmax(logits)[target]` of each row, in nats. A target past the last class is
/// left out: its row costs 0. Finite logits only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossEntropy;

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "loss/cross_entropy"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        Spec::f32([classes(inputs).0])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let (n, width) = classes(&[inputs[0].spec(), inputs[1].spec()]);
        let (x, targets) = (flat(inputs[0]), flat_u32(inputs[1]));
        let losses = (0..n).map(|r| {
            let row = &x[r * width..(r + 1) * width];
            let Some(chosen) = row.get(targets[r] as usize) else { return 0.0 };
            let most = largest(row);
            (sum_of_exponentials(row, most).ln() - f64::from(chosen - most)) as f32
        });
        Array::from_f32(&[n], losses.collect())
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let (n, width) = classes(inputs);
        if output.is_empty() {
            return Plan::default();
        }
        let launches = row_runs(n, width).map(|run| {
            let x = input_part(0, Run { start: run.start * width, len: run.len * width }, n * width);
            let (t, y) = (input_part(1, run, n), output_part(run, n));
            row_launch(Params::new(run.len as u32, width as u32, x.base, t.base, y.base), vec![x.slot, t.slot, y.slot], run.len, width)
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// The sum of exponentials (of which one is 1) is off by the units of `exp`, (3 + 2|d|)·eᵈ ≤ 3.3 for each of at most `width` terms that matter by
    /// their share, and γ of its path; the logarithm turns that into an absolute error and adds 2⁻²¹ and 3 units of itself; the difference
    /// of two logits adds half a unit of it.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let (_, width) = classes(&[inputs[0].spec(), inputs[1].spec()]);
        let distance = 2.0 * magnitude(inputs[0]);
        let log = (width.max(1) as f32).ln();
        Tolerance::absolute((9.0 + 3.0 * log + 2.0 * distance.min(100.0) + distance) * ULP + gamma(row_path(width)))
    }

    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Ok(vec![Some(vjp.session.run(&CrossEntropyGrad, &[&vjp.inputs[0], &vjp.inputs[1], vjp.output, vjp.grad])), None])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    class_samples(CrossEntropy, false)
}
