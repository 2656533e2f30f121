//! What can be typed of pruning and of methods that read texts.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::args::{Common, Output, Run};

/// `espalier prune`.
#[derive(Debug, Args)]
pub struct Prune {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub run: Run,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub texts: Texts,
    /// By what weights are judged: by size alone, or with what a calibration text (--text) says of their inputs.
    #[arg(long, value_enum, default_value_t = Rule::Magnitude)]
    pub method: Rule,
    /// With a calibration text: unstructured, or N:M (remove N of every M). [default: unstructured]
    #[arg(long, value_name = "PATTERN", conflicts_with = "scope")]
    pub pattern: Option<String>,
    /// Any other setting of the method (may be given several times).
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Share of the weights to remove, 0 to 1. [default: 0.5; 0.7 for owl]
    #[arg(long, value_name = "SHARE")]
    pub sparsity: Option<f64>,
    /// Among which weights the smallest are looked for: tensor, row, global, or a pattern N:M (remove N of every M). [default: tensor]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<String>,
    /// How the sparsity is shared out over matrices: uniform, erk, er, east or spectrum; with a calibration text uniform, owl, erk, alpha, sensitivity or by_hand.
    /// [default: uniform; owl for owl]
    #[arg(long, value_name = "HOW")]
    pub allocation: Option<String>,
    /// exact, or official for the rule of Wanda's code. [default: exact]
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// Write the sparsity of each layer for another tool: FILE.yaml for llm-compressor, FILE.py for Torch-Pruning, FILE.json.
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
    /// With a recipe in YAML: how llm-compressor is to choose the weights.
    #[arg(long, value_enum, default_value_t = Chooser::Magnitude, requires = "recipe")]
    pub modifier: Chooser,
    /// Write masks (1 = kept) to --out instead of the pruned checkpoint.
    #[arg(long, requires = "out")]
    pub masks: bool,
}

/// `--method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rule {
    /// |w|: no text is needed.
    Magnitude,
    /// |w| times the norm of its input.
    Wanda,
    /// With an update of what stays.
    Sparsegpt,
    /// Wanda, less of it where more weights stand out.
    Owl,
}

impl Rule {
    /// Its key in the registry; `None` for magnitude, which needs no text.
    pub fn calibrated(self) -> Option<&'static str> {
        match self {
            Self::Magnitude => None,
            Self::Wanda => Some("wanda"),
            Self::Sparsegpt => Some("sparsegpt"),
            Self::Owl => Some("owl"),
        }
    }
}

/// `--modifier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Chooser {
    /// By |w|, as here.
    Magnitude,
    /// By |w| times its input's norm.
    Wanda,
    /// With the rest of the row mended.
    Sparsegpt,
}

/// What commands over texts take.
#[derive(Debug, Args)]
pub struct Texts {
    /// A .txt or .jsonl file, or `model-text` for what the model writes itself; the first calibrates (may be given several times).
    #[arg(long, alias = "calibration", value_name = "FILE")]
    pub text: Vec<PathBuf>,
    /// A text that perplexity is measured on (may be given several times). [default: the last --text]
    #[arg(long, value_name = "FILE")]
    pub eval: Vec<PathBuf>,
    /// A tokenizer.json, or `bytes`. [default: the one beside the model, else bytes]
    #[arg(long, value_name = "FILE")]
    pub tokenizer: Option<PathBuf>,
    /// Calibration windows.
    #[arg(long, value_name = "N")]
    pub samples: Option<u32>,
    /// Tokens a window.
    #[arg(long, value_name = "N")]
    pub length: Option<u32>,
    /// Most windows that perplexity is measured on.
    #[arg(long, value_name = "N")]
    pub windows: Option<u32>,
}

/// A method over texts; its settings are those that `espalier methods` lists.
#[derive(Debug, Args)]
pub struct Calibrated {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub run: Run,
    #[command(flatten)]
    pub texts: Texts,
    /// Share of the weights to remove, 0 to 1.
    #[arg(long, value_name = "SHARE")]
    pub sparsity: Option<f64>,
    /// unstructured, or N:M (remove N of every M).
    #[arg(long, value_name = "PATTERN")]
    pub pattern: Option<String>,
    /// uniform, owl, erk, alpha, sensitivity or by_hand.
    #[arg(long, value_name = "HOW")]
    pub allocation: Option<String>,
    /// Any other setting of the method (may be given several times).
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}
