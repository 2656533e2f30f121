//! WeLore: a rank for every matrix from its own spectrum and one threshold for all.

mod card;
pub mod config;
mod figures;
pub mod normalise;
pub mod plan;
pub mod ranker;
mod run;

pub use card::CARD;
pub use config::{Config, Rule};
pub use plan::{RankPlan, break_even, plan};
pub use ranker::{POINTS, Ranker, grid};
pub use run::{ENTRY, parameters, parameters_after, trainable};
