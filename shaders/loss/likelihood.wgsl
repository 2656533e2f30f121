//! What a tile of a vocabulary adds to the likelihood of each row's target: the running maximum, the running Σ exp(logit − maximum) and the
//! target's logit.
//! use lib/exponentials
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

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = row_number(flat_group(group, groups), lane);
    let row = min(number, params.rows - 1u);
    let from_x = params.x_base + row * params.width;
    let at = params.row_base + row;

    let old = before[3u * at];
    let largest = max(row_largest(lane, from_x), old);
    let sum = row_exponentials(lane, from_x, largest);
    if number < params.rows && lane % row_lanes == 0u {
        let word = words[at] - params.first;
        y[3u * at] = largest;
        y[3u * at + 1u] = before[3u * at + 1u] * exp(max(old, -3.0e38) - largest) + sum;
        y[3u * at + 2u] = before[3u * at + 2u];
        if word < params.width {
            y[3u * at + 2u] = x[from_x + word];
        }
    }
}
