//! Copies a matrix, transposed where asked, scaled by the power of two that brings its largest magnitude into [1, 2): squares
//! then neither overflow nor vanish.
//! use lib/index

struct Params {
    /// Rows of the copy.
    m: u32,
    /// Columns of the copy.
    n: u32,
    /// Elements from one row of the copy to the next, in `x`.
    row_stride: u32,
    /// Elements from one column of the copy to the next, in `x`.
    column_stride: u32,
    /// Where in `result` the census goes.
    tail: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
/// Largest magnitude as bits; number of elements that are not finite.
@group(0) @binding(2) var<storage, read> census: array<u32, 2>;
@group(0) @binding(3) var<storage, read_write> matrix: array<f32>;
@group(0) @binding(4) var<storage, read_write> result: array<u32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = flat_index(group, groups, lane);
    if at == 0u {
        result[params.tail] = census[0];
        result[params.tail + 1u] = census[1];
    }
    if at < params.m * params.n {
        // The exponent field of the largest is 127 + e; that of 2^−e is 127 − e.
        let scale = bitcast<f32>(clamp(254u - (census[0] >> 23u), 1u, 254u) << 23u);
        let row = at / params.n;
        let column = at % params.n;
        matrix[at] = scale * x[row * params.row_stride + column * params.column_stride];
    }
}
