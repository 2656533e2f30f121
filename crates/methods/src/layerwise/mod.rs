//! Pruning block by block: statistics of the inputs of every linear, rules that turn them into masks (and updates), shares of the sparsity by block, and the
//! loop that carries calibration windows through the blocks as they become (specification prune §1).

pub mod moments;
pub mod options;
pub mod outliers;
mod run;
pub mod sparsegpt;
mod target;
pub mod wanda;

pub use moments::{Collector, Moments};
pub use options::{Criterion, Group, MaskSource, Options, Pattern};
pub use outliers::{Ratios, outlier_shares, outliers, patterns, ratios};
pub use run::{BlockDone, Evaluation, LinearDone, Loop, Outcome};
pub use target::{Target, prune_linear};
