//! AdamW's step.

use espalier_kernels::optim::adamw::Params;

use super::{packed, pieces, sizes};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Slot, Tolerance, Value};
use crate::ops::plan::{Run, grid_of, input_part, launch};
use crate::ops::sampling::{SIZES, floats, positive, sample, tiled};
use crate::ops::values::{ULP, flat, magnitude, ulps};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// The state `[3, stride]` (weights, first and second moment), a gradient and a scale of it, to the new state:
/// `m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`, `w ← w − η (m̂ / (√v̂ + ε) + λ w)` with `m̂ = m / (1 − β₁ᵗ)`, `v̂ = v / (1 − β₂ᵗ)`
/// (Loshchilov and Hutter, *Decoupled Weight Decay Regularization*, 2019, algorithm 2, in the form of its implementations, where λ is multiplied by η).
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
    m_rest: f32,
    v_keep: f32,
    v_rest: f32,
}

impl Factors {
    /// The new weight and moments.
    fn step(&self, [w, m, v]: [f32; 3], g: f32) -> [f32; 3] {
        let m = m + self.m_rest * (g - m);
        let v = self.v_keep * v + self.v_rest * (g * g);
        [self.keep * w - self.change(m, v), m, v]
    }

    /// What is subtracted, beside the decay.
    fn change(&self, m: f32, v: f32) -> f32 {
        self.rate * m / ((v * self.v_scale).sqrt() + self.epsilon)
    }
}

impl AdamWStep {
    fn factors(&self) -> Factors {
        assert!(self.step > 0, "steps count from 1");
        let correction = |beta: f64| 1.0 / (1.0 - beta.powf(f64::from(self.step)));
        Factors {
            keep: (1.0 - self.rate * self.decay) as f32,
            rate: (self.rate * correction(self.beta1)) as f32,
            v_scale: correction(self.beta2) as f32,
            epsilon: self.epsilon as f32,
            m_rest: (1.0 - self.beta1) as f32,
            v_keep: self.beta2 as f32,
            v_rest: (1.0 - self.beta2) as f32,
        }
    }
}

impl Op for AdamWStep {
    fn name(&self) -> &'static str {
        "optim/adamw"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        sizes(3, inputs);
        inputs[0].clone()
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        self.cpu_in_place(inputs[0].clone(), &inputs[1..])
    }

    fn cpu_in_place(&self, first: Array, others: &[&Array]) -> Array {
        let factors = self.factors();
        let (gradient, scale) = (flat(others[0]), flat(others[1])[0]);
        let Array::F32(mut state) = first else { panic!("a float array was expected") };
        let stride = state.shape()[1];
        let all = state.as_slice_mut().expect("states are made row by row");
        let (w, moments) = all.split_at_mut(stride);
        let (m, v) = moments.split_at_mut(stride);
        for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(gradient.iter()) {
            [*w, *m, *v] = factors.step([*w, *m, *v], g * scale);
        }
        Array::F32(state)
    }

    fn gpu(&self, inputs: &[Spec], _output: &Spec) -> Plan {
        let (n, stride) = sizes(3, inputs);
        let f = self.factors();
        let launches = pieces(3, n, stride).map(|piece| {
            let g = input_part(1, Run { len: piece.real as usize, ..piece.run }, n);
            let params = Params::new(piece.run.len as u32, piece.real, f.keep, f.rate, f.v_scale, f.epsilon, f.m_rest, f.v_keep, f.v_rest, g.base);
            let buffers = [piece.from, vec![g.slot, Slot::Input(2)], piece.to].concat();
            launch(params, buffers, grid_of(piece.run.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// WGSL grants `sqrt` 4.5 units and a division 2.5; with the products and the sum, 10 units of the largest change. The moments that go in are off by
    /// two units of g and of g² (products may be fused), which the change sees as two units of itself and, through the root, one. A fused product adds half a
    /// unit of the largest weight, and one of the result; the moments themselves two units of the gradient and of its square.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let f = self.factors();
        let new = flat(&self.cpu(inputs)).into_owned();
        let stride = inputs[0].spec().shape[1];
        // A small second moment makes the change steep in it, but v ≥ (1 − β₂) g² bounds |m| / √v whenever g is what moved them.
        let change = (0..stride).map(|i| f.change(new[stride + i], new[2 * stride + i]).abs()).filter(|c| c.is_finite()).fold(0.0, f32::max);
        let g = magnitude(inputs[1]) * magnitude(inputs[2]);
        Tolerance { absolute: ULP * (16.0 * change + 0.5 * magnitude(inputs[0]) + 2.0 * g.max(g * g)) + f32::MIN_POSITIVE, ..ulps(1.0) }
    }

    fn looks_at(&self, _value: Value, _wanted: &[bool]) -> bool {
        false
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "an optimiser's step is not part of what is trained" })
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let op = |step| AdamWStep { rate: 1e-2, decay: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, step };
    let inputs = |n: usize, scale: f32| {
        let state = packed(&[floats(n, 1), floats(n, 2), positive(n, 3)]);
        vec![state, Array::from_f32(&[n], floats(n, 4)), Array::from_f32(&[], vec![scale])]
    };
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), op(3), inputs(n, 1.0))).collect();
    all.push(sample("clipped", op(2), inputs(257, 0.25)));
    all.push(sample("step 100000", op(100_000), inputs(257, 1.0)));
    let fresh = packed(&[floats(65, 5), vec![0.0; 65], vec![0.0; 65]]);
    all.push(sample("first step", op(1), vec![fresh.clone(), Array::from_f32(&[65], floats(65, 6)), Array::from_f32(&[], vec![1.0])]));
    all.push(sample("no gradient yet", op(1), vec![fresh, Array::from_f32(&[5, 13], vec![0.0; 65]), Array::from_f32(&[1], vec![1.0])]));
    all.push(tiled("1031", op(2), inputs(1031, 1.0), 1024));
    all
}
