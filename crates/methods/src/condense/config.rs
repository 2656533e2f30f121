//! Its configuration.

use espalier_tensor::ops::loss::Divergence;
use serde::{Deserialize, Serialize};

/// What a condensed layer keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// Shared and some routed experts (CD-MoE-SR).
    #[default]
    Sr,
    /// Shared experts only (CD-MoE-S).
    S,
}

/// How the experts of a layer are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choose {
    /// One after another, the one that keeps the layer's output closest.
    #[default]
    Greedy,
    /// The most used.
    Count,
    /// The largest mean gate-weighted norm.
    Norm,
    /// By chance, from the seed.
    Random,
}

/// How far two hidden states are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Jensen–Shannon divergence of their softmaxes over the hidden axis, nats.
    #[default]
    Js,
    /// Mean square of the difference.
    Mse,
    /// One minus the cosine.
    Cosine,
}

impl Metric {
    /// The operation.
    pub fn op(self) -> Divergence {
        match self {
            Self::Js => Divergence::JensenShannon,
            Self::Mse => Divergence::MeanSquare,
            Self::Cosine => Divergence::Cosine,
        }
    }

    /// Its name and unit on an axis.
    pub fn axis(self) -> (&'static str, &'static str) {
        match self {
            Self::Js => ("Jensen–Shannon divergence", "nats"),
            Self::Mse => ("mean square", ""),
            Self::Cosine => ("1 − cosine", ""),
        }
    }
}

/// Weight of an expert that no calibration token was sent to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unrouted {
    /// 0: nothing is known of it.
    #[default]
    Zero,
    /// 0.06, the constant of the published search.
    Official,
}

impl Unrouted {
    /// The weight.
    pub fn weight(self) -> f64 {
        match self {
            Self::Zero => 0.0,
            Self::Official => 0.06,
        }
    }
}

/// What follows the search. The paper fine-tunes the kept experts lightly (§2.7 of the specification); that comes with training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// Nothing.
    #[default]
    None,
}

/// Configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What a condensed layer keeps.
    pub variant: Variant,
    /// Mixtures to condense; 0 is a third.
    pub layers: u32,
    /// Routed experts kept; 0 is as many as a token is sent to.
    pub experts: u32,
    /// How experts are chosen.
    pub choose: Choose,
    /// Measure of both searches.
    pub metric: Metric,
    /// Weight of experts that were never routed to.
    pub unrouted: Unrouted,
    /// Name of the text that calibrates.
    pub calibration: String,
    /// Calibration windows.
    pub samples: u32,
    /// Tokens a window.
    pub length: u32,
    /// Name of the text that measures.
    pub evaluation: String,
    /// Most windows that measure; 0 for none.
    pub windows: u32,
    /// Measure other ways, too.
    pub rivals: bool,
    /// Draws of the random band.
    pub draws: u32,
    /// What follows.
    pub repair: Repair,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            variant: Variant::default(),
            layers: 0,
            experts: 0,
            choose: Choose::default(),
            metric: Metric::default(),
            unrouted: Unrouted::default(),
            calibration: String::new(),
            samples: 100,
            length: 256,
            evaluation: String::new(),
            windows: 64,
            rivals: false,
            draws: 20,
            repair: Repair::default(),
        }
    }
}
