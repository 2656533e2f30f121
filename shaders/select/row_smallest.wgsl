//! The k smallest elements of every row as a mask, exactly; a workgroup does a row. A radix search, eight bits at a time, finds the k-th
//! key; of the elements that equal it the leftmost are taken, up to a column that is found by counting.
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

// Bins of a digit, and the invocations that share them.
const BINS = 256u;
const LANES = 64u;
const OWN = BINS / LANES;

var<workgroup> tally: array<atomic<u32>, BINS>;
// The digit of the k-th key with the number of elements in lower bins; at the end the last column taken of those that equal it.
var<workgroup> picked: array<u32, 2>;

@compute @workgroup_size(64)
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
        for (var i = lane; i < BINS; i += LANES) {
            atomicStore(&tally[i], 0u);
        }
        workgroupBarrier();
        for (var i = lane; i < params.width; i += LANES) {
            let key = sort_key(x[from_x + i], params.by);
            if (key & high) == kth {
                atomicAdd(&tally[(key >> shift) & 255u], 1u);
            }
        }
        workgroupBarrier();
        var own = 0u;
        for (var i = 0u; i < OWN; i++) {
            own += atomicLoad(&tally[lane * OWN + i]);
        }
        var before = inclusive_scan(lane, own) - own;
        for (var i = 0u; i < OWN; i++) {
            let n = atomicLoad(&tally[lane * OWN + i]);
            if before < wanted && before + n >= wanted {
                picked[0] = lane * OWN + i;
                picked[1] = before;
            }
            before += n;
        }
        workgroupBarrier();
        kth |= picked[0] << shift;
        high |= 255u << shift;
        wanted -= picked[1];
    }

    // Each invocation counts in a run of neighbouring columns; one of them finds the last that is taken.
    let run = (params.width + LANES - 1u) / LANES;
    let first = min(lane * run, params.width);
    let end = min(first + run, params.width);
    var own = 0u;
    for (var i = first; i < end; i++) {
        own += select(0u, 1u, sort_key(x[from_x + i], params.by) == kth);
    }
    var before = inclusive_scan(lane, own) - own;
    if before < wanted && before + own >= wanted {
        for (var i = first; i < end; i++) {
            if sort_key(x[from_x + i], params.by) == kth {
                before += 1u;
                if before == wanted {
                    picked[0] = i;
                }
            }
        }
    }
    workgroupBarrier();
    if row < params.rows {
        let to_y = params.y_base + row * params.width;
        for (var i = lane; i < params.width; i += LANES) {
            let key = sort_key(x[from_x + i], params.by);
            mask[to_y + i] = select(0u, 1u, key < kth || (key == kth && i <= picked[0]));
        }
    }
}
