//! c[i, j] = Σₖ a[k, i] · a[k, j], k-major as in `matmul`. Only tiles that touch the lower triangle are computed; each result is
//! written to its place and to the mirrored one, so that c is symmetric to the bit.
//! use lib/index

struct Params {
    /// Rows and columns of c.
    size: u32,
    /// First row of this launch.
    start: u32,
    /// Rows of this launch.
    rows: u32,
    /// Terms of the sum in this launch.
    depth: u32,
    /// Vectors of four from one k of `a` to the next.
    a_stride: u32,
    /// First vector of this launch's `a` in its binding.
    a_base: u32,
    /// 1 where the sum goes on from what `c` holds.
    add: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

fn put_one(row: u32, col: u32, value: f32) {
    if row < params.size && col <= row {
        let at = row * params.size + col;
        let result = value + select(0.0, c[at], params.add == 1u);
        c[at] = result;
        c[col * params.size + row] = result;
    }
}

fn put(row: u32, col: u32, value: vec4<f32>) {
    put_one(row, col, value.x);
    put_one(row, col + 1u, value.y);
    put_one(row, col + 2u, value.z);
    put_one(row, col + 3u, value.w);
}

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) lane: vec3<u32>,
) {
    // A workgroup makes 64 rows × 32 columns.
    let across = (params.start + params.rows + 31u) / 32u;
    let number = flat_group(group, groups);
    let row = params.start + (number / across * 8u + lane.y) * 8u;
    let col = (number % across * 8u + lane.x) * 4u;
    if row >= params.start + params.rows || row >= params.size || col >= params.size || col > row + 7u {
        return;
    }
    let second = select(0u, 1u, row + 4u < params.size);
    var c0 = vec4<f32>();
    var c1 = vec4<f32>();
    var c2 = vec4<f32>();
    var c3 = vec4<f32>();
    var c4 = vec4<f32>();
    var c5 = vec4<f32>();
    var c6 = vec4<f32>();
    var c7 = vec4<f32>();
    for (var k = 0u; k < params.depth; k++) {
        let at = params.a_base + k * params.a_stride;
        let upper = a[at + row / 4u];
        let lower = a[at + row / 4u + second];
        let right = a[at + col / 4u];
        c0 += upper.x * right;
        c1 += upper.y * right;
        c2 += upper.z * right;
        c3 += upper.w * right;
        c4 += lower.x * right;
        c5 += lower.y * right;
        c6 += lower.z * right;
        c7 += lower.w * right;
    }
    put(row, col, c0);
    put(row + 1u, col, c1);
    put(row + 2u, col, c2);
    put(row + 3u, col, c3);
    put(row + 4u, col, c4);
    put(row + 5u, col, c5);
    put(row + 6u, col, c6);
    put(row + 7u, col, c7);
}
