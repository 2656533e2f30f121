//! Cholesky factors of symmetric positive definite matrices, with what is solved by them; float64 on the CPU.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{MatMut, MatRef, Par};
use ndarray::{Array2, ArrayView2};

use crate::error::{Error, Result};

/// L `[n, n]`, lower triangular with a positive diagonal, such that A = L·Lᵀ.
#[derive(Clone, Debug, PartialEq)]
pub struct Cholesky {
    lower: Array2<f64>,
}

impl Cholesky {
    /// Factors A `[n, n]`, of which only the lower triangle is read.
    ///
    /// Errors: [`Error::NotPositiveDefinite`] with the first pivot that is not positive; [`Error::NotFinite`]. Damp the diagonal
    /// (A + λ·I) and try again where the matrix is a sum of few outer products.
    pub fn new(a: ArrayView2<'_, f64>) -> Result<Self> {
        let n = a.nrows();
        assert_eq!(n, a.ncols(), "a square matrix");
        let count = a.indexed_iter().filter(|((i, j), x)| j <= i && !x.is_finite()).count();
        if count > 0 {
            return Err(Error::NotFinite { what: "a Cholesky factorisation", count });
        }
        let mut lower = Array2::from_shape_fn((n, n), |(i, j)| if j <= i { a[(i, j)] } else { 0.0 });
        match factor(&mut lower) {
            Ok(()) => Ok(Self { lower }),
            Err(index) => Err(Error::NotPositiveDefinite { index, pivot: pivot(a, index) }),
        }
    }

    /// L.
    pub fn lower(&self) -> ArrayView2<'_, f64> {
        self.lower.view()
    }

    /// X `[n, k]` with L·X = B.
    pub fn solve_lower(&self, b: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut x = b.as_standard_layout().into_owned();
        solve_lower_triangular_in_place(view(&self.lower), view_mut(&mut x), Par::Seq);
        x
    }

    /// X `[n, k]` with Lᵀ·X = B.
    pub fn solve_lower_transposed(&self, b: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut x = b.as_standard_layout().into_owned();
        solve_upper_triangular_in_place(view(&self.lower).transpose(), view_mut(&mut x), Par::Seq);
        x
    }

    /// X `[n, k]` with A·X = B.
    pub fn solve(&self, b: ArrayView2<'_, f64>) -> Array2<f64> {
        self.solve_lower_transposed(self.solve_lower(b).view())
    }

    /// A⁻¹ `[n, n]`, symmetric to the last bit.
    pub fn inverse(&self) -> Array2<f64> {
        let n = self.lower.nrows();
        let mut inverse = Array2::zeros((n, n));
        let mut buffer = MemBuffer::new(llt::inverse::inverse_scratch::<f64>(n, Par::Seq));
        llt::inverse::inverse(view_mut(&mut inverse), view(&self.lower), Par::Seq, MemStack::new(&mut buffer));
        for i in 0..n {
            for j in 0..i {
                inverse[(j, i)] = inverse[(i, j)];
            }
        }
        inverse
    }
}

/// Turns the lower triangle into L; the index of the first pivot that is not positive, where there is one.
fn factor(lower: &mut Array2<f64>) -> std::result::Result<(), usize> {
    let n = lower.nrows();
    let mut buffer = MemBuffer::new(llt::factor::cholesky_in_place_scratch::<f64>(n, Par::Seq, Default::default()));
    let stack = MemStack::new(&mut buffer);
    llt::factor::cholesky_in_place(view_mut(lower), Default::default(), Par::Seq, stack, Default::default())
        .map(|_| ())
        .map_err(|llt::factor::LltError::NonPositivePivot { index }| index)
}

/// The pivot of row `i`, whose leading rows are positive definite: aᵢᵢ − |L⁻¹·aᵢ|².
fn pivot(a: ArrayView2<'_, f64>, i: usize) -> f64 {
    let mut leading = Array2::from_shape_fn((i, i), |(r, c)| if c <= r { a[(r, c)] } else { 0.0 });
    if factor(&mut leading).is_err() {
        // Rounding can tell a pivot near zero apart in one order of the sums and not in another.
        return 0.0;
    }
    let row = Array2::from_shape_fn((i, 1), |(c, _)| a[(i, c)]);
    let w = Cholesky { lower: leading }.solve_lower(row.view());
    a[(i, i)] - w.iter().map(|x| x * x).sum::<f64>()
}

fn view(a: &Array2<f64>) -> MatRef<'_, f64> {
    MatRef::from_row_major_slice(a.as_slice().expect("standard layout"), a.nrows(), a.ncols())
}

fn view_mut(a: &mut Array2<f64>) -> MatMut<'_, f64> {
    let (m, n) = a.dim();
    MatMut::from_row_major_slice_mut(a.as_slice_mut().expect("standard layout"), m, n)
}
