//! The operations, one file each in the folder of its family, beside one kernel of the same name under `shaders/`.

pub mod attention;
pub mod broadcast;
pub mod conv;
pub mod elementwise;
pub mod layout;
pub mod loss;
pub mod matmul;
pub mod optim;
pub mod order;
mod exponential;
mod nth;
mod pack;
pub mod plan;
pub mod random;
pub mod reduce;
pub mod rows;
pub mod sampling;
pub mod select;
pub mod stats;
pub mod update;
pub mod values;

use crate::op::Sample;

/// Every operation and its samples: one line each. The tests of law 1 walk this list.
pub const ALL: &[(&str, fn() -> Vec<Sample>)] = &[
    ("attention/attend", attention::attend_samples),
    ("attention/rope", attention::rope_samples),
    ("conv/conv2d", conv::conv2d_samples),
    ("conv/conv2d_input", conv::conv2d_input_samples),
    ("conv/conv2d_weight", conv::conv2d_weight_samples),
    ("elementwise/affine", elementwise::affine_samples),
    ("elementwise/binary", elementwise::binary_samples),
    ("elementwise/to_float", elementwise::to_float_samples),
    ("elementwise/unary", elementwise::unary_samples),
    ("elementwise/unary_grad", elementwise::unary_grad_samples),
    ("layout/broadcast_to", layout::broadcast_to_samples),
    ("layout/fill", layout::fill_samples),
    ("layout/gather", layout::gather_samples),
    ("layout/one_hot", layout::one_hot_samples),
    ("layout/reshape", layout::reshape_samples),
    ("layout/scatter_add", layout::scatter_add_samples),
    ("layout/transpose", layout::transpose_samples),
    ("layout/window", layout::window_samples),
    ("loss/cross_entropy", loss::cross_entropy_samples),
    ("loss/cross_entropy_grad", loss::cross_entropy_grad_samples),
    ("loss/divergence", loss::divergence_samples),
    ("loss/likelihood", loss::likelihood_samples),
    ("matmul/gram", matmul::gram_samples),
    ("matmul/matmul", matmul::matmul_samples),
    ("optim/adamw", optim::adamw_samples),
    ("optim/sgd", optim::sgd_samples),
    ("random/bits", random::bits_samples),
    ("random/dropout", random::dropout_samples),
    ("random/normal", random::normal_samples),
    ("random/uniform", random::uniform_samples),
    ("reduce/argmax", reduce::argmax_samples),
    ("reduce/fold", reduce::fold_samples),
    ("rows/log_softmax", rows::log_softmax_samples),
    ("rows/normalise", rows::normalise_samples),
    ("rows/softmax", rows::softmax_samples),
    ("select/apply_mask", select::apply_mask_samples),
    ("select/k_smallest", select::k_smallest_samples),
    ("select/n_of_m", select::n_of_m_samples),
    ("select/order_statistic", select::order_statistic_samples),
    ("select/row_smallest", select::row_smallest_samples),
    ("stats/histogram", stats::histogram_samples),
    ("update/sweep", update::sweep_samples),
];
