//! Singular values of a bidiagonal matrix in `f64`.
//!
//! The implicit QR iteration of Demmel and Kahan ("Accurate singular values of bidiagonal matrices", SIAM J. Sci. Stat. Comput. 11,
//! 1990): steps without a shift where a shift would cost relative accuracy, so that even the smallest value comes out with
//! nearly all its digits. O(n²).

use crate::error::{Error, Result};
use crate::order::by_number;

/// Relative size below which an off-diagonal element no longer moves any value by more than a few units in the last place
/// (the paper's choice: between 10 and 100 machine epsilons).
const TOLERANCE: f64 = 50.0 * f64::EPSILON;

/// Singular values, descending, of the matrix with `diagonal` d (length n) and `off` e (length n − 1) just above or just below it.
///
/// Every value has a small *relative* error. Errors: [`Error::NoConvergence`]; never seen for finite input.
pub fn singular_values(diagonal: &[f64], off: &[f64]) -> Result<Vec<f64>> {
    let n = diagonal.len();
    assert_eq!(off.len(), n.saturating_sub(1), "one off-diagonal element fewer than diagonal ones");
    let largest = diagonal.iter().chain(off).fold(0.0_f64, |m, x| m.max(x.abs()));
    if largest == 0.0 {
        return Ok(vec![0.0; n]);
    }
    let mut d: Vec<f64> = diagonal.iter().map(|x| x / largest).collect();
    let mut e: Vec<f64> = off.iter().map(|x| x / largest).collect();

    let threshold = (TOLERANCE * lower_bound(&d, &e)).max(f64::MIN_POSITIVE);
    let mut end = n - 1;
    // The block that the last step worked on; a new one is turned so that it is chased from its large end to its small one.
    let mut block = (usize::MAX, usize::MAX);
    let mut budget = 12 * n * n;
    while end > 0 {
        if e[end - 1].abs() <= threshold {
            e[end - 1] = 0.0;
            end -= 1;
            continue;
        }
        let mut start = end - 1;
        while start > 0 {
            if e[start - 1].abs() <= threshold {
                e[start - 1] = 0.0;
                break;
            }
            start -= 1;
        }
        if start + 1 == end {
            (d[end], d[start]) = two_by_two(d[start], e[start], d[end]);
            e[start] = 0.0;
            continue;
        }
        if block.1 < start || block.0 > end || block.0 == usize::MAX {
            // Reversed, a bidiagonal matrix is the transpose of a bidiagonal matrix: the values stay.
            if d[start].abs() < d[end].abs() {
                d[start..=end].reverse();
                e[start..end].reverse();
            }
        }
        block = (start, end);
        budget = budget.checked_sub(end - start).ok_or(Error::NoConvergence { what: "the singular values of a bidiagonal matrix" })?;
        let (d, e) = (&mut d[start..=end], &mut e[start..end]);
        if let Some(shift) = shift_or_deflate(d, e) {
            if shift == 0.0 { step_unshifted(d, e) } else { step_shifted(d, e, shift) }
        }
    }
    for x in &mut d {
        *x = x.abs() * largest;
    }
    by_number(&mut d, |x| -x);
    Ok(d)
}

/// A lower bound on the smallest singular value, within a factor n (Demmel and Kahan, eq. 2.4).
fn lower_bound(d: &[f64], e: &[f64]) -> f64 {
    let mut mu = d[0].abs();
    let mut least = mu;
    for (d, e) in d[1..].iter().zip(e) {
        if mu == 0.0 {
            return 0.0;
        }
        mu = d.abs() * (mu / (mu + e.abs()));
        least = least.min(mu);
    }
    least / (d.len() as f64).sqrt()
}

/// Zeroes off-diagonal elements that the convergence criteria of the paper allow to drop, and says `None` then; else the shift
/// of the next step, 0 where a shift would spoil relative accuracy.
fn shift_or_deflate(d: &[f64], e: &mut [f64]) -> Option<f64> {
    let last = e.len() - 1;
    if e[last].abs() <= TOLERANCE * d[last + 1].abs() {
        e[last] = 0.0;
        return None;
    }
    let mut mu = d[0].abs();
    let (mut least, mut largest) = (mu, mu);
    for i in 0..=last {
        if e[i].abs() <= TOLERANCE * mu {
            e[i] = 0.0;
            return None;
        }
        largest = largest.max(d[i + 1].abs()).max(e[i].abs());
        mu = d[i + 1].abs() * (mu / (mu + e[i].abs()));
        least = least.min(mu);
    }
    if d.len() as f64 * TOLERANCE * (least / largest) <= f64::EPSILON {
        return Some(0.0);
    }
    let (shift, _) = two_by_two(d[last], e[last], d[last + 1]);
    let head = d[0].abs();
    if head > 0.0 && (shift / head) * (shift / head) < f64::EPSILON { Some(0.0) } else { Some(shift) }
}

/// One QR step without a shift, in the form that only multiplies and divides: no element loses relative accuracy.
fn step_unshifted(d: &mut [f64], e: &mut [f64]) {
    let last = e.len();
    let (mut c, mut c_old, mut s_old) = (1.0, 1.0, 0.0);
    for i in 0..last {
        let (c_new, s, r) = rotation(d[i] * c, e[i]);
        if i > 0 {
            e[i - 1] = s_old * r;
        }
        (c_old, s_old, d[i]) = rotation(c_old * r, d[i + 1] * s);
        c = c_new;
    }
    let h = d[last] * c;
    d[last] = h * c_old;
    e[last - 1] = h * s_old;
}

/// One QR step with the given shift: the bulge is chased from the top to the bottom.
fn step_shifted(d: &mut [f64], e: &mut [f64], shift: f64) {
    let last = e.len();
    let mut f = (d[0].abs() - shift) * (1.0_f64.copysign(d[0]) + shift / d[0]);
    let mut g = e[0];
    for i in 0..last {
        let (c, s, r) = rotation(f, g);
        if i > 0 {
            e[i - 1] = r;
        }
        f = c * d[i] + s * e[i];
        e[i] = c * e[i] - s * d[i];
        g = s * d[i + 1];
        d[i + 1] *= c;
        let (c, s, r) = rotation(f, g);
        d[i] = r;
        f = c * e[i] + s * d[i + 1];
        d[i + 1] = c * d[i + 1] - s * e[i];
        if i + 1 < last {
            g = s * e[i + 1];
            e[i + 1] *= c;
        }
    }
    e[last - 1] = f;
}

/// `(c, s, r)` with c·f + s·g = r and c·g − s·f = 0.
#[inline(always)]
fn rotation(f: f64, g: f64) -> (f64, f64, f64) {
    if g == 0.0 {
        return (1.0, 0.0, f);
    }
    let square = f * f + g * g;
    // Values here are at most a small multiple of 1, so only underflow has to be kept off.
    let r = if square > 1e-280 { square.sqrt() } else { f.hypot(g) };
    let inverse = 1.0 / r;
    if inverse.is_finite() { (f * inverse, g * inverse, r) } else { (f / r, g / r, r) }
}

/// Both singular values, smaller first, of the triangle with f, h on the diagonal and g beside it; each to a few units in the last place.
fn two_by_two(f: f64, g: f64, h: f64) -> (f64, f64) {
    let g = g.abs();
    let (small, large) = if f.abs() < h.abs() { (f.abs(), h.abs()) } else { (h.abs(), f.abs()) };
    if small == 0.0 {
        return (0.0, large.hypot(g));
    }
    let (sum, difference) = (1.0 + small / large, (large - small) / large);
    if g < large {
        let square = (g / large) * (g / large);
        let c = 2.0 / ((sum * sum + square).sqrt() + (difference * difference + square).sqrt());
        return (small * c, large / c);
    }
    let ratio = large / g;
    if ratio == 0.0 {
        return (small * large / g, g);
    }
    let (sum, difference) = (sum * ratio, difference * ratio);
    let c = 1.0 / ((1.0 + sum * sum).sqrt() + (1.0 + difference * difference).sqrt());
    (2.0 * (small * c) * ratio, g / (c + c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_known_spectrum_keeps_relative_accuracy() {
        // d = 1, e = −1: the inverse is the all-ones triangle, whose singular values are known:
        // σ_k(B) = 2 sin((2k−1)π / (4n+2)).
        for n in [1, 2, 3, 4, 17, 200] {
            let values = singular_values(&vec![1.0; n], &vec![-1.0; n - 1]).unwrap();
            for (k, value) in values.iter().rev().enumerate() {
                let expected = 2.0 * ((2 * k + 1) as f64 * std::f64::consts::PI / (4 * n + 2) as f64).sin();
                assert!((value - expected).abs() <= 1e-13 * expected, "n {n} k {k}: {value} {expected}");
            }
        }
    }

    #[test]
    fn the_smallest_of_a_graded_matrix_keeps_its_digits() {
        // The determinant is the product of the diagonal: relative accuracy of every value shows in the product, which a method
        // of absolute accuracy (1e-16 against a smallest value near 1e-40) could not give.
        let n = 21;
        for reversed in [false, true] {
            let mut d: Vec<f64> = (0..n).map(|i| 10f64.powi(-2 * i)).collect();
            let mut e: Vec<f64> = (0..n - 1).map(|i| 3.0 * 10f64.powi(-2 * i)).collect();
            if reversed {
                d.reverse();
                e.reverse();
            }
            let values = singular_values(&d, &e).unwrap();
            let logs: f64 = values.iter().map(|x| x.ln()).sum::<f64>() - d.iter().map(|x| x.ln()).sum::<f64>();
            assert!(logs.abs() < 1e-11, "{logs}");
        }
    }

    #[test]
    fn zeros_on_the_diagonal_and_beside_it() {
        assert_eq!(singular_values(&[], &[]).unwrap(), Vec::<f64>::new());
        assert_eq!(singular_values(&[0.0; 3], &[0.0; 2]).unwrap(), [0.0; 3]);
        assert_eq!(singular_values(&[-2.0, 0.0, 1.0], &[0.0; 2]).unwrap(), [2.0, 1.0, 0.0]);
        // A zero at each place of the diagonal: exactly one value is zero (the rest of the rank is there).
        for at in 0..5 {
            let mut d = [1.0; 5];
            d[at] = 0.0;
            let values = singular_values(&d, &[0.5; 4]).unwrap();
            assert!(values[4] < 1e-30 && values[3] > 0.1, "{at} {values:?}");
        }
        assert_eq!(singular_values(&[0.0, 0.0], &[3.0]).unwrap(), [3.0, 0.0]);
    }

    proptest! {
        #[test]
        fn sums_of_squares_and_products_agree(
            pairs in prop::collection::vec((-1.0f64..1.0, -1.0f64..1.0, -8i32..1), 1..60),
        ) {
            let d: Vec<f64> = pairs.iter().map(|p| p.0 * 10f64.powi(p.2)).collect();
            let e: Vec<f64> = pairs[1..].iter().map(|p| p.1 * 10f64.powi(p.2)).collect();
            let values = singular_values(&d, &e).unwrap();
            prop_assert!(values.is_sorted_by(|a, b| a >= b) && values.iter().all(|&x| x >= 0.0));
            let squares: f64 = d.iter().chain(&e).map(|x| x * x).sum();
            let found: f64 = values.iter().map(|x| x * x).sum();
            prop_assert!((squares - found).abs() <= 1e-12 * squares);
            if d.iter().all(|x| x.abs() > 1e-12) {
                let product = d.iter().map(|x| x.abs().ln()).sum::<f64>();
                let found = values.iter().map(|x| x.ln()).sum::<f64>();
                prop_assert!((product - found).abs() <= 1e-10, "{product} {found}");
            }
        }
    }
}
