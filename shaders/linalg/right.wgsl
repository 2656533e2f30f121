//! Bidiagonalisation, fourth launch of column k: y = τ·A·u, where u is the reflector of row k and A has the reflection of column k
//! already. A workgroup takes 16 rows: four at a time for each 64 invocations.
//! use lib/index
//! use lib/reflector

struct Params {
    /// Rows.
    m: u32,
    /// Columns.
    n: u32,
    /// This column.
    k: u32,
    /// Workgroups that summed row k, at most 16.
    sums: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matrix: array<f32>;
/// See `linalg/state.rs`.
@group(0) @binding(2) var<storage, read_write> state: array<f32>;
/// Bits of the diagonal, then of the elements beside it.
@group(0) @binding(3) var<storage, read_write> result: array<u32>;

var<workgroup> shares: array<vec4<f32>, 256>;

@compute @workgroup_size(64, 4)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) lane: vec3<u32>,
    @builtin(local_invocation_index) flat: u32,
) {
    let m = params.m;
    let n = params.n;
    let k = params.k;
    let odd = k & 1u;
    let current = 64u + odd * m;
    let y = 64u + 2u * m;
    let x = y + m;
    let r = x + n;

    var squares = 0.0;
    var products = 0.0;
    for (var g = 0u; g < params.sums; g += 1u) {
        squares += state[16u + g];
        products += state[32u + g];
    }
    let h = reflector(state[r + k + 1u], squares);
    let number = flat_group(group, groups);
    if number == 0u && flat == 0u {
        result[n + k] = bitcast<u32>(h.beta);
        state[50u + 4u * odd] = h.inverse;
    }

    let first = k + 1u + number * 16u + lane.y * 4u;
    var share = vec4<f32>(0.0);
    if first < m {
        let last = m - 1u;
        let rows = n * min(vec4<u32>(first, first + 1u, first + 2u, first + 3u), vec4<u32>(last));
        for (var j = k + 2u + lane.x; j < n; j += 64u) {
            share += state[r + j] * vec4<f32>(matrix[rows.x + j], matrix[rows.y + j], matrix[rows.z + j], matrix[rows.w + j]);
        }
    }
    shares[flat] = share;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half /= 2u) {
        if lane.x < half {
            shares[flat] += shares[flat + half];
        }
        workgroupBarrier();
    }
    let i = first + lane.x;
    if lane.x < 4u && i < m {
        // A = matrix − v·xᵀ, and u = (1, inverse · row).
        let xu = state[x + k + 1u] + h.inverse * products;
        let v = state[current + i] * state[48u + 4u * odd];
        let product = matrix[i * n + k + 1u] + h.inverse * shares[lane.y * 64u][lane.x];
        state[y + i] = h.tau * (product - v * xu);
    }
}
