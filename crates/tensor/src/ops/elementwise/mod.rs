//! One output element from the input elements at its place.

mod affine;
mod binary;
mod to_float;
mod unary;
mod unary_grad;

pub use affine::Affine;
pub use binary::Binary;
pub(super) use binary::unbroadcast;
pub use to_float::ToFloat;
pub use unary::Unary;
pub use unary_grad::UnaryGrad;

pub(super) use affine::samples as affine_samples;
pub(super) use binary::samples as binary_samples;
pub(super) use to_float::samples as to_float_samples;
pub(super) use unary::samples as unary_samples;
pub(super) use unary_grad::samples as unary_grad_samples;
