//! c[i, j] = Σₖ a[i, k] · b[k, j], each factor by rows or k-major as the pipeline's constants say; rows of both are a multiple of four
//! long. A workgroup makes 64 × 64 results, an invocation 16 × 8 of them.
//! use lib/index
//! use lib/product

struct Params {
    /// Rows of c in this launch.
    rows: u32,
    /// Columns of c in this launch.
    cols: u32,
    /// Terms of the sum in this launch.
    depth: u32,
    /// Vectors of four from one row of `a` to the next.
    a_stride: u32,
    /// Vectors of four from one row of `b` to the next.
    b_stride: u32,
    /// Elements from one row of `c` to the next.
    c_stride: u32,
    /// First vector of this launch's `a` in its binding.
    a_base: u32,
    /// First vector of this launch's `b` in its binding.
    b_base: u32,
    /// First element of this launch's `c` in its binding.
    c_base: u32,
    /// 1 where the sum goes on from what `c` holds.
    add: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

fn left_at(i: u32) -> vec4<f32> {
    return a[i];
}

fn right_at(i: u32) -> vec4<f32> {
    return b[i];
}

fn put_one(row: u32, col: u32, value: f32) {
    if row < params.rows && col < params.cols {
        let at = params.c_base + row * params.c_stride + col;
        c[at] = value + select(0.0, c[at], params.add == 1u);
    }
}

@compute @workgroup_size(8, 4)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) lane: vec3<u32>,
) {
    let across = (params.cols + 63u) / 64u;
    let number = flat_group(group, groups);
    let row = (number / across * 4u + lane.y) * 16u;
    let col = (number % across * 8u + lane.x) * 8u;
    if row >= params.rows || col >= params.cols {
        return;
    }
    let tile = product(
        Factor(params.a_base, params.a_stride, params.rows),
        row,
        Factor(params.b_base, params.b_stride, params.cols),
        col,
    );
    put(row, col, tile);
}
