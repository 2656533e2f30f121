//! How far the rows of two matrices are apart.

use espalier_kernels::loss::divergence::Params;

use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::plan::{Run, input_part, output_part, row_launch, row_path, row_runs};
use crate::ops::sampling::{float_array, sample, tied_array, tiled};
use crate::ops::values::{ULP, flat, gamma, magnitude};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `p [n, width]` and `q [n, width]` to `[n]`. Finite elements only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Divergence {
    /// Jensen–Shannon divergence of the rows' softmaxes in nats, with 1e-10 added to every probability as Condense-MoE's code does
    /// (specification lowrank-moe §2.3): 0 for equal rows, ln 2 for rows that share nothing.
    JensenShannon,
    /// Mean of the squared differences.
    MeanSquare,
    /// One minus the cosine; of a row of zeros 0 beside another such, else 1.
    Cosine,
}

/// Added to every probability.
const EPSILON: f64 = 1e-10;

impl Divergence {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::JensenShannon, Self::MeanSquare, Self::Cosine];

    /// Of one row, in double precision.
    pub fn row(self, p: &[f32], q: &[f32]) -> f64 {
        let wide = |v: &[f32]| v.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
        match self {
            Self::JensenShannon => jensen_shannon(p, q),
            Self::MeanSquare => p.iter().zip(q).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>() / p.len() as f64,
            Self::Cosine => {
                let unit = |v: &[f32]| {
                    let v = wide(v);
                    let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
                    (norm > 0.0).then(|| v.into_iter().map(move |x| x / norm).collect::<Vec<f64>>())
                };
                match (unit(p), unit(q)) {
                    (Some(p), Some(q)) => p.iter().zip(&q).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / 2.0,
                    (None, None) => 0.0,
                    _ => 1.0,
                }
            }
        }
    }
}

fn softmax(x: &[f32]) -> Vec<f64> {
    let largest = f64::from(x.iter().copied().fold(-f32::MAX, f32::max));
    let mut y: Vec<f64> = x.iter().map(|x| (f64::from(*x) - largest).exp()).collect();
    let sum: f64 = y.iter().sum();
    y.iter_mut().for_each(|e| *e /= sum);
    y
}

/// ½ Σ m [(1 + r) ln(1 + r) + (1 − r) ln(1 − r)] with m = (a + b)/2 + ε and r = (a − b)/2m: the published sum of two Kullback–Leibler divergences, written so
/// that nothing cancels; it is never negative.
fn jensen_shannon(p: &[f32], q: &[f32]) -> f64 {
    let (a, b) = (softmax(p), softmax(q));
    let total: f64 = a.iter().zip(&b).map(|(a, b)| { let m = (a + b) / 2.0 + EPSILON; m * spread((a - b) / (2.0 * m)) }).sum();
    total / 2.0
}

/// (1 + r) ln(1 + r) + (1 − r) ln(1 − r) = Σ r²ᵏ / (k (2k − 1)), for |r| < 1.
fn spread(r: f64) -> f64 {
    let s = r * r;
    if s < 0.04 {
        // Nine terms: the tenth is under 0.04¹⁰ / 190 ≈ 6e-17.
        return s * (1..=9).rev().fold(0.0, |sum, k| sum * s + 1.0 / f64::from(k * (2 * k - 1)));
    }
    (1.0 + r) * r.ln_1p() + if r < 1.0 && r > -1.0 { (1.0 - r) * (-r).ln_1p() } else { 0.0 }
}

fn sizes(inputs: &[Spec]) -> [usize; 2] {
    let [rows, width] = inputs[0].shape[..] else { panic!("rows make a matrix, not {:?}", inputs[0].shape) };
    assert_eq!(inputs[0].shape, inputs[1].shape, "rows of one length, as many in both");
    assert!(width > 0, "a row has elements");
    [rows, width]
}

impl Op for Divergence {
    fn name(&self) -> &'static str {
        "loss/divergence"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        Spec::f32([sizes(inputs)[0]])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let [rows, width] = sizes(&[inputs[0].spec(), inputs[1].spec()]);
        let (p, q) = (flat(inputs[0]), flat(inputs[1]));
        let values = p.chunks_exact(width).zip(q.chunks_exact(width)).map(|(p, q)| self.row(p, q) as f32);
        Array::from_f32(&[rows], values.collect())
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let [rows, width] = sizes(inputs);
        if output.is_empty() {
            return Plan::default();
        }
        let kind = match self {
            Self::JensenShannon => 0,
            Self::MeanSquare => 1,
            Self::Cosine => 2,
        };
        let launches = row_runs(rows, width).map(|run| {
            let elements = Run { start: run.start * width, len: run.len * width };
            let (p, q) = (input_part(0, elements, rows * width), input_part(1, elements, rows * width));
            let y = output_part(run, rows);
            row_launch(Params::new(run.len as u32, width as u32, kind, p.base, q.base, y.base), vec![p.slot, q.slot, y.slot], run.len, width)
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Jensen–Shannon: with u half the difference of log-probabilities, r = tanh u and ∂(½ m spread)/∂u = m u (1 − tanh² u), at most 0.45 m in size,
    /// so that an error of u (that of a logarithm of a sum of exponentials, as in `CrossEntropy`, twice) counts at most so much; an error of m (units of
    /// `exp`) at most ln 2. Squares: three roundings a term and the path of the sum. Cosine: norms off by γ and three units move each direction by
    /// so much of a length of one, and half a squared distance d ≤ 2 by d times that.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let [_, width] = sizes(&[inputs[0].spec(), inputs[1].spec()]);
        let path = gamma(row_path(width) + 1);
        match self {
            Self::JensenShannon => {
                let distance = 2.0 * magnitude(inputs[0]).max(magnitude(inputs[1]));
                let log = (width as f32).ln();
                let exponent = (8.0 + 3.0 * log + 2.0 * distance.min(100.0) + distance) * ULP + path;
                Tolerance::absolute(2.0 * 0.45 * exponent + 0.7 * (12.0 * ULP + path) + path + f32::MIN_POSITIVE)
            }
            Self::MeanSquare => Tolerance { absolute: f32::MIN_POSITIVE, relative: path + 6.0 * ULP },
            Self::Cosine => Tolerance::absolute(4.0 * (path + 6.0 * ULP)),
        }
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "it measures; nothing is trained on it" })
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for op in Divergence::ALL {
        for width in [1, 10, 63, 64, 65, 257, 1031] {
            all.push(sample(format!("{op:?} 5×{width}"), op, vec![float_array(&[5, width], 1), float_array(&[5, width], 2)]));
        }
        all.push(sample(format!("{op:?} no rows"), op, vec![float_array(&[0, 5], 3), float_array(&[0, 5], 4)]));
        all.push(sample(format!("{op:?} equal rows"), op, vec![float_array(&[3, 65], 5), float_array(&[3, 65], 5)]));
        all.push(sample(format!("{op:?} ties"), op, vec![tied_array(&[7, 257], 6), tied_array(&[7, 257], 7)]));
        all.push(sample(format!("{op:?} zeros"), op, vec![Array::from_f32(&[2, 3], vec![0.0; 6]), Array::from_f32(&[2, 3], vec![0.0, 0.0, 0.0, 1.0, 0.0, 2.0])]));
        let near: Vec<f32> = crate::ops::sampling::floats(195, 8);
        let moved = near.iter().zip(crate::ops::sampling::floats(195, 9)).map(|(a, d)| a + d / 64.0).collect();
        all.push(sample(format!("{op:?} nearly equal"), op, vec![Array::from_f32(&[3, 65], near), Array::from_f32(&[3, 65], moved)]));
        let far = [vec![40.0, 0.0, -40.0], vec![-40.0, 0.0, 40.0]].map(|v| Array::from_f32(&[1, 3], v));
        all.push(sample(format!("{op:?} far apart"), op, far.into()));
        all.push(tiled(format!("{op:?} 29×65"), op, vec![float_array(&[29, 65], 10), float_array(&[29, 65], 11)], 1024));
    }
    all
}
