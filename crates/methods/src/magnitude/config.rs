//! What can be chosen in magnitude pruning.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::bad;
use crate::method::MethodError;

/// Among which weights the smallest are looked for. Written `tensor`, `row`, `global`, or `2:4` (remove 2 of every 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All weights of one matrix.
    #[default]
    Tensor,
    /// The weights of one output (row).
    Row,
    /// All weights of all matrices together.
    Global,
    /// `n` of every `m` neighbouring inputs of a row. The first number is how many are removed.
    Groups {
        /// Removed in each group.
        n: u32,
        /// Weights a group.
        m: u32,
    },
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tensor => f.write_str("tensor"),
            Self::Row => f.write_str("row"),
            Self::Global => f.write_str("global"),
            Self::Groups { n, m } => write!(f, "{n}:{m}"),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "tensor" => return Ok(Self::Tensor),
            "row" => return Ok(Self::Row),
            "global" => return Ok(Self::Global),
            _ => {}
        }
        let parts = s.split_once(':').and_then(|(n, m)| Some((n.trim().parse().ok()?, m.trim().parse().ok()?)));
        match parts {
            Some((n, m)) if n <= m && (1..=1024).contains(&m) => Ok(Self::Groups { n, m }),
            Some((n, m)) => Err(format!("{n}:{m} would remove {n} of every {m}; write n:m with n ≤ m ≤ 1024")),
            None => Err(format!("“{s}” is not tensor, row, global or a pattern like 2:4")),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How many of a scope's weights go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Exactly int(elements · sparsity), the smallest first, equal ones by the lower index.
    #[default]
    Exact,
    /// As Wanda's `prune_magnitude`: all weights up to and with the value at place int(elements · sparsity) of the sorted magnitudes, so at
    /// least one more than asked for, and all that are equal to it. The row and n:m scopes are exact there too.
    Official,
}

/// How the sparsity is shared out over matrices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allocation {
    /// The same for all.
    #[default]
    Uniform,
    /// Erdős–Rényi with kernels.
    Erk,
    /// Erdős–Rényi over inputs and outputs.
    Er,
    /// EAST's single pass of ERK.
    East,
    /// From the power-law tails of the spectra.
    Spectrum,
    /// Set by hand.
    ByHand,
}

/// Configuration of magnitude pruning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Among which weights the smallest are looked for.
    pub scope: Scope,
    /// How many of them go.
    pub rule: Rule,
    /// Fraction of all weights to remove.
    pub sparsity: f64,
    /// How it is shared out over matrices; the global scope and n:m patterns leave nothing to share out.
    pub allocation: Allocation,
    /// Half the spread of the spectrum allocation: shares run from 1 − ε to 1 + ε before scaling.
    pub epsilon: f64,
    /// Sparsities by hand, by matrix (slices as `name#3`); matrices that are not named get `sparsity`.
    pub by_hand: BTreeMap<String, f64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            scope: Scope::Tensor,
            rule: Rule::Exact,
            sparsity: 0.5,
            allocation: Allocation::Uniform,
            epsilon: 0.2,
            by_hand: BTreeMap::new(),
        }
    }
}

impl Config {
    /// What the ranges of the knobs cannot say.
    ///
    /// # Errors
    /// A sparsity by hand outside 0 … 1.
    pub fn check(&self) -> Result<(), MethodError> {
        match self.by_hand.iter().find(|(_, s)| !(0.0..=1.0).contains(*s)) {
            Some((name, s)) => Err(bad("by_hand", format!("{name} has sparsity {s}; it lies between 0 and 1"))),
            None => Ok(()),
        }
    }

    /// True where each matrix has a sparsity of its own (neither global nor n:m).
    pub fn is_allocated(&self) -> bool {
        matches!(self.scope, Scope::Tensor | Scope::Row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_as_people_write_them() {
        for s in ["tensor", "row", "global", "2:4", "5:8"] {
            assert_eq!(s.parse::<Scope>().unwrap().to_string(), s);
        }
        for s in ["5:4", "2:0", "a:b", "2", "1:2000"] {
            assert!(s.parse::<Scope>().is_err(), "{s}");
        }
        let c: Config = serde_json::from_str(r#"{"scope":"2:4"}"#).unwrap();
        assert_eq!(c.scope, Scope::Groups { n: 2, m: 4 });
    }
}
