//! −ln softmax(x)[target] of each row: the largest logit, then the sum of exponentials.
//! A target past the row's end costs nothing.
//! use lib/exponentials
//! use lib/index

struct Params {
    /// Rows in this launch.
    rows: u32,
    /// Classes.
    width: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `targets` in its binding.
    t_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = row_number(flat_group(group, groups), lane);
    // Invocations beyond the last row work on it again and write nothing, so that all reach the barriers.
    let row = min(number, params.rows - 1u);
    let from_x = params.x_base + row * params.width;

    let largest = row_largest(lane, from_x);
    let sum = row_exponentials(lane, from_x, largest);

    if number == row && lane % row_lanes == 0u {
        let chosen = targets[params.t_base + row];
        var loss = 0.0;
        if chosen < params.width {
            loss = log(sum) - (x[from_x + chosen] - largest);
        }
        y[params.y_base + row] = loss;
    }
}
