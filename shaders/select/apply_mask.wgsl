//! y = 0 where the mask is set, x elsewhere. Bits are moved, not numbers: what is kept is kept to the bit.
//! use lib/index

struct Params {
    /// Elements in this launch.
    count: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `mask` in its binding.
    m_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> mask: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count {
        y[params.y_base + i] = select(x[params.x_base + i], 0u, mask[params.m_base + i] != 0u);
    }
}
