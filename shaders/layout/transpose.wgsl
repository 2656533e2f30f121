//! y[c, r] = x[r, c]. A workgroup carries a square of 16 × 16 elements through its memory, so that both sides are read and written
//! along rows. Bits are moved, not numbers: both element types are served. Row lengths may be larger than the matrix is wide: a part
//! of a matrix is read, and padding of `y` stays as it was.
//! use lib/index

struct Params {
    /// Rows of `x` in this launch.
    rows: u32,
    /// Columns of `x` in this launch.
    cols: u32,
    /// Elements from one row of `x` to the next.
    x_stride: u32,
    /// Elements from one row of `y` to the next.
    y_stride: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

// One column more than the square has, so that a column falls on other memory banks than its neighbour.
var<workgroup> square: array<u32, 272>;

@compute @workgroup_size(16, 16)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) lane: vec3<u32>,
) {
    let across = (params.cols + 15u) / 16u;
    let number = flat_group(group, groups);
    let corner = vec2<u32>(number % across * 16u, number / across * 16u);
    let row = corner.y + lane.y;
    let col = corner.x + lane.x;
    if row < params.rows && col < params.cols {
        square[lane.y * 17u + lane.x] = x[params.x_base + row * params.x_stride + col];
    }
    workgroupBarrier();
    let to_row = corner.x + lane.y;
    let to_col = corner.y + lane.x;
    if to_row < params.cols && to_col < params.rows {
        y[params.y_base + to_row * params.y_stride + to_col] = square[lane.x * 17u + lane.y];
    }
}
