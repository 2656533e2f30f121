//! The gradient of a convolution's input: each element collects from the outputs that it went into, one an invocation.
//! use lib/convolution
//! use lib/index

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    let plane = params.height * params.width;
    if i >= params.images * params.channels * plane {
        return;
    }
    let image = i / (params.channels * plane);
    let channel = i / plane % params.channels;
    let down = i / params.width % params.height + params.pad_top;
    let right = i % params.width + params.pad_left;
    let first = channel / params.group_channels * params.group_outputs;
    let own = channel % params.group_channels;
    var sum = 0.0;
    for (var o = 0u; o < params.group_outputs; o += 1u) {
        let places = params.a_base + (image * params.outputs + first + o) * params.out_height * params.out_width;
        let filter_at = params.b_base + ((first + o) * params.group_channels + own) * params.filter_height * params.filter_width;
        for (var ky = 0u; ky < params.filter_height; ky += 1u) {
            let from_top = down - ky;
            if ky > down || from_top % params.step_down != 0u || from_top / params.step_down >= params.out_height {
                continue;
            }
            let row = places + from_top / params.step_down * params.out_width;
            for (var kx = 0u; kx < params.filter_width; kx += 1u) {
                let from_left = right - kx;
                if kx <= right && from_left % params.step_right == 0u && from_left / params.step_right < params.out_width {
                    sum += g[row + from_left / params.step_right] * w[filter_at + ky * params.filter_width + kx];
                }
            }
        }
    }
    dx[params.y_base + i] = sum;
}
