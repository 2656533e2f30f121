//! Weights that make up for what was taken from their row.

mod sweep;

pub use sweep::{MOST_COLUMNS, Sweep};

pub(super) use sweep::samples as sweep_samples;
