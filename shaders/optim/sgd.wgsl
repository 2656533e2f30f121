//! One step of gradient descent with momentum, as PyTorch has it: the slope is g + decay · w, its running sum u ← momentum · u + slope, and the weights go
//! by the rate along u, or along slope + momentum · u where `nesterov` is 1. The gradient is multiplied by `scale[0]` first (clipping).
//! use lib/index

struct Params {
    /// Elements of the state's rows in this launch, the padding behind the weights among them.
    count: u32,
    /// Elements of this launch that have a gradient; the others get 0.
    real: u32,
    /// Learning rate.
    rate: f32,
    /// Weight decay.
    decay: f32,
    /// Momentum.
    momentum: f32,
    /// 1 for Nesterov's look ahead.
    nesterov: u32,
    /// First element of this launch's `g` in its binding.
    g_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> u: array<f32>;
@group(0) @binding(3) var<storage, read> g: array<f32>;
@group(0) @binding(4) var<storage, read> scale: array<f32>;
@group(0) @binding(5) var<storage, read_write> w_new: array<f32>;
@group(0) @binding(6) var<storage, read_write> u_new: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count {
        var slope = params.decay * w[i];
        if i < params.real {
            slope += g[params.g_base + i] * scale[0];
        }
        let sum = params.momentum * u[i] + slope;
        u_new[i] = sum;
        w_new[i] = w[i] - params.rate * select(sum, slope + params.momentum * sum, params.nesterov == 1u);
    }
}
