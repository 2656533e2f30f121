//! The gradient of a convolution's filters: one workgroup an element, over images and places, folded as a tree.
//! use lib/convolution
//! use lib/fold
//! use lib/index

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;

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
    let total = fold_sum(lane, sum);
    if number == element && lane == 0u {
        let before = select(0.0, dw[params.y_base + element], params.add == 1u);
        dw[params.y_base + element] = before + total;
    }
}
