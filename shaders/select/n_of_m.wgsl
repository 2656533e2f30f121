//! Of every m neighbouring columns the n smallest elements as a mask; of equal ones the left. An invocation decides one element by counting
//! how many of its group come before it. A group that the row's end cuts short is left unmarked.
//! use lib/index
//! use lib/order

struct Params {
    /// Elements in this launch (whole rows).
    count: u32,
    /// Elements a row.
    width: u32,
    /// 0: by magnitude; 1: by value.
    by: u32,
    /// Elements to mark in each group.
    n: u32,
    /// Elements a group.
    m: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `mask` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> mask: array<u32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count {
        let place = i % params.width % params.m;
        let whole = i % params.width - place + params.m <= params.width;
        let key = sort_key(x[params.x_base + i], params.by);
        var before = 0u;
        for (var j = 0u; whole && j < params.m; j++) {
            let other = sort_key(x[params.x_base + i - place + j], params.by);
            before += select(0u, 1u, other < key || (other == key && j < place));
        }
        mask[params.y_base + i] = select(0u, 1u, whole && before < params.n);
    }
}
