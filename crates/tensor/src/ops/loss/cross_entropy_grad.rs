//! The gradient of [`CrossEntropy`](super::CrossEntropy).

use espalier_kernels::loss::cross_entropy_grad::Params;

use super::{class_samples, classes};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::plan::{Run, grid, input_part, launch, output_part, row_runs};
use crate::ops::values::{ULP, flat, flat_u32, gamma, magnitude};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `logits [n, classes]`, `targets [n]` (integers) and `g [n]` to `(softmax(logits) − onehot(target)) · g`, zero in rows that are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossEntropyGrad;

impl Op for CrossEntropyGrad {
    fn name(&self) -> &'static str {
        "loss/cross_entropy_grad"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let (n, width) = classes(&inputs[..2]);
        assert_eq!(inputs[2].shape, [n], "one slope a row");
        Spec::f32([n, width])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let (n, width) = classes(&[inputs[0].spec(), inputs[1].spec()]);
        let (x, targets, g) = (flat(inputs[0]), flat_u32(inputs[1]), flat(inputs[2]));
        let mut dx = x.into_owned();
        for (r, row) in dx.chunks_mut(width.max(1)).enumerate() {
            let chosen = targets[r] as usize;
            if chosen >= width {
                row.fill(0.0);
                continue;
            }
            let largest = row.iter().copied().fold(-f32::MAX, f32::max);
            row.iter_mut().for_each(|x| *x = (*x - largest).exp());
            let sum = row.iter().map(|&e| f64::from(e)).sum::<f64>() as f32;
            row.iter_mut().enumerate().for_each(|(i, e)| *e = (*e / sum - if i == chosen { 1.0 } else { 0.0 }) * g[r]);
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
            let (t, g) = (input_part(1, run, n), input_part(2, run, n));
            let params = Params::new(run.len as u32, width as u32, x.base, t.base, y.base);
            launch(params, vec![x.slot, t.slot, g.slot, y.slot], grid(run.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// As [`Softmax`](crate::ops::rows::Softmax), times the largest slope; the difference and the product add a unit each.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let (_, width) = classes(&[inputs[0].spec(), inputs[1].spec()]);
        Tolerance::absolute((12.0 * ULP + gamma(width.div_ceil(256) + 8)) * magnitude(inputs[2]) + f32::MIN_POSITIVE)
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "it is a gradient itself, and second derivatives are not provided" })
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    class_samples(CrossEntropyGrad, true)
}
