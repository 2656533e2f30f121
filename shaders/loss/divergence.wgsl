//! How far the rows of two matrices are apart, one number a row: Jensen–Shannon divergence of their softmaxes, mean squared difference, or
//! one minus their cosine.
//! use lib/row
//! use lib/index

struct Params {
    /// Rows in this launch.
    rows: u32,
    /// Elements a row.
    width: u32,
    /// 0 Jensen–Shannon, 1 mean square, 2 cosine.
    kind: u32,
    /// First element of this launch's `p` in its binding.
    p_base: u32,
    /// First element of this launch's `q` in its binding.
    q_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> p: array<f32>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

/// Added to both probabilities, as in the published code.
const EPSILON = 1.0e-10;

// tanh without the cancellation that the built-in one may have near zero.
fn tangent(u: f32) -> f32 {
    let s = u * u;
    if s < 0.0625 {
        return u * (1.0 + s * (-0.33333333 + s * (0.13333333 + s * (-0.05396825 + s * 0.02186949))));
    }
    let t = exp(-2.0 * abs(u));
    return sign(u) * (1.0 - t) / (1.0 + t);
}

// (1 + r) ln(1 + r) + (1 − r) ln(1 − r) = Σ r²ᵏ / (k (2k − 1)), for |r| ≤ 1.
fn spread(r: f32) -> f32 {
    let s = r * r;
    if s < 0.09 {
        return s * (1.0 + s * (0.16666667 + s * (0.06666667 + s * (0.03571429 + s * (0.02222222 + s * 0.01515152)))));
    }
    let low = max(1.0 - abs(r), 1.0e-30);
    let high = 1.0 + abs(r);
    return high * log(high) + low * log(low);
}

fn jensen_shannon(lane: u32, from_p: u32, from_q: u32) -> f32 {
    var most_p = -3.4028234e38;
    var most_q = -3.4028234e38;
    for (var i = lane % row_lanes; i < params.width; i += row_lanes) {
        most_p = max(most_p, p[from_p + i]);
        most_q = max(most_q, q[from_q + i]);
    }
    most_p = row_largest_of(lane, most_p);
    most_q = row_largest_of(lane, most_q);
    var sum_p = 0.0;
    var sum_q = 0.0;
    for (var i = lane % row_lanes; i < params.width; i += row_lanes) {
        sum_p += exp(p[from_p + i] - most_p);
        sum_q += exp(q[from_q + i] - most_q);
    }
    sum_p = row_sum(lane, sum_p);
    sum_q = row_sum(lane, sum_q);
    let shift = (most_p - most_q) + (log(sum_p) - log(sum_q));
    var total = 0.0;
    for (var i = lane % row_lanes; i < params.width; i += row_lanes) {
        let a = exp(p[from_p + i] - most_p) / sum_p;
        let b = exp(q[from_q + i] - most_q) / sum_q;
        let middle = 0.5 * (a + b);
        // (a − b) / (a + b) from the logits: the difference of two nearly equal probabilities would keep few digits.
        let r = tangent(0.5 * ((p[from_p + i] - q[from_q + i]) - shift));
        total += (middle + EPSILON) * spread(r * (middle / (middle + EPSILON)));
    }
    return 0.5 * row_sum(lane, total);
}

fn mean_square(lane: u32, from_p: u32, from_q: u32) -> f32 {
    var total = 0.0;
    for (var i = lane % row_lanes; i < params.width; i += row_lanes) {
        let d = p[from_p + i] - q[from_q + i];
        total += d * d;
    }
    return row_sum(lane, total) / f32(params.width);
}

// Half the squared distance of the two directions, which is one minus their cosine. A row of zeros has no direction: 0 beside another, else 1.
fn cosine(lane: u32, from_p: u32, from_q: u32) -> f32 {
    var square_p = 0.0;
    var square_q = 0.0;
    for (var i = lane % row_lanes; i < params.width; i += row_lanes) {
        square_p += p[from_p + i] * p[from_p + i];
        square_q += q[from_q + i] * q[from_q + i];
    }
    square_p = row_sum(lane, square_p);
    square_q = row_sum(lane, square_q);
    let scale_p = select(0.0, 1.0 / sqrt(square_p), square_p > 0.0);
    let scale_q = select(0.0, 1.0 / sqrt(square_q), square_q > 0.0);
    var total = 0.0;
    for (var i = lane % row_lanes; i < params.width; i += row_lanes) {
        let d = p[from_p + i] * scale_p - q[from_q + i] * scale_q;
        total += d * d;
    }
    total = 0.5 * row_sum(lane, total);
    return select(total, 1.0, (square_p > 0.0) != (square_q > 0.0));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = row_number(flat_group(group, groups), lane);
    // Invocations beyond the last row work on it again and write nothing, so that all reach the barriers.
    let row = min(number, params.rows - 1u);
    let from_p = params.p_base + row * params.width;
    let from_q = params.q_base + row * params.width;
    var value = 0.0;
    switch params.kind {
        case 0u: { value = jensen_shannon(lane, from_p, from_q); }
        case 1u: { value = mean_square(lane, from_p, from_q); }
        default: { value = cosine(lane, from_p, from_q); }
    }
    if number == row && lane % row_lanes == 0u {
        y[params.y_base + row] = value;
    }
}
