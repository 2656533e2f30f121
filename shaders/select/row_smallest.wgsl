//! The k smallest elements of every row as a mask, exactly; a workgroup does a row. A radix search, eight bits at a time, finds the k-th
//! key; then each invocation marks a run of neighbouring elements, taking of those that equal the k-th the leftmost.
//! use lib/index
//! use lib/order
//! use lib/scan

struct Params {
    /// Rows in this launch.
    rows: u32,
    /// Elements a row.
    width: u32,
    /// 0: by magnitude; 1: by value.
    by: u32,
    /// Elements to mark in each row, at least one.
    k: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `mask` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> mask: array<u32>;

var<workgroup> tally: array<atomic<u32>, 256>;
var<workgroup> picked: array<u32, 2>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = flat_group(group, groups);
    // Groups beyond the last row work on it again and write nothing, so that all reach the barriers.
    let from_x = params.x_base + min(row, params.rows - 1u) * params.width;

    // Bits of the k-th key found so far, where they are, and how many elements are wanted of those that agree with them.
    var kth = 0u;
    var high = 0u;
    var wanted = params.k;
    for (var round = 0u; round < 4u; round++) {
        let shift = 24u - 8u * round;
        atomicStore(&tally[lane], 0u);
        workgroupBarrier();
        for (var i = lane; i < params.width; i += 256u) {
            let key = sort_key(x[from_x + i], params.by);
            if (key & high) == kth {
                atomicAdd(&tally[(key >> shift) & 255u], 1u);
            }
        }
        workgroupBarrier();
        let n = atomicLoad(&tally[lane]);
        let upto = inclusive_scan(lane, n);
        if upto >= wanted && upto - n < wanted {
            picked[0] = lane;
            picked[1] = upto - n;
        }
        workgroupBarrier();
        kth |= picked[0] << shift;
        high |= 255u << shift;
        wanted -= picked[1];
    }

    let run = (params.width + 255u) / 256u;
    let first = min(lane * run, params.width);
    let end = min(first + run, params.width);
    var own = 0u;
    for (var i = first; i < end; i++) {
        own += select(0u, 1u, sort_key(x[from_x + i], params.by) == kth);
    }
    var before = inclusive_scan(lane, own) - own;
    if row < params.rows {
        let to_y = params.y_base + row * params.width;
        for (var i = first; i < end; i++) {
            let key = sort_key(x[from_x + i], params.by);
            let taken = key < kth || (key == kth && before < wanted);
            mask[to_y + i] = select(0u, 1u, taken);
            before += select(0u, 1u, key == kth);
        }
    }
}
