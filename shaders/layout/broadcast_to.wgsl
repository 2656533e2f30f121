//! y = x repeated along some axes; `x` has stride 0 along those. Bits are moved, not numbers: both element types are served.
//! use lib/index

struct Params {
    /// Extents of the output, outermost first.
    extent: vec4<u32>,
    /// Strides of `x`, in elements.
    stride: vec4<u32>,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    let extent = params.extent;
    if i < extent.x * extent.y * extent.z * extent.w {
        let inner = i / extent.w;
        let place = vec4<u32>(inner / extent.z / extent.y, inner / extent.z % extent.y, inner % extent.z, i % extent.w);
        let at = place * params.stride;
        y[params.y_base + i] = x[params.x_base + at.x + at.y + at.z + at.w];
    }
}
