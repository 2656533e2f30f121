//! c[i, j] = Σₖ a[i, k] · a[j, k], `a` by rows or k-major as in `matmul`. Only tiles that touch the lower triangle are computed; each
//! result is written to its place and to the mirrored one, so that c is symmetric to the bit.
//! use lib/index
//! use lib/product

struct Params {
    /// Rows and columns of c.
    size: u32,
    /// First row of this launch.
    start: u32,
    /// Rows of this launch.
    rows: u32,
    /// Terms of the sum in this launch.
    depth: u32,
    /// Vectors of four from one row of `a` to the next.
    a_stride: u32,
    /// First vector of this launch's `a` in its binding.
    a_base: u32,
    /// 1 where the sum goes on from what `c` holds.
    add: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

fn left_at(i: u32) -> vec4<f32> {
    return a[i];
}

fn right_at(i: u32) -> vec4<f32> {
    return a[i];
}

fn put_one(row: u32, col: u32, value: f32) {
    if row < params.size && col <= row {
        let at = row * params.size + col;
        let result = value + select(0.0, c[at], params.add == 1u);
        c[at] = result;
        c[col * params.size + row] = result;
    }
}

@compute @workgroup_size(8, 4)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) lane: vec3<u32>,
) {
    let across = (params.start + params.rows + 63u) / 64u;
    let number = flat_group(group, groups);
    let row = params.start + (number / across * 4u + lane.y) * 16u;
    let col = (number % across * 8u + lane.x) * 8u;
    if row >= params.start + params.rows || row >= params.size || col >= params.size || col > row + 15u {
        return;
    }
    let factor = Factor(params.a_base, params.a_stride, params.size);
    let tile = product(factor, row, factor, col);
    put(row, col, tile);
}
