//! Products of matrices.

mod gram;
#[expect(clippy::module_inception, reason = "the product is the family's namesake, and files are named after operations")]
mod matmul;

pub use gram::{Gram, Side};
pub use matmul::{Form, MatMul};

pub(super) use gram::samples as gram_samples;
pub(super) use matmul::samples as matmul_samples;
