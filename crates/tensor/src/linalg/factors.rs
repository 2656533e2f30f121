//! Truncated singular value decompositions, for factors that are exported.

use faer::{Mat, MatRef};
use ndarray::{Array2, ArrayView2, s};

use super::element::{Element, power_of_two_scale};
use crate::error::{Error, Result};
use crate::gemm::gemm;

/// A = U·diag(σ)·Vᵀ for A `[m, n]`, with p = min(m, n): kept whole, so that factors of any rank cost no second decomposition.
///
/// By faer's float64 SVD (QR first where one side is longer). The cheaper way through the eigenvectors of the Gram matrix was
/// not taken: its vectors of small values are only orthogonal to ε·σ₁²/σ², and factors should be right at every rank.
#[derive(Clone, Debug)]
pub struct Decomposition {
    left: Mat<f64>,
    values: Vec<f64>,
    right: Mat<f64>,
    scale: f64,
}

/// The r largest singular triplets of a matrix `[m, n]`: its best approximation of rank r (Eckart and Young, 1936).
///
/// The signs of paired columns are arbitrary, and so is a rotation inside equal values: compare products and spectra, never factors.
#[derive(Clone, Debug, PartialEq)]
pub struct Factors {
    /// U `[m, r]`, orthonormal columns.
    pub left: Array2<f64>,
    /// σ, descending, r of them.
    pub values: Vec<f64>,
    /// V `[n, r]`, orthonormal columns.
    pub right: Array2<f64>,
    /// √Σσᵢ² over the values left out: the Frobenius norm of what the approximation misses, from the spectrum.
    pub tail: f64,
}

impl Decomposition {
    /// Decomposes a matrix.
    ///
    /// Errors: [`Error::NotFinite`]; [`Error::NoConvergence`], never seen for finite input.
    pub fn new<T: Element>(a: ArrayView2<'_, T>) -> Result<Self> {
        let (m, n) = a.dim();
        let p = m.min(n);
        let Some(scale) = power_of_two_scale(a, "a singular value decomposition")? else {
            // Any orthonormal columns will do for a matrix of zeros.
            return Ok(Self { left: Mat::identity(m, p), values: vec![0.0; p], right: Mat::identity(n, p), scale: 1.0 });
        };
        Self::of(&Mat::from_fn(m, n, |i, j| a[(i, j)].wide() * scale), scale)
    }

    /// Apart from [`Self::new`], because each crate that calls a generic function compiles it, and all that it is made of.
    fn of(scaled: &Mat<f64>, scale: f64) -> Result<Self> {
        let svd = scaled.thin_svd().map_err(|_| Error::NoConvergence { what: "a singular value decomposition" })?;
        let values = svd.S().column_vector().iter().copied().collect();
        Ok(Self { left: svd.U().to_owned(), values, right: svd.V().to_owned(), scale })
    }

    /// All singular values, descending.
    pub fn values(&self) -> Vec<f64> {
        self.values.iter().map(|x| x / self.scale).collect()
    }

    /// The best approximation of rank `r` (of rank p, where r is larger).
    pub fn truncate(&self, r: usize) -> Factors {
        let r = r.min(self.values.len());
        let tail = self.values[r..].iter().rev().map(|x| x * x).sum::<f64>().sqrt();
        Factors {
            left: columns(self.left.as_ref(), r),
            values: self.values[..r].iter().map(|x| x / self.scale).collect(),
            right: columns(self.right.as_ref(), r),
            tail: tail / self.scale,
        }
    }
}

fn columns(a: MatRef<'_, f64>, r: usize) -> Array2<f64> {
    Array2::from_shape_fn((a.nrows(), r), |(i, j)| a[(i, j)])
}

impl Factors {
    /// The r largest triplets of a matrix; see [`Decomposition::new`].
    pub fn new<T: Element>(a: ArrayView2<'_, T>, r: usize) -> Result<Self> {
        Ok(Decomposition::new(a)?.truncate(r))
    }

    /// Number of triplets.
    pub fn rank(&self) -> usize {
        self.values.len()
    }

    /// U·diag(σ)·Vᵀ `[m, n]`.
    pub fn product(&self) -> Array2<f64> {
        let mut scaled = self.left.clone();
        scaled.columns_mut().into_iter().zip(&self.values).for_each(|(mut column, s)| column *= *s);
        let (m, n, r) = (scaled.nrows(), self.right.nrows(), self.rank());
        let mut product = Array2::zeros((m, n));
        let (a, b) = (slice(&scaled), slice(&self.right));
        crate::gemm::gemm_f64(m, n, r, 1.0, a, (r, 1), b, (1, r), 0.0, product.as_slice_mut().expect("standard layout"), (n, 1));
        product
    }

    /// The pair (U·√σ `[m, r]`, √σ·Vᵀ `[r, n]`) whose product is the approximation, each side carrying half of every value: two
    /// linears, the second applied first. Rounded to float32 once.
    pub fn balanced(&self) -> (Array2<f32>, Array2<f32>) {
        let roots: Vec<f64> = self.values.iter().map(|s| s.sqrt()).collect();
        let left = Array2::from_shape_fn(self.left.dim(), |(i, j)| (self.left[(i, j)] * roots[j]) as f32);
        let right = Array2::from_shape_fn((self.rank(), self.right.nrows()), |(i, j)| (roots[i] * self.right[(j, i)]) as f32);
        (left, right)
    }
}

fn slice(a: &Array2<f64>) -> &[f64] {
    a.as_slice().expect("built in standard layout")
}

/// The product of a pair of factors `[m, r]` and `[r, n]`, in float32: the dense matrix that an exported pair stands for.
pub fn low_rank_product(left: ArrayView2<'_, f32>, right: ArrayView2<'_, f32>) -> Array2<f32> {
    assert_eq!(left.ncols(), right.nrows(), "the factors share a rank");
    let (left, right) = (left.as_standard_layout(), right.as_standard_layout());
    let (m, n, r) = (left.nrows(), right.ncols(), left.ncols());
    let mut product = Array2::zeros((m, n));
    let (a, b) = (left.as_slice().expect("standard layout"), right.as_slice().expect("standard layout"));
    gemm(m, n, r, 1.0, a, (r, 1), b, (n, 1), 0.0, product.as_slice_mut().expect("standard layout"), (n, 1));
    product
}

/// Frobenius norm of A − B, summed in `f64`, whatever their scale.
pub fn reconstruction_error<T: Element, U: Element>(a: ArrayView2<'_, T>, b: ArrayView2<'_, U>) -> f64 {
    assert_eq!(a.dim(), b.dim(), "matrices of one shape");
    let largest = a.iter().map(|x| x.wide()).chain(b.iter().map(|x| x.wide())).fold(0.0_f64, |m, x| m.max(x.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    // One sum a row keeps the chains short.
    let squares = |i: usize| -> f64 {
        let (a, b) = (a.slice(s![i, ..]), b.slice(s![i, ..]));
        a.iter().zip(b).map(|(x, y)| (x.wide() / largest - y.wide() / largest).powi(2)).sum()
    };
    (0..a.nrows()).map(squares).sum::<f64>().sqrt() * largest
}
