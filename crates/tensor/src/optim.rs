//! Optimisers over tensors.

use crate::array::Spec;
use crate::ops::optim::{AdamWStep, Moment};
use crate::session::{Session, Tensor};

/// What AdamW is to do. The defaults are those of its usual implementations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// Learning rate η.
    pub rate: f64,
    /// Weight decay λ, decoupled: weights shrink by η·λ a step, whatever their gradients.
    pub decay: f64,
    /// Share of the past in the average of gradients.
    pub beta1: f64,
    /// Share of the past in the average of their squares.
    pub beta2: f64,
    /// Keeps the division from blowing up.
    pub epsilon: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { rate: 1e-3, decay: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// AdamW (Loshchilov and Hutter, *Decoupled Weight Decay Regularization*, 2019): the state of one list of parameters.
pub struct AdamW {
    /// May be changed between steps (schedules).
    pub config: AdamWConfig,
    step: u32,
    moments: Vec<(Tensor, Tensor)>,
}

impl AdamW {
    /// A fresh state for parameters of these shapes.
    pub fn new<'a>(session: &Session, config: AdamWConfig, specs: impl IntoIterator<Item = &'a Spec>) -> Self {
        let zeros = |spec: &Spec| session.allocate(spec.clone());
        Self { config, step: 0, moments: specs.into_iter().map(|spec| (zeros(spec), zeros(spec))).collect() }
    }

    /// Steps taken.
    pub fn steps(&self) -> u32 {
        self.step
    }

    /// One step on all parameters, given their gradients in the same order; a parameter without a gradient stays as it is.
    /// Panics where their number is not that of the state: a bug of the caller.
    pub fn step(&mut self, session: &Session, parameters: &mut [Tensor], gradients: &[Option<&Tensor>]) {
        assert!(parameters.len() == self.moments.len() && gradients.len() == self.moments.len(), "one gradient a parameter, in order");
        self.step += 1;
        let AdamWConfig { rate, decay, beta1, beta2, epsilon } = self.config;
        let update = AdamWStep { rate, decay, beta1, beta2, epsilon, step: self.step };
        for ((w, (m, v)), g) in parameters.iter_mut().zip(&mut self.moments).zip(gradients) {
            let Some(g) = g else { continue };
            *m = session.run(&Moment { beta: beta1, square: false }, &[m, g]);
            *v = session.run(&Moment { beta: beta2, square: true }, &[v, g]);
            *w = session.run(&update, &[w, m, v]);
        }
    }
}
