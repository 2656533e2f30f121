//! Normally distributed random numbers: the quantile function of the normal distribution at a hash, by Giles' approximation of the inverse
//! error function (GPU Computing Gems Jade Edition, ch. 10, 2010; single precision, relative error 3e-7).
//! use lib/index
//! use lib/hash

struct Params {
    /// Elements in this launch.
    count: u32,
    /// Index of the first of them in the whole tensor.
    start: u32,
    /// Seed, low word.
    seed_low: u32,
    /// Seed, high word.
    seed_high: u32,
    /// Which of a seed's sequences.
    stream: u32,
    /// Mean.
    mean: f32,
    /// Standard deviation.
    deviation: f32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

// √2 · erf⁻¹(x) with x = (2n + 1) / 2²⁴ − 1, for n of 24 bits.
fn quantile(n: u32) -> f32 {
    let x = f32(i32(2u * n + 1u) - 16777216) * 5.9604645e-8;
    var w = -log((1.0 - x) * (1.0 + x));
    var p = 0.0;
    if w < 5.0 {
        w = w - 2.5;
        p = 2.81022636e-8;
        p = 3.43273939e-7 + p * w;
        p = -3.5233877e-6 + p * w;
        p = -4.39150654e-6 + p * w;
        p = 0.00021858087 + p * w;
        p = -0.00125372503 + p * w;
        p = -0.00417768164 + p * w;
        p = 0.246640727 + p * w;
        p = 1.50140941 + p * w;
    } else {
        w = sqrt(w) - 3.0;
        p = -0.000200214257;
        p = 0.000100950558 + p * w;
        p = 0.00134934322 + p * w;
        p = -0.00367342844 + p * w;
        p = 0.00573950773 + p * w;
        p = -0.0076224613 + p * w;
        p = 0.00943887047 + p * w;
        p = 1.00167406 + p * w;
        p = 2.83297682 + p * w;
    }
    return 1.41421356 * p * x;
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count {
        let word = hash4(vec4<u32>(params.start + i, params.stream, params.seed_low, params.seed_high)).x;
        y[params.y_base + i] = params.mean + params.deviation * quantile(word >> 8u);
    }
}
