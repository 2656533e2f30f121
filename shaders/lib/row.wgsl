// One value of every invocation of a workgroup of 64, folded to one. Every invocation reads all values, eight by eight in pairs and the eights one after
// another: one barrier where a tree needs six, and the order never depends on timing. Every invocation has to call it, and all of them have the
// result; calls may follow each other.

var<workgroup> row_values: array<f32, 64>;

// Puts the values where all can read them.
fn row_share(lane: u32, value: f32) {
    workgroupBarrier();
    row_values[lane] = value;
    workgroupBarrier();
}

// The sum.
fn row_sum(lane: u32, value: f32) -> f32 {
    row_share(lane, value);
    var sum = 0.0;
    for (var i = 0u; i < 64u; i += 8u) {
        let left = (row_values[i] + row_values[i + 1u]) + (row_values[i + 2u] + row_values[i + 3u]);
        let right = (row_values[i + 4u] + row_values[i + 5u]) + (row_values[i + 6u] + row_values[i + 7u]);
        sum += left + right;
    }
    return sum;
}

// The largest.
fn row_largest_of(lane: u32, value: f32) -> f32 {
    row_share(lane, value);
    var largest = row_values[0];
    for (var i = 1u; i < 64u; i++) {
        largest = max(largest, row_values[i]);
    }
    return largest;
}
