//! Statistics against sums and sorts made the plain way.



use crate::common::{answer, bench, open};
use espalier_lab::protocol::{Command, Reply, TensorStats};
use espalier_lab::stats::{BINS, CELLS, QUANTILES};
use espalier_nets::checkpoint::Dtype;
use espalier_nets::testing::Builder;

fn stats_of(shape: &[u64], values: &[f32]) -> TensorStats {
    let (engine, face) = bench();
    open(&engine, &face, "t.safetensors", &Builder::new().values("t", Dtype::F32, shape, values).build()).expect("opens");
    match answer(&engine, &face, Command::Stats { job: 1, tensor: 0 }) {
        Reply::Stats { stats, .. } => *stats,
        other => panic!("{other:?}"),
    }
}

/// Numbers with ties, zeros and both signs.
fn numbers(n: usize) -> Vec<f32> {
    (0..n as u32).map(|i| ((i.wrapping_mul(2_654_435_761) >> 8) % 20_011) as f32 / 4000.0 - 2.0).map(|v| if v.abs() < 0.05 { 0.0 } else { v * v * v }).collect()
}

#[test]
fn numbers_agree_with_plain_sums_and_sorts() {
    for (rows, cols) in [(1, 1), (1, 63), (7, 129), (300, 1000), (65, 4097)] {
        let values = numbers(rows * cols);
        let s = stats_of(&[rows as u64, cols as u64], &values);
        let x: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let moment = |p: i32| x.iter().map(|v| (v - mean).powi(p)).sum::<f64>() / n;
        let std = moment(2).sqrt();
        // Sums of up to 266 305 doubles in another order: each rounds to half an ulp, so n·2⁻⁵³ of the sum of magnitudes bounds the gap.
        let tolerance = |scale: f64| n * f64::EPSILON * scale.max(1e-300) * 8.0;
        let near = |a: f64, b: f64, scale: f64| assert!((a - b).abs() <= tolerance(scale), "{a} {b} at {rows}×{cols}");
        near(s.mean, mean, 8.0);
        near(s.std, std, 8.0);
        near(s.frobenius, x.iter().map(|v| v * v).sum::<f64>().sqrt(), 8.0 * n.sqrt());
        if std > 0.0 {
            near(s.kurtosis, moment(4) / std.powi(4), 1e3);
        } else {
            assert_eq!(s.kurtosis, 0.0);
        }
        assert_eq!(s.zeros, x.iter().filter(|v| **v == 0.0).count() as f64);
        assert_eq!(s.outliers, x.iter().filter(|v| (*v - mean).abs() > 4.0 * std).count() as f64);
        let mut sorted = x.clone();
        sorted.sort_by(f64::total_cmp);
        assert_eq!((s.min, s.max), (sorted[0], sorted[x.len() - 1]));
        for (q, got) in QUANTILES.iter().zip(s.quantiles.iter()) {
            let at = q * (n - 1.0);
            let (i, t) = (at.floor() as usize, at.fract());
            let (a, b) = (sorted[i], sorted[(i + 1).min(x.len() - 1)]);
            assert_eq!(*got, a + t * (b - a), "{q} at {rows}×{cols}");
        }
        assert_eq!(s.counts.len(), BINS);
        const { assert!(BINS >= 81) };
        assert_eq!(s.counts.iter().map(|c| u64::from(*c)).sum::<u64>(), x.len() as u64);
        check_cells(&s, &x, rows, cols);
    }
}

fn check_cells(s: &TensorStats, x: &[f64], rows: usize, cols: usize) {
    let (r, c) = (rows.min(CELLS[0]), cols.min(CELLS[1]));
    assert_eq!((s.cells.rows as usize, s.cells.cols as usize), (r, c));
    let mut sums = vec![0.0; r * c];
    let mut counts = vec![0.0; r * c];
    let mut peaks = vec![0.0f64; r * c];
    let mut norms = vec![0.0; r];
    for (i, v) in x.iter().enumerate() {
        let cell = (i / cols) * r / rows * c + (i % cols) * c / cols;
        sums[cell] += v;
        counts[cell] += 1.0;
        peaks[cell] = peaks[cell].max(v.abs());
        norms[cell / c] += v * v;
    }
    for i in 0..r * c {
        // The mean is rounded to f32 once.
        let mean = sums[i] / counts[i];
        assert!((f64::from(s.cells.values[i]) - mean).abs() <= 1e-6 * mean.abs().max(1e-6), "cell {i}");
        assert_eq!(f64::from(s.peaks.values[i]), peaks[i], "cell {i}");
    }
    for (got, want) in s.row_norms.iter().zip(&norms) {
        assert!((f64::from(*got) - want.sqrt()).abs() <= 1e-6 * want.sqrt().max(1e-6));
    }
}

#[test]
fn strange_tensors_have_statistics_too() {
    let scalar = stats_of(&[], &[3.5]);
    assert_eq!((scalar.elements, scalar.min, scalar.max, scalar.std), (1.0, 3.5, 3.5, 0.0));
    let empty = stats_of(&[0, 5], &[]);
    assert_eq!((empty.elements, empty.min, empty.max, empty.mean, empty.cells.values.len()), (0.0, 0.0, 0.0, 0.0, 0));
    let five = stats_of(&[2, 3, 1, 2, 2], &numbers(24));
    assert_eq!((five.cells.rows, five.cells.cols), (2, 12));
    let bad = stats_of(&[2, 3], &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 0.0, 4.0]);
    assert_eq!((bad.nan, bad.infinite, bad.zeros, bad.min, bad.max, bad.mean), (1.0, 2.0, 1.0, -1.0, 4.0, 1.0));
    assert_eq!(bad.counts.iter().sum::<u32>(), 3);
    let none = stats_of(&[2], &[f32::NAN, f32::NAN]);
    assert_eq!((none.nan, none.min, none.max, none.std), (2.0, 0.0, 0.0, 0.0));
    assert!(none.quantiles.iter().all(|q| *q == 0.0));
    let wide = stats_of(&[2], &[f32::MIN, f32::MAX]);
    assert!(wide.std.is_finite() && wide.kurtosis.is_finite() && wide.frobenius.is_finite());
}

#[test]
fn other_element_types_are_read_as_they_are() {
    let (engine, face) = bench();
    let values = [1.0f32, -2.0, 0.5, 0.0];
    for dtype in [Dtype::F16, Dtype::BF16, Dtype::F64, Dtype::F8_E4M3, Dtype::F8_E5M2] {
        open(&engine, &face, "t.safetensors", &Builder::new().values("t", dtype, &[4], &values).build()).expect("opens");
        let Reply::Stats { stats, .. } = answer(&engine, &face, Command::Stats { job: 1, tensor: 0 }) else { panic!("{dtype} is decoded") };
        assert_eq!((stats.min, stats.max, stats.zeros), (-2.0, 1.0, 1.0), "{dtype}");
    }
    open(&engine, &face, "t.safetensors", &Builder::new().raw("t", "C64", &[1], &[0; 8]).build()).expect("listed");
    let Reply::Failed { fault, .. } = answer(&engine, &face, Command::Stats { job: 1, tensor: 0 }) else { panic!("C64 is not decoded") };
    assert_eq!(fault.kind, espalier_lab::protocol::FaultKind::Dtype);
    crate::common::whole(&fault);
}
