//! dx = (softmax(x) − onehot(target)) · g of each row, one workgroup a row; zero where the target lies past the row's end.
//! use lib/exponentials
//! use lib/index

struct Params {
    /// Rows in this launch.
    rows: u32,
    /// Classes.
    width: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `targets` and `g` in their bindings.
    t_base: u32,
    /// First element of this launch's `dx` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read> g: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = flat_group(group, groups);
    // Groups beyond the last row work on it again and write nothing, so that all reach the barriers.
    let row = min(number, params.rows - 1u);
    let from_x = params.x_base + row * params.width;

    let largest = row_largest(lane, from_x);
    let sum = row_exponentials(lane, from_x, largest);

    if number == row {
        let chosen = targets[params.t_base + row];
        let slope = select(0.0, g[params.t_base + row], chosen < params.width);
        let to = params.y_base + row * params.width;
        for (var i = lane; i < params.width; i += 256u) {
            dx[to + i] = (exp(x[from_x + i] - largest) / sum - select(0.0, 1.0, i == chosen)) * slope;
        }
    }
}
