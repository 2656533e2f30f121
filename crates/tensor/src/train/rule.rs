//! Which optimiser.

use crate::ops::optim::{AdamWStep, SgdStep};
use crate::session::{Session, Tensor};

/// How weights follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// AdamW (Loshchilov and Hutter 2019); Adam where the decay is 0.
    AdamW {
        /// Share of the past in the average of gradients.
        beta1: f64,
        /// Share of the past in the average of their squares.
        beta2: f64,
        /// Keeps the division from blowing up.
        epsilon: f64,
    },
    /// Gradient descent, with momentum and Nesterov's look ahead where wanted.
    Sgd {
        /// Share of the past in the running sum; 0 for none.
        momentum: f64,
        /// Whether to look ahead.
        nesterov: bool,
    },
}

impl Rule {
    /// AdamW with the constants of its usual implementations: 0.9, 0.999, 1e-8.
    pub const ADAMW: Self = Self::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

    /// Rows of a parameter's state: the weights, and what is remembered of each.
    pub fn rows(self) -> usize {
        self.names().len() + 1
    }

    /// What the rows behind the weights hold.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::AdamW { .. } => &["first_moment", "second_moment"],
            Self::Sgd { .. } => &["momentum"],
        }
    }

    /// The state after step `step` (from 1) with the gradient times `scale`.
    #[expect(clippy::too_many_arguments, reason = "a step has as many numbers")]
    pub(super) fn renew(self, session: &Session, state: Tensor, gradient: &Tensor, scale: &Tensor, rate: f64, decay: f64, step: u32) -> Tensor {
        match self {
            Self::AdamW { beta1, beta2, epsilon } => session.renew(&AdamWStep { rate, decay, beta1, beta2, epsilon, step }, state, &[gradient, scale]),
            Self::Sgd { momentum, nesterov } => session.renew(&SgdStep { rate, decay, momentum, nesterov }, state, &[gradient, scale]),
        }
    }
}
