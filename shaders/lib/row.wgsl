// One value of every invocation of a row, folded to one. A workgroup of 64 takes one row, or eight where rows are short. Every invocation reads all values of its
// row, eight by eight in pairs and the eights one after another: one barrier where a tree needs six, and the order never depends on timing. Every
// invocation has to call it, and all of them have their row's result; calls may follow each other.

// Invocations a row: 64 or 8. Software devices pay for each workgroup with a barrier.
override row_lanes: u32 = 64u;

var<workgroup> row_values: array<f32, 64>;

// Number of the row that an invocation of this workgroup works on.
fn row_number(workgroup: u32, lane: u32) -> u32 {
    return workgroup * (64u / row_lanes) + lane / row_lanes;
}

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
    let first = lane / row_lanes * row_lanes;
    for (var i = first; i < first + row_lanes; i += 8u) {
        let left = (row_values[i] + row_values[i + 1u]) + (row_values[i + 2u] + row_values[i + 3u]);
        let right = (row_values[i + 4u] + row_values[i + 5u]) + (row_values[i + 6u] + row_values[i + 7u]);
        sum += left + right;
    }
    return sum;
}

// The largest.
fn row_largest_of(lane: u32, value: f32) -> f32 {
    row_share(lane, value);
    let first = lane / row_lanes * row_lanes;
    var largest = row_values[first];
    for (var i = first + 1u; i < first + row_lanes; i++) {
        largest = max(largest, row_values[i]);
    }
    return largest;
}
