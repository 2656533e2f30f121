//! Singular values through the Gram matrix of the shorter side, in `f64`: the fastest right way in one wasm thread, down to a floor.

use faer::linalg::evd::tridiag::{tridiag_in_place, tridiag_in_place_scratch};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::{Mat, MatMut, Par};
use ndarray::{ArrayView2, ArrayViewMut2, Axis, ShapeBuilder, s};

use super::element::{Element, widen_into};
use super::tridiagonal;
use crate::error::Result;
use crate::gemm::gemm_f64;

/// Columns widened to `f64` at a time: the copy stays in cache, and a large matrix never exists twice in `f64`.
const CHUNK: usize = 256;

/// Side under which a diagonal block is computed whole rather than halved again.
const BLOCK: usize = 64;

/// Eigenvalues of (s·A)(s·A)ᵀ, in no order, for A `[p, q]`. Rounding may leave those near zero slightly negative.
pub fn eigenvalues<T: Element>(a: ArrayView2<'_, T>, scale: f64) -> Result<Vec<f64>> {
    let p = a.nrows();
    let mut gram = lower(a, scale);
    let mut reflectors = Mat::<f64>::zeros(1, p.saturating_sub(1));
    let mut buffer = MemBuffer::new(tridiag_in_place_scratch::<f64>(p, Par::Seq, Default::default()));
    let mut view = MatMut::from_column_major_slice_mut(&mut gram, p, p);
    tridiag_in_place(view.as_mut(), reflectors.as_mut(), Par::Seq, MemStack::new(&mut buffer), Default::default());
    let diagonal: Vec<f64> = (0..p).map(|i| view[(i, i)]).collect();
    let off: Vec<f64> = (1..p).map(|i| view[(i, i - 1)]).collect();
    tridiagonal::eigenvalues(&diagonal, &off)
}

/// Lower triangle of (s·A)(s·A)ᵀ for A `[p, q]`, column-major; what lies above the diagonal blocks stays zero.
pub fn lower<T: Element>(a: ArrayView2<'_, T>, scale: f64) -> Vec<f64> {
    let (p, q) = a.dim();
    let mut gram = vec![0.0; p * p];
    // The chunk keeps the order in which A lies in memory, so that the copy reads and writes straight on.
    let by_rows = a.stride_of(Axis(1)).unsigned_abs() <= a.stride_of(Axis(0)).unsigned_abs();
    let mut chunk = vec![0.0; p * CHUNK.min(q)];
    for from in (0..q).step_by(CHUNK) {
        let width = CHUNK.min(q - from);
        let shape = (p, width).set_f(!by_rows);
        let target = ArrayViewMut2::from_shape(shape, &mut chunk[..p * width]).expect("as many places as the shape holds");
        widen_into(target, a.slice(s![.., from..from + width]), scale);
        let strides = if by_rows { (width, 1) } else { (1, p) };
        add_product(&chunk[..p * width], strides, width, &mut gram, p, 0, p);
    }
    gram
}

/// Adds B·Bᵀ to rows and columns `from..to` of the lower triangle of `gram` `[p, p]`: the two halves of the diagonal by recursion, the
/// square between them as one product.
fn add_product(b: &[f64], strides: (usize, usize), k: usize, gram: &mut [f64], p: usize, from: usize, to: usize) {
    let n = to - from;
    let transposed = (strides.1, strides.0);
    if n <= BLOCK {
        let rows = &b[from * strides.0..];
        gemm_f64(n, n, k, 1.0, rows, strides, rows, transposed, 1.0, &mut gram[from * (p + 1)..], (1, p));
        return;
    }
    let middle = from + (n / 2).next_multiple_of(16);
    add_product(b, strides, k, gram, p, from, middle);
    add_product(b, strides, k, gram, p, middle, to);
    let (below, above) = (&b[middle * strides.0..], &b[from * strides.0..]);
    gemm_f64(to - middle, middle - from, k, 1.0, below, strides, above, transposed, 1.0, &mut gram[middle + from * p..], (1, p));
}
