//! Twin of `linalg/row.wgsl`: x = τ·Aᵀ·v, and row k after the reflection.

use espalier_kernels::linalg::row::Params;

use super::left;
use super::state::{SUMS, State};
use crate::op::{Launch, Slot};
use crate::ops::plan::launch;

/// Workgroups that take part.
pub fn groups(n: usize, k: usize) -> usize {
    (n - k - 1).div_ceil(256).clamp(1, SUMS)
}

/// Scratch 0 is the matrix, 1 the state, 2 the tiles' shares.
pub fn plan(m: usize, n: usize, k: usize) -> Launch {
    let tiles = (m - k).div_ceil(left::tile(m, k));
    let params = Params::new(m as u32, n as u32, k as u32, tiles as u32);
    launch(params, vec![Slot::Scratch(0), Slot::Scratch(1), Slot::Scratch(2)], [groups(n, k) as u32, 1, 1])
}

/// Only where there is something right of the diagonal.
pub fn cpu(s: &mut State, k: usize) {
    for j in k + 1..s.n {
        s.x[j] *= s.left.tau;
        s.row[j] = s.matrix[k * s.n + j] - s.x[j];
    }
}
