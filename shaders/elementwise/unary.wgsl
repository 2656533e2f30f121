//! y = f(x), one element an invocation. `kind` numbers the functions as `Unary` does in Rust.
//! use lib/index
//! use lib/activation
//! use lib/trigonometry

struct Params {
    /// Elements.
    count: u32,
    /// First element of `x` in its binding.
    x_base: u32,
    /// First element of `y` in its binding.
    y_base: u32,
}

// Which function: a pipeline each, for drivers that walk through every case of a switch.
override kind: u32 = 0u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn apply(v: f32) -> f32 {
    switch kind {
        case 0u: { return -v; }
        case 1u: { return abs(v); }
        case 2u: { return sign(v); }
        case 3u: { return exp(v); }
        case 4u: { return log(v); }
        case 5u: { return sqrt(v); }
        case 6u: { return inverseSqrt(v); }
        case 7u: { return v * v; }
        case 8u: { return 1.0 / v; }
        case 9u: { return max(v, 0.0); }
        case 10u: { return sigmoid(v); }
        case 11u: { return tanh_bounded(v); }
        case 12u: { return v * sigmoid(v); }
        case 13u: { return v * normal_share(v); }
        default: { return sine(v); }
    }
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count {
        y[params.y_base + i] = apply(x[params.x_base + i]);
    }
}
