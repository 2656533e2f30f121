//! Wanda, SparseGPT and OWL as methods: one configuration and one run over the loop of [`crate::layerwise`], three cards that differ in what they are set to.

mod allocation;
mod cards;
mod config;
mod figures;
mod knobs;
pub mod outliers;
mod run;

pub use allocation::{Shares, shares};
pub use cards::{OWL, SPARSEGPT, WANDA};
pub use config::{Allocation, Config, Kind, Owl, SparseGpt, Wanda};
pub(crate) use run::chosen;
pub use run::{Keep, OWL_ENTRY, SPARSEGPT_ENTRY, WANDA_ENTRY, by_roles, prune};
