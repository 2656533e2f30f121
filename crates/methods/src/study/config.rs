//! What a study is set to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::bad;
use crate::layerwise::{Criterion, Options, Pattern};
use crate::method::{Card, Knob, MethodError, Range};
use crate::text;

/// What it is.
pub static CARD: Card = Card {
    id: "calibration_study",
    title: "Calibration study",
    authors: "A. Bandari, L. Yin, C.-Y. Hsieh, A. K. Jaiswal, T. Chen, L. Shen, R. Krishna, S. Liu",
    year: 2024,
    link: "https://arxiv.org/abs/2410.07461",
    paragraph: "The same model is pruned again and again, each time after reading another text, and each time judged on the same texts; several seeds say how much of a difference is \
        chance. Beside the texts stand three controls: all of them mixed, tokens by lot, and one token repeated. The masks are compared too. What the paper claims of models of seven \
        billion weights is held against what this one shows, whichever way it falls.",
    needs: "a language model that can be run here, and two texts or more",
    knobs: &[
        Knob { key: "criterion", label: "Criterion", help: "By what weights are judged.", unit: "", range: Range::Choice(&["wanda", "sparsegpt"]), paper: "\"wanda\"" },
        Knob { key: "sparsity", label: "Sparsity", help: "Fraction of the weights to remove; every run removes the same number.", unit: "", range: Range::Number { min: 0.0, max: 1.0, step: 0.01 }, paper: "0.5" },
        Knob { key: "sparsities", label: "Sparsities", help: "Several fractions in one run, separated by commas; the one above where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        Knob { key: "pattern", label: "Pattern", help: "Unstructured, or n of every m neighbouring inputs.", unit: "", range: Range::Choice(&["unstructured", "2:4", "4:8"]), paper: "\"unstructured\"" },
        Knob { key: "sources", label: "Sources", help: "Texts that calibrate, separated by commas, as NAME or NAME:FORMAT; also mixture, random and repeated. All texts and the three controls where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        Knob { key: "domains", label: "Domains", help: "Texts that measure, separated by commas; all where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        Knob { key: "seeds", label: "Seeds", help: "How many draws of windows each source gets.", unit: "seeds", range: Range::Number { min: 1.0, max: 20.0, step: 1.0 }, paper: "3" },
        Knob { key: "general", label: "General text", help: "The source that stands for C4 in the claims; the first one where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        text::SAMPLES,
        text::LENGTH,
        text::COUNT_PADDING,
        Knob { key: "known", label: "Known results", help: "What an earlier study with the same settings measured; not measured again.", unit: "", range: Range::Elsewhere, paper: "{}" },
        Knob { key: "windows", label: "Evaluation windows", help: "Most windows of each domain.", unit: "windows", range: Range::Number { min: 1.0, max: 100_000.0, step: 1.0 }, paper: "64" },
    ],
};

/// Configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// By what weights are judged.
    pub criterion: Criterion,
    /// Fraction of the weights to remove.
    pub sparsity: f64,
    /// Several fractions, separated by commas; `sparsity` where empty.
    pub sparsities: String,
    /// Unstructured or n of every m.
    pub pattern: Pattern,
    /// Sources, separated by commas.
    pub sources: String,
    /// Domains, separated by commas.
    pub domains: String,
    /// Draws of windows a source.
    pub seeds: u32,
    /// The source that stands for C4.
    pub general: String,
    /// Calibration windows.
    pub samples: u32,
    /// Tokens a window.
    pub length: u32,
    /// Whether rows of padding count.
    pub count_padding: bool,
    /// What is known already, by [`cell`].
    pub known: BTreeMap<String, Known>,
    /// Most windows of each domain.
    pub windows: u32,
}

/// One pruning of a study that has been measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Fraction removed.
    pub sparsity: f64,
    /// Mean loss of the pruned model on each domain, nats a token.
    pub nats: Vec<f64>,
}

/// How one pruning is called: `stories, seed 7 @ 0.6`.
pub fn cell(source: &str, seed: u64, asked: f64) -> String {
    format!("{source}, seed {seed} @ {asked}")
}

impl Default for Config {
    fn default() -> Self {
        Self {
            criterion: Criterion::Wanda,
            sparsity: 0.5,
            sparsities: String::new(),
            pattern: Pattern::Unstructured,
            sources: String::new(),
            domains: String::new(),
            seeds: 3,
            general: String::new(),
            samples: 128,
            length: 2048,
            count_padding: true,
            known: BTreeMap::new(),
            windows: 64,
        }
    }
}

impl Config {
    /// How one linear is pruned: with the remainder of each row handed out, so that all runs remove the same number of weights.
    pub fn options(&self) -> Options {
        Options { criterion: self.criterion, exact: true, ..Options::default() }
    }

    /// The fractions that are asked for, each once, in their order. A pattern sets its own.
    ///
    /// # Errors
    /// A list that holds something else.
    pub fn asked(&self) -> Result<Vec<f64>, MethodError> {
        let wrong = || bad("sparsities", format!("“{}” is not a list of sparsities between 0 and 1, like 0.5,0.6,0.7", self.sparsities));
        let mut all: Vec<f64> = Vec::new();
        if self.pattern == Pattern::Unstructured {
            for word in list(&self.sparsities) {
                let s = word.parse().ok().filter(|s| (0.0..=1.0).contains(s)).ok_or_else(wrong)?;
                if !all.contains(&s) {
                    all.push(s);
                }
            }
        }
        Ok(if all.is_empty() { vec![self.sparsity] } else { all })
    }

    /// What the ranges of the knobs cannot say.
    ///
    /// # Errors
    /// A pattern that SparseGPT's blocks of columns do not hold whole.
    pub fn check(&self) -> Result<(), MethodError> {
        match self.pattern {
            Pattern::Groups { m, .. } if self.criterion == Criterion::SparseGpt && self.options().blocksize % m as usize != 0 => {
                Err(bad("pattern", format!("SparseGPT takes {} columns at a time, which is not a multiple of {m}", self.options().blocksize)))
            }
            _ => Ok(()),
        }
    }
}

/// Names separated by commas.
pub fn list(names: &str) -> Vec<String> {
    names.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect()
}
