//! y = x ⋆ w: two-dimensional convolution (cross-correlation) with steps, padding and groups, one output element an invocation.
//! use lib/index

struct Params {
    /// Images in this launch.
    images: u32,
    /// Channels in.
    channels: u32,
    /// Height in.
    height: u32,
    /// Width in.
    width: u32,
    /// Channels out.
    outputs: u32,
    /// Height out.
    out_height: u32,
    /// Width out.
    out_width: u32,
    /// Height of the filters.
    filter_height: u32,
    /// Width of the filters.
    filter_width: u32,
    /// Steps between places, down.
    step_down: u32,
    /// Steps between places, to the right.
    step_right: u32,
    /// Zeros above the image.
    pad_top: u32,
    /// Zeros left of the image.
    pad_left: u32,
    /// Channels in of one group.
    group_channels: u32,
    /// Channels out of one group.
    group_outputs: u32,
    /// First element of this launch's first input in its binding.
    a_base: u32,
    /// The same of the second input.
    b_base: u32,
    /// The same of the output.
    y_base: u32,
    /// 1 where the output is added to.
    add: u32,
}

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
