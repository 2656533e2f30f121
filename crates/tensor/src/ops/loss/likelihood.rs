//! The likelihood of one word a row, over a vocabulary that comes in tiles.

use espalier_kernels::loss::likelihood::Params;

use crate::array::{Array, DType, Spec};
use crate::op::{Op, Plan, Sample, Slot, Tolerance};
use crate::ops::exponential::{exponential, largest, sum_of_exponentials};
use crate::ops::plan::{Run, input_part, limits, row_launch, row_path, row_runs};
use crate::ops::sampling::{SIZES, float_array, indices, sample, tiled};
use crate::ops::values::{ULP, flat, flat_u32, gamma, magnitude};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Takes `logits [rows, width]` of the words from `first` on, `words [rows]` (integers) and a state `[rows, 3]` into the next state: the largest logit so
/// far, Σ exp(logit − largest) so far, and the logit of the row's word (0 until its tile came). After the last tile the row's negative
/// log-likelihood is `state₀ + ln state₁ − state₂`. The first state is [`Likelihood::start`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Likelihood {
    /// Word of the tile's first logit.
    pub first: usize,
}

/// Stands for minus infinity, so that nothing overflows on the way.
const LOWEST: f32 = -3.0e38;

impl Likelihood {
    /// The state before the first tile.
    pub fn start(rows: usize) -> Array {
        Array::from_f32(&[rows, 3], [LOWEST, 0.0, 0.0].repeat(rows))
    }

    /// Negative log-likelihoods in nats from the last state.
    pub fn nats(state: &Array) -> Vec<f64> {
        flat(state).chunks_exact(3).map(|s| f64::from(s[0]) + f64::from(s[1]).ln() - f64::from(s[2])).collect()
    }

    fn sizes(inputs: &[Spec]) -> [usize; 2] {
        let [rows, width] = inputs[0].shape[..] else { panic!("logits are a matrix, not {:?}", inputs[0].shape) };
        assert_eq!((&inputs[1].shape[..], inputs[1].dtype), (&[rows][..], DType::U32), "one word a row");
        assert_eq!(inputs[2].shape, [rows, 3], "one state a row");
        [rows, width]
    }
}

impl Op for Likelihood {
    fn name(&self) -> &'static str {
        "loss/likelihood"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let [rows, _] = Self::sizes(inputs);
        Spec::f32([rows, 3])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let specs: Vec<Spec> = inputs.iter().map(|a| a.spec()).collect();
        let [rows, width] = Self::sizes(&specs);
        let (x, words) = (flat(inputs[0]), flat_u32(inputs[1]));
        let mut y = flat(inputs[2]).into_owned();
        for ((state, &word), r) in y.chunks_exact_mut(3).zip(words.iter()).zip(0..rows) {
            let row = &x[r * width..][..width];
            let most = largest(row).max(state[0]);
            let sum = sum_of_exponentials(row, most) as f32;
            state[1] = state[1] * exponential(state[0] - most) + sum;
            state[0] = most;
            if let Some(&v) = (word as usize).checked_sub(self.first).and_then(|w| row.get(w)) {
                state[2] = v;
            }
        }
        Array::from_f32(&[rows, 3], y)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let [rows, width] = Self::sizes(inputs);
        if output.is_empty() {
            return Plan::default();
        }
        assert!(output.bytes() <= limits().binding, "the states fit a binding");
        let launches = row_runs(rows, width).map(|run| {
            let x = input_part(0, Run { start: run.start * width, len: run.len * width }, rows * width);
            let params = Params::new(run.len as u32, width as u32, self.first as u32, x.base, run.start as u32);
            row_launch(params, vec![x.slot, Slot::Input(1), Slot::Input(2), Slot::Output], run.len, width)
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// The sum as in `Softmax`: 3.3 units of `exp`, one of the twin, and γ of the path, of at most as many ones as there are words so far; logits are copied.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let specs: Vec<Spec> = inputs.iter().map(|a| a.spec()).collect();
        let [_, width] = Self::sizes(&specs);
        let sums = flat(inputs[2]).chunks_exact(3).fold(0.0_f32, |m, s| m.max(s[1])) + width as f32;
        let distance = 2.0 * magnitude(inputs[0]).min(100.0);
        Tolerance::absolute(sums * (gamma(row_path(width) + 1) + (6.0 + distance) * ULP) + f32::MIN_POSITIVE)
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "it measures; a loss to train on is LogSoftmax, OneHot, Mul and Fold" })
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let words = |n: usize, below: usize| Array::from_u32(&[n], indices(n, below, 2));
    let mut all: Vec<_> = SIZES
        .iter()
        .map(|&n| sample(format!("first tile of {n}"), Likelihood { first: 0 }, vec![float_array(&[3, n], 1), words(3, n), Likelihood::start(3)]))
        .collect();
    let later = |rows: usize| Array::from_f32(&[rows, 3], [1.5, 7.25, 0.5].repeat(rows));
    all.push(sample("a later tile", Likelihood { first: 100 }, vec![float_array(&[65, 40], 3), words(65, 200), later(65)]));
    all.push(sample("no rows", Likelihood { first: 0 }, vec![float_array(&[0, 4], 3), words(0, 4), Likelihood::start(0)]));
    all.push(tiled("41×65", Likelihood { first: 0 }, vec![float_array(&[41, 65], 4), words(41, 65), Likelihood::start(41)], 1024));
    all
}
