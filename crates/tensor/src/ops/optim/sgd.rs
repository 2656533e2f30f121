//! The step of gradient descent with momentum.

use espalier_kernels::optim::sgd::Params;

use super::{packed, pieces, sizes};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Slot, Tolerance, Value};
use crate::ops::plan::{Run, grid_of, input_part, launch};
use crate::ops::sampling::{SIZES, floats, sample, tiled};
use crate::ops::values::{ULP, flat, magnitude, ulps};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// The state `[2, stride]` (weights, running sum of slopes), a gradient and a scale of it, to the new state: `s = g + λ w`, `u ← μ u + s`,
/// `w ← w − η u`, with Nesterov's look ahead `w ← w − η (s + μ u)` (Sutskever et al., *On the importance of initialization and momentum in deep learning*, 2013, in
/// the form of PyTorch, where the decay is part of the slope and the rate is outside the sum).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// η.
    pub rate: f64,
    /// λ.
    pub decay: f64,
    /// μ; 0 for none.
    pub momentum: f64,
    /// Whether to look ahead.
    pub nesterov: bool,
}

impl SgdStep {
    /// η, λ, μ.
    fn factors(&self) -> [f32; 3] {
        [self.rate, self.decay, self.momentum].map(|x| x as f32)
    }
}

impl Op for SgdStep {
    fn name(&self) -> &'static str {
        "optim/sgd"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        sizes(2, inputs);
        inputs[0].clone()
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        self.cpu_in_place(inputs[0].clone(), &inputs[1..])
    }

    fn cpu_in_place(&self, first: Array, others: &[&Array]) -> Array {
        let [rate, decay, momentum] = self.factors();
        let (gradient, scale) = (flat(others[0]), flat(others[1])[0]);
        let Array::F32(mut state) = first else { panic!("a float array was expected") };
        let stride = state.shape()[1];
        let (w, u) = state.as_slice_mut().expect("states are made row by row").split_at_mut(stride);
        for ((w, u), g) in w.iter_mut().zip(u).zip(gradient.iter()) {
            let slope = decay * *w + g * scale;
            *u = momentum * *u + slope;
            *w -= rate * if self.nesterov { slope + momentum * *u } else { *u };
        }
        Array::F32(state)
    }

    fn gpu(&self, inputs: &[Spec], _output: &Spec) -> Plan {
        let (n, stride) = sizes(2, inputs);
        let [rate, decay, momentum] = self.factors();
        let launches = pieces(2, n, stride).map(|piece| {
            let g = input_part(1, Run { len: piece.real as usize, ..piece.run }, n);
            let params = Params::new(piece.run.len as u32, piece.real, rate, decay, momentum, u32::from(self.nesterov), g.base);
            launch(params, [piece.from, vec![g.slot, Slot::Input(2)], piece.to].concat(), grid_of(piece.run.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Three products and three sums, each of which a device may fuse: two units of the sum of the terms' magnitudes, which is at most
    /// (1 + μ)(|g| + λ|w| + μ|u|) for the slope and what follows from it, and one of the result.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let [rate, decay, momentum] = self.factors();
        let state = magnitude(inputs[0]);
        let terms = (1.0 + momentum) * (magnitude(inputs[1]) * magnitude(inputs[2]) + (decay + momentum) * state);
        Tolerance { absolute: ULP * 2.0 * terms * rate.max(1.0) + f32::MIN_POSITIVE, ..ulps(1.0) }
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
    let plain = SgdStep { rate: 0.1, decay: 0.0, momentum: 0.0, nesterov: false };
    let heavy = SgdStep { rate: 0.05, decay: 5e-4, momentum: 0.9, nesterov: false };
    let inputs = |n: usize, scale: f32| {
        vec![packed(&[floats(n, 1), floats(n, 2)]), Array::from_f32(&[n], floats(n, 3)), Array::from_f32(&[1], vec![scale])]
    };
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), heavy, inputs(n, 1.0))).collect();
    all.push(sample("no momentum", plain, inputs(257, 1.0)));
    all.push(sample("Nesterov", SgdStep { nesterov: true, ..heavy }, inputs(257, 1.0)));
    all.push(sample("clipped", heavy, inputs(257, 0.1)));
    all.push(tiled("1031", SgdStep { nesterov: true, ..heavy }, inputs(1031, 1.0), 1024));
    all
}
