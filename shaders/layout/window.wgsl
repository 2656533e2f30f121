//! y[r, c] = x[r + down, c + right], and 0 where that lies outside `x`: a rectangle cut out of a matrix, or a matrix with a margin.
//! Bits are moved, not numbers: both element types are served.
//! use lib/index

struct Params {
    /// Rows of `y` in this launch.
    rows: u32,
    /// Columns of `y`.
    cols: u32,
    /// Rows of `x` in this launch's binding.
    x_rows: u32,
    /// Columns of `x`.
    x_cols: u32,
    /// Row of `x` for the first row of `y`.
    down: i32,
    /// Column of `x` for the first column of `y`.
    right: i32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.rows * params.cols {
        // What lies before the first row or column becomes a huge unsigned number, and is outside as well.
        let row = u32(i32(i / params.cols) + params.down);
        let col = u32(i32(i % params.cols) + params.right);
        var bits = 0u;
        if row < params.x_rows && col < params.x_cols {
            bits = x[params.x_base + row * params.x_cols + col];
        }
        y[params.y_base + i] = bits;
    }
}
