//! Real spherical harmonics by the stable recurrence of normalised Legendre functions (the published code expands polynomials, which loses all digits of
//! single precision at 20 degrees and of double precision at 40). Column of degree l and order m: l² + l + m.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// Three conventions are in use; weights that were trained under one need that one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Convention {
    /// Without the sign of Condon and Shortley, order 0 π times too large: the code that SatCLIP's published weights and CaLLiPer's were trained with.
    #[default]
    Legacy,
    /// Orthonormal, without the sign.
    Orthonormal,
    /// Orthonormal, with the sign (−1)^|m|: the closed form.
    Signed,
}

/// The L² harmonics of one longitude and latitude in degrees.
pub fn row([lon, lat]: [f64; 2], degrees: usize, convention: Convention, out: &mut Vec<f64>) {
    let (phi, theta) = ((lon + 180.0).to_radians(), (lat + 90.0).to_radians());
    let x = theta.cos();
    let s = (1.0 - x * x).max(0.0).sqrt();
    let from = out.len();
    out.resize(from + degrees * degrees, 0.0);
    let row = &mut out[from..];
    let mut diagonal = 1.0 / (4.0 * PI).sqrt();
    for m in 0..degrees {
        let order = m as f64;
        if m > 0 {
            diagonal *= ((2.0 * order + 1.0) / (2.0 * order)).sqrt() * s;
        }
        let sign = if convention == Convention::Signed && m % 2 == 1 { -1.0 } else { 1.0 };
        let (sine, cosine) = (order * phi).sin_cos();
        let (mut before, mut here) = (0.0, diagonal);
        for l in m..degrees {
            let degree = l as f64;
            if l > m {
                let square = degree * degree;
                let factor = ((4.0 * square - 1.0) / (square - order * order)).sqrt();
                let earlier = degree - 1.0;
                let back = if l > m + 1 { ((earlier * earlier - order * order) / (4.0 * earlier * earlier - 1.0)).sqrt() * before } else { 0.0 };
                (before, here) = (here, factor * (x * here - back));
            }
            let centre = l * l + l;
            if m == 0 {
                row[centre] = here * if convention == Convention::Legacy { PI } else { 1.0 };
            } else {
                row[centre + m] = sign * std::f64::consts::SQRT_2 * here * cosine;
                row[centre - m] = sign * std::f64::consts::SQRT_2 * here * sine;
            }
        }
    }
}

/// Harmonics from a table of 360 × 180 places, [−180, 180] × [−90, 90] inclusive, read at ⌊·⌋ and ⌈·⌉ of (lon + 180, lat + 90) with weights (1−u)(1−v) and u(1−v).
pub fn discretized(points: &[[f64; 2]], degrees: usize, out: &mut Vec<f64>) {
    let place = |i: f64, count: f64, reach: f64| -reach + i.clamp(0.0, count - 1.0) * 2.0 * reach / (count - 1.0);
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for &[lon, lat] in points {
        let (x, y) = (lon + 180.0, lat + 90.0);
        let (u, v) = (x - x.floor(), y - y.floor());
        low.clear();
        high.clear();
        row([place(x.floor(), 360.0, 180.0), place(y.floor(), 180.0, 90.0)], degrees, Convention::Legacy, &mut low);
        row([place(x.ceil(), 360.0, 180.0), place(y.ceil(), 180.0, 90.0)], degrees, Convention::Legacy, &mut high);
        out.extend(low.iter().zip(&high).map(|(a, b)| a * (1.0 - u) * (1.0 - v) + b * u * (1.0 - v)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_squares_of_a_degree_is_the_same_everywhere() {
        // Σₘ Yₗₘ² = (2l + 1) / 4π (Unsöld's theorem), to a few hundred roundings.
        for p in [[0.0, 0.0], [12.5, 51.3], [-170.0, -89.9], [180.0, 90.0]] {
            for convention in [Convention::Orthonormal, Convention::Signed] {
                let mut y = Vec::new();
                row(p, 40, convention, &mut y);
                for l in 0..40 {
                    let sum: f64 = y[l * l..(l + 1) * (l + 1)].iter().map(|v| v * v).sum();
                    let wanted = (2 * l + 1) as f64 / (4.0 * PI);
                    assert!((sum - wanted).abs() < 1e-12 * wanted * (l + 1) as f64, "{p:?} {l}: {sum} {wanted}");
                }
            }
        }
    }
}
