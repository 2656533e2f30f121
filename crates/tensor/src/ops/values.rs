//! What CPU twins share: flat views and bounds of rounding errors.

use std::borrow::Cow;

use crate::array::Array;
use crate::op::Tolerance;

/// Distance from 1 to the next float, 2⁻²³: one unit in the last place, as a share of the value.
pub const ULP: f32 = f32::EPSILON;

/// Row-major values, borrowed where they lie so.
pub fn flat(array: &Array) -> Cow<'_, [f32]> {
    match array {
        Array::F32(a) => match a.as_slice() {
            Some(values) => Cow::Borrowed(values),
            None => Cow::Owned(a.iter().copied().collect()),
        },
        Array::U32(_) => panic!("a float array was expected"),
    }
}

/// Row-major values, borrowed where they lie so.
pub fn flat_u32(array: &Array) -> Cow<'_, [u32]> {
    match array {
        Array::U32(a) => match a.as_slice() {
            Some(values) => Cow::Borrowed(values),
            None => Cow::Owned(a.iter().copied().collect()),
        },
        Array::F32(_) => panic!("an integer array was expected"),
    }
}

/// Largest finite magnitude, 0 where there is none.
pub fn magnitude(array: &Array) -> f32 {
    array.f32().iter().filter(|x| x.is_finite()).fold(0.0, |m, x| m.max(x.abs()))
}

/// γₙ = n·u / (1 − n·u), u = 2⁻²⁴: the relative error of a sum or a dot product of n terms against the sum of its terms' magnitudes,
/// in any order (Higham, Accuracy and Stability of Numerical Algorithms, §3.1 and §4.2).
pub fn gamma(n: usize) -> f32 {
    let nu = n as f64 * 0.5 * f64::from(f32::EPSILON);
    (nu / (1.0 - nu)) as f32
}

/// `ulps` units in the last place of the largest result, and room for devices that flush subnormals to zero.
pub fn ulps(ulps: f32) -> Tolerance {
    Tolerance { absolute: f32::MIN_POSITIVE, relative: ulps * ULP }
}
