//! y[i, c] = 1 where index[i] = c, else 0.
//! use lib/index

struct Params {
    /// Indices in this launch.
    count: u32,
    /// Elements a row of `y`.
    classes: u32,
    /// First element of this launch's `index` in its binding.
    i_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count * params.classes {
        y[params.y_base + i] = select(0.0, 1.0, index[params.i_base + i / params.classes] == i % params.classes);
    }
}
