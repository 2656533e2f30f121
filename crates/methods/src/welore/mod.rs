//! WeLore: a rank for every matrix from its own spectrum and one threshold for all.

pub mod config;
pub mod normalise;
pub mod plan;
pub mod ranker;

pub use config::{Config, Rule};
pub use plan::{RankPlan, break_even, plan};
pub use ranker::{POINTS, Ranker, grid};
