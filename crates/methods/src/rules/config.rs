//! What a comparison of rules is set to.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::config::bad;
use crate::layerwise::{Criterion, Group, Options, Pattern};
use crate::method::{Card, Knob, MethodError, Range};
use crate::text;

/// What it is.
pub static CARD: Card = Card {
    id: "rules",
    title: "Rules side by side",
    authors: "L. Yin, Y. Wu, Z. Zhang, C.-Y. Hsieh, Y. Wang, Y. Jia, M. Pechenizkiy, Y. Liang, Z. Wang, S. Liu",
    year: 2023,
    link: "https://arxiv.org/abs/2310.05175",
    paragraph: "The tables of the pruning papers, on this model: each rule, alone and with OWL's sparsities by block, at each sparsity and pattern. Every run hands the remainder of each row's \
        truncation out, so that all remove the same number of weights, and the number that was removed stands beside each result. Several draws of calibration windows say how much of a \
        difference is chance; rules are compared draw by draw.",
    needs: "a language model that can be run here, and a text; better two, one that calibrates and one that measures",
    knobs: &[
        Knob { key: "rules", label: "Rules", help: "Of magnitude, wanda and sparsegpt, separated by commas.", unit: "", range: Range::Elsewhere, paper: "\"magnitude,wanda,sparsegpt\"" },
        Knob { key: "targets", label: "Targets", help: "Sparsities, and patterns n:m that remove n of every m, separated by commas.", unit: "", range: Range::Elsewhere, paper: "\"0.5,0.6,0.7,2:4,4:8\"" },
        Knob { key: "owl", label: "OWL", help: "Pairs M:λ for sparsities, separated by commas; each is tried over every rule. None where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"5:0.08\"" },
        Knob { key: "owl_patterns", label: "OWL over patterns", help: "Pairs M:λ for patterns, where λ is the range of n.", unit: "", range: Range::Elsewhere, paper: "\"6:2\"" },
        Knob { key: "seeds", label: "Seeds", help: "How many draws of calibration windows each rule gets.", unit: "seeds", range: Range::Number { min: 1.0, max: 20.0, step: 1.0 }, paper: "3" },
        text::CALIBRATION,
        Knob { key: "evaluation", label: "Evaluation text", help: "The texts that measure, separated by commas; the last one given where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        text::SAMPLES,
        text::LENGTH,
        Knob { key: "windows", label: "Evaluation windows", help: "Most windows of each text that measures.", unit: "windows", range: Range::Number { min: 1.0, max: 100_000.0, step: 1.0 }, paper: "64" },
    ],
};

/// Configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Rules, separated by commas.
    pub rules: String,
    /// Sparsities and patterns, separated by commas.
    pub targets: String,
    /// OWL's M:λ for sparsities.
    pub owl: String,
    /// OWL's M:λ for patterns.
    pub owl_patterns: String,
    /// Draws of windows a rule.
    pub seeds: u32,
    /// Name of the text that calibrates.
    pub calibration: String,
    /// Names of the texts that measure.
    pub evaluation: String,
    /// Calibration windows.
    pub samples: u32,
    /// Tokens a window.
    pub length: u32,
    /// Most windows of each text that measures.
    pub windows: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules: "magnitude,wanda,sparsegpt".into(),
            targets: "0.5,0.6,0.7,2:4,4:8".into(),
            owl: "5:0.08".into(),
            owl_patterns: "6:2".into(),
            seeds: 3,
            calibration: String::new(),
            evaluation: String::new(),
            samples: 128,
            length: 2048,
            windows: 64,
        }
    }
}

/// OWL's two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Owl {
    /// A weight stands out over this many times the mean (M).
    pub multiple: f64,
    /// Half the range of the sparsities, or the range of n (λ).
    pub lambda: f64,
}

/// What is removed: a pattern and, without one, a sparsity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Pattern.
    pub pattern: Pattern,
    /// Fraction to remove; n/m of a pattern.
    pub sparsity: f64,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contestant {
    /// What is removed.
    pub target: Target,
    /// By what weights are judged.
    pub rule: Criterion,
    /// OWL's sparsities; else the same for all.
    pub owl: Option<Owl>,
}

impl Contestant {
    /// Whether another draw of windows can change anything: magnitude alone looks at no text.
    pub fn draws(&self) -> bool {
        self.rule != Criterion::Magnitude || self.owl.is_some()
    }

    /// How its linears are pruned. Magnitude compares over a whole matrix and Wanda over a row, as in their papers; the remainder of rows is handed out.
    pub fn options(&self) -> Options {
        let group = if self.rule == Criterion::Magnitude { Group::Layer } else { Group::Row };
        Options { criterion: self.rule, group, exact: true, ..Options::default() }
    }
}

impl Config {
    /// How often a row is run.
    pub fn draws(&self, row: &Contestant) -> u32 {
        if row.draws() { self.seeds } else { 1 }
    }

    /// The rows of the table: target by target, rule by rule, first alone and then with OWL.
    ///
    /// # Errors
    /// [`MethodError::Config`] for a word that is none of these.
    pub fn contestants(&self) -> Result<Vec<Contestant>, MethodError> {
        let rules = each(&self.rules, "rules", |w| match w {
            "magnitude" => Ok(Criterion::Magnitude),
            "wanda" => Ok(Criterion::Wanda),
            "sparsegpt" => Ok(Criterion::SparseGpt),
            w => Err(format!("“{w}” is not one of magnitude, wanda, sparsegpt")),
        })?;
        let targets = each(&self.targets, "targets", target)?;
        let [sparsities, patterns] = [each(&self.owl, "owl", owl)?, each(&self.owl_patterns, "owl_patterns", owl)?];
        if rules.is_empty() || targets.is_empty() {
            return Err(bad(if rules.is_empty() { "rules" } else { "targets" }, "name one at least"));
        }
        let mut out = Vec::new();
        for &target in &targets {
            let owls = if target.pattern == Pattern::Unstructured { &sparsities } else { &patterns };
            for &rule in &rules {
                out.extend(std::iter::once(None).chain(owls.iter().copied().map(Some)).map(|owl| Contestant { target, rule, owl }));
            }
        }
        Ok(out)
    }
}

fn each<T>(words: &str, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, MethodError> {
    words.split(',').map(str::trim).filter(|w| !w.is_empty()).map(|w| read(w).map_err(|why| bad(key, why))).collect()
}

fn target(word: &str) -> Result<Target, String> {
    if word.contains(':') {
        let pattern = Pattern::from_str(word)?;
        let Pattern::Groups { n, m } = pattern else { return Err(format!("“{word}” is not a pattern like 2:4")) };
        return Ok(Target { pattern, sparsity: f64::from(n) / f64::from(m) });
    }
    match word.parse() {
        Ok(sparsity) if (0.0..=1.0).contains(&sparsity) => Ok(Target { pattern: Pattern::Unstructured, sparsity }),
        _ => Err(format!("“{word}” is neither a sparsity between 0 and 1 nor a pattern like 2:4")),
    }
}

fn owl(word: &str) -> Result<Owl, String> {
    let pair = word.split_once(':').and_then(|(m, l)| Some((m.trim().parse::<f64>().ok()?, l.trim().parse::<f64>().ok()?)));
    match pair {
        Some((multiple, lambda)) if multiple > 0.0 && lambda >= 0.0 && lambda.is_finite() && multiple.is_finite() => Ok(Owl { multiple, lambda }),
        _ => Err(format!("“{word}” is not a pair M:λ like 5:0.08")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_target_by_target_with_their_own_owl() {
        let config = Config { rules: "magnitude, wanda".into(), targets: "0.5,2:4".into(), owl: "3:0.04,5:0.08".into(), ..Default::default() };
        let rows = config.contestants().expect("it is right");
        assert_eq!(rows.len(), 2 * 3 + 2 * 2);
        assert_eq!((rows[2].target.sparsity, rows[2].owl), (0.5, Some(Owl { multiple: 5.0, lambda: 0.08 })));
        assert_eq!((rows[9].target.pattern, rows[9].owl), (Pattern::Groups { n: 2, m: 4 }, Some(Owl { multiple: 6.0, lambda: 2.0 })));
        assert_eq!(rows.iter().filter(|r| !r.draws()).count(), 2);
    }

    #[test]
    fn a_word_that_is_none_is_named() {
        let said = |c: Config| match c.contestants() {
            Err(MethodError::Config { key, why }) => format!("{key}: {why}"),
            other => format!("{other:?}"),
        };
        assert_eq!(said(Config { rules: "wander".into(), ..Default::default() }), "rules: “wander” is not one of magnitude, wanda, sparsegpt");
        assert!(said(Config { targets: "1.5".into(), ..Default::default() }).starts_with("targets: “1.5”"));
        assert!(said(Config { targets: "5:4".into(), ..Default::default() }).contains("5 of every 4"));
        assert!(said(Config { owl: "5".into(), ..Default::default() }).starts_with("owl: “5”"));
        assert_eq!(said(Config { targets: String::new(), ..Default::default() }), "targets: name one at least");
    }
}
