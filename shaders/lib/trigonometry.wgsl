// Sine and cosine that hold their digits: WGSL grants its own only 2⁻¹¹ inside ±π and nothing outside. The argument is brought into ±π/4 by π/2 in
// three parts (Cody and Waite), then the polynomials of the Cephes library (Moshier): within 2 units of 1 for |x| ≤ 8192.

// The argument less a multiple of π/2, and which multiple (modulo 4).
struct Reduced {
    rest: f32,
    quarter: u32,
}

fn reduced(x: f32) -> Reduced {
    let n = round(x * 0.63661977);
    let rest = ((x - n * 1.5703125) - n * 4.837512969970703e-4) - n * 7.54978995489188e-8;
    return Reduced(rest, u32(i32(n) & 3));
}

// sin(rest) and cos(rest) of |rest| ≤ π/4.
fn short_sine(r: f32) -> f32 {
    let z = r * r;
    return r + r * z * ((-1.9515296e-4 * z + 8.3321609e-3) * z - 0.16666655);
}

fn short_cosine(r: f32) -> f32 {
    let z = r * r;
    return 1.0 - 0.5 * z + z * z * ((2.4433157e-5 * z - 1.3887316e-3) * z + 4.1666646e-2);
}

fn quarter_turn(rest: f32, quarter: u32) -> f32 {
    let value = select(short_sine(rest), short_cosine(rest), (quarter & 1u) == 1u);
    return select(value, -value, (quarter & 2u) == 2u);
}

fn sine(x: f32) -> f32 {
    let r = reduced(x);
    return quarter_turn(r.rest, r.quarter);
}

fn cosine(x: f32) -> f32 {
    let r = reduced(x);
    return quarter_turn(r.rest, r.quarter + 1u);
}
