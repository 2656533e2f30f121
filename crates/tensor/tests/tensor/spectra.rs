//! Singular values on the CPU against spectra known by construction, and against faer's float64 decomposition.

use espalier_tensor::linalg::{Singular, gram, singular, singular_values_cpu, singular_values_cpu_f64};
use ndarray::{Array2, Axis, s};
use proptest::prelude::*;

use crate::common::{graded, normal, reference, with_spectrum};

/// The bar of the issue: the error of every value, as a share of the largest.
const BAR: f64 = 1e-10;

fn worst(found: &Singular, expected: &[f64]) -> f64 {
    assert_eq!(found.values.len(), expected.len());
    assert!(found.values.is_sorted_by(|a, b| a >= b) && found.values.iter().all(|x| *x >= 0.0));
    found.values.iter().zip(expected).fold(0.0, |m, (a, b)| f64::max(m, (a - b).abs()))
}

/// Checks the bar and that the stated floor is kept.
fn judge(found: &Singular, expected: &[f64], label: &str) {
    let error = worst(found, expected);
    assert!(error <= BAR * expected[0], "{label}: {error:e} of {:e}", expected[0]);
    assert!(error <= found.floor, "{label}: error {error:e} over the stated floor {:e} ({})", found.floor, found.route);
}

#[test]
fn known_spectra_of_every_shape_and_kind() {
    for (m, n) in [(60, 60), (61, 100), (300, 64), (64, 700), (130, 257), (257, 130), (1, 90), (90, 1), (5, 3), (1, 1), (200, 200)] {
        let p = m.min(n);
        let kinds: [(&str, Vec<f64>); 7] = [
            ("flat", vec![3.0; p]),
            ("graded 1e2", graded(p, 1e-2)),
            ("graded 1e5", graded(p, 1e-5)),
            ("graded 1e8", graded(p, 1e-8)),
            ("graded 1e14", graded(p, 1e-14)),
            ("deficient", (0..p).rev().map(|i| if 2 * i >= p { 1.0 + i as f64 } else { 0.0 }).collect()),
            ("one large", (0..p).map(|i| if i == 0 { 1e4 } else { 1.0 }).collect()),
        ];
        for (kind, sigma) in kinds {
            for scale in [1.0, 1e-200, 1e200] {
                let sigma: Vec<f64> = sigma.iter().map(|x| x * scale).collect();
                let a = with_spectrum(m, n, &sigma, (m * 1000 + n) as u64);
                let found = singular_values_cpu_f64(a.view()).unwrap();
                let error = worst(&found, &sigma);
                assert!(error <= BAR * sigma[0], "{m}×{n} {kind} {scale:e}: {error:e}");
                // The construction itself rounds: two orthonormal factors and a product in float64.
                let allowed = found.floor + 1e-14 * sigma[0];
                assert!(error <= allowed, "{m}×{n} {kind}: {error:e} over {allowed:e}, {}", found.route);
            }
        }
    }
}

#[test]
fn float32_input_agrees_with_a_float64_decomposition_of_the_same_values() {
    for (m, n) in [(60, 60), (128, 96), (96, 300), (400, 49), (49, 49), (180, 200)] {
        for last in [1.0, 1e-3, 1e-6, 1e-9] {
            for scale in [1.0, 1e20, 1e-30] {
                let a = with_spectrum(m, n, &graded(m.min(n), last), 7).mapv(|x| (x * scale) as f32);
                let expected = reference(&a.mapv(f64::from));
                judge(&singular_values_cpu(a.view()).unwrap(), &expected, &format!("{m}×{n} {last:e} {scale:e}"));
            }
        }
    }
}

#[test]
fn both_routes_are_taken_and_named() {
    let route = |last| singular_values_cpu_f64(with_spectrum(96, 128, &graded(96, last), 1).view()).unwrap().route;
    assert!(route(1e-4).contains("Gram"));
    assert!(route(1e-9).contains("bidiagonalisation"));
}

#[test]
fn zero_empty_and_vectors() {
    for (m, n) in [(0, 0), (0, 5), (5, 0)] {
        let found = singular_values_cpu(Array2::zeros((m, n)).view()).unwrap();
        assert!(found.values.is_empty() && found.floor == 0.0);
    }
    let found = singular_values_cpu(Array2::zeros((70, 60)).view()).unwrap();
    assert_eq!((found.values, found.floor), (vec![0.0; 60], 0.0));
    let row = Array2::from_shape_fn((1, 5), |(_, j)| [3.0_f32, 0.0, -4.0, 12.0, 0.0][j]);
    for a in [row.view(), row.t()] {
        let found = singular_values_cpu(a).unwrap();
        assert!((found.values[0] - 13.0).abs() <= found.floor && found.floor < 1e-12);
    }
    // Two equal rows, a zero row: exactly one rank is lost for each.
    let mut a = normal(80, 80, 3);
    let first = a.row(0).to_owned();
    a.row_mut(1).assign(&first);
    a.row_mut(2).fill(0.0);
    let found = singular_values_cpu_f64(a.view()).unwrap();
    assert!(found.values[77] > 1e-3 && found.values[78] <= found.floor && found.values[79] <= found.floor);
}

#[test]
fn not_finite_is_an_error_that_counts() {
    let mut a = Array2::<f32>::ones((50, 70));
    a[(3, 4)] = f32::NAN;
    a[(30, 44)] = f32::NEG_INFINITY;
    let error = singular_values_cpu(a.view()).unwrap_err();
    assert_eq!(error, espalier_tensor::Error::NotFinite { what: "a singular value decomposition", count: 2 });
}

#[test]
fn views_in_any_order_give_the_same_values() {
    let a = normal(90, 140, 11).mapv(|x| x as f32);
    let expected = singular_values_cpu(a.view()).unwrap();
    let columns = a.t().as_standard_layout().into_owned();
    let mut spread = Array2::<f32>::zeros((180, 420));
    spread.slice_mut(s![..;2, ..;3]).assign(&a);
    for view in [columns.t(), spread.slice(s![..;2, ..;3]), a.slice(s![..;-1, ..])] {
        let found = singular_values_cpu(view).unwrap();
        assert!(worst(&found, &expected.values) <= expected.floor);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn invariances(m in 1usize..120, n in 1usize..120, seed: u64, exponent in -40i32..40, shift in 0usize..50) {
        let a = normal(m, n, seed).mapv(|x| x as f32);
        let found = singular_values_cpu(a.view()).unwrap();
        let near = |other: &Singular| worst(other, &found.values) <= found.floor.max(other.floor);
        prop_assert!(near(&singular_values_cpu(a.t()).unwrap()));
        // A power of two scales every bit of the result.
        let factor = 2f64.powi(exponent);
        let scaled = singular_values_cpu(a.mapv(|x| x * factor as f32).view()).unwrap();
        prop_assert_eq!(&scaled.values, &found.values.iter().map(|x| x * factor).collect::<Vec<_>>());
        let order: Vec<usize> = (0..m).map(|i| (i + shift) % m).collect();
        prop_assert!(near(&singular_values_cpu(a.select(Axis(0), &order).view()).unwrap()));
        // Σσ² is the squared Frobenius norm: the trace of the Gram matrix, with the rounding of p eigenvalues.
        let squares: f64 = a.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let sum: f64 = found.values.iter().map(|x| x * x).sum();
        prop_assert!((squares - sum).abs() <= 1e-13 * squares);
    }
}

/// What stands behind the error bounds: run with `--release -- --ignored --nocapture` to see errors in units of ε at growing sizes.
#[test]
#[ignore = "minutes: the measurement behind the stated floors, with the same checks at larger sizes"]
fn measure_the_errors_behind_the_floors() {
    for (m, n) in [(64, 64), (64, 4096), (256, 256), (256, 2048), (512, 512), (1024, 1024), (1024, 4096)] {
        let random = normal(m, n, 9);
        let kinds = [("1e-5", 1e-5), ("1e-2", 1e-2), ("flat", 1.0), ("1e-12", 1e-12)].map(|(kind, last)| (kind, with_spectrum(m, n, &graded(m, last), 5)));
        for (kind, a) in kinds.into_iter().chain([("normal", random)]) {
            let a = a.mapv(|x| x as f32);
            let wide = a.mapv(f64::from);
            let expected = reference(&wide);
            let mut squares = gram::eigenvalues(a.view(), 1.0).unwrap();
            squares.sort_unstable_by(|x, y| y.total_cmp(x));
            let in_eps = |errors: f64| errors / f64::EPSILON;
            // Of the smaller half: where δ shows, not the share of the value itself.
            let by_gram = squares.iter().zip(&expected).skip(m / 2).fold(0f64, |m, (l, s)| m.max((l - s * s).abs()));
            let direct = singular::direct(wide.t(), 1.0).unwrap().0;
            let by_direct = direct.iter().zip(&expected).fold(0f64, |m, (x, s)| m.max((x - s).abs()));
            let found = singular_values_cpu(a.view()).unwrap();
            println!(
                "{m}×{n} {kind}: Gram (smaller half) {:.2} ε σ₁², direct {:.2} ε σ₁; result {:.1e}, floor {:.1e}, {}",
                in_eps(by_gram / squares[0]),
                in_eps(by_direct / expected[0]),
                worst(&found, &expected) / expected[0],
                found.floor / expected[0],
                found.route
            );
            judge(&found, &expected, kind);
        }
    }
}
