//! y = exp(x − max) / Σ exp(x − max) along rows: the largest element, then the sum,
//! then the results.
//! use lib/exponentials
//! use lib/index

struct Params {
    /// Rows in this launch.
    rows: u32,
    /// Elements a row.
    width: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = row_number(flat_group(group, groups), lane);
    // Invocations beyond the last row work on it again and write nothing, so that all reach the barriers.
    let from_row = min(row, params.rows - 1u);
    let from_x = params.x_base + from_row * params.width;

    let largest = row_largest(lane, from_x);
    let sum = row_exponentials(lane, from_x, largest);

    if row < params.rows {
        let to_y = params.y_base + row * params.width;
        for (var i = lane % row_lanes; i < params.width; i += row_lanes) {
            y[to_y + i] = exp(x[from_x + i] - largest) / sum;
        }
    }
}
