//! One step of AdamW, everything at once: both averages of the gradient, then the weights,
//! m ← m + (1 − β₁)(g − m), v ← β₂ v + (1 − β₂) g², w ← keep · w − rate · m / (√(v · v_scale) + ε), where the host has put the decay into `keep` and the
//! corrections of bias into `rate` and `v_scale`. The gradient is multiplied by `scale[0]` first (clipping).
//! use lib/index

struct Params {
    /// Elements of the state's rows in this launch, the padding behind the weights among them.
    count: u32,
    /// Elements of this launch that have a gradient; the others get 0.
    real: u32,
    /// 1 − learning rate · weight decay.
    keep: f32,
    /// Learning rate / (1 − β₁ᵗ).
    rate: f32,
    /// 1 / (1 − β₂ᵗ).
    v_scale: f32,
    /// ε.
    epsilon: f32,
    /// 1 − β₁.
    m_rest: f32,
    /// β₂.
    v_keep: f32,
    /// 1 − β₂.
    v_rest: f32,
    /// First element of this launch's `g` in its binding.
    g_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> m: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> g: array<f32>;
@group(0) @binding(5) var<storage, read> scale: array<f32>;
@group(0) @binding(6) var<storage, read_write> w_new: array<f32>;
@group(0) @binding(7) var<storage, read_write> m_new: array<f32>;
@group(0) @binding(8) var<storage, read_write> v_new: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count {
        var slope = 0.0;
        if i < params.real {
            slope = g[params.g_base + i] * scale[0];
        }
        let first = m[i] + params.m_rest * (slope - m[i]);
        let second = params.v_keep * v[i] + params.v_rest * (slope * slope);
        m_new[i] = first;
        v_new[i] = second;
        w_new[i] = params.keep * w[i] - params.rate * first / (sqrt(second * params.v_scale) + params.epsilon);
    }
}
