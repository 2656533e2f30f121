//! Scaled dot-product attention, one workgroup for one query of one head. Keys come by 64: their scores are made side by side, the running
//! maximum and sum are brought up to date, and each invocation adds its elements of the values (the online softmax of Milakov and
//! Gimelshein, 2018; keys in pieces as in Dao et al., 2022).
//! use lib/index

struct Params {
    /// Queries a sequence.
    queries: u32,
    /// Keys a sequence.
    keys: u32,
    /// Query heads.
    heads: u32,
    /// Key and value heads.
    kv_heads: u32,
    /// Elements a head, at most 256.
    head: u32,
    /// 1 where a query sees no later key.
    causal: u32,
    /// How many keys back a query sees, itself among them; 0 for all.
    window: u32,
    /// What scores are multiplied with.
    scale: f32,
    /// First query (sequence · queries + query) · heads + head of this launch.
    first: u32,
    /// How many of them.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> span: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

var<workgroup> query: array<f32, 256>;
var<workgroup> share: array<f32, 64>;
var<workgroup> tree: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = flat_group(group, groups);
    // Groups beyond the last work on it again and write nothing, so that all reach the barriers.
    let at = params.first + min(number, params.count - 1u);
    let head = at % params.heads;
    let row = at / params.heads;
    let sequence = row / params.queries;
    // Position of the query among the keys.
    let here = row % params.queries + params.keys - params.queries;
    let from_q = row * params.heads * params.head + head * params.head;
    let kv_row = params.kv_heads * params.head;
    let from_kv = sequence * params.keys * kv_row + head / (params.heads / params.kv_heads) * params.head;
    for (var d = lane; d < params.head; d += 64u) {
        query[min(d, 255u)] = q[from_q + d];
    }
    workgroupBarrier();

    let first_valid = span[2u * sequence];
    var end = min(span[2u * sequence + 1u], params.keys);
    if params.causal == 1u {
        end = min(end, here + 1u);
    }
    var start = first_valid;
    if params.window > 0u && here + 1u > params.window {
        start = max(start, here + 1u - params.window);
    }

    var largest = -3.4028234e38;
    var total = 0.0;
    var sums = vec4<f32>();
    // The same number of rounds for all invocations; keys outside [start, end) weigh nothing.
    for (var base = 0u; base < params.keys; base += 64u) {
        let key = base + lane;
        var score = -3.4028234e38;
        let seen = key >= start && key < end && key < params.keys;
        if key < params.keys && seen {
            var dot = 0.0;
            for (var d = 0u; d < params.head; d++) {
                dot += query[min(d, 255u)] * k[from_kv + key * kv_row + d];
            }
            score = dot * params.scale;
        }
        tree[lane] = score;
        workgroupBarrier();
        for (var half = 32u; half > 0u; half = half / 2u) {
            if lane < half {
                tree[lane] = max(tree[lane], tree[lane + half]);
            }
            workgroupBarrier();
        }
        let before = largest;
        largest = max(largest, tree[0]);
        let weight = select(0.0, exp(score - largest), seen);
        share[lane] = weight;
        workgroupBarrier();
        tree[lane] = weight;
        workgroupBarrier();
        for (var half = 32u; half > 0u; half = half / 2u) {
            if lane < half {
                tree[lane] = tree[lane] + tree[lane + half];
            }
            workgroupBarrier();
        }
        let shrink = select(exp(before - largest), 1.0, before == largest);
        total = total * shrink + tree[0];
        sums = sums * shrink;
        let there = min(params.keys - base, 64u);
        for (var j = 0u; j < there; j++) {
            let w = share[min(j, 63u)];
            let from_v = from_kv + (base + j) * kv_row;
            for (var part = 0u; part < 4u; part++) {
                let d = part * 64u + lane;
                if d < params.head {
                    sums[min(part, 3u)] += w * v[from_v + d];
                }
            }
        }
        workgroupBarrier();
    }
    if number < params.count {
        for (var part = 0u; part < 4u; part++) {
            let d = part * 64u + lane;
            if d < params.head {
                y[from_q + d] = select(0.0, sums[min(part, 3u)] / total, total > 0.0);
            }
        }
    }
}
