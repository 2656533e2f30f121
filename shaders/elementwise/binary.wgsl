//! y = f(a, b) with broadcasting: the output is seen as `extent.x × extent.y × extent.z × extent.w`, and an input has stride 0 along
//! an axis on which it is repeated. `kind` numbers the functions as `Binary` does in Rust.
//! use lib/index

struct Params {
    /// Extents of the output, outermost first.
    extent: vec4<u32>,
    /// Strides of `a`, in elements.
    a_stride: vec4<u32>,
    /// Strides of `b`, in elements.
    b_stride: vec4<u32>,
    /// First element of this launch's `a` in its binding.
    a_base: u32,
    /// First element of this launch's `b` in its binding.
    b_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

// Which function: a pipeline each, for drivers that walk through every case of a switch.
override kind: u32 = 0u;
// Axes that have more than one element, counted from the innermost: integer division is slow on many devices.
override axes: u32 = 4u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn apply(p: f32, q: f32) -> f32 {
    switch kind {
        case 0u: { return p + q; }
        case 1u: { return p - q; }
        case 2u: { return p * q; }
        case 3u: { return p / q; }
        case 4u: { return max(p, q); }
        case 5u: { return min(p, q); }
        case 6u: { return select(0.0, 1.0, p > q); }
        case 7u: { return select(0.0, 1.0, p >= q); }
        case 8u: { return select(0.0, 1.0, p < q); }
        case 9u: { return select(0.0, 1.0, p <= q); }
        default: { return select(0.0, 1.0, p == q); }
    }
}

// Where the i-th element of the output lies.
fn place_of(i: u32) -> vec4<u32> {
    let extent = params.extent;
    if axes == 1u {
        return vec4<u32>(0u, 0u, 0u, i);
    }
    let z = i / extent.w;
    if axes == 2u {
        return vec4<u32>(0u, 0u, z, i - z * extent.w);
    }
    let y = z / extent.z;
    return vec4<u32>(y / extent.y, y % extent.y, z - y * extent.z, i - z * extent.w);
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    let extent = params.extent;
    if i < extent.x * extent.y * extent.z * extent.w {
        let place = place_of(i);
        let at_a = place * params.a_stride;
        let at_b = place * params.b_stride;
        let p = a[params.a_base + at_a.x + at_a.y + at_a.z + at_a.w];
        let q = b[params.b_base + at_b.x + at_b.y + at_b.z + at_b.w];
        y[params.y_base + i] = apply(p, q);
    }
}
