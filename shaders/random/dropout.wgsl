//! y = x · scale where a random number says so, else 0: the upper 24 bits of a hash of the element's index are compared with `kept`.
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
    /// An element is kept where its 24 bits are below this.
    kept: u32,
    /// What is kept is multiplied by this.
    scale: f32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count {
        let word = hash4(vec4<u32>(params.start + i, params.stream, params.seed_low, params.seed_high)).x;
        y[params.y_base + i] = select(0.0, x[params.x_base + i] * params.scale, (word >> 8u) < params.kept);
    }
}
