//! Index of the largest element along the middle axis of x, seen as `outer × axis × inner`; the lower one where two are equal, and that
//! of the first NaN where there is one. A workgroup makes one result, as a tree over (key, index).
//! use lib/index
//! use lib/order

struct Params {
    /// Rows of results in this launch.
    outer: u32,
    /// Elements of the axis.
    axis: u32,
    /// Elements that lie between one step of the axis and the next.
    inner: u32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

var<workgroup> keys: array<u32, 256>;
var<workgroup> places: array<u32, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = flat_group(group, groups);
    let results = params.outer * params.inner;
    var best = 0u;
    var place = 0xffffffffu;
    if number < results {
        let base = params.x_base + number / params.inner * params.axis * params.inner + number % params.inner;
        for (var a = lane; a < params.axis; a += 256u) {
            let key = value_key(x[base + a * params.inner]);
            if place == 0xffffffffu || key > best {
                best = key;
                place = a;
            }
        }
    }
    keys[lane] = best;
    places[lane] = place;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half = half / 2u) {
        if lane < half {
            let key = keys[lane + half];
            let other = places[lane + half];
            let larger = key > keys[lane] || (key == keys[lane] && other < places[lane]);
            if other != 0xffffffffu && (places[lane] == 0xffffffffu || larger) {
                keys[lane] = key;
                places[lane] = other;
            }
        }
        workgroupBarrier();
    }
    if number < results && lane == 0u {
        y[params.y_base + number] = places[0];
    }
}
