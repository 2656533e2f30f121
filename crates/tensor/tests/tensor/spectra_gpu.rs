//! Singular values on the GPU against the CPU; the kernels against their twins; the plans without a driver.

#![expect(clippy::unwrap_used, reason = "in a test the panic is the message")]

use espalier_tensor::linalg::{Bidiagonalise, singular_values, singular_values_cpu};
use espalier_tensor::{Array, Cancel, Error, Op, Session};
use pollster::block_on;
use ndarray::Array2;

use crate::common::{graded, normal, with_spectrum};
use crate::device;

/// The bar of the issue, as a share of the largest value.
const BAR: f64 = 1e-5;

fn upload(session: &Session, a: &Array2<f32>) -> espalier_tensor::Tensor {
    session.upload(Array::from_f32(a.shape(), a.iter().copied().collect()))
}

/// Largest error as a share of the largest value; checks the bar and the stated floor.
fn judge(session: &Session, a: &Array2<f32>, label: &str) -> f64 {
    let expected = singular_values_cpu(a.view()).unwrap().values;
    let found = pollster::block_on(singular_values(session, &upload(session, a))).unwrap();
    assert_eq!(found.values.len(), expected.len(), "{label}");
    assert!(found.values.is_sorted_by(|a, b| a >= b), "{label}");
    let error = found.values.iter().zip(&expected).fold(0.0, |m, (a, b)| f64::max(m, (a - b).abs()));
    assert!(error <= BAR * expected[0], "{label}: {error:e} of {:e}", expected[0]);
    assert!(error <= found.floor, "{label}: {error:e} over the stated {:e}", found.floor);
    assert!(found.floor <= BAR * expected[0].max(f64::MIN_POSITIVE));
    error / expected[0]
}

#[test]
fn every_shape_and_kind() {
    let Some(gpu) = device::gpu() else { return };
    let shapes = [(1, 1), (1, 90), (90, 1), (2, 2), (5, 3), (60, 60), (64, 65), (300, 17), (33, 257), (128, 128), (700, 64)];
    for (m, n) in shapes {
        let p = m.min(n);
        for (kind, sigma) in [("flat", vec![3.0; p]), ("graded 1e3", graded(p, 1e-3)), ("graded 1e8", graded(p, 1e-8))] {
            for scale in [1.0, 1e20, 1e-30] {
                let a = with_spectrum(m, n, &sigma, 3).mapv(|x| (x * scale) as f32);
                judge(&gpu, &a, &format!("{m}×{n} {kind} {scale:e}"));
            }
        }
    }
}

#[test]
fn errors_grow_slowly_with_the_size() {
    let Some(gpu) = device::gpu() else { return };
    for (m, n) in [(256, 256), (256, 900), (1500, 130), (400, 400)] {
        for (kind, a) in [("1e-5", with_spectrum(m, n, &graded(m.min(n), 1e-5), 4)), ("normal", normal(m, n, 8))] {
            let error = judge(&gpu, &a.mapv(|x| x as f32), &format!("{m}×{n} {kind}"));
            println!("{m}×{n} {kind}: {:.1} ε", error / f64::from(f32::EPSILON));
        }
    }
}

#[test]
fn zero_deficient_and_repeated() {
    let Some(gpu) = device::gpu() else { return };
    let zero = pollster::block_on(singular_values(&gpu, &upload(&gpu, &Array2::zeros((70, 20))))).unwrap();
    assert_eq!((zero.values, zero.floor), (vec![0.0; 20], 0.0));
    judge(&gpu, &Array2::eye(50), "identity");
    judge(&gpu, &Array2::from_elem((60, 40), -0.25), "rank one");
    let mut a = normal(90, 70, 5).mapv(|x| x as f32);
    a.column_mut(3).fill(0.0);
    let first = a.column(0).to_owned();
    a.column_mut(9).assign(&first);
    a.row_mut(0).fill(0.0);
    judge(&gpu, &a, "zero and equal columns");
    judge(&gpu, &Array2::from_diag(&ndarray::Array1::from_shape_fn(40, |i| if i % 3 == 0 { 0.0 } else { i as f32 - 20.0 })), "diagonal");
}

#[test]
fn not_finite_is_counted_and_empty_is_empty() {
    let Some(gpu) = device::gpu() else { return };
    let mut a = Array2::<f32>::ones((100, 70));
    a[(3, 4)] = f32::NAN;
    a[(99, 69)] = f32::NEG_INFINITY;
    let error = pollster::block_on(singular_values(&gpu, &upload(&gpu, &a))).unwrap_err();
    assert_eq!(error, Error::NotFinite { what: "a singular value decomposition", count: 2 });
    let empty = pollster::block_on(singular_values(&gpu, &upload(&gpu, &Array2::zeros((0, 4))))).unwrap();
    assert!(empty.values.is_empty());
}

/// With few columns the bidiagonal form itself is unique up to rounding: every launch of every kernel, and both orientations.
#[test]
fn kernels_agree_with_their_twins() {
    let Some(gpu) = device::gpu() else { return };
    for n in 1..=4 {
        for m in [n, 63, 64, 65, 257, 1031, 5003] {
            for transposed in [false, true] {
                let a = normal(m, n, (m * 10 + n) as u64).mapv(|x| x as f32);
                let a = if transposed { a.reversed_axes().as_standard_layout().into_owned() } else { a };
                let array = Array::from_f32(a.shape(), a.iter().copied().collect());
                let expected = Bidiagonalise.cpu(&[&array]).into_u32();
                let found = pollster::block_on(gpu.read(&gpu.run(&Bidiagonalise, &[&gpu.upload(array)]))).unwrap().into_u32();
                assert_eq!(found[2 * n - 1..], expected[2 * n - 1..], "census of {m}×{n}");
                let norm = expected[..2 * n - 1].iter().fold(0f32, |s, b| s.max(f32::from_bits(*b).abs()));
                for (x, y) in found.iter().zip(&expected[..2 * n - 1]) {
                    let (x, y) = (f32::from_bits(*x), f32::from_bits(*y));
                    // A sum of m squares, rounded in another order: √m roundings, n columns deep.
                    let allowed = f32::EPSILON * norm * (8.0 + (m as f32).sqrt());
                    assert!((x - y).abs() <= allowed, "{m}×{n} transposed {transposed}: {x} {y}");
                }
            }
        }
    }
}

/// The twin as a whole: the CPU's own bidiagonal form has the right singular values.
#[test]
fn the_twin_keeps_the_singular_values() {
    for (m, n) in [(1, 1), (7, 7), (90, 41), (41, 90)] {
        let a = with_spectrum(m, n, &graded(m.min(n), 1e-4), 2).mapv(|x| (x * 5.0) as f32);
        let array = Array::from_f32(a.shape(), a.iter().copied().collect());
        let bits = Bidiagonalise.cpu(&[&array]).into_u32();
        let p = m.min(n);
        let wide: Vec<f64> = bits[..2 * p - 1].iter().map(|b| f64::from(f32::from_bits(*b))).collect();
        let scale = f64::from(espalier_tensor::linalg::load::scale(bits[2 * p - 1]));
        let found = espalier_tensor::linalg::bidiagonal::singular_values(&wide[..p], &wide[p..]).unwrap();
        let expected = singular_values_cpu(a.view()).unwrap().values;
        for (x, y) in found.iter().zip(&expected) {
            assert!((x / scale - y).abs() <= 2e-6 * expected[0], "{m}×{n}: {} {y}", x / scale);
        }
    }
}

#[test]
fn plans_are_valid_without_a_driver() {
    let session = Session::noop();
    for (m, n) in [(1, 1), (1, 7), (7, 1), (3, 2), (65, 64), (40, 1000), (70_000, 3), (2_000_000, 1)] {
        let tensor = session.upload(Array::from_f32(&[m, n], vec![0.5; m * n]));
        let output = session.run(&Bidiagonalise, &[&tensor]);
        let result = pollster::block_on(session.read(&output));
        assert_eq!(result.map(|a| a.spec()), Ok(output.spec().clone()), "{m}×{n}");
    }
}

#[test]
fn what_one_binding_cannot_hold_is_refused_beforehand() {
    assert!(Bidiagonalise::fits(4096, 8192) && Bidiagonalise::fits(8192, 4096));
    assert!(!Bidiagonalise::fits(8193, 4096));
    // The matrix alone would fit; the three vectors of its length do not.
    assert!(!Bidiagonalise::fits(1, 33_554_432) && Bidiagonalise::fits(1, 11_000_000));
    assert!(!Bidiagonalise::fits(0, 5));
}

#[test]
fn a_cancel_does_not_wait_for_a_long_plan() {
    let Some(session) = device::gpu() else { return };
    let cancel = Cancel::new();
    let session = session.with_cancel(cancel.clone());
    // Thousands of launches, many seconds on a software adapter.
    let matrix = session.upload(Array::from_f32(&[1500, 1400], (0..1500 * 1400_u64).map(|i| ((i * 7919) % 1013) as f32).collect()));
    let stop = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        cancel.cancel();
        std::time::Instant::now()
    });
    let error = block_on(singular_values(&session, &matrix)).expect_err("it was stopped");
    let asked = stop.join().expect("the clock ran");
    assert_eq!(error, Error::Cancelled);
    // The law is 200 ms; a machine that tests on all cores may be late.
    assert!(asked.elapsed().as_millis() < 1000, "{:?}", asked.elapsed());
}
