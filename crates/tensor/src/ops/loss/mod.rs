//! What predictions cost, and how far apart results are.

mod cross_entropy;
mod cross_entropy_grad;
mod divergence;
mod likelihood;

pub use cross_entropy::CrossEntropy;
pub use cross_entropy_grad::CrossEntropyGrad;
pub use divergence::Divergence;
pub use likelihood::Likelihood;

pub(super) use cross_entropy::samples as cross_entropy_samples;
pub(super) use cross_entropy_grad::samples as cross_entropy_grad_samples;
pub(super) use divergence::samples as divergence_samples;
pub(super) use likelihood::samples as likelihood_samples;

use crate::array::{Array, DType, Spec};
use crate::op::{Op, Sample};
use crate::ops::sampling::{float_array, indices, sample, tied_array, tiled};

/// Rows and classes of logits and targets.
fn classes(inputs: &[Spec]) -> (usize, usize) {
    let ([n, width], [m]) = (&inputs[0].shape[..], &inputs[1].shape[..]) else {
        panic!("logits are a matrix and targets a list, not {:?} and {:?}", inputs[0].shape, inputs[1].shape)
    };
    assert!(n == m && inputs[1].dtype == DType::U32, "one integer target a row");
    (*n, *width)
}

/// Samples that suit the loss and its gradient (which takes the loss and a slope a row, too).
fn class_samples<O: Op + Copy + 'static>(op: O, slopes: bool) -> Vec<Sample> {
    let inputs = |n: usize, logits: Array, below: usize| {
        let targets = Array::from_u32(&[n], indices(n, below, 2));
        if !slopes {
            return vec![logits, targets];
        }
        let losses = CrossEntropy.cpu(&[&logits, &targets]);
        vec![logits, targets, losses, float_array(&[n], 3)]
    };
    let mut all = Vec::new();
    for width in [1, 10, 63, 64, 65, 257, 1031] {
        all.push(sample(format!("5×{width}"), op, inputs(5, float_array(&[5, width], 1), width)));
    }
    all.push(sample("65×9, some left out", op, inputs(65, float_array(&[65, 9], 4), 12)));
    all.push(sample("no rows", op, inputs(0, float_array(&[0, 5], 4), 5)));
    all.push(sample("ties", op, inputs(7, tied_array(&[7, 257], 5), 257)));
    let far = vec![300.0, 0.0, -300.0, -1000.0, -1000.0, -1000.0, 80.0, 1.0, -80.0];
    all.push(sample("far apart", op, inputs(3, Array::from_f32(&[3, 3], far), 3)));
    all.push(tiled("29×65", op, inputs(29, float_array(&[29, 65], 6), 65), 1024));
    all
}
