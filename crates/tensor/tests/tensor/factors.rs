//! Truncated factors and Cholesky.

use espalier_tensor::Error;
use espalier_tensor::linalg::{Cholesky, Decomposition, Factors, low_rank_product, reconstruction_error, singular_values_cpu_f64};
use ndarray::{Array2, ArrayView2};
use proptest::prelude::*;

use crate::common::{graded, normal, with_spectrum};

/// Largest element of |XᵀX − I|.
fn from_orthonormal(x: &Array2<f64>) -> f64 {
    (x.t().dot(x) - Array2::<f64>::eye(x.ncols())).iter().fold(0.0, |m, v| m.max(v.abs()))
}

fn largest(x: ArrayView2<'_, f64>) -> f64 {
    x.iter().fold(0.0, |m, v| m.max(v.abs()))
}

#[test]
fn the_error_is_what_the_spectrum_leaves_out() {
    for (m, n) in [(40, 40), (90, 31), (31, 200), (1, 9), (9, 1)] {
        let p = m.min(n);
        for scale in [1.0, 1e20, 1e-30] {
            let a = with_spectrum(m, n, &graded(p, 1e-6), 21).mapv(|x| x * scale);
            let all = Decomposition::new(a.view()).unwrap();
            let sigma = singular_values_cpu_f64(a.view()).unwrap().values;
            for (x, y) in all.values().iter().zip(&sigma) {
                assert!((x - y).abs() <= 1e-13 * sigma[0]);
            }
            for r in [0, 1, p / 2, p, p + 7] {
                let factors = all.truncate(r);
                let r = r.min(p);
                assert_eq!((factors.rank(), factors.left.dim(), factors.right.dim()), (r, (m, r), (n, r)));
                assert!(from_orthonormal(&factors.left) < 1e-13 && from_orthonormal(&factors.right) < 1e-13);
                let expected = sigma[r..].iter().map(|x| (x / sigma[0]).powi(2)).sum::<f64>().sqrt() * sigma[0];
                assert!((factors.tail - expected).abs() <= 1e-12 * sigma[0], "{m}×{n} rank {r}");
                let error = reconstruction_error(a.view(), factors.product().view());
                assert!((error - expected).abs() <= 1e-12 * sigma[0], "{m}×{n} rank {r}: {error:e} {expected:e}");
            }
        }
    }
}

#[test]
fn the_balanced_pair_is_the_product_in_float32_and_shares_every_value() {
    let a = normal(50, 80, 4);
    let factors = Factors::new(a.view(), 12).unwrap();
    let (left, right) = factors.balanced();
    assert_eq!((left.dim(), right.dim()), ((50, 12), (12, 80)));
    let product = low_rank_product(left.view(), right.view());
    let difference = reconstruction_error(factors.product().view(), product.view());
    // Each of 12 terms is rounded three times in float32.
    assert!(difference <= 12.0 * f64::from(f32::EPSILON) * factors.values.iter().map(|x| x * x).sum::<f64>().sqrt());
    for (i, s) in factors.values.iter().enumerate() {
        for norm in [left.column(i).iter().map(|x| f64::from(*x).powi(2)).sum::<f64>(), right.row(i).iter().map(|x| f64::from(*x).powi(2)).sum()] {
            assert!((norm - s).abs() < 1e-5 * s, "each side carries √σ");
        }
    }
}

#[test]
fn zero_matrices_and_bad_values() {
    let factors = Factors::new(Array2::<f32>::zeros((6, 4)).view(), 2).unwrap();
    assert_eq!((factors.values.clone(), factors.tail), (vec![0.0; 2], 0.0));
    assert!(from_orthonormal(&factors.left) == 0.0 && factors.product().iter().all(|x| *x == 0.0));
    assert_eq!(Factors::new(Array2::<f32>::zeros((0, 4)).view(), 2).unwrap().product().dim(), (0, 4));
    let bad = Array2::from_elem((2, 2), f32::NAN);
    assert!(matches!(Factors::new(bad.view(), 1), Err(Error::NotFinite { count: 4, .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn cholesky_gives_back_its_matrix(n in 1usize..70, k in 1usize..9, seed: u64) {
        let x = normal(n, n + 3, seed);
        let a = x.dot(&x.t()) + Array2::<f64>::eye(n) * 0.1;
        let scale = largest(a.view());
        let c = Cholesky::new(a.view()).unwrap();
        let l = c.lower().to_owned();
        prop_assert!((0..n).all(|i| l[(i, i)] > 0.0 && (i + 1..n).all(|j| l[(i, j)] == 0.0)));
        prop_assert!(largest((l.dot(&l.t()) - &a).view()) <= 1e-14 * n as f64 * scale);
        let b = normal(n, k, seed ^ 1);
        prop_assert!(largest((l.dot(&c.solve_lower(b.view())) - &b).view()) <= 1e-11);
        prop_assert!(largest((l.t().dot(&c.solve_lower_transposed(b.view())) - &b).view()) <= 1e-11);
        // Residuals against |A|·|X|: backward stability, whatever the condition.
        let solved = c.solve(b.view());
        prop_assert!(largest((a.dot(&solved) - &b).view()) <= 1e-14 * n as f64 * scale * (1.0 + largest(solved.view())) * n as f64);
        let inverse = c.inverse();
        prop_assert_eq!(&inverse, &inverse.t());
        prop_assert!(largest((a.dot(&inverse) - Array2::<f64>::eye(n)).view()) <= 1e-14 * n as f64 * scale * largest(inverse.view()) * n as f64);
    }

    #[test]
    fn the_failing_pivot_is_named(n in 2usize..80, at in 0usize..80, by in 0.5f64..4.0, seed: u64) {
        let at = at % n;
        let x = normal(n, n, seed);
        let a = x.dot(&x.t()) + Array2::<f64>::eye(n);
        let l = Cholesky::new(a.view()).unwrap().lower().to_owned();
        // Below the pivot of row `at`, by a known amount.
        let mut bad = a.clone();
        bad[(at, at)] -= l[(at, at)].powi(2) + by;
        match Cholesky::new(bad.view()) {
            Err(Error::NotPositiveDefinite { index, pivot }) => {
                prop_assert_eq!(index, at);
                prop_assert!((pivot + by).abs() <= 1e-10 * largest(a.view()), "{} {}", pivot, -by);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

#[test]
fn cholesky_reads_the_lower_triangle_only_and_refuses_what_is_not_finite() {
    let a = Array2::from_shape_vec((2, 2), vec![4.0, f64::NAN, 2.0, 10.0]).unwrap();
    assert_eq!(Cholesky::new(a.view()).unwrap().lower(), Array2::from_shape_vec((2, 2), vec![2.0, 0.0, 1.0, 3.0]).unwrap());
    let a = Array2::from_shape_vec((2, 2), vec![4.0, 0.0, f64::INFINITY, 10.0]).unwrap();
    assert!(matches!(Cholesky::new(a.view()), Err(Error::NotFinite { count: 1, .. })));
    assert!(matches!(Cholesky::new(Array2::zeros((3, 3)).view()), Err(Error::NotPositiveDefinite { index: 0, .. })));
    assert_eq!(Cholesky::new(Array2::zeros((0, 0)).view()).unwrap().inverse().dim(), (0, 0));
}
