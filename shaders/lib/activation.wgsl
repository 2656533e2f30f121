// Functions that WGSL lacks, or has without saying how far they go before they overflow.

// 1 / (1 + exp(−x)), without an overflow on either side.
fn sigmoid(x: f32) -> f32 {
    let e = exp(-abs(x));
    return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

// (exp(x) − exp(−x)) / (exp(x) + exp(−x)), without an overflow: some drivers make NaN of tanh(100).
fn tanh_bounded(x: f32) -> f32 {
    let e = exp(-2.0 * abs(x));
    return sign(x) * (1.0 - e) / (1.0 + e);
}

// The share of a standard normal below x, by Abramowitz and Stegun 7.1.26 (absolute error 1.5e-7 in erf).
fn normal_share(x: f32) -> f32 {
    let z = abs(x) * 0.70710678;
    let t = 1.0 / (1.0 + 0.3275911 * z);
    let tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * exp(-z * z);
    return select(0.5 * tail, 1.0 - 0.5 * tail, x >= 0.0);
}

// The density of a standard normal at x.
fn normal_density(x: f32) -> f32 {
    return 0.39894228 * exp(-0.5 * x * x);
}
