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
    /// Joins the elements of every result in the order of the axis.
    pub fn folded<A: Copy>(&self, x: &[f32], start: A, join: impl Fn(A, f32) -> A, end: impl Fn(A) -> f32) -> Vec<f32> {
        let mut results = Vec::with_capacity(self.outer * self.inner);
        for o in 0..self.outer {
            let slab = &x[o * self.axis * self.inner..][..self.axis * self.inner];
            if self.inner == 1 {
                results.push(end(slab.iter().fold(start, |a, &x| join(a, x))));
                continue;
            }
            // Row by row: elements are read as they lie, and compilers make vector code of it.
            let mut row = vec![start; self.inner];
            for step in slab.chunks(self.inner.max(1)) {
                row.iter_mut().zip(step).for_each(|(a, &x)| *a = join(*a, x));
            }
            results.extend(row.into_iter().map(&end));
        }
        results
    }

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
