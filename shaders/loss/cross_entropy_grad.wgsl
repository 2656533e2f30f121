//! dx = (softmax(x) − onehot(target)) · g of each row; zero where the target lies past the row's end. The loss is known, and with it the probability of
//! every class: ln p = x − x[target] − loss. One element an invocation.
//! use lib/index

struct Params {
    /// Elements in this launch.
    count: u32,
    /// Classes.
    width: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `targets`, `losses` and `g` in their bindings.
    t_base: u32,
    /// First element of this launch's `dx` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read> losses: array<f32>;
@group(0) @binding(4) var<storage, read> g: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count {
        let row = i / params.width;
        let own = row * params.width;
        let chosen = targets[params.t_base + row];
        var slope = 0.0;
        if chosen < params.width {
            let log_share = (x[params.x_base + i] - x[params.x_base + own + chosen]) - losses[params.t_base + row];
            slope = (exp(log_share) - select(0.0, 1.0, i - own == chosen)) * g[params.t_base + row];
        }
        dx[params.y_base + i] = slope;
    }
}
