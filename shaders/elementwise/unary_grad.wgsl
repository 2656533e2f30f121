//! dx = f′(x) · g, one element an invocation; the functions are those of `unary`.
//! use lib/index
//! use lib/activation
//! use lib/trigonometry

struct Params {
    /// Elements.
    count: u32,
    /// First element of `x` and `g` in their bindings.
    x_base: u32,
    /// First element of `dx` in its binding.
    y_base: u32,
}

// Which function: a pipeline each, for drivers that walk through every case of a switch.
override kind: u32 = 0u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

fn slope(v: f32) -> f32 {
    switch kind {
        case 0u: { return -1.0; }
        case 1u: { return sign(v); }
        case 2u: { return 0.0; }
        case 3u: { return exp(v); }
        case 4u: { return 1.0 / v; }
        case 5u: { return 0.5 * inverseSqrt(v); }
        case 6u: { return -0.5 * inverseSqrt(v) / v; }
        case 7u: { return 2.0 * v; }
        case 8u: { return -1.0 / (v * v); }
        case 9u: { return select(0.0, 1.0, v > 0.0); }
        case 10u: { return sigmoid(v) * sigmoid(-v); }
        case 11u: {
            let s = sigmoid(2.0 * v);
            return 4.0 * s * sigmoid(-2.0 * v);
        }
        case 12u: { return sigmoid(v) * (1.0 + v * sigmoid(-v)); }
        case 13u: { return normal_share(v) + v * normal_density(v); }
        default: { return cosine(v); }
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
        dx[params.y_base + i] = slope(x[params.x_base + i]) * g[params.x_base + i];
    }
}
