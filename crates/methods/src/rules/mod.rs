//! Rules side by side: magnitude, Wanda and SparseGPT, each alone and with OWL's sparsities, at the same number of removed weights and with several draws of
//! calibration windows (specification prune §12 D: a rule that keeps more weights than another has won nothing).

mod config;
mod figures;
mod run;

pub use config::{CARD, Config};
pub use run::ENTRY;
