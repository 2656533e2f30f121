//! The element that the search of `k_smallest` found, from its key.
//! use lib/order

struct Params {
    /// 0: by magnitude; 1: by value.
    by: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> found: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(1)
fn main() {
    y[0] = key_bits(found[256], params.by);
}
