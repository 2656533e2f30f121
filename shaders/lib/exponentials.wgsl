//! use lib/row
// What every softmax begins with, with the invocations of `lib/row`: the row's largest element, then Σ exp(x − that).
//
// The file that takes this in defines `x` and `params.width`, the elements of a row.

// The largest element of the row that begins at `start`.
fn row_largest(lane: u32, start: u32) -> f32 {
    var largest = -3.4028234e38;
    for (var i = lane % row_lanes; i < params.width; i += row_lanes) {
        largest = max(largest, x[start + i]);
    }
    return row_largest_of(lane, largest);
}

// Σ exp(x − largest) of that row.
fn row_exponentials(lane: u32, start: u32, largest: f32) -> f32 {
    var sum = 0.0;
    for (var i = lane % row_lanes; i < params.width; i += row_lanes) {
        sum += exp(x[start + i] - largest);
    }
    return row_sum(lane, sum);
}
