//! Steps of optimisers. Weights and what the optimiser remembers of them lie in one tensor, the state: `[rows, stride]`, the weights in row 0, so that a
//! step is one launch and the weights are read in place ([`Tensor::prefix`](crate::Tensor::prefix)).

mod adamw;
mod sgd;

pub use adamw::AdamWStep;
pub use sgd::SgdStep;

pub(super) use adamw::samples as adamw_samples;
pub(super) use sgd::samples as sgd_samples;

use crate::array::{Array, DType, Spec};
use crate::op::Slot;
use crate::ops::plan::{ALIGN, Run, runs};

/// Elements of a state's row for so many weights: whole alignments, so that rows can be bound apart from each other. Behind the weights it is zero.
pub fn stride(weights: usize) -> usize {
    weights.next_multiple_of(ALIGN)
}

/// Weights, stride. Panics where state, gradient and scale do not fit: a bug of the caller.
fn sizes(rows: usize, inputs: &[Spec]) -> (usize, usize) {
    let [state, gradient, scale] = inputs else { panic!("a step takes a state, a gradient and a scale") };
    let n = gradient.len();
    assert!(inputs.iter().all(|s| s.dtype == DType::F32), "an optimiser works on floats");
    assert_eq!(state.shape, [rows, stride(n)], "a state of {rows} rows for {n} weights");
    assert_eq!(scale.len(), 1, "one scale for the whole gradient");
    (n, stride(n))
}

/// One launch of a step: how many elements, how many of them have a gradient, and what is bound of the rows.
struct Piece {
    run: Run,
    real: u32,
    from: Vec<Slot>,
    to: Vec<Slot>,
}

/// Cuts the rows of a state alike, each row's piece in a binding of its own.
fn pieces(rows: usize, weights: usize, stride: usize) -> impl Iterator<Item = Piece> {
    runs(stride).map(move |run| {
        let place = |row: usize| (4 * (row * stride + run.start) as u64, 4 * run.len as u64);
        let from = (0..rows).map(|row| Slot::InputPart(0, place(row).0, place(row).1)).collect();
        let to = (0..rows).map(|row| Slot::OutputPart(place(row).0, place(row).1)).collect();
        Piece { run, real: weights.saturating_sub(run.start).min(run.len) as u32, from, to }
    })
}

/// A state for samples and tests: the rows one behind the other, each filled up with zeros.
fn packed(rows: &[Vec<f32>]) -> Array {
    let stride = stride(rows[0].len());
    let mut all = Vec::with_capacity(rows.len() * stride);
    for row in rows {
        all.extend_from_slice(row);
        all.resize(all.len().next_multiple_of(ALIGN), 0.0);
    }
    Array::from_f32(&[rows.len(), stride], all)
}
