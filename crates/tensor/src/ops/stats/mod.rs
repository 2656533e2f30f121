//! What a tensor's values look like.

mod histogram;

pub use histogram::{Histogram, equal_edges};

pub(super) use histogram::samples as histogram_samples;
