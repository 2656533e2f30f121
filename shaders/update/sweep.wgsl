//! The column sweep of an optimal-brain-surgeon update over one block of columns, one workgroup a row: from left to right each marked element is set to
//! zero and its error, divided by the diagonal, is taken off the columns to its right along the row of the factor. Without marks of its own the
//! sweep marks the n smallest (w/d)² of every m columns when it comes to them.
//! use lib/index

struct Params {
    /// Rows in this launch.
    rows: u32,
    /// Columns of the block, at most 2048.
    width: u32,
    /// Removed of each group; 0 where the marks are given.
    n: u32,
    /// Columns a group.
    m: u32,
    /// First row of this launch.
    first: u32,
    /// 1 where the errors are taken off the columns to the right.
    spread: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> marks: array<u32>;
@group(0) @binding(3) var<storage, read> factor: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> values: array<f32, 2048>;
var<workgroup> gone: array<u32, 2048>;

@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = flat_group(group, groups);
    let row = params.first + min(number, params.rows - 1u);
    let width = min(params.width, 2048u);
    for (var j = lane; j < width; j += 128u) {
        values[min(j, 2047u)] = w[row * params.width + j];
        gone[min(j, 2047u)] = marks[row * params.width + j];
    }
    workgroupBarrier();
    for (var i = 0u; i < width; i++) {
        if params.n > 0u && i % params.m == 0u {
            let end = min(i + params.m, width);
            for (var j = i + lane; j < end; j += 128u) {
                let own = abs(values[min(j, 2047u)] / factor[j * params.width + j]);
                var rank = 0u;
                for (var o = i; o < end; o++) {
                    let other = abs(values[min(o, 2047u)] / factor[o * params.width + o]);
                    if other < own || (other == own && o < j) {
                        rank++;
                    }
                }
                gone[min(j, 2047u)] = select(0u, 1u, rank < params.n);
            }
            workgroupBarrier();
        }
        let before = values[min(i, 2047u)];
        let error = select(0.0, before / factor[i * params.width + i], gone[min(i, 2047u)] != 0u);
        if params.spread == 1u {
            for (var j = i + 1u + lane; j < width; j += 128u) {
                values[min(j, 2047u)] -= error * factor[i * params.width + j];
            }
        }
        if number < params.rows && lane == 0u {
            let at = row * 2u * params.width + i;
            y[at] = select(before, 0.0, gone[min(i, 2047u)] != 0u);
            y[at + params.width] = error;
        }
        workgroupBarrier();
    }
}
