//! One step of AdamW on the weights: w ← keep · w − rate · m / (√(v · v_scale) + ε), where the host has put the decay into `keep` and the
//! corrections of bias into `rate` and `v_scale`.
//! use lib/index

struct Params {
    /// Elements in this launch.
    count: u32,
    /// 1 − learning rate · weight decay.
    keep: f32,
    /// Learning rate / (1 − β₁ᵗ).
    rate: f32,
    /// 1 / (1 − β₂ᵗ).
    v_scale: f32,
    /// ε.
    epsilon: f32,
    /// First element of this launch's inputs in their bindings.
    x_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> m: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count {
        let at = params.x_base + i;
        let step = params.rate * m[at] / (sqrt(v[at] * params.v_scale) + params.epsilon);
        y[params.y_base + i] = params.keep * w[at] - step;
    }
}
