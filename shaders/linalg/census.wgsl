//! Before a decomposition: the largest finite magnitude, as bits, and how many elements are NaN or infinite.
//! Bits, because they order like the magnitudes and no compiler may assume anything of them.
//! use lib/index

struct Params {
    /// Elements.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
/// Largest bits; number of elements that are not finite. Zero before.
@group(0) @binding(2) var<storage, read_write> census: array<atomic<u32>, 2>;

var<workgroup> largest: array<u32, 256>;
var<workgroup> strange: array<u32, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    var most = 0u;
    var odd = 0u;
    for (var i = flat_index(group, groups, lane); i < params.count; i += groups.x * groups.y * 256u) {
        let bits = x[i] & 0x7fffffffu;
        if bits < 0x7f800000u {
            most = max(most, bits);
        } else {
            odd += 1u;
        }
    }
    largest[lane] = most;
    strange[lane] = odd;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half /= 2u) {
        if lane < half {
            largest[lane] = max(largest[lane], largest[lane + half]);
            strange[lane] += strange[lane + half];
        }
        workgroupBarrier();
    }
    if lane == 0u {
        atomicMax(&census[0], largest[0]);
        atomicAdd(&census[1], strange[0]);
    }
}
