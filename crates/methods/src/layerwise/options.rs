//! What can be chosen in a pruning by blocks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which weights of a group go. Written `unstructured`, or `2:4` (remove 2 of every 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pattern {
    /// By a sparsity.
    #[default]
    Unstructured,
    /// `n` of every `m` neighbouring inputs of a row; the first number is how many are removed.
    Groups {
        /// Removed in each group.
        n: u32,
        /// Weights a group.
        m: u32,
    },
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unstructured => f.write_str("unstructured"),
            Self::Groups { n, m } => write!(f, "{n}:{m}"),
        }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        if s == "unstructured" {
            return Ok(Self::Unstructured);
        }
        let parts = s.split_once(':').and_then(|(n, m)| Some((n.trim().parse().ok()?, m.trim().parse().ok()?)));
        match parts {
            Some((n, m)) if n <= m && (1..=1024).contains(&m) => Ok(Self::Groups { n, m }),
            Some((n, m)) => Err(format!("{n}:{m} would remove {n} of every {m}; write n:m with n ≤ m ≤ 1024")),
            None => Err(format!("“{s}” is not unstructured or a pattern like 2:4")),
        }
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// By what weights are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// |w|.
    Magnitude,
    /// |w|·‖x‖ (Sun et al. 2023).
    #[default]
    Wanda,
    /// (w/d)², with an update of what stays (Frantar and Alistarh 2023).
    #[serde(rename = "sparsegpt")]
    SparseGpt,
}

/// Among which weights the smallest are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Those of one output.
    #[default]
    Row,
    /// Those of one matrix.
    Layer,
}

/// Whose marks a SparseGPT update takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskSource {
    /// Its own, block of columns by block of columns.
    #[default]
    Own,
    /// Wanda's, of the weights as they were.
    Wanda,
    /// Magnitude's, of the weights as they were.
    Magnitude,
}

/// How one linear is pruned.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// By what weights are judged.
    pub criterion: Criterion,
    /// Comparison group of magnitude and Wanda.
    pub group: Group,
    /// Wanda's variant: a threshold by shares of each row's sum.
    pub variant: bool,
    /// Hands the remainder of int(columns · sparsity) out over rows, so that a matrix loses int(elements · sparsity) weights.
    pub exact: bool,
    /// SparseGPT: columns a block.
    pub blocksize: usize,
    /// SparseGPT: damping as a share of the mean of the diagonal.
    pub damping: f64,
    /// SparseGPT: whose marks.
    pub mask: MaskSource,
    /// SparseGPT: whether what stays is updated.
    pub update: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            criterion: Criterion::Wanda,
            group: Group::Row,
            variant: false,
            exact: false,
            blocksize: 128,
            damping: 0.01,
            mask: MaskSource::Own,
            update: true,
        }
    }
}
