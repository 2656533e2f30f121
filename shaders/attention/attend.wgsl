//! Scaled dot-product attention, one invocation for one query of one head. Keys come by eight: their scores are made side by side, the running
//! maximum and sum are brought up to date, and their shares of the values are added (the online softmax of Milakov and Gimelshein, 2018; keys in
//! pieces as in Dao et al., 2022). Neighbours are queries of one head, so they read the same keys at the same time; caches serve that, and no barrier
//! holds anyone up.
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
    /// First query (sequence · heads + head) · queries + query of this launch.
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

// What a key scores that is not seen.
const NONE = -3.4028234e38;

// Elements of one key's values.
fn values(begin: u32, at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(v[begin + at.x], v[begin + at.y], v[begin + at.z], v[begin + at.w]);
}

// Shares times the values of four keys.
fn four(shares: vec4<f32>, begin: vec4<u32>, at: vec4<u32>) -> vec4<f32> {
    return shares.x * values(begin.x, at) + shares.y * values(begin.y, at) + shares.z * values(begin.z, at) + shares.w * values(begin.w, at);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = flat_group(group, groups) * 64u + lane;
    if number >= params.count {
        return;
    }
    let at = params.first + number;
    let row = at / params.queries;
    let head = row % params.heads;
    let sequence = row / params.heads;
    let place = at % params.queries;
    let from_q = ((sequence * params.queries + place) * params.heads + head) * params.head;
    let kv_row = params.kv_heads * params.head;
    let from_kv = sequence * params.keys * kv_row + head / (params.heads / params.kv_heads) * params.head;

    // Position of the query among the keys, and the keys that it sees.
    let here = place + params.keys - params.queries;
    var start = span[2u * sequence];
    var end = min(span[2u * sequence + 1u], params.keys);
    if params.causal == 1u {
        end = min(end, here + 1u);
    }
    if params.window > 0u && here + 1u > params.window {
        start = max(start, here + 1u - params.window);
    }

    var largest = NONE;
    var total = 0.0;
    var sums = array<vec4<f32>, 64>();
    for (var base = start; base < end; base += 8u) {
        let near = base + vec4<u32>(0u, 1u, 2u, 3u);
        let far = near + 4u;
        // The last key stands in for those behind it, and weighs nothing there.
        let from_near = from_kv + min(near, vec4<u32>(params.keys - 1u)) * kv_row;
        let from_far = from_kv + min(far, vec4<u32>(params.keys - 1u)) * kv_row;
        var near_dots = vec4<f32>();
        var far_dots = vec4<f32>();
        for (var d = 0u; d < params.head; d++) {
            let own = q[from_q + d];
            near_dots += own * vec4<f32>(k[from_near.x + d], k[from_near.y + d], k[from_near.z + d], k[from_near.w + d]);
            far_dots += own * vec4<f32>(k[from_far.x + d], k[from_far.y + d], k[from_far.z + d], k[from_far.w + d]);
        }
        let near_seen = near < vec4<u32>(end);
        let far_seen = far < vec4<u32>(end);
        let near_scores = select(vec4<f32>(NONE), near_dots * params.scale, near_seen);
        let far_scores = select(vec4<f32>(NONE), far_dots * params.scale, far_seen);
        let most = max(near_scores, far_scores);
        let before = largest;
        largest = max(largest, max(max(most.x, most.y), max(most.z, most.w)));
        let near_shares = select(vec4<f32>(), exp(near_scores - largest), near_seen);
        let far_shares = select(vec4<f32>(), exp(far_scores - largest), far_seen);
        let shrink = select(exp(before - largest), 1.0, before == largest);
        let both = near_shares + far_shares;
        total = total * shrink + ((both.x + both.y) + (both.z + both.w));
        for (var d = 0u; d < params.head; d += 4u) {
            let elements = min(d + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.head - 1u));
            sums[d / 4u] = sums[d / 4u] * shrink + (four(near_shares, from_near, elements) + four(far_shares, from_far, elements));
        }
    }
    for (var d = 0u; d < params.head; d++) {
        y[from_q + d] = select(0.0, sums[d / 4u][d % 4u] / total, total > 0.0);
    }
}
