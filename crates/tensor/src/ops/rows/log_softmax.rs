//! The logarithm of the softmax along the last axis.

use espalier_kernels::rows::log_softmax::Params;

use super::{Softmax, launches, row_samples, rows};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance, Value};
use crate::ops::elementwise::{Binary, Unary};
use crate::ops::exponential::{largest, sum_of_exponentials};
use crate::ops::plan::row_path;
use crate::ops::reduce::{Fold, FoldKind};
use crate::ops::values::{ULP, flat, gamma, magnitude};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `x − ln Σ eˣ` along the last axis, computed with x − max x. Finite elements only.
///
/// The cross-entropy of classes is minus the mean over rows of the column that is the class: with `OneHot`, `Binary::Mul` and `Fold`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSoftmax;

impl Op for LogSoftmax {
    fn name(&self) -> &'static str {
        "rows/log_softmax"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        rows(&inputs[0]);
        Spec::f32(inputs[0].shape.clone())
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let spec = inputs[0].spec();
        let (_, width) = rows(&spec);
        let mut y = flat(inputs[0]).into_owned();
        for row in y.chunks_mut(width.max(1)) {
            let most = largest(row);
            let shift = sum_of_exponentials(row, most).ln() as f32;
            row.iter_mut().for_each(|x| *x = *x - most - shift);
        }
        Array::from_f32(&spec.shape, y)
    }

    fn gpu(&self, inputs: &[Spec], _output: &Spec) -> Plan {
        Plan { scratch: Vec::new(), launches: launches(&inputs[0], Params::new) }
    }

    /// The sum's relative error as in `Softmax` (3.3 units, one of the twin, and γ for its path) is an absolute one of its logarithm; WGSL grants `log` 3 units or
    /// 2⁻²¹ = 4 units of 1; two subtractions round, each by half a unit of at most 2|x|.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let (_, width) = rows(&inputs[0].spec());
        let log = 3.0 * (width.max(1) as f32).ln();
        Tolerance::absolute((9.0 + log + 4.0 * magnitude(inputs[0])) * ULP + gamma(row_path(width)))
    }

    fn looks_at(&self, value: Value, _wanted: &[bool]) -> bool {
        matches!(value, Value::Input(0) | Value::Output)
    }

    /// `dx = g − eʸ · Σ g`. On a GPU softmax(x) in place of eʸ: WGSL grants a logarithm 2⁻²¹, which would come back as a share of every slope.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        let Vjp { session, inputs, output: y, grad: g, .. } = vjp;
        let last = g.spec().shape.len() - 1;
        let sum = session.run(&Fold::keeping(FoldKind::Sum, last), &[g]);
        let softmax = if session.is_gpu() { session.run(&Softmax, &[&inputs[0]]) } else { session.run(&Unary::Exp, &[y]) };
        let share = session.run(&Binary::Mul, &[&softmax, &sum]);
        Ok(vec![Some(session.run(&Binary::Sub, &[g, &share]))])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    row_samples(LogSoftmax)
}
