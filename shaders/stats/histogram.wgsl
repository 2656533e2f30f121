//! Counts of x between ascending edges: counts[b] of edges[b] ≤ x < edges[b + 1], the last bin with its upper edge. What lies outside, and
//! NaN, is not counted. Keys are compared, not floats, so that counts are the same everywhere. A workgroup counts 4096 elements in its
//! own memory and then adds its counts to all.
//! use lib/index
//! use lib/order

struct Params {
    /// Elements in this launch.
    count: u32,
    /// Bins, one less than edges.
    bins: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> edges: array<u32>;
@group(0) @binding(3) var<storage, read_write> counts: array<atomic<u32>>;

var<workgroup> tally: array<atomic<u32>, 2048>;

// The bin of a key that lies between the first and the last edge: the last edge that is not above it, but not the end.
fn bin_of(key: u32) -> u32 {
    var low = 0u;
    var high = params.bins;
    while high - low > 1u {
        let middle = low + (high - low) / 2u;
        if middle <= params.bins && value_key(edges[min(middle, params.bins)]) <= key {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    for (var b = lane; b < params.bins && b < 2048u; b += 256u) {
        atomicStore(&tally[b], 0u);
    }
    workgroupBarrier();
    let first = value_key(edges[0]);
    let last = value_key(edges[params.bins]);
    let start = flat_group(group, groups) * 4096u;
    for (var step = 0u; step < 16u; step++) {
        let i = start + step * 256u + lane;
        if i < params.count {
            let key = value_key(x[params.x_base + i]);
            if key >= first && key <= last && key != 0xffffffffu {
                atomicAdd(&tally[min(bin_of(key), 2047u)], 1u);
            }
        }
    }
    workgroupBarrier();
    for (var b = lane; b < params.bins && b < 2048u; b += 256u) {
        let found = atomicLoad(&tally[b]);
        if found > 0u {
            atomicAdd(&counts[b], found);
        }
    }
}
