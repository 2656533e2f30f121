//! Spectra: the singular values of every matrix, and what they say.

pub mod device;
mod figures;
mod run;
pub mod summary;
pub mod tail;

pub use run::{CARD, Config, ENTRY, gather};
pub use summary::{energy_curve, energy_rank, random_edge, summary, truncation_errors};
