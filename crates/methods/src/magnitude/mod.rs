//! Magnitude pruning: the smallest weights go.

mod card;
pub mod config;
pub mod cut;
pub mod measure;
pub mod plan;
pub mod profile;
pub mod profile_method;
mod run;
pub mod select;

pub use card::CARD;
pub use config::{Allocation, Config, Rule, Scope};
pub use cut::take;
pub use plan::{Pick, allocate, layers, plan};
pub use run::ENTRY;
pub use select::{Selection, mask};
