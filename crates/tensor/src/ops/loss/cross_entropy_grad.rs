//! The gradient of [`CrossEntropy`](super::CrossEntropy).

use espalier_kernels::loss::cross_entropy_grad::Params;

use super::{class_samples, classes};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::exponential::exponential;
use crate::ops::plan::{Run, grid_of, input_part, launch, output_part, row_runs};
use crate::ops::values::{ULP, flat, flat_u32, magnitude};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `logits [n, classes]`, `targets [n]` (integers), their `losses [n]` and `g [n]` to `(softmax(logits) − onehot(target)) · g`, zero in rows that are left out.
/// The loss tells the shares without another look along the row: ln p = logit − logit of the target − loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossEntropyGrad;

impl Op for CrossEntropyGrad {
    fn name(&self) -> &'static str {
        "loss/cross_entropy_grad"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let (n, width) = classes(&inputs[..2]);
        assert!(inputs[2].shape == [n] && inputs[3].shape == [n], "one loss and one slope a row");
        Spec::f32([n, width])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let (n, width) = classes(&[inputs[0].spec(), inputs[1].spec()]);
        let (x, targets, losses, g) = (flat(inputs[0]), flat_u32(inputs[1]), flat(inputs[2]), flat(inputs[3]));
        let mut dx = x.into_owned();
        for (r, row) in dx.chunks_mut(width.max(1)).enumerate() {
            let chosen = targets[r] as usize;
            if chosen >= width {
                row.fill(0.0);
                continue;
            }
            let own = row[chosen];
            row.iter_mut().for_each(|x| *x = exponential((*x - own) - losses[r]) * g[r]);
            row[chosen] = (exponential(-losses[r]) - 1.0) * g[r];
        }
        Array::from_f32(&[n, width], dx)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let (n, width) = classes(&inputs[..2]);
        if output.is_empty() {
            return Plan::default();
        }
        let launches = row_runs(n, width).map(|run| {
            let elements = Run { start: run.start * width, len: run.len * width };
            let (x, y) = (input_part(0, elements, n * width), output_part(elements, n * width));
            let [t, l, g] = [1, 2, 3].map(|i| input_part(i, run, n));
            let params = Params::new(elements.len as u32, width as u32, x.base, t.base, y.base);
            launch(params, vec![x.slot, t.slot, l.slot, g.slot, y.slot], grid_of(elements.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Two differences round by half a unit of at most twice the largest logit each; WGSL grants `exp(d)` 3 + 2|d| units, and (3 + 2|d|)·eᵈ ≤ 3.3 for d ≤ 0; the twin's
    /// exponential, the difference and the product add a unit each; times the largest slope.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        Tolerance::absolute((7.0 + 2.0 * magnitude(inputs[0])) * ULP * magnitude(inputs[3]) + f32::MIN_POSITIVE)
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "it is a gradient itself, and second derivatives are not provided" })
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    class_samples(CrossEntropyGrad, true)
}
