//! Values moved, repeated, cut out or set, never computed with (but for the sums of `scatter_add`).

mod broadcast_to;
pub(super) mod fill;
mod gather;
mod one_hot;
mod reshape;
mod scatter_add;
pub(super) mod transpose;
pub(super) mod window;

pub use broadcast_to::BroadcastTo;
pub use fill::Fill;
pub use gather::Gather;
pub use one_hot::OneHot;
pub use reshape::Reshape;
pub use scatter_add::ScatterAdd;
pub use transpose::Transpose;
pub use window::Window;

pub(super) use broadcast_to::samples as broadcast_to_samples;
pub(super) use fill::samples as fill_samples;
pub(super) use gather::samples as gather_samples;
pub(super) use one_hot::samples as one_hot_samples;
pub(super) use reshape::samples as reshape_samples;
pub(super) use scatter_add::samples as scatter_add_samples;
pub(super) use transpose::samples as transpose_samples;
pub(super) use window::samples as window_samples;

use crate::array::Array;
use crate::ops::values::{flat, flat_u32};

/// A new array of the same element type: `make` says from which flat index of `from` each element comes (`None`: zero).
fn moved(from: &Array, shape: &[usize], make: impl Iterator<Item = Option<usize>>) -> Array {
    match from {
        Array::F32(_) => {
            let values = flat(from);
            Array::from_f32(shape, make.map(|at| at.map_or(0.0, |i| values[i])).collect())
        }
        Array::U32(_) => {
            let values = flat_u32(from);
            Array::from_u32(shape, make.map(|at| at.map_or(0, |i| values[i])).collect())
        }
    }
}

/// [`moved`] for whole runs of `width` values: `starts` says at which flat index of `from` each begins (`None`: zeros).
fn runs_moved(from: &Array, shape: &[usize], width: usize, starts: impl Iterator<Item = Option<usize>>) -> Array {
    fn copied<T: Copy + Default>(values: &[T], length: usize, width: usize, starts: impl Iterator<Item = Option<usize>>) -> Vec<T> {
        let mut to = Vec::with_capacity(length);
        for start in starts {
            match start {
                Some(at) => to.extend_from_slice(&values[at..at + width]),
                None => to.resize(to.len() + width, T::default()),
            }
        }
        to
    }
    let length = shape.iter().product();
    match from {
        Array::F32(_) => Array::from_f32(shape, copied(&flat(from), length, width, starts)),
        Array::U32(_) => Array::from_u32(shape, copied(&flat_u32(from), length, width, starts)),
    }
}
