//! Everything that the Prune screen can change.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::language::Calibrated;
use crate::app::state::Key;

/// Inside what the smallest weights are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Within each tensor.
    #[default]
    Tensor,
    /// Within each output row.
    Row,
    /// Over all chosen matrices together.
    Global,
    /// The `n` largest of every `m` neighbours of a row are kept.
    NOfM {
        /// Kept.
        n: u32,
        /// Of.
        m: u32,
    },
}

/// How the target is shared out among matrices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allocation {
    /// The same sparsity everywhere.
    #[default]
    Uniform,
    /// Erdős–Rényi kernel: small matrices keep more.
    Erk,
    /// From the tails of the spectra: heavy tails keep more.
    Spectrum,
    /// As the bars say.
    ByHand,
    /// Blocks with outliers keep more (OWL).
    Owl,
    /// Blocks that a sweep found sensitive keep more.
    Measured,
}

/// Everything that the Prune screen can change.
#[derive(Clone, Debug, PartialEq)]
pub struct PruneState {
    /// Where the smallest are chosen.
    pub scope: Scope,
    /// Sparsity to reach over all prunable weights.
    pub target: f64,
    /// How it is shared out.
    pub allocation: Allocation,
    /// Sparsities set by hand, by matrix key.
    pub sparsity: BTreeMap<Key, f64>,
    /// Matrices whose bar is locked.
    pub locked: BTreeSet<Key>,
    /// Everything up to and with the weight at the cut goes, as in Wanda's code; else exactly as many as asked for.
    pub official: bool,
    /// What reads a text.
    pub calibrated: Calibrated,
}

impl Default for PruneState {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            target: 0.5,
            allocation: Allocation::default(),
            sparsity: BTreeMap::new(),
            locked: BTreeSet::new(),
            official: false,
            calibrated: Calibrated::default(),
        }
    }
}
