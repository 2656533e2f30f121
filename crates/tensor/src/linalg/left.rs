//! Twin of `linalg/left.wgsl`: the reflector v of column k, the rest of the matrix brought up to date, and vᵀ·A.

use espalier_kernels::linalg::left::Params;

use super::column;
use super::state::{Reflector, State, sum};
use crate::op::{Launch, Slot};
use crate::ops::plan::launch;

/// Tiles of rows at most.
pub const TILES: usize = 64;

/// Rows a tile: few enough for many workgroups, and never more than [`TILES`] tiles.
pub fn tile(m: usize, k: usize) -> usize {
    (m - k).div_ceil(TILES).next_multiple_of(4).max(16)
}

/// Scratch 0 is the matrix, 1 the state, 2 the tiles' shares.
pub fn plan(m: usize, n: usize, k: usize) -> Launch {
    let tile = tile(m, k);
    let params = Params::new(m as u32, n as u32, k as u32, column::groups(m, k) as u32, tile as u32);
    let groups = [(n - k - 1).div_ceil(64).max(1) as u32, (m - k).div_ceil(tile) as u32, 1];
    launch(params, vec![Slot::Scratch(0), Slot::Scratch(1), Slot::Scratch(2), Slot::Output], groups)
}

/// Ends with vᵀ·A (before its factor τ) in `x`, and v in `v`.
pub fn cpu(s: &mut State, k: usize) {
    let n = s.n;
    s.left = Reflector::new(s.column[k], sum(s.column[k + 1..].iter().map(|c| c * c)));
    s.diagonal.push(s.left.beta);
    for i in k..s.m {
        for j in k + 1..n {
            s.matrix[i * n + j] -= s.v[i] * s.x[j] + s.y[i] * s.u[j];
        }
    }
    for i in k..s.m {
        s.v[i] = if i == k { 1.0 } else { s.column[i] * s.left.inverse };
    }
    for j in k + 1..n {
        s.x[j] = sum((k..s.m).map(|i| s.v[i] * s.matrix[i * n + j]));
    }
}
