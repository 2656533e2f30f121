//! The gradient of a convolution's filters: one workgroup an element, over images and places, folded as a tree.
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
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;

var<workgroup> partial: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = flat_group(group, groups);
    let filters = params.filter_height * params.filter_width;
    let count = params.outputs * params.group_channels * filters;
    // Groups beyond the last element work on it again and write nothing, so that all reach the barriers.
    let element = min(number, count - 1u);
    let output = element / (params.group_channels * filters);
    let channel = output / params.group_outputs * params.group_channels + element / filters % params.group_channels;
    let ky = element / params.filter_width % params.filter_height;
    let kx = element % params.filter_width;
    let places = params.out_height * params.out_width;
    var sum = 0.0;
    for (var i = lane; i < params.images * places; i += 256u) {
        let image = i / places;
        let place = i % places;
        // Below zero wraps to a large number, which is past the end, too.
        let row = place / params.out_width * params.step_down + ky - params.pad_top;
        let column = place % params.out_width * params.step_right + kx - params.pad_left;
        if row < params.height && column < params.width {
            let at = params.a_base + ((image * params.channels + channel) * params.height + row) * params.width + column;
            sum += x[at] * g[params.b_base + (image * params.outputs + output) * places + place];
        }
    }
    partial[lane] = sum;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half = half / 2u) {
        if lane < half {
            partial[lane] = partial[lane] + partial[lane + half];
        }
        workgroupBarrier();
    }
    if number == element && lane == 0u {
        let before = select(0.0, dw[params.y_base + element], params.add == 1u);
        dw[params.y_base + element] = before + partial[0];
    }
}
