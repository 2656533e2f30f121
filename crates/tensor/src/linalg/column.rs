//! Twin of `linalg/column.wgsl`: column k, brought up to date.

use espalier_kernels::linalg::column::Params;

use super::state::{SUMS, State};
use crate::op::{Launch, Slot};
use crate::ops::plan::launch;

/// Workgroups that take part.
pub fn groups(m: usize, k: usize) -> usize {
    (m - k).div_ceil(256).clamp(1, SUMS)
}

/// Scratch 0 is the matrix, scratch 1 the state.
pub fn plan(m: usize, n: usize, k: usize) -> Launch {
    let params = Params::new(m as u32, n as u32, k as u32);
    launch(params, vec![Slot::Scratch(0), Slot::Scratch(1)], [groups(m, k) as u32, 1, 1])
}

/// Takes column k out of `matrix − v·xᵀ − y·uᵀ`.
pub fn cpu(s: &mut State, k: usize) {
    for i in k..s.m {
        s.column[i] = s.matrix[i * s.n + k] - s.v[i] * s.x[k] - s.y[i] * s.u[k];
    }
}
