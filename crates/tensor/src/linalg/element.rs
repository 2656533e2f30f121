//! Reading a matrix of either float width into `f64`, finite and scaled.

use ndarray::{ArrayView2, ArrayViewMut2, Zip};

use crate::error::{Error, Result};

/// An element that a decomposition on the CPU takes.
pub trait Element: Copy + sealed::Sealed {
    /// Its value; exact for both types.
    fn wide(self) -> f64;
}

impl Element for f32 {
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Element for f64 {
    fn wide(self) -> f64 {
        self
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A power of two `s` such that the largest magnitude of `s·A` lies in [1, 2): squares and their sums can then neither overflow
/// nor lose what matters to underflow, and scaling there and back rounds nothing. `None` for a matrix of zeros.
///
/// Errors: [`Error::NotFinite`], with the number of bad values.
pub fn power_of_two_scale<T: Element>(a: ArrayView2<'_, T>, what: &'static str) -> Result<Option<f64>> {
    // NaN is lost by `max`, so finiteness is looked at by itself: the sum of x·0 is 0 unless some x is NaN or infinite.
    let (mut max, mut poison) = (0.0_f64, 0.0_f64);
    for row in a.rows() {
        for &x in row {
            let x = x.wide();
            max = max.max(x.abs());
            poison += x * 0.0;
        }
    }
    if poison != 0.0 {
        return Err(Error::NotFinite { what, count: a.iter().filter(|x| !x.wide().is_finite()).count() });
    }
    Ok((max > 0.0).then(|| exp2(-exponent(max).clamp(-1022, 1022))))
}

/// Writes `scale · source` into `target`, of the same shape.
pub fn widen_into<T: Element>(mut target: ArrayViewMut2<'_, f64>, source: ArrayView2<'_, T>, scale: f64) {
    Zip::from(&mut target).and(&source).for_each(|t, &s| *t = s.wide() * scale);
}

/// ⌊log₂ x⌋ for a positive x, −1023 for subnormal ones.
fn exponent(x: f64) -> i32 {
    (x.to_bits() >> 52) as i32 - 1023
}

/// 2^e for |e| ≤ 1022.
fn exp2(e: i32) -> f64 {
    f64::from_bits(((1023 + e) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_scale_brings_the_largest_magnitude_into_one_to_two() {
        for x in [1.0, -1.5, 3.999, 1e-30, 1e30, 1e300, 1e-300, f64::MAX, f64::MIN_POSITIVE] {
            let s = power_of_two_scale(array![[x, x / 2.0]].view(), "x").unwrap().unwrap();
            assert!((1.0..2.0).contains(&(x * s).abs()) || x == f64::MAX && (x * s) < 4.0, "{x} {s}");
            assert_eq!(x * s / s, x);
        }
        assert_eq!(power_of_two_scale(array![[0.0_f32, -0.0]].view(), "x").unwrap(), None);
    }

    #[test]
    fn what_is_not_finite_is_counted() {
        let a = array![[f32::NAN, 1.0], [f32::INFINITY, f32::NEG_INFINITY]];
        assert_eq!(power_of_two_scale(a.view(), "x"), Err(Error::NotFinite { what: "x", count: 3 }));
    }
}
