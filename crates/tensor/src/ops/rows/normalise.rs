//! Rows brought to a mean square of one: what RMSNorm and LayerNorm do before their weights.

use espalier_kernels::rows::normalise::Params;

use super::{launches, rows};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::elementwise::{Affine, Binary, Unary};
use crate::ops::plan::row_path;
use crate::ops::reduce::{Fold, FoldKind};
use crate::ops::sampling::{SIZES, float_array, sample, tied_array, tiled};
use crate::ops::values::{ULP, flat, gamma};
use crate::session::Tensor;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `c / √(mean(c²) + ε)` along the last axis, with c = x (RMSNorm: Zhang and Sennrich 2019) or c = x − mean(x) (LayerNorm: Ba et al. 2016).
/// Weights and biases are `Binary::Mul` and `Binary::Add` behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalise {
    /// Whether the row's mean is taken off first.
    pub centred: bool,
    /// ε, under the root.
    pub epsilon: f32,
}

impl Normalise {
    /// RMSNorm.
    pub fn rms(epsilon: f32) -> Self {
        Self { centred: false, epsilon }
    }

    /// LayerNorm.
    pub fn layer(epsilon: f32) -> Self {
        Self { centred: true, epsilon }
    }

    /// Mean (0 where it is not taken off) and factor of one row, in f64.
    fn moments(self, row: &[f32]) -> (f64, f64) {
        let n = row.len() as f64;
        let mean = if self.centred { row.iter().map(|&x| f64::from(x)).sum::<f64>() / n } else { 0.0 };
        let square = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
        (mean, 1.0 / (square + f64::from(self.epsilon)).sqrt())
    }
}

impl Op for Normalise {
    fn name(&self) -> &'static str {
        "rows/normalise"
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
            let (mean, factor) = self.moments(row);
            row.iter_mut().for_each(|x| *x = ((f64::from(*x) - mean) * factor) as f32);
        }
        Array::from_f32(&spec.shape, y)
    }

    fn gpu(&self, inputs: &[Spec], _output: &Spec) -> Plan {
        let params = |rows, width, x, y| Params::new(rows, width, u32::from(self.centred), self.epsilon, x, y);
        Plan { scratch: Vec::new(), launches: launches(&inputs[0], params) }
    }

    /// The mean errs by γ·max|x| (γ for the sum's path) and c by half a unit more, together d; the mean square by γ of itself and 2d·√(mean c²), so that
    /// the factor f errs by the share γ/2 + f·d and WGSL's 2 units of `inverseSqrt`; and |y| ≤ √width.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let (_, width) = rows(&inputs[0].spec());
        let path = gamma(row_path(width) + 2);
        let x = flat(inputs[0]);
        let bound = x.chunks(width.max(1)).map(|row| {
            let largest = row.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
            let d = if self.centred { (path + ULP) * largest } else { 0.0 };
            let factor = self.moments(row).1 as f32;
            factor * d + (width as f32).sqrt() * (path + 5.0 * ULP + factor * d)
        });
        Tolerance::absolute(bound.fold(f32::MIN_POSITIVE, f32::max))
    }

    /// With f the factor: dx = f · (g − y · mean(g·y)), less its own mean where x was centred.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        let Vjp { session, inputs, output: y, grad: g, .. } = vjp;
        let last = y.spec().shape.len() - 1;
        let mean = |t: &Tensor| session.run(&Fold::keeping(FoldKind::Mean, last), &[t]);
        let x = &inputs[0];
        let c = if self.centred { session.run(&Binary::Sub, &[x, &mean(x)]) } else { x.clone() };
        let square = mean(&session.run(&Unary::Square, &[&c]));
        let factor = session.run(&Unary::Rsqrt, &[&session.run(&Affine { scale: 1.0, shift: self.epsilon }, &[&square])]);
        let along = mean(&session.run(&Binary::Mul, &[g, y]));
        let mut rest = session.run(&Binary::Sub, &[g, &session.run(&Binary::Mul, &[y, &along])]);
        if self.centred {
            // mean(y) = 0, so only the gradient's own mean has to go.
            rest = session.run(&Binary::Sub, &[&rest, &mean(g)]);
        }
        Ok(vec![Some(session.run(&Binary::Mul, &[&rest, &factor]))])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for (name, op) in [("rms", Normalise::rms(1e-5)), ("layer", Normalise::layer(1e-5))] {
        all.extend(SIZES.iter().map(|&n| sample(format!("{name} 3×{n}"), op, vec![float_array(&[3, n], 1)])));
        all.push(sample(format!("{name} vector"), op, vec![float_array(&[65], 2)]));
        all.push(sample(format!("{name} 2×3×5"), op, vec![float_array(&[2, 3, 5], 3)]));
        all.push(sample(format!("{name} no rows"), op, vec![float_array(&[0, 5], 3)]));
        all.push(sample(format!("{name} ties"), op, vec![tied_array(&[7, 257], 4)]));
        all.push(sample(format!("{name} all equal, far"), op, vec![Array::from_f32(&[2, 4], vec![0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0, 3.0])]));
        all.push(tiled(format!("{name} 29×65"), op, vec![float_array(&[29, 65], 5)], 1024));
    }
    all
}
