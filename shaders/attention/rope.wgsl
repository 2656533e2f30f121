//! Rotary positions: in every head the pairs (i, i + half) of the first 2·half elements are turned by the angle whose cosine and sine the
//! table holds for the row's position; the other elements stay. One element an invocation.
//! use lib/index

struct Params {
    /// Elements in this launch.
    count: u32,
    /// Elements a row.
    width: u32,
    /// Elements a head.
    head: u32,
    /// Pairs a head.
    half: u32,
    /// Rows of the table; row r of `x` is at position r modulo this.
    positions: u32,
    /// First row of this launch.
    first: u32,
    /// +1, or −1 to turn back.
    way: f32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count {
        let place = i % params.width % params.head;
        let here = x[params.x_base + i];
        if place >= 2u * params.half {
            y[params.y_base + i] = here;
        } else {
            let upper = place >= params.half;
            let pair = select(place, place - params.half, upper);
            let at = (params.first + i / params.width) % params.positions * 2u * params.half + pair;
            let other = x[params.x_base + select(min(i + params.half, params.count - 1u), i - params.half, upper)];
            let turn = select(-other, other, upper) * params.way;
            y[params.y_base + i] = here * table[at] + turn * table[at + params.half];
        }
    }
}
