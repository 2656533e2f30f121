//! Vectors of 128 bits: what WebAssembly has, and plain arrays elsewhere, so that the tests need no browser.

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use core::arch::wasm32::*;
use std::ops::{Add, Mul};

/// Elements that come several to a vector. The default is zero.
pub trait Lanes: Copy + Default + Add<Output = Self> + Mul<Output = Self> {
    /// [`Lanes::WIDTH`] elements.
    type Vector: Copy;

    /// How many elements a vector has.
    const WIDTH: usize;

    /// 1.
    const ONE: Self;

    /// The element in every lane.
    fn splat(self) -> Self::Vector;

    /// `sum + x·y`, rounded after the product and again after the sum: every machine gives the same bits.
    fn plus(sum: Self::Vector, x: Self::Vector, y: Self::Vector) -> Self::Vector;

    /// The elements of both in turn: x₀ y₀ x₁ y₁ …, in two vectors.
    fn zip(x: Self::Vector, y: Self::Vector) -> [Self::Vector; 2];

    /// Reads the elements from `from` on.
    ///
    /// # Safety
    /// All of them must be readable. The vector need not be aligned.
    unsafe fn load(from: *const Self) -> Self::Vector;

    /// Writes the elements from `to` on.
    ///
    /// # Safety
    /// All of them must be writable. The vector need not be aligned.
    unsafe fn store(vector: Self::Vector, to: *mut Self);
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
macro_rules! lanes {
    ($element:ty, $width:literal, $splat:ident, $add:ident, $mul:ident, $low:expr, $high:expr) => {
        impl Lanes for $element {
            type Vector = v128;
            const WIDTH: usize = $width;
            const ONE: Self = 1.0;

            #[inline(always)]
            fn splat(self) -> Self::Vector {
                $splat(self)
            }

            #[inline(always)]
            fn plus(sum: Self::Vector, x: Self::Vector, y: Self::Vector) -> Self::Vector {
                $add(sum, $mul(x, y))
            }

            #[inline(always)]
            fn zip(x: Self::Vector, y: Self::Vector) -> [Self::Vector; 2] {
                [$low(x, y), $high(x, y)]
            }

            #[inline(always)]
            unsafe fn load(from: *const Self) -> Self::Vector {
                // SAFETY: the caller's promise; WebAssembly asks for no alignment.
                unsafe { v128_load(from.cast()) }
            }

            #[inline(always)]
            unsafe fn store(vector: Self::Vector, to: *mut Self) {
                // SAFETY: as in `load`.
                unsafe { v128_store(to.cast(), vector) }
            }
        }
    };
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
macro_rules! lanes {
    ($element:ty, $width:literal, $splat:ident, $add:ident, $mul:ident, $low:expr, $high:expr) => {
        impl Lanes for $element {
            type Vector = [$element; $width];
            const WIDTH: usize = $width;
            const ONE: Self = 1.0;

            fn splat(self) -> Self::Vector {
                [self; $width]
            }

            fn plus(sum: Self::Vector, x: Self::Vector, y: Self::Vector) -> Self::Vector {
                std::array::from_fn(|i| sum[i] + x[i] * y[i])
            }

            fn zip(x: Self::Vector, y: Self::Vector) -> [Self::Vector; 2] {
                let both = |i: usize| if i % 2 == 0 { x[i / 2] } else { y[i / 2] };
                [std::array::from_fn(both), std::array::from_fn(|i| both($width + i))]
            }

            unsafe fn load(from: *const Self) -> Self::Vector {
                // SAFETY: the caller's promise.
                unsafe { from.cast::<Self::Vector>().read_unaligned() }
            }

            unsafe fn store(vector: Self::Vector, to: *mut Self) {
                // SAFETY: the caller's promise.
                unsafe { to.cast::<Self::Vector>().write_unaligned(vector) }
            }
        }
    };
}

lanes!(f32, 4, f32x4_splat, f32x4_add, f32x4_mul, i32x4_shuffle::<0, 4, 1, 5>, i32x4_shuffle::<2, 6, 3, 7>);
lanes!(f64, 2, f64x2_splat, f64x2_add, f64x2_mul, i64x2_shuffle::<0, 2>, i64x2_shuffle::<1, 3>);
