//! Twin of `linalg/right.wgsl`: the reflector u of row k, and y = τ·A·u.

use espalier_kernels::linalg::right::Params;

use super::row;
use super::state::{Reflector, State, sum};
use crate::op::{Launch, Slot};
use crate::ops::plan::{grid, launch};

/// Rows a workgroup.
const ROWS: usize = 16;

/// Scratch 0 is the matrix, 1 the state.
pub fn plan(m: usize, n: usize, k: usize) -> Launch {
    let params = Params::new(m as u32, n as u32, k as u32, row::groups(n, k) as u32);
    launch(params, vec![Slot::Scratch(0), Slot::Scratch(1), Slot::Output], grid((m - k - 1).div_ceil(ROWS)))
}

/// Only where there is something right of the diagonal.
pub fn cpu(s: &mut State, k: usize) {
    let n = s.n;
    let h = Reflector::new(s.row[k + 1], sum(s.row[k + 2..].iter().map(|r| r * r)));
    s.off.push(h.beta);
    for j in k + 1..n {
        s.u[j] = if j == k + 1 { 1.0 } else { s.row[j] * h.inverse };
    }
    let xu = sum((k + 1..n).map(|j| s.x[j] * s.u[j]));
    for i in k + 1..s.m {
        let product = sum((k + 1..n).map(|j| s.matrix[i * n + j] * s.u[j]));
        s.y[i] = h.tau * (product - s.v[i] * xu);
    }
}
