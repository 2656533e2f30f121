//! Matrices made for the tests of the linear algebra, and a decomposition that shares no code with it.

use ndarray::Array2;

/// Independent normal values (Box–Muller over a counter-based hash).
pub fn normal(m: usize, n: usize, seed: u64) -> Array2<f64> {
    let uniform = |counter: u64| {
        let mut h = (seed ^ 0x5851_f42d_4c95_7f2d).wrapping_add((counter + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((h ^ (h >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    Array2::from_shape_fn((m, n), |(i, j)| {
        let at = 2 * (i * n + j) as u64;
        (-2.0 * (1.0 - uniform(at)).ln()).sqrt() * (std::f64::consts::TAU * uniform(at + 1)).cos()
    })
}

fn to_faer(a: &Array2<f64>) -> faer::Mat<f64> {
    faer::Mat::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)])
}

/// `k` orthonormal columns of length m.
fn orthonormal(m: usize, k: usize, seed: u64) -> faer::Mat<f64> {
    to_faer(&normal(m, k, seed)).qr().compute_thin_Q()
}

/// U·diag(σ)·Vᵀ with random orthonormal U and V: a matrix `[m, n]` with min(m, n) known singular values.
pub fn with_spectrum(m: usize, n: usize, sigma: &[f64], seed: u64) -> Array2<f64> {
    let p = m.min(n);
    assert_eq!(sigma.len(), p);
    let (mut u, v) = (orthonormal(m, p, seed), orthonormal(n, p, seed ^ 0xabcd));
    for (j, s) in sigma.iter().enumerate() {
        u.col_mut(j).iter_mut().for_each(|x| *x *= s);
    }
    let a = &u * v.transpose();
    Array2::from_shape_fn((m, n), |(i, j)| a[(i, j)])
}

/// Singular values by faer's float64 decomposition, descending.
pub fn reference(a: &Array2<f64>) -> Vec<f64> {
    // Scaled by a power of two, so that the reference neither overflows nor underflows.
    let max = a.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let scale = 2f64.powi(max.log2().floor() as i32);
    let mut values = to_faer(&a.mapv(|x| x / scale)).singular_values().expect("the reference converges");
    values.sort_unstable_by(|x, y| y.total_cmp(x));
    values.into_iter().map(|x| x * scale).collect()
}

/// `p` values log-spaced from 1 down to `last`.
pub fn graded(p: usize, last: f64) -> Vec<f64> {
    (0..p).map(|i| last.powf(i as f64 / (p - 1).max(1) as f64)).collect()
}
