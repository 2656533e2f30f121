//! What a mask did to a matrix.

use ndarray::Array2;

use crate::report::{Cells, Pruned};

/// Most rows and columns of cells a mask is shown in.
pub const CELLS: [usize; 2] = [64, 128];

/// Numbers of a pruned matrix from its weights and its mask (row-major, not 0 = removed). Sums run in double precision in row-major
/// order, so they are the same on every device.
pub fn measure(name: String, matrix: &Array2<f32>, mask: &[u32], target: f64) -> Pruned {
    let (mut zeros, mut lost, mut all, mut threshold) = (0u64, 0.0, 0.0, 0.0f32);
    for (w, &gone) in matrix.iter().zip(mask) {
        let square = f64::from(*w) * f64::from(*w);
        all += square;
        if gone != 0 {
            lost += square;
            threshold = threshold.max(w.abs());
        }
        zeros += u64::from(gone != 0 || *w == 0.0);
    }
    Pruned {
        tensor: name,
        elements: matrix.len() as f64,
        zeros: zeros as f64,
        target,
        error: if all > 0.0 { (lost / all).sqrt() } else { 0.0 },
        threshold: f64::from(threshold),
        mask: cells(mask, matrix.dim()),
    }
}

/// The kept fraction of the weights under each cell, as 0 … 255.
fn cells(mask: &[u32], (rows, columns): (usize, usize)) -> Cells {
    let (r, c) = (rows.min(CELLS[0]), columns.min(CELLS[1]));
    if r * c == 0 {
        return Cells::default();
    }
    let mut kept = vec![0u32; r * c];
    let mut size = vec![0u32; r * c];
    for (y, row) in mask.chunks_exact(columns).enumerate() {
        let start = y * r / rows * c;
        for (x, gone) in row.iter().enumerate() {
            let cell = start + x * c / columns;
            size[cell] += 1;
            kept[cell] += u32::from(*gone == 0);
        }
    }
    let values: Vec<f32> = kept.iter().zip(&size).map(|(k, n)| 255.0 * *k as f32 / (*n).max(1) as f32).collect();
    Cells { rows: r as u32, cols: c as u32, values: values.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_that_were_there_count_and_the_error_is_relative() {
        let w = Array2::from_shape_vec((2, 2), vec![3.0, 0.0, -1.0, 4.0]).unwrap();
        let p = measure("w".into(), &w, &[1, 0, 0, 0], 0.25);
        assert_eq!((p.zeros, p.threshold), (2.0, 3.0));
        assert!((p.error - (9.0f64 / 26.0).sqrt()).abs() < 1e-12);
        assert_eq!((p.mask.rows, p.mask.cols, p.mask.values.to_vec()), (2, 2, vec![0.0, 255.0, 255.0, 255.0]));
    }

    #[test]
    fn large_masks_are_averaged() {
        let w = Array2::<f32>::ones((128, 256));
        let mask: Vec<u32> = (0..128 * 256).map(|i| u32::from(i % 2 == 0)).collect();
        let p = measure("w".into(), &w, &mask, 0.5);
        assert_eq!((p.mask.rows, p.mask.cols), (64, 128));
        assert!(p.mask.values.iter().all(|v| *v == 127.5));
        assert!((p.error - 0.5f64.sqrt()).abs() < 1e-12);
    }
}
