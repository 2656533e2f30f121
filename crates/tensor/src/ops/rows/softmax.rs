//! Softmax along the last axis.

use espalier_kernels::rows::softmax::Params;

use super::{launches, row_samples, rows};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance, Value};
use crate::ops::elementwise::Binary;
use crate::ops::exponential::{exponentials, largest};
use crate::ops::plan::row_path;
use crate::ops::reduce::{Fold, FoldKind};
use crate::ops::values::{ULP, flat, gamma};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `eˣ / Σ eˣ` along the last axis, computed with x − max x. Finite elements only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax;

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "rows/softmax"
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
            let sum = exponentials(row, most) as f32;
            row.iter_mut().for_each(|e| *e /= sum);
        }
        Array::from_f32(&spec.shape, y)
    }

    fn gpu(&self, inputs: &[Spec], _output: &Spec) -> Plan {
        Plan { scratch: Vec::new(), launches: launches(&inputs[0], Params::new) }
    }

    /// WGSL grants `exp(d)` 3 + 2|d| units, and (3 + 2|d|)·eᵈ ≤ 3.3 units of 1 for d ≤ 0: in the numerator (≤ 1 of a sum ≥ 1), in the
    /// sum (its share again), with γ for its path, and 2.5 units of the division; the twin's exponentials add a unit in both places.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let (_, width) = rows(&inputs[0].spec());
        Tolerance::absolute(12.0 * ULP + gamma(row_path(width)))
    }

    fn looks_at(&self, value: Value, _wanted: &[bool]) -> bool {
        value == Value::Output
    }

    /// `dx = y · (g − Σ g·y)`.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        let Vjp { session, output: y, grad: g, .. } = vjp;
        let last = y.spec().shape.len() - 1;
        let weighted = session.run(&Binary::Mul, &[g, y]);
        let sum = session.run(&Fold::keeping(FoldKind::Sum, last), &[&weighted]);
        Ok(vec![Some(session.run(&Binary::Mul, &[y, &session.run(&Binary::Sub, &[g, &sum])]))])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    row_samples(Softmax)
}
