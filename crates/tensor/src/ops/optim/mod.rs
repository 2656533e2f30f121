//! Steps of optimisers.

mod adamw;
mod moment;

pub use adamw::AdamWStep;
pub use moment::Moment;

pub(super) use adamw::samples as adamw_samples;
pub(super) use moment::samples as moment_samples;
