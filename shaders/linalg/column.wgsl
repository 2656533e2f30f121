//! Bidiagonalisation, first launch of column k: column k with the updates of column k − 1 that `matrix` does not hold yet, and the sum of
//! squares below its diagonal, by workgroup.
//! use lib/fold

struct Params {
    /// Rows.
    m: u32,
    /// Columns.
    n: u32,
    /// This column.
    k: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matrix: array<f32>;
/// See `linalg/state.rs`.
@group(0) @binding(2) var<storage, read_write> state: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let k = params.k;
    let current = 64u + (k & 1u) * params.m;
    let before = 64u + (1u - (k & 1u)) * params.m;
    let y = 64u + 2u * params.m;
    // v of column k − 1 is `before` times this; u of column k − 1 is 1 here. In column 0 all of them are 0.
    let xk = state[y + params.m + k] * state[52u - 4u * (k & 1u)];
    var sum = 0.0;
    for (var i = k + group.x * 256u + lane; i < params.m; i += groups.x * 256u) {
        let c = matrix[i * params.n + k] - state[before + i] * xk - state[y + i];
        state[current + i] = c;
        sum += select(0.0, c * c, i > k);
    }
    let total = fold_sum(lane, sum);
    if lane == 0u && group.x < 16u {
        state[group.x] = total;
    }
}
