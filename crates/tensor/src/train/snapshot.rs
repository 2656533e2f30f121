//! A run's state.

use crate::array::{Array, Spec};

/// Everything that a run needs to go on: names and values of the weights and of what the optimiser remembers, the steps taken and the seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Steps taken.
    pub step: u32,
    /// The run's seed.
    pub seed: u64,
    /// Weights as `NAME`, what the optimiser remembers as `KIND.NAME`.
    pub tensors: Vec<(String, Array)>,
}

/// A snapshot of another network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the saved run has no tensor {name} of shape {:?}; it was saved by a run with other settings", spec.shape)]
pub struct SnapshotError {
    /// What is missing.
    pub name: String,
    /// What it should be.
    pub spec: Spec,
}
