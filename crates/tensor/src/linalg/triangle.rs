//! Reducing a tall matrix to its triangle R (A = Q·R) in `f64`, without Q.
//!
//! Blocked Householder QR (Schreiber and Van Loan, "A storage-efficient WY representation for products of Householder
//! transformations", 1989): panels by reflectors, the rest of the matrix by matrix products. Unlike faer's, which leaves out columns that
//! it takes for dependent, every column is reduced whatever its size, so the error stays at machine precision.

use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder, s};

use super::element::{Element, widen_into};
use crate::gemm::gemm_f64;

/// Columns a panel.
const PANEL: usize = 32;

/// Upper triangle R `[n, n]`, column-major with zeros below, of s·A for A `[m, n]`, m ≥ n.
///
/// Rows are taken in blocks, each reduced together with the triangle of those before it: beside A itself no more than `5 n × n`
/// `f64` are held.
pub fn reduce<T: Element>(a: ArrayView2<'_, T>, scale: f64) -> Vec<f64> {
    let (m, n) = a.dim();
    let rows = m.min(5 * n);
    let mut work = vec![0.0; rows * n];
    let mut taken = 0;
    let mut kept = 0;
    while taken < m {
        let block = (rows - kept).min(m - taken);
        let (height, mut view) = (kept + block, ArrayViewMut2::from_shape((rows, n).f(), &mut work).expect("rows · n places"));
        widen_into(view.slice_mut(s![kept..height, ..]), a.slice(s![taken..taken + block, ..]), scale);
        factor(&mut work, rows, height, n);
        for (j, column) in work.chunks_exact_mut(rows).enumerate() {
            column[(j + 1).min(height)..].fill(0.0);
        }
        taken += block;
        kept = n;
    }
    work.chunks_exact(rows).flat_map(|column| &column[..n]).copied().collect()
}

/// Reduces the leading `height` rows of `work` (column-major, leading dimension `ld`, `n` columns, `height ≥ n`) to R on and above the diagonal.
fn factor(work: &mut [f64], ld: usize, height: usize, n: usize) {
    let mut v = vec![0.0; height * PANEL];
    let mut w = vec![0.0; PANEL * n];
    let mut tw = vec![0.0; PANEL * n];
    for j0 in (0..n).step_by(PANEL) {
        let width = PANEL.min(n - j0);
        let rows = height - j0;
        let taus = factor_panel(&mut work[j0 * ld..], ld, j0, height, width);
        let rest = n - j0 - width;
        if rest == 0 {
            break;
        }
        // V: the reflectors as columns, 1 on the diagonal, zeros above.
        let v = &mut v[..rows * width];
        for (j, column) in v.chunks_exact_mut(rows).enumerate() {
            column[..j].fill(0.0);
            column[j] = 1.0;
            column[j + 1..].copy_from_slice(&work[(j0 + j) * ld + j0 + j + 1..(j0 + j) * ld + height]);
        }
        let t = block_factor(v, rows, width, &taus);
        // C := (I − V·T·Vᵀ)ᵀ·C = C − V·(Tᵀ·(Vᵀ·C)).
        let c = (j0 + width) * ld + j0;
        gemm_f64(width, rest, rows, 1.0, v, (rows, 1), &work[c..], (1, ld), 0.0, &mut w, (1, width));
        gemm_f64(width, rest, width, 1.0, &t, (width, 1), &w, (1, width), 0.0, &mut tw, (1, width));
        gemm_f64(rows, rest, width, -1.0, v, (1, rows), &tw, (1, width), 1.0, &mut work[c..], (1, ld));
    }
}

/// Reduces `width` columns (the first starts at `panel[0]`, its diagonal at row `j0`) by one reflector each, I − τ·v·vᵀ with v₀ = 1;
/// the rest of v is left below the diagonal. Returns the τ.
fn factor_panel(panel: &mut [f64], ld: usize, j0: usize, height: usize, width: usize) -> Vec<f64> {
    let mut taus = Vec::with_capacity(width);
    for j in 0..width {
        let (head, rest) = panel.split_at_mut((j + 1) * ld);
        let column = &mut head[j * ld + j0 + j..j * ld + height];
        let tau = reflector(column);
        taus.push(tau);
        if tau == 0.0 {
            continue;
        }
        for other in rest.chunks_mut(ld).take(width - j - 1) {
            let other = &mut other[j0 + j..height];
            let f = tau * (other[0] + dot(&column[1..], &other[1..]));
            other[0] -= f;
            other[1..].iter_mut().zip(&column[1..]).for_each(|(o, v)| *o -= f * v);
        }
    }
    taus
}

/// Turns x into (β, v₁, v₂, …) where (I − τ·v·vᵀ)·x = β·e₀ and v₀ = 1, and returns τ; 0 where x is already a multiple of e₀.
fn reflector(x: &mut [f64]) -> f64 {
    let tail = dot(&x[1..], &x[1..]).sqrt();
    if tail == 0.0 {
        return 0.0;
    }
    let alpha = x[0];
    let beta = -alpha.hypot(tail).copysign(alpha);
    let head = alpha - beta;
    x[1..].iter_mut().for_each(|v| *v /= head);
    x[0] = beta;
    -head / beta
}

/// T `[width, width]`, upper triangular, with H₀·H₁·… = I − V·T·Vᵀ; column-major.
fn block_factor(v: &[f64], rows: usize, width: usize, taus: &[f64]) -> Vec<f64> {
    let mut t = vec![0.0; width * width];
    for j in 0..width {
        let vj = &v[j * rows..][..rows];
        let products: Vec<f64> = (0..j).map(|i| dot(&v[i * rows + j..][..rows - j], &vj[j..])).collect();
        for i in 0..j {
            t[j * width + i] = -taus[j] * (i..j).map(|l| t[l * width + i] * products[l]).sum::<f64>();
        }
        t[j * width + j] = taus[j];
    }
    t
}

/// Σ xᵢ·yᵢ in eight running sums, so that it vectorises and rounds less than one sum.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (xs, ys) = (x.chunks_exact(8), y.chunks_exact(8));
    let tail: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(a, b)| a * b).sum();
    for (x, y) in xs.zip(ys) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    tail + ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn the_triangle_has_the_same_gram_matrix(n in 1usize..75, extra in 0usize..400, seed: u64) {
            let m = n + extra;
            let a = Array2::from_shape_fn((m, n), |(i, j)| {
                let h = (seed ^ ((i * n + j) as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                (h >> 40) as f64 / f64::from(1 << 23) - 1.0
            });
            let r = Array2::from_shape_vec((n, n).f(), reduce(a.view(), 0.5)).unwrap();
            for j in 0..n {
                for i in j + 1..n {
                    prop_assert_eq!(r[(i, j)], 0.0);
                }
            }
            let difference = r.t().dot(&r) - a.t().dot(&a) * 0.25;
            // Backward stable: a few roundings of the norm, which is at most √(m·n) · 0.5 here, squared.
            let bound = 1e-14 * (m * n) as f64;
            prop_assert!(difference.iter().all(|x| x.abs() <= bound), "{}", difference);
        }
    }

    #[test]
    fn zero_columns_and_dependent_columns() {
        let a = Array2::from_shape_fn((9, 4), |(i, j)| [0.0, 1.0, 2.0, i as f64][j]);
        let r = Array2::from_shape_vec((4, 4).f(), reduce(a.view(), 1.0)).unwrap();
        let difference = r.t().dot(&r) - a.t().dot(&a);
        assert!(difference.iter().all(|x| x.abs() < 1e-12), "{difference}");
    }
}
