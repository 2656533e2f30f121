//! What a tile of a vocabulary adds to the likelihood of each row's target: the running maximum, the running Σ exp(logit − maximum) and the
//! target's logit. One workgroup a row.
//! use lib/index

struct Params {
    /// Rows in this launch.
    rows: u32,
    /// Logits a row in this tile.
    width: u32,
    /// Word of the tile's first logit.
    first: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First row of this launch.
    row_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> words: array<u32>;
@group(0) @binding(3) var<storage, read> before: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> partial: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = flat_group(group, groups);
    let row = min(number, params.rows - 1u);
    let from_x = params.x_base + row * params.width;
    let at = params.row_base + row;

    var largest = -3.4028234e38;
    for (var i = lane; i < params.width; i += 256u) {
        largest = max(largest, x[from_x + i]);
    }
    partial[lane] = largest;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half = half / 2u) {
        if lane < half {
            partial[lane] = max(partial[lane], partial[lane + half]);
        }
        workgroupBarrier();
    }
    let old = before[3u * at];
    largest = max(partial[0], old);
    workgroupBarrier();

    var sum = 0.0;
    for (var i = lane; i < params.width; i += 256u) {
        sum += exp(x[from_x + i] - largest);
    }
    partial[lane] = sum;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half = half / 2u) {
        if lane < half {
            partial[lane] = partial[lane] + partial[lane + half];
        }
        workgroupBarrier();
    }
    if number < params.rows && lane == 0u {
        let word = words[at] - params.first;
        y[3u * at] = largest;
        y[3u * at + 1u] = before[3u * at + 1u] * exp(max(old, -3.0e38) - largest) + partial[0];
        y[3u * at + 2u] = before[3u * at + 2u];
        if word < params.width {
            y[3u * at + 2u] = x[from_x + word];
        }
    }
}
