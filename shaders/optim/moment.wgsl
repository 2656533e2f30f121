//! Exponential average of a gradient or of its square: m ← β m + (1 − β) g, or v ← β v + (1 − β) g².
//! use lib/index

struct Params {
    /// Elements in this launch.
    count: u32,
    /// β.
    beta: f32,
    /// 1 − β, rounded once on the host.
    rest: f32,
    /// 1 where the square is averaged.
    square: u32,
    /// First element of this launch's inputs in their bindings.
    x_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> moment: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count {
        let gradient = g[params.x_base + i];
        let term = select(gradient, gradient * gradient, params.square == 1u);
        y[params.y_base + i] = params.beta * moment[params.x_base + i] + params.rest * term;
    }
}
