//! Bidiagonalisation, third launch of column k: x = τ·Aᵀ·v from the shares of the tiles, row k after the reflection, and what its own
//! reflector needs: the sum of squares right of its first element, and x times them; by workgroup.

struct Params {
    /// Rows.
    m: u32,
    /// Columns.
    n: u32,
    /// This column.
    k: u32,
    /// Tiles of rows in `partial`.
    tiles: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matrix: array<f32>;
/// See `linalg/state.rs`.
@group(0) @binding(2) var<storage, read_write> state: array<f32>;
@group(0) @binding(3) var<storage, read> partial: array<f32>;

var<workgroup> squares: array<f32, 256>;
var<workgroup> products: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = params.n;
    let k = params.k;
    let x = 64u + 3u * params.m;
    let r = x + n;
    let tau = state[49u + 4u * (k & 1u)];
    var square = 0.0;
    var product = 0.0;
    for (var j = k + 1u + group.x * 256u + lane; j < n; j += groups.x * 256u) {
        var sum = 0.0;
        for (var t = 0u; t < params.tiles; t += 1u) {
            sum += partial[t * n + j];
        }
        let xj = tau * sum;
        // v is 1 in row k.
        let rj = matrix[k * n + j] - xj;
        state[x + j] = xj;
        state[r + j] = rj;
        if j > k + 1u {
            square += rj * rj;
            product += rj * xj;
        }
    }
    squares[lane] = square;
    products[lane] = product;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half /= 2u) {
        if lane < half {
            squares[lane] += squares[lane + half];
            products[lane] += products[lane + half];
        }
        workgroupBarrier();
    }
    if lane == 0u && group.x < 16u {
        state[16u + group.x] = squares[0];
        state[32u + group.x] = products[0];
    }
}
