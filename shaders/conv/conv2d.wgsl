//! y = x ⋆ w: two-dimensional convolution (cross-correlation) with steps, padding and groups, one output element an invocation.
//! use lib/convolution
//! use lib/index

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    let places = params.out_height * params.out_width;
    if i >= params.images * params.outputs * places {
        return;
    }
    let image = i / (params.outputs * places);
    let output = i / places % params.outputs;
    let down = i / params.out_width % params.out_height * params.step_down;
    let right = i % params.out_width * params.step_right;
    let first = output / params.group_outputs * params.group_channels;
    var sum = 0.0;
    for (var c = 0u; c < params.group_channels; c += 1u) {
        let plane = params.a_base + (image * params.channels + first + c) * params.height * params.width;
        let filter_at = params.b_base + (output * params.group_channels + c) * params.filter_height * params.filter_width;
        for (var ky = 0u; ky < params.filter_height; ky += 1u) {
            // Below zero wraps to a large number, which is past the height, too.
            let row = down + ky - params.pad_top;
            if row >= params.height {
                continue;
            }
            for (var kx = 0u; kx < params.filter_width; kx += 1u) {
                let column = right + kx - params.pad_left;
                if column < params.width {
                    sum += x[plane + row * params.width + column] * w[filter_at + ky * params.filter_width + kx];
                }
            }
        }
    }
    y[params.y_base + i] = sum;
}
