//! The k smallest elements of a whole tensor as a mask, exactly, by a radix search for the k-th key, eight bits at a time.
//!
//! Stage 0 counts, among the elements whose key agrees with the bits found so far, the next eight bits. Stage 1 (one workgroup) picks
//! the eight bits at which the count reaches k. After four rounds of both the k-th key is known, and how many of the elements
//! that have just that key belong to the k. Stage 2 counts those a block of 4096 elements, stage 3 (one workgroup) sums the counts
//! of earlier blocks, stage 4 writes the mask: of equal elements the earlier ones. Where all of them go, stages 2 and 3 are left out.
//! use lib/index
//! use lib/order
//! use lib/scan

struct Params {
    /// 0 to 4, as above.
    stage: u32,
    /// Elements in this launch; in stage 3, blocks.
    count: u32,
    /// 0: by magnitude; 1: by value.
    by: u32,
    /// Place of the eight bits of this round: 24, 16, 8, 0.
    shift: u32,
    /// How many elements are wanted, at least one.
    k: u32,
    /// 1 where all elements that equal the k-th belong to the mask.
    all_ties: u32,
    /// First block of this launch.
    block: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `mask` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> mask: array<u32>;
// 0 to 255: counts of this round. 256: bits found so far. 257: how many elements are wanted of those that agree with them.
@group(0) @binding(3) var<storage, read_write> found: array<atomic<u32>>;
// Elements equal to the k-th, by block; after stage 3, in all earlier blocks.
@group(0) @binding(4) var<storage, read_write> equal: array<u32>;

var<workgroup> tally: array<atomic<u32>, 256>;

fn key_at(i: u32) -> u32 {
    return sort_key(x[params.x_base + i], params.by);
}

fn count_bits(block: u32, lane: u32) {
    atomicStore(&tally[lane], 0u);
    workgroupBarrier();
    let prefix = atomicLoad(&found[256]);
    // The bits above those of this round; none in the first.
    let high = select(0xffffffffu << ((params.shift + 8u) & 31u), 0u, params.shift == 24u);
    for (var round = 0u; round < 16u; round++) {
        let i = block * 4096u + round * 256u + lane;
        if i < params.count {
            let key = key_at(i);
            if (key & high) == prefix {
                atomicAdd(&tally[(key >> params.shift) & 255u], 1u);
            }
        }
    }
    workgroupBarrier();
    let n = atomicLoad(&tally[lane]);
    if n > 0u && lane < 256u {
        atomicAdd(&found[lane], n);
    }
}

fn pick_bits(lane: u32) {
    let slot = min(lane, 255u);
    let n = atomicLoad(&found[slot]);
    let wanted = select(atomicLoad(&found[257]), params.k, params.shift == 24u);
    let prefix = atomicLoad(&found[256]);
    let upto = inclusive_scan(lane, n);
    storageBarrier();
    atomicStore(&found[slot], 0u);
    if upto >= wanted && upto - n < wanted {
        atomicStore(&found[256], prefix | (lane << params.shift));
        atomicStore(&found[257], wanted - (upto - n));
    }
}

fn is_equal(i: u32, kth: u32) -> u32 {
    if i < params.count {
        return select(0u, 1u, key_at(i) == kth);
    }
    return 0u;
}

// Elements equal to the k-th among the sixteen of this invocation.
fn equal_here(from_i: u32) -> u32 {
    let kth = atomicLoad(&found[256]);
    var n = 0u;
    for (var step = 0u; step < 16u; step++) {
        n += is_equal(from_i + step, kth);
    }
    return n;
}

fn count_equal(block: u32, lane: u32) {
    let upto = inclusive_scan(lane, equal_here(block * 4096u + lane * 16u));
    if lane == 255u && block * 4096u < params.count {
        equal[params.block + block] = upto;
    }
}

fn sum_blocks(lane: u32) {
    let run = (params.count + 255u) / 256u;
    var n = 0u;
    for (var step = 0u; step < run; step++) {
        let block = lane * run + step;
        if block < params.count {
            n += equal[block];
        }
    }
    var before = inclusive_scan(lane, n) - n;
    for (var step = 0u; step < run; step++) {
        let block = lane * run + step;
        if block < params.count {
            let own = equal[block];
            equal[block] = before;
            before += own;
        }
    }
}

fn write_mask(block: u32, lane: u32) {
    let kth = atomicLoad(&found[256]);
    let wanted = atomicLoad(&found[257]);
    let from_i = block * 4096u + lane * 16u;
    let own = equal_here(from_i);
    var before = inclusive_scan(lane, own) - own;
    if params.all_ties == 0u && block * 4096u < params.count {
        before += equal[params.block + block];
    }
    for (var step = 0u; step < 16u; step++) {
        let i = from_i + step;
        if i < params.count {
            let key = key_at(i);
            let taken = key < kth || (key == kth && (params.all_ties == 1u || before < wanted));
            mask[params.y_base + i] = select(0u, 1u, taken);
            before += select(0u, 1u, key == kth);
        }
    }
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = flat_group(group, groups);
    switch params.stage {
        case 0u: { count_bits(block, lane); }
        case 1u: { pick_bits(lane); }
        case 2u: { count_equal(block, lane); }
        case 3u: { sum_blocks(lane); }
        default: { write_mask(block, lane); }
    }
}
