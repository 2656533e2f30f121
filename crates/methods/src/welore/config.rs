//! What can be chosen in rank selection.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::method::MethodError;

/// Which rule sets the ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The threshold of the grid whose reduction lies nearest to the target.
    #[default]
    Nearest,
    /// The smallest threshold of the grid that reaches the target.
    Reach,
    /// A given threshold.
    Threshold,
    /// The same share of every matrix's rank (the baseline).
    Uniform,
    /// As many values as hold a share of each matrix's energy Σσ².
    Energy,
    /// Full rank everywhere but where a rank is given by hand.
    ByHand,
}

/// Configuration of rank selection; the defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which rule sets the ranks.
    pub rule: Rule,
    /// Share of all ranks to remove, for the rules that search and for the uniform one.
    pub target: f64,
    /// Threshold on normalised singular values.
    pub threshold: f64,
    /// Share of Σσ² that is kept, for the energy rule.
    pub energy: f64,
    /// A matrix is factored where it loses more than this share of its rank (strict); others stay dense.
    pub min_ratio: f64,
    /// Factor only where the pair is smaller than the matrix, r < mn/(m+n), as well.
    pub size_aware: bool,
    /// Ranks set by hand; they win over the rule, and the two tests above do not apply to them.
    pub by_hand: BTreeMap<String, u32>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rule: Rule::Nearest,
            target: 0.5,
            threshold: 0.175,
            energy: 0.9,
            min_ratio: 0.4999,
            size_aware: false,
            by_hand: BTreeMap::new(),
        }
    }
}

impl Config {
    /// What the ranges of the knobs cannot say.
    ///
    /// # Errors
    /// A rank of 0 by hand: its factors would be empty.
    pub fn check(&self) -> Result<(), MethodError> {
        match self.by_hand.iter().find(|(_, r)| **r == 0) {
            Some((name, _)) => {
                Err(MethodError::Config { key: "by_hand".into(), why: format!("{name} has rank 0, and its factors would be empty; give at least 1") })
            }
            None => Ok(()),
        }
    }
}
