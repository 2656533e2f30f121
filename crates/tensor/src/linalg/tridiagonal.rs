//! Eigenvalues of a symmetric tridiagonal matrix in `f64`, without vectors.
//!
//! The QL iteration on squared off-diagonals of Pal, Walker and Kahan (as in Reinsch, "A stable, rational QR algorithm for the
//! computation of the eigenvalues of an Hermitian, tridiagonal matrix", Math. Comp. 25, 1971): one square root a sweep instead
//! of one a rotation. O(n²).

use crate::error::{Error, Result};

/// Eigenvalues, in no order, of the matrix with `diagonal` d (length n) and `off` e (length n − 1) beside it.
///
/// Each is right to a few machine epsilons times the largest magnitude. Errors: [`Error::NoConvergence`]; never seen for finite input.
pub fn eigenvalues(diagonal: &[f64], off: &[f64]) -> Result<Vec<f64>> {
    let n = diagonal.len();
    assert_eq!(off.len(), n.saturating_sub(1), "one off-diagonal element fewer than diagonal ones");
    let largest = diagonal.iter().chain(off).fold(0.0_f64, |m, x| m.max(x.abs()));
    if largest == 0.0 {
        return Ok(vec![0.0; n]);
    }
    let mut d: Vec<f64> = diagonal.iter().map(|x| x / largest).collect();
    let mut e2: Vec<f64> = off.iter().map(|x| (x / largest) * (x / largest)).collect();
    // Dropping elements under ε/16 of the largest moves no eigenvalue by more than ε/8 of it (the dropped part's norm).
    let negligible = |d: &[f64], e2: &[f64], i: usize| {
        const RELATIVE: f64 = f64::EPSILON * f64::EPSILON;
        e2[i] <= RELATIVE * (d[i] * d[i + 1]).abs().max(1.0 / 256.0)
    };

    let mut start = 0;
    let mut budget = 30 * n * n;
    // The end of the block last worked on: a fresh block is turned so that its small end comes first, where QL converges.
    let mut turned = 0;
    while start < n {
        let mut end = start;
        while end + 1 < n && !negligible(&d, &e2, end) {
            end += 1;
        }
        if end + 1 < n {
            e2[end] = 0.0;
        }
        if end == start {
            start += 1;
            continue;
        }
        if end == start + 1 {
            (d[start], d[end]) = two_by_two(d[start], e2[start], d[end]);
            start += 2;
            continue;
        }
        if start >= turned || end + 1 < turned {
            if d[end].abs() < d[start].abs() {
                d[start..=end].reverse();
                e2[start..end].reverse();
            }
            turned = end + 1;
        }
        budget = budget.checked_sub(end - start).ok_or(Error::NoConvergence { what: "the eigenvalues of a tridiagonal matrix" })?;
        sweep(&mut d[start..=end], &mut e2[start..end]);
    }
    for x in &mut d {
        *x *= largest;
    }
    Ok(d)
}

/// One QL sweep from the last element to the first, shifted by the eigenvalue of the leading 2 × 2 that is nearer its corner.
fn sweep(d: &mut [f64], e2: &mut [f64]) {
    let last = e2.len();
    let root = e2[0].sqrt();
    let half = (d[1] - d[0]) / (2.0 * root);
    let shift = d[0] - root / (half + half.hypot(1.0).copysign(half));

    let (mut c, mut s) = (1.0, 0.0);
    let mut gamma = d[last] - shift;
    let mut p = gamma * gamma;
    for i in (0..last).rev() {
        let b = e2[i];
        let r = p + b;
        if i + 1 < last {
            e2[i + 1] = s * r;
        }
        let c_old = c;
        let inverse = 1.0 / r;
        c = p * inverse;
        s = b * inverse;
        let gamma_old = gamma;
        let alpha = d[i];
        gamma = c * (alpha - shift) - s * gamma_old;
        d[i + 1] = gamma_old + (alpha - gamma);
        p = if c == 0.0 { c_old * b } else { gamma * gamma / c };
    }
    e2[0] = s * p;
    d[0] = shift + gamma;
}

/// Both eigenvalues of the symmetric matrix with a, b on the diagonal and √`off2` beside it.
fn two_by_two(a: f64, off2: f64, b: f64) -> (f64, f64) {
    let (mean, half) = (0.5 * (a + b), 0.5 * (a - b));
    let root = (half * half + off2).sqrt();
    (mean - root, mean + root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(d: &[f64], e: &[f64]) -> Vec<f64> {
        let mut values = eigenvalues(d, e).unwrap();
        values.sort_unstable_by(f64::total_cmp);
        values
    }

    #[test]
    fn a_known_spectrum() {
        // 2 on the diagonal, −1 beside it: 2 − 2 cos(kπ/(n+1)).
        for n in [1, 2, 3, 10, 333] {
            for (k, value) in sorted(&vec![2.0; n], &vec![-1.0; n - 1]).iter().enumerate() {
                let expected = 2.0 - 2.0 * ((k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64).cos();
                assert!((value - expected).abs() <= 2e-14, "n {n} k {k}: {value} {expected}");
            }
        }
    }

    #[test]
    fn zeros_and_split_blocks() {
        assert_eq!(sorted(&[], &[]), []);
        assert_eq!(sorted(&[0.0; 4], &[0.0; 3]), [0.0; 4]);
        assert_eq!(sorted(&[3.0, -1.0, 2.0], &[0.0, 0.0]), [-1.0, 2.0, 3.0]);
        let values = sorted(&[0.0; 3], &[1.0, 1.0]);
        let expected = [-(2f64.sqrt()), 0.0, 2f64.sqrt()];
        assert!(values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{values:?}");
    }

    proptest! {
        #[test]
        fn agrees_with_faer(
            pairs in prop::collection::vec((-1.0f64..1.0, -1.0f64..1.0, -9i32..1), 1..80),
        ) {
            let n = pairs.len();
            let d: Vec<f64> = pairs.iter().map(|p| p.0 * 10f64.powi(p.2)).collect();
            let e: Vec<f64> = pairs[1..].iter().map(|p| p.1 * 10f64.powi(p.2)).collect();
            let full = faer::Mat::from_fn(n, n, |i, j| match i.abs_diff(j) { 0 => d[i], 1 => e[i.min(j)], _ => 0.0 });
            let expected = full.self_adjoint_eigenvalues(faer::Side::Lower).unwrap();
            let scale = expected.iter().fold(0f64, |m, x| m.max(x.abs()));
            for (a, b) in sorted(&d, &e).iter().zip(&expected) {
                prop_assert!((a - b).abs() <= 1e-14 * scale, "{a} {b}");
            }
        }
    }
}
