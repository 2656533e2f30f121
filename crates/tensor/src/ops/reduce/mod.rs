//! One output element from many.

mod argmax;
mod fold;

pub use argmax::ArgMax;
pub use fold::{Fold, FoldKind};

pub(super) use argmax::samples as argmax_samples;
pub(super) use fold::samples as fold_samples;

/// A shape seen as `outer × axis × inner`, and the shape without the axis (or with 1 in its place).
pub(super) struct Middle {
    pub outer: usize,
    pub axis: usize,
    pub inner: usize,
}

impl Middle {
    /// Along one axis, or over everything.
    pub fn new(shape: &[usize], axis: Option<usize>) -> Self {
        let Some(axis) = axis else { return Self { outer: 1, axis: shape.iter().product(), inner: 1 } };
        assert!(axis < shape.len(), "{shape:?} has no axis {axis}");
        Self { outer: shape[..axis].iter().product(), axis: shape[axis], inner: shape[axis + 1..].iter().product() }
    }

    /// What is left.
    pub fn output(shape: &[usize], axis: Option<usize>, keep: bool) -> Vec<usize> {
        let gone = |at: usize| axis.is_none_or(|axis| axis == at);
        let left = |(at, &n): (usize, &usize)| if !gone(at) { Some(n) } else { keep.then_some(1) };
        shape.iter().enumerate().filter_map(left).collect()
    }
}
