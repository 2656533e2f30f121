//! What a language model's predictions cost.

mod likelihood;

pub use likelihood::Likelihood;

pub(super) use likelihood::samples as likelihood_samples;
