//! y[c, r] = x[r, c]. An invocation carries a square of 4 × 4 elements, so that both sides are read and written four by four; a workgroup has 32 × 32
//! of them, and caches join what neighbours read. No barrier: a device that runs invocations one after another pays dearly for each.
//! Bits are moved, not numbers: both element types are served. Row lengths may be larger than the matrix is wide: a part
//! of a matrix is read, and padding of `y` stays as it was.
//! use lib/index

struct Params {
    /// Rows of `x` in this launch.
    rows: u32,
    /// Columns of `x` in this launch.
    cols: u32,
    /// Elements from one row of `x` to the next.
    x_stride: u32,
    /// Elements from one row of `y` to the next.
    y_stride: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) lane: vec3<u32>,
) {
    let across = (params.cols + 31u) / 32u;
    let number = flat_group(group, groups);
    let down = number / across;
    let first = vec2<u32>((number - down * across) * 32u + lane.x * 4u, down * 32u + lane.y * 4u);
    let end = min(first + 4u, vec2<u32>(params.cols, params.rows));
    for (var col = first.x; col < end.x; col++) {
        for (var row = first.y; row < end.y; row++) {
            y[params.y_base + col * params.y_stride + row] = x[params.x_base + row * params.x_stride + col];
        }
    }
}
