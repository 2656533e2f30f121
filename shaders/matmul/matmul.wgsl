//! c[i, j] = Σₖ a[k, i] · b[k, j], with both factors laid out k-major and their rows a multiple of four long.
//!
//! An invocation keeps 8 × 4 results in registers. Each step of k loads three vectors (two of a, one of b) for 32 multiply-adds;
//! neighbouring invocations read neighbouring vectors of b and the same ones of a, so caches serve most of it and no workgroup
//! memory is needed. Other forms of the product are brought into this layout by `transpose` and `window` first, which costs
//! O(m·k + k·n) beside the O(m·k·n) done here.
//! use lib/index

struct Params {
    /// Rows of c in this launch.
    rows: u32,
    /// Columns of c in this launch.
    cols: u32,
    /// Terms of the sum in this launch.
    depth: u32,
    /// Vectors of four from one k of `a` to the next.
    a_stride: u32,
    /// Vectors of four from one k of `b` to the next.
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

// One row of results: four elements, fewer at the right edge.
fn put(row: u32, col: u32, value: vec4<f32>) {
    if row < params.rows && col < params.cols {
        let at = params.c_base + row * params.c_stride + col;
        let goes_on = params.add == 1u;
        c[at] = value.x + select(0.0, c[at], goes_on);
        if col + 1u < params.cols {
            c[at + 1u] = value.y + select(0.0, c[at + 1u], goes_on);
        }
        if col + 2u < params.cols {
            c[at + 2u] = value.z + select(0.0, c[at + 2u], goes_on);
        }
        if col + 3u < params.cols {
            c[at + 3u] = value.w + select(0.0, c[at + 3u], goes_on);
        }
    }
}

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) lane: vec3<u32>,
) {
    // A workgroup makes 64 rows × 32 columns.
    let across = (params.cols + 31u) / 32u;
    let number = flat_group(group, groups);
    let row = (number / across * 8u + lane.y) * 8u;
    let col = (number % across * 8u + lane.x) * 4u;
    if row >= params.rows || col >= params.cols {
        return;
    }
    // Below four last rows there may be no second vector; it is read again then, and its results are not put.
    let second = select(0u, 1u, row + 4u < params.rows);
    var c0 = vec4<f32>();
    var c1 = vec4<f32>();
    var c2 = vec4<f32>();
    var c3 = vec4<f32>();
    var c4 = vec4<f32>();
    var c5 = vec4<f32>();
    var c6 = vec4<f32>();
    var c7 = vec4<f32>();
    for (var k = 0u; k < params.depth; k++) {
        let at = params.a_base + k * params.a_stride + row / 4u;
        let upper = a[at];
        let lower = a[at + second];
        let right = b[params.b_base + k * params.b_stride + col / 4u];
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
