//! What methods that run a language model find: plain serde data, like all of [`crate::report`].

use serde::{Deserialize, Serialize};

use crate::bytes::{F32s, F64s, U32s};

/// A typed result about a language model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Language {
    /// What one linear's outputs lost.
    Linear(LinearLoss),
    /// What a text's likelihood became.
    Likelihood(Likelihood),
    /// How many weights of a block stand out.
    Outliers(Outliers),
    /// One measurement of a sensitivity sweep.
    Cell(Cell),
    /// A text that the model has gone on with.
    Words(Words),
    /// One run of a calibration study.
    Study(StudyRun),
    /// How far the masks of a calibration study agree.
    Agreement(Agreement),
    /// What a calibration study says of a claim.
    Claim(Claim),
    /// What a rule loses to a change that changes nothing.
    Rescaled(Rescaled),
    /// A part of one matrix under such changes.
    Patch(Patch),
    /// One matrix of the last pruning.
    Closeup(Closeup),
}

/// What one linear's outputs lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearLoss {
    /// The matrix: the tensor's name, slices of a fused tensor as `name#3`.
    pub tensor: String,
    /// ‖X·Wᵀ − X·W'ᵀ‖² / ‖X·Wᵀ‖² over the first calibration windows; NaN where nothing went in.
    pub output_error: f64,
    /// SparseGPT's loss.
    pub loss: Option<f64>,
}

/// Likelihood of a text before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likelihood {
    /// Name of the text.
    pub text: String,
    /// Windows that were measured.
    pub windows: u32,
    /// Tokens a window.
    pub length: u32,
    /// Mean loss of the dense and of the pruned model, nats a token; perplexity is its exponential.
    pub nats: [f64; 2],
}

/// Weights of one block whose metric |w|·‖x‖ is over so many times the block's mean (OWL's layerwise outlier distribution).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outliers {
    /// Block.
    pub block: u32,
    /// Multiples of the mean, ascending.
    pub multiples: F64s,
    /// Percent of the block's weights over each.
    pub percent: F64s,
}

impl Outliers {
    /// Percent over a multiple: of those that were counted the nearest.
    pub fn at(&self, multiple: f64) -> f64 {
        let near = self.multiples.iter().enumerate().min_by(|a, b| (a.1 - multiple).abs().total_cmp(&(b.1 - multiple).abs()));
        near.and_then(|(i, _)| self.percent.get(i).copied()).unwrap_or(0.0)
    }
}

/// One measurement of a sensitivity sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// What was pruned: `block 3`, a linear's label, a role.
    pub part: String,
    /// Its sparsity.
    pub ratio: f64,
    /// Loss less the dense model's, nats a token.
    pub nats: f64,
    /// Share of the energy of the outputs of the part's last block that changed.
    pub error: f64,
}

/// A text that the model has gone on with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Words {
    /// By the pruned model.
    pub pruned: bool,
    /// Tokens to begin with.
    pub prompt: U32s,
    /// Tokens that were added.
    pub tokens: U32s,
    /// The likeliest next tokens behind the prompt.
    pub candidates: U32s,
    /// Their probabilities.
    pub probabilities: F64s,
}

/// One run of a calibration study: a source and a seed, and what each domain lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyRun {
    /// The source as it was named: `stories`, `arithmetic:single`, `mixture`, `random`, `repeated`.
    pub source: String,
    /// Seed of its windows.
    pub seed: u64,
    /// Fraction removed.
    pub sparsity: f64,
    /// Fraction that was asked for: a study may ask for several. Zero in records of studies that could not.
    #[serde(default)]
    pub asked: f64,
    /// Names of the texts that measure.
    pub domains: Vec<String>,
    /// Mean loss of the dense model on each, nats a token.
    pub dense: F64s,
    /// The same of the pruned one.
    pub nats: F64s,
}

/// How far the masks of sources agree: Jaccard indices of what was removed, means over seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Fraction that was asked for.
    #[serde(default)]
    pub asked: f64,
    /// Sources.
    pub sources: Vec<String>,
    /// Linears.
    pub linears: Vec<String>,
    /// Pairs (first < second, first-major) × linears; NaN where no seed has both masks.
    pub jaccard: F32s,
}

impl Agreement {
    /// Place of a pair in the list; `None` for a source with itself.
    pub fn pair(&self, a: usize, b: usize) -> Option<usize> {
        let n = self.sources.len();
        let (a, b) = (a.min(b), a.max(b));
        (a < b && b < n).then(|| a * (2 * n - a - 1) / 2 + b - a - 1)
    }

    /// By linear, of a pair.
    pub fn of(&self, a: usize, b: usize) -> &[f32] {
        let n = self.linears.len();
        self.pair(a, b).and_then(|p| self.jaccard.get(p * n..(p + 1) * n)).unwrap_or_default()
    }

    /// Mean over linears; NaN where the masks were not compared.
    pub fn mean(&self, a: usize, b: usize) -> f64 {
        let all = self.of(a, b);
        if all.is_empty() { 1.0 } else { all.iter().map(|v| f64::from(*v)).sum::<f64>() / all.len() as f64 }
    }
}

/// What a study says of a claim of the paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Fraction that was asked for.
    #[serde(default)]
    pub asked: f64,
    /// The claim.
    pub claim: String,
    /// What was subtracted from what.
    pub difference: String,
    /// Mean over seeds, nats a token; under zero where the claim would have it.
    pub mean: f64,
    /// Largest distance of a seed from the mean.
    pub spread: f64,
    /// Seeds.
    pub seeds: u32,
    /// How it stands.
    pub verdict: Verdict,
}

/// How a claim stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// All seeds agree with it.
    Holds,
    /// All seeds disagree.
    Fails,
    /// Seeds lie on both sides.
    Open,
    /// This study has not run what it would take.
    NotRun,
}

/// What a rule of pruning loses when channels are rescaled and the outputs are not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rescaled {
    /// Gain of the rescaled channels.
    pub gain: f64,
    /// `magnitude` or `wanda`.
    pub rule: String,
    /// Loss less the dense model's, nats a token.
    pub nats: f64,
    /// Weights that are kept instead of others, against a gain of 1.
    pub replaced: f64,
    /// Weights kept in the rescaled columns.
    pub kept: f64,
    /// Weights in them.
    pub of: f64,
    /// Percent of the middle block's weights that stand out over five times the mean, for the rule that looks at inputs.
    pub outliers: Option<f64>,
}

/// A part of one matrix: its weights, its inputs' norms, and both masks by gain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Patch {
    /// The matrix.
    pub tensor: String,
    /// Rows of the part.
    pub rows: u32,
    /// Columns of the matrix that it shows, ascending.
    pub columns: U32s,
    /// Which of them are rescaled, by their place in the part.
    pub loud: U32s,
    /// Root mean square of each column's input.
    pub norms: F32s,
    /// |w|, row-major.
    pub weights: F32s,
    /// Kept (1) by magnitude, one list a gain.
    pub magnitude: Vec<U32s>,
    /// Kept (1) by Wanda.
    pub wanda: Vec<U32s>,
}

/// One matrix of the last pruning with calibration, in cells, and one of its rows in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Closeup {
    /// The matrix.
    pub tensor: String,
    /// `[out, in]`.
    pub shape: [u32; 2],
    /// Rows and columns of cells.
    pub cells: [u32; 2],
    /// Mean |w| of each cell, row-major.
    pub weights: F32s,
    /// Mean |w|·‖x‖.
    pub metric: F32s,
    /// Mean change of the weights that stayed; empty where the rule changes none.
    pub delta: F32s,
    /// Mean ‖x‖ of each column of cells.
    pub norms: F32s,
    /// The row that is put in order.
    pub row: u32,
    /// Its metric, ascending.
    pub scores: F32s,
    /// Which of them are gone (1), in the same order.
    pub gone: U32s,
}

impl Closeup {
    /// The largest metric that is gone, where one cut parts what is gone from what stays.
    pub fn cut(&self) -> Option<f32> {
        let gone = self.gone.iter().take_while(|g| **g == 1).count();
        (gone > 0 && self.gone[gone..].iter().all(|g| *g == 0)).then(|| self.scores.get(gone - 1).copied())?
    }

    /// Place and metric of what is gone (1) or stays (0).
    pub fn places(&self, of: u32) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.scores.iter().zip(self.gone.iter()).enumerate().filter(move |(_, (_, g))| **g == of).map(|(i, (s, _))| (i as f64, f64::from(*s)))
    }
}
