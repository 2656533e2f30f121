//! The product as a browser's thread does it best: with 128-bit vectors, sixteen registers and no fused multiply-add.

use super::lanes::Lanes;
use super::{Strides, thin, tiles};

/// What becomes of C: C := α·A·B + β·C. Without β, C is only written.
#[derive(Clone, Copy)]
pub struct Update<T> {
    /// Factor of the product.
    pub alpha: T,
    /// Factor of what C holds.
    pub beta: Option<T>,
}

impl<T: Lanes> Update<T> {
    /// Updates one element.
    ///
    /// # Safety
    /// It must be writable, and readable where there is a β.
    #[inline(always)]
    pub unsafe fn write(self, product: T, at: *mut T) {
        // SAFETY: the caller's promise.
        unsafe { at.write(self.beta.map_or(self.alpha * product, |beta| beta * at.read() + self.alpha * product)) }
    }
}

/// C := α·A·B + β·C with A `[m, k]`, B `[k, n]` and C `[m, n]`, each given by its first element and its strides. The order of every sum
/// depends on shape and strides alone: the same call gives the same bits, on every machine.
///
/// # Safety
/// All elements must be inside their allocations, those of C apart from each other, and initialised where they are read.
pub unsafe fn multiply<T: Lanes>(
    [m, n, k]: [usize; 3],
    update: Update<T>,
    a: (*const T, Strides),
    b: (*const T, Strides),
    c: (*mut T, Strides),
) {
    if m == 0 || n == 0 || k == 0 {
        // Without terms, C is still scaled. Pointers into factors without elements lead nowhere.
        for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
            // SAFETY: an element of C.
            unsafe { update.write(T::default(), c.0.add(i * c.1.0 + j * c.1.1)) }
        }
        return;
    }
    let (shortest, by_columns) = (m.min(n), c.1.0 == 1 && c.1.1 != 1);
    // Cᵀ = Bᵀ·Aᵀ: a thin C lies down, any other is written along its rows.
    let turned = if shortest <= thin::MOST_ROWS { n < m } else { by_columns };
    let turn = |(rows, cols): Strides| (cols, rows);
    let ([m, n], a, b, c) = if turned { ([n, m], (b.0, turn(b.1)), (a.0, turn(a.1)), (c.0, turn(c.1))) } else { ([m, n], a, b, c) };
    // SAFETY: the caller's promise; turning moves no element.
    unsafe {
        if m <= thin::MOST_ROWS && (b.1.0 == 1 || b.1.1 == 1) {
            thin::multiply([m, n, k], update, a, b, c);
        } else {
            tiles::multiply([m, n, k], update, a, b, c);
        }
    }
}
