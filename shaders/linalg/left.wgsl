//! Bidiagonalisation, second launch of column k: brings the columns right of k up to date with column k − 1, and multiplies them by v, the
//! reflector of column k. A workgroup takes 64 columns and a tile of rows, and leaves the tile's share of vᵀ·A in `partial`.
//! use lib/reflector

struct Params {
    /// Rows.
    m: u32,
    /// Columns.
    n: u32,
    /// This column.
    k: u32,
    /// Workgroups that summed the squares of column k, at most 16.
    sums: u32,
    /// Rows a tile.
    tile: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> matrix: array<f32>;
/// See `linalg/state.rs`.
@group(0) @binding(2) var<storage, read_write> state: array<f32>;
/// Rows of n, one a tile.
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;
/// Bits of the diagonal, then of the elements beside it.
@group(0) @binding(4) var<storage, read_write> result: array<u32>;

var<workgroup> shares: array<f32, 256>;

@compute @workgroup_size(64, 4)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) lane: vec3<u32>,
    @builtin(local_invocation_index) flat: u32,
) {
    let m = params.m;
    let n = params.n;
    let k = params.k;
    let odd = k & 1u;
    let current = 64u + odd * m;
    let before = 64u + (1u - odd) * m;
    let y = 64u + 2u * m;
    let x = y + m;
    let r = x + n;

    var squares = 0.0;
    for (var g = 0u; g < params.sums; g += 1u) {
        squares += state[g];
    }
    let h = reflector(state[current + k], squares);
    if group.x == 0u && group.y == 0u && flat == 0u {
        result[k] = bitcast<u32>(h.beta);
        state[48u + 4u * odd] = h.inverse;
        state[49u + 4u * odd] = h.tau;
    }

    let j = k + 1u + group.x * 64u + lane.x;
    let first = k + group.y * params.tile;
    var share = 0.0;
    if j < n {
        // v and u of column k − 1 are what is stored times these.
        let xj = state[x + j] * state[52u - 4u * odd];
        let uj = state[r + j] * state[54u - 4u * odd];
        let end = min(first + params.tile, m);
        for (var i = first + lane.y; i < end; i += 4u) {
            let a = matrix[i * n + j] - state[before + i] * xj - state[y + i] * uj;
            matrix[i * n + j] = a;
            share += a * select(state[current + i] * h.inverse, 1.0, i == k);
        }
    }
    shares[flat] = share;
    workgroupBarrier();
    if lane.y == 0u && j < n && first < m {
        partial[group.y * n + j] = (shares[flat] + shares[flat + 64u]) + (shares[flat + 128u] + shares[flat + 192u]);
    }
}
