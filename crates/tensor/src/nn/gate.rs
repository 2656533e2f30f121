//! Gated units: one half of the columns opens and shuts the other (Dauphin et al. 2017; Shazeer 2020).

use crate::ops::elementwise::Unary;
use crate::ops::layout::Window;
use crate::tape::Var;
use crate::train::Pass;

/// What the gate's half goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// GLU: the sigmoid.
    Sigmoid,
    /// SwiGLU: x · sigmoid(x).
    Silu,
    /// GEGLU.
    Gelu,
    /// ReGLU.
    Relu,
}

/// `[n, 2d]` to `[n, d]`: the first half times the gate of the second (the order of PyTorch's `glu`). Panics on an odd width.
pub fn gated(pass: &Pass, x: &Var, gate: Gate) -> Var {
    let [n, width] = x.spec().shape[..] else { panic!("a gate opens columns of a matrix, not {:?}", x.spec().shape) };
    assert!(width % 2 == 0, "{width} columns have no two halves");
    let half = |right: usize| pass.run(Window { shape: [n, width / 2], down: 0, right: right as i32 }, &[x]);
    let kind = match gate {
        Gate::Sigmoid => Unary::Sigmoid,
        Gate::Silu => Unary::Silu,
        Gate::Gelu => Unary::Gelu,
        Gate::Relu => Unary::Relu,
    };
    pass.mul(&half(0), &pass.run(kind, &[&half(width / 2)]))
}
