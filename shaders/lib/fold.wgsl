// One value of every invocation of a workgroup of 256, folded to one as a tree, so that the order never depends on timing. Every
// invocation has to call it, and all of them have the result; calls may follow each other.

var<workgroup> fold_values: array<f32, 256>;

// The sum.
fn fold_sum(lane: u32, value: f32) -> f32 {
    workgroupBarrier();
    fold_values[lane] = value;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half = half / 2u) {
        if lane < half {
            fold_values[lane] = fold_values[lane] + fold_values[lane + half];
        }
        workgroupBarrier();
    }
    return fold_values[0];
}
