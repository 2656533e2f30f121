//! AdamW's step on the weights.

use espalier_kernels::optim::adamw::Params;

use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::plan::{grid_of, input_part, launch, output_part, runs};
use crate::ops::sampling::{SIZES, float_array, positive_array, sample, tiled};
use crate::ops::values::{ULP, flat, ulps};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// New weights from weights, first and second moment (both already averaged with this step's gradient):
/// `w − η (m̂ / (√v̂ + ε) + λ w)` with `m̂ = m / (1 − β₁ᵗ)`, `v̂ = v / (1 − β₂ᵗ)` (Loshchilov and Hutter, *Decoupled Weight Decay
/// Regularization*, 2019, algorithm 2, in the form of its implementations, where λ is multiplied by η).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWStep {
    /// η.
    pub rate: f64,
    /// λ.
    pub decay: f64,
    /// β₁.
    pub beta1: f64,
    /// β₂.
    pub beta2: f64,
    /// ε.
    pub epsilon: f64,
    /// t, from 1.
    pub step: u32,
}

/// What the kernel gets, made in f64 and rounded once.
struct Factors {
    keep: f32,
    rate: f32,
    v_scale: f32,
    epsilon: f32,
}

impl AdamWStep {
    fn factors(&self) -> Factors {
        let correction = |beta: f64| 1.0 / (1.0 - beta.powf(f64::from(self.step)));
        Factors {
            keep: (1.0 - self.rate * self.decay) as f32,
            rate: (self.rate * correction(self.beta1)) as f32,
            v_scale: correction(self.beta2) as f32,
            epsilon: self.epsilon as f32,
        }
    }

    /// What is subtracted, beside the decay.
    fn change(factors: &Factors, m: f32, v: f32) -> f32 {
        factors.rate * m / ((v * factors.v_scale).sqrt() + factors.epsilon)
    }
}

impl Op for AdamWStep {
    fn name(&self) -> &'static str {
        "optim/adamw"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        assert!(inputs[0] == inputs[1] && inputs[0] == inputs[2], "weights and moments have one shape");
        assert!(self.step > 0, "steps count from 1");
        inputs[0].clone()
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let factors = self.factors();
        let [w, m, v] = [0, 1, 2].map(|i| flat(inputs[i]));
        let moments = m.iter().zip(v.iter());
        let new = w.iter().zip(moments).map(|(w, (&m, &v))| factors.keep * w - Self::change(&factors, m, v)).collect();
        Array::from_f32(&inputs[0].spec().shape, new)
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        let n = output.len();
        let Factors { keep, rate, v_scale, epsilon } = self.factors();
        let launches = runs(n).map(|run| {
            let [w, m, v] = [0, 1, 2].map(|i| input_part(i, run, n));
            let y = output_part(run, n);
            let params = Params::new(run.len as u32, keep, rate, v_scale, epsilon, w.base, y.base);
            launch(params, vec![w.slot, m.slot, v.slot, y.slot], grid_of(run.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// WGSL grants `sqrt` 4.5 units and a division 2.5; with the products and the sum, 10 units of the largest change; a fused product half
    /// a unit of the largest weight, and one of the result.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let factors = self.factors();
        let change = flat(inputs[1]).iter().zip(flat(inputs[2]).iter()).map(|(&m, &v)| Self::change(&factors, m, v).abs()).fold(0.0, f32::max);
        let weight = crate::ops::values::magnitude(inputs[0]);
        Tolerance { absolute: ULP * (10.0 * change + 0.5 * weight) + f32::MIN_POSITIVE, ..ulps(1.0) }
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "an optimiser's step is not part of what is trained" })
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let op = |step| AdamWStep { rate: 1e-2, decay: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, step };
    let inputs = |shape: &[usize]| vec![float_array(shape, 1), float_array(shape, 2), positive_array(shape, 3)];
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), op(3), inputs(&[n]))).collect();
    all.push(sample("first step", op(1), inputs(&[257])));
    all.push(sample("step 100000", op(100_000), inputs(&[257])));
    let zeros = Array::from_f32(&[65], vec![0.0; 65]);
    all.push(sample("no gradient yet", op(1), vec![float_array(&[65], 4), zeros.clone(), zeros]));
    all.push(tiled("13×79", op(2), inputs(&[13, 79]), 1024));
    all
}
