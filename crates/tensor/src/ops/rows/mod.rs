//! One row, as a whole, to one row.

mod log_softmax;
mod normalise;
mod softmax;

pub use log_softmax::LogSoftmax;
pub use normalise::Normalise;
pub use softmax::Softmax;

pub(super) use log_softmax::samples as log_softmax_samples;
pub(super) use normalise::samples as normalise_samples;
pub(super) use softmax::samples as softmax_samples;

use espalier_kernels::Params;

use crate::array::{Array, Spec};
use crate::op::{Launch, Sample};
use crate::ops::plan::{Run, input_part, output_part, row_launch, row_runs};
use crate::ops::sampling::{float_array, sample, tied_array, tiled};

/// Rows and elements a row.
fn rows(spec: &Spec) -> (usize, usize) {
    let width = *spec.shape.last().expect("a row has an axis");
    (spec.shape[..spec.shape.len() - 1].iter().product(), width)
}

/// One launch for each run of rows; `params` gets the rows, their width, and the bases of x and y.
fn launches<P: Params>(spec: &Spec, params: impl Fn(u32, u32, u32, u32) -> P) -> Vec<Launch> {
    let (count, width) = rows(spec);
    if width == 0 {
        return Vec::new();
    }
    row_runs(count, width)
        .map(|run| {
            let elements = Run { start: run.start * width, len: run.len * width };
            let (x, y) = (input_part(0, elements, spec.len()), output_part(elements, spec.len()));
            row_launch(params(run.len as u32, width as u32, x.base, y.base), vec![x.slot, y.slot], run.len, width)
        })
        .collect()
}

/// Samples that suit both.
fn row_samples<O: crate::op::Op + Copy + 'static>(op: O) -> Vec<Sample> {
    let mut all: Vec<_> = crate::ops::sampling::SIZES.iter().map(|&n| sample(format!("3×{n}"), op, vec![float_array(&[3, n], 1)])).collect();
    all.push(sample("vector", op, vec![float_array(&[65], 2)]));
    all.push(sample("2×3×5", op, vec![float_array(&[2, 3, 5], 3)]));
    all.push(sample("no rows", op, vec![float_array(&[0, 5], 3)]));
    all.push(sample("ties", op, vec![tied_array(&[7, 257], 4)]));
    let far = vec![300.0, 0.0, -300.0, -1000.0, -1000.0, -1000.0, 1.0e30, 1.0, -1.0e30];
    all.push(sample("far apart", op, vec![Array::from_f32(&[3, 3], far)]));
    all.push(tiled("29×65", op, vec![float_array(&[29, 65], 5)], 1024));
    all
}
