//! A linear layer.

use crate::ops::matmul::MatMul;
use crate::session::Tensor;
use crate::tape::Var;
use crate::train::{Draft, Key, Pass};

/// `y = x Wᵀ + b`: `[n, in]` to `[n, out]`, W `[out, in]`.
#[derive(Clone, Debug)]
pub struct Linear {
    /// W.
    pub weight: Key,
    /// b.
    pub bias: Option<Key>,
}

impl Linear {
    /// Parameters `NAME.weight` and `NAME.bias`, drawn evenly within ±1/√in (PyTorch's default).
    pub fn new(draft: &mut Draft, name: &str, inputs: usize, outputs: usize, bias: bool) -> Self {
        Self::within(draft, name, inputs, outputs, bias, 1.0 / (inputs.max(1) as f64).sqrt())
    }

    /// As [`Linear::new`], drawn evenly within ±reach.
    pub fn within(draft: &mut Draft, name: &str, inputs: usize, outputs: usize, bias: bool, reach: f64) -> Self {
        let weight = draft.uniform(format!("{name}.weight"), &[outputs, inputs], reach);
        let bias = bias.then(|| draft.uniform(format!("{name}.bias"), &[outputs], reach));
        Self { weight, bias }
    }

    /// The layer on a batch.
    pub fn forward(&self, pass: &Pass, x: &Var) -> Var {
        let y = pass.run(MatMul::NT, &[x, pass.parameter(self.weight)]);
        match self.bias {
            Some(bias) => pass.add(&y, pass.parameter(bias)),
            None => y,
        }
    }
}

/// `y = x (W ⊙ mask)ᵀ + b`: weights that are masked away neither act nor learn.
pub fn masked(pass: &Pass, layer: &Linear, mask: &Tensor, x: &Var) -> Var {
    let weight = pass.mul(pass.parameter(layer.weight), &pass.constant(mask.clone()));
    let y = pass.run(MatMul::NT, &[x, &weight]);
    match layer.bias {
        Some(bias) => pass.add(&y, pass.parameter(bias)),
        None => y,
    }
}
