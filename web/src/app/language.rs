//! What the page knows of language models: the knobs of prunings that read a text, and what runs over texts have found.

use std::collections::BTreeMap;
use std::rc::Rc;

use espalier_methods::calibration::Format;
use espalier_methods::findings::{Agreement, Cell, Claim, Closeup, Language, Likelihood, LinearLoss, Outliers, Patch, Rescaled, StudyRun, Words};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::state::{Asked, Key};

/// By what weights are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rule {
    /// Their size; no text is read.
    #[default]
    Magnitude,
    /// Size times the norm of the input.
    Wanda,
    /// With an update of what stays.
    SparseGpt,
}

impl Rule {
    /// Its key as a criterion.
    pub fn key(self) -> &'static str {
        match self {
            Self::Magnitude => "magnitude",
            Self::Wanda => "wanda",
            Self::SparseGpt => "sparsegpt",
        }
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Magnitude => "Magnitude",
            Self::Wanda => "Wanda",
            Self::SparseGpt => "SparseGPT",
        }
    }
}

/// Whose marks SparseGPT's update takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Marks {
    /// Its own.
    #[default]
    Own,
    /// Wanda's.
    Wanda,
    /// Magnitude's.
    Magnitude,
}

/// Knobs of prunings that read a text, and of what is measured. Defaults are for small models in a tab; the papers' values stand as ticks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Calibrated {
    /// By what weights are judged.
    pub rule: Rule,
    /// Name of the text that calibrates.
    pub text: String,
    /// What fills a window, where the text consists of questions.
    pub format: Format,
    /// Windows.
    pub samples: u32,
    /// Tokens a window.
    pub length: u32,
    /// Names of the texts that measure.
    pub domains: Vec<String>,
    /// Most windows of each.
    pub windows: u32,
    /// OWL's M.
    pub multiple: f64,
    /// OWL's λ.
    pub lambda: f64,
    /// Hands the remainder of each row's truncation out.
    pub exact: bool,
    /// SparseGPT: whether what stays is updated.
    pub update: bool,
    /// SparseGPT: whose marks.
    pub marks: Marks,
    /// SparseGPT: damping.
    pub damping: f64,
    /// Stage by stage inside a block.
    pub true_sequential: bool,
}

impl Default for Calibrated {
    fn default() -> Self {
        Self {
            rule: Rule::Magnitude,
            text: "plays".into(),
            format: Format::InContext,
            samples: 32,
            length: 128,
            domains: vec!["plays-heldout".into(), "stories".into(), "arithmetic".into()],
            windows: 16,
            multiple: 5.0,
            lambda: 0.08,
            exact: false,
            update: true,
            marks: Marks::Own,
            damping: 0.01,
            true_sequential: false,
        }
    }
}

impl Calibrated {
    /// Brings what a link says into range: a link is made by anyone.
    pub fn tamed(mut self) -> Self {
        let d = Self::default();
        let hold = |v: f64, low: f64, high: f64, default: f64| if v.is_finite() { v.clamp(low, high) } else { default };
        self.samples = self.samples.clamp(1, 4096);
        self.length = self.length.clamp(2, 131_072);
        self.windows = self.windows.clamp(1, 4096);
        self.multiple = hold(self.multiple, 1.0, 20.0, d.multiple);
        self.lambda = hold(self.lambda, 0.0, 0.5, d.lambda);
        self.damping = hold(self.damping, 0.0, 1.0, d.damping);
        self.domains.truncate(16);
        self
    }
}

/// What is pruned at a time in a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// A block.
    #[default]
    Block,
    /// A linear.
    Linear,
    /// All linears of a role.
    Role,
}

/// Knobs of the Study place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StudyState {
    /// What the sweep prunes at a time.
    pub part: Part,
    /// Nine ratios instead of five.
    pub fine: bool,
    /// Rule of sweep and study.
    pub rule: Rule,
    /// Sparsity of the study; with several the first of them.
    pub sparsity: f64,
    /// Sparsities of the study where there are several.
    pub sparsities: Vec<f64>,
    /// Draws of windows a source.
    pub seeds: u32,
    /// Whether questions are also told one by one and with reasons.
    pub formats: bool,
    /// The two sources whose masks are compared.
    pub pair: [u32; 2],
}

impl Default for StudyState {
    fn default() -> Self {
        Self { part: Part::Block, fine: false, rule: Rule::Wanda, sparsity: 0.6, sparsities: Vec::new(), seeds: 3, formats: true, pair: [0, 1] }
    }
}

impl StudyState {
    /// Brings what a link says into range.
    pub fn tamed(mut self) -> Self {
        self.sparsity = if self.sparsity.is_finite() { self.sparsity.clamp(0.0, 1.0) } else { 0.6 };
        self.seeds = self.seeds.clamp(1, 20);
        let several = std::mem::take(&mut self.sparsities);
        self.with(&several)
    }

    /// With these sparsities: those between 0 and 1, each once, ascending, eight at most; as it was where there are none.
    pub fn with(mut self, sparsities: &[f64]) -> Self {
        let mut all: Vec<f64> = Vec::new();
        for s in sparsities.iter().filter(|s| (0.0..=1.0).contains(*s)) {
            if !all.contains(s) && all.len() < 8 {
                all.push(*s);
            }
        }
        espalier_methods::order::by_number(&mut all, |v| *v);
        if let Some(first) = all.first() {
            self.sparsity = *first;
            self.sparsities = if all.len() > 1 { all } else { Vec::new() };
        }
        self
    }

    /// Sparsities of the study.
    pub fn ladder_of_study(&self) -> Vec<f64> {
        if self.sparsities.is_empty() { vec![self.sparsity] } else { self.sparsities.clone() }
    }

    /// Sparsities of the sweep.
    pub fn ladder(&self) -> &'static [f64] {
        if self.fine { &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] } else { &[0.1, 0.3, 0.5, 0.7, 0.9] }
    }
}

/// A text of the visitor's own. It stays on this computer: no link and no record holds it, only its name, in which its hash stands.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnText {
    /// Name in configurations: a word and a hash.
    pub name: String,
    /// Each line is a JSON object.
    pub lines: bool,
    /// The text.
    pub text: Rc<str>,
}

impl OwnText {
    /// Named by what it is called and by its content, so that another text is another name.
    pub fn new(called: &str, lines: bool, text: &str) -> Self {
        // FNV-1a: it must tell texts apart, no more.
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        let word: String = called.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).take(24).collect();
        let word = if word.trim_matches('-').is_empty() { "own".to_owned() } else { word.trim_matches('-').to_owned() };
        Self { name: format!("{word}-{:08x}", (hash >> 32) as u32 ^ hash as u32), lines, text: text.into() }
    }
}

/// The tokenizer in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokenizer {
    /// Words that it knows.
    pub words: u32,
    /// Where it comes from; `None` for bytes.
    pub from: Option<String>,
}

/// What runs over texts have found of the open checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// What each linear's outputs lost in the last pruning.
    pub outputs: BTreeMap<Key, LinearLoss>,
    /// What the texts' likelihoods became in it.
    pub likelihoods: Vec<Likelihood>,
    /// Weights that stand out, by block.
    pub outliers: BTreeMap<u32, Outliers>,
    /// Measurements of the sweep, by `part @ ratio`.
    pub cells: BTreeMap<String, Cell>,
    /// The sweep that they are of.
    pub sweep: Option<Asked>,
    /// What the dense and the pruned model said.
    pub words: [Option<Words>; 2],
    /// Runs of the study.
    pub study: Vec<StudyRun>,
    /// The study that they are of.
    pub study_of: Option<Asked>,
    /// How its masks agree, by sparsity.
    pub agreements: Vec<Agreement>,
    /// What it says of the claims, by sparsity.
    pub claims: Vec<Claim>,
    /// What rules lose to a change that changes nothing.
    pub rescaled: Vec<Rescaled>,
    /// A part of one matrix under such changes.
    pub patch: Option<Patch>,
    /// One matrix of it, looked at closely.
    pub closeup: Option<Closeup>,
    /// The run whose pruning is shown.
    pub pruned_by: Option<Asked>,
}

/// Methods that prune.
pub const PRUNE: [&str; 4] = ["magnitude", "wanda", "sparsegpt", "owl"];

impl Found {
    /// A run begins: what it will find anew is put away.
    pub fn begin(&mut self, asked: &Asked) {
        if PRUNE.contains(&asked.method.as_str()) {
            (self.outputs, self.likelihoods, self.words, self.closeup, self.pruned_by) = Default::default();
        }
        match asked.method.as_str() {
            "outliers" => self.outliers.clear(),
            "sensitivity" if self.sweep.as_ref() != Some(asked) => {
                self.cells.clear();
                self.sweep = Some(asked.clone());
            }
            "calibration_study" if self.study_of.as_ref() != Some(asked) => {
                (self.study, self.agreements, self.claims) = Default::default();
                self.study_of = Some(asked.clone());
            }
            "rescaling" => (self.rescaled, self.patch) = Default::default(),
            _ => {}
        }
    }

    /// A run has ended well.
    pub fn end(&mut self, asked: &Asked) {
        if PRUNE.contains(&asked.method.as_str()) {
            self.pruned_by = Some(asked.clone());
        }
    }

    /// Takes a finding.
    pub fn take(&mut self, finding: Language) {
        match finding {
            Language::Linear(l) => {
                self.outputs.insert(l.tensor.as_str().into(), l);
            }
            Language::Likelihood(l) => match self.likelihoods.iter_mut().find(|o| o.text == l.text) {
                Some(old) => *old = l,
                None => self.likelihoods.push(l),
            },
            Language::Outliers(o) => {
                self.outliers.insert(o.block, o);
            }
            Language::Cell(c) => {
                self.cells.insert(format!("{} @ {}", c.part, c.ratio), c);
            }
            Language::Words(w) => {
                let side = usize::from(w.pruned);
                self.words[side] = Some(w);
            }
            Language::Study(r) => match self.study.iter_mut().find(|o| o.source == r.source && o.seed == r.seed && o.asked == r.asked) {
                Some(old) => *old = r,
                None => self.study.push(r),
            },
            Language::Rescaled(r) => match self.rescaled.iter_mut().find(|o| o.rule == r.rule && o.gain == r.gain) {
                Some(old) => *old = r,
                None => self.rescaled.push(r),
            },
            Language::Patch(p) => self.patch = Some(p),
            Language::Closeup(c) => self.closeup = Some(c),
            Language::Agreement(a) => match self.agreements.iter_mut().find(|o| o.asked == a.asked) {
                Some(old) => *old = a,
                None => self.agreements.push(a),
            },
            Language::Claim(c) => match self.claims.iter_mut().find(|o| o.claim == c.claim && o.asked == c.asked) {
                Some(old) => *old = c,
                None => self.claims.push(c),
            },
        }
    }

    /// What a resumed sweep or study need not measure again, as the methods take it.
    pub fn known(&self, asked: &Asked) -> Value {
        let mut known = serde_json::Map::new();
        if self.sweep.as_ref() == Some(asked) {
            known.extend(self.cells.iter().map(|(k, c)| (k.clone(), serde_json::json!({ "nats": c.nats, "error": c.error }))));
        }
        if self.study_of.as_ref() == Some(asked) {
            let key = |r: &StudyRun| espalier_methods::study::cell(&r.source, r.seed, r.asked);
            known.extend(self.study.iter().map(|r| (key(r), serde_json::json!({ "sparsity": r.sparsity, "nats": *r.nats }))));
        }
        Value::Object(known)
    }

    /// Sparsities that the study has been asked for and has runs of, ascending.
    pub fn asked(&self) -> Vec<f64> {
        let mut all: Vec<f64> = Vec::new();
        for r in &self.study {
            if !all.contains(&r.asked) {
                all.push(r.asked);
            }
        }
        espalier_methods::order::by_number(&mut all, |v| *v);
        all
    }

    /// Added loss by block, measured at the ratio that is nearest to a sparsity; `None` where a block is missing.
    pub fn by_block(&self, blocks: u32, sparsity: f64) -> Option<Vec<f64>> {
        (0..blocks)
            .map(|b| {
                let part = format!("block {b}");
                let of = self.cells.values().filter(|c| c.part == part);
                of.min_by(|a, b| (a.ratio - sparsity).abs().total_cmp(&(b.ratio - sparsity).abs())).map(|c| c.nats)
            })
            .collect()
    }
}

/// What the forward pass lacks, in words; `None` where a model of this kind can be run here.
pub fn cannot_run(summary: &espalier_lab::protocol::Summary) -> Option<String> {
    use espalier_nets::checkpoint::{Family, Role};
    let runs = matches!(
        summary.family,
        Family::Llama | Family::Gpt2 | Family::GptNeoX | Family::Qwen2Moe | Family::Mixtral | Family::Olmoe | Family::DeepSeekMoe
    );
    if summary.config.is_empty() && summary.architecture.is_empty() {
        return Some("There is no config.json beside the weights, and without it nobody knows how the model is put together. Drop both files together.".into());
    }
    if !runs {
        let what = if summary.architecture.is_empty() { "This model".to_owned() } else { summary.architecture.clone() };
        return Some(format!("{what} is no language model whose forward pass is built here (Llama, Mistral, Qwen2, GPT-2, GPT-NeoX, and their mixtures of experts are)."));
    }
    if !summary.tensors.iter().any(|t| t.role == Role::Embedding) {
        return Some("The token embedding is not among its tensors, so texts cannot go in. Are all shards there?".into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_texts_are_named_by_their_content() {
        let a = OwnText::new("My notes, v2.txt", false, "to be");
        assert!(a.name.starts_with("my-notes--v2-txt-") && !a.name.contains(','), "{}", a.name);
        assert_ne!(a.name, OwnText::new("My notes, v2.txt", false, "or not").name);
        assert!(OwnText::new("", false, "x").name.starts_with("own-"));
    }

    #[test]
    fn a_sweep_is_resumed_only_where_it_is_the_same() {
        let asked = |p: &str| Asked { method: "sensitivity".into(), config: serde_json::json!({ "unit": p }), matrices: None, seed: 1 };
        let mut f = Found::default();
        f.begin(&asked("block"));
        for b in 0..2 {
            f.take(Language::Cell(Cell { part: format!("block {b}"), ratio: 0.5, nats: 0.1 * f64::from(b), error: 0.2 }));
        }
        assert_eq!(f.known(&asked("block"))["block 1 @ 0.5"]["nats"], 0.1);
        assert_eq!(f.known(&asked("role")), serde_json::json!({}));
        assert_eq!(f.by_block(2, 0.6), Some(vec![0.0, 0.1]));
        assert_eq!(f.by_block(3, 0.6), None);
        f.begin(&asked("block"));
        assert_eq!(f.cells.len(), 2, "the same sweep goes on");
        f.begin(&asked("role"));
        assert!(f.cells.is_empty());
    }

    #[test]
    fn a_study_goes_on_only_where_it_is_the_same_and_keeps_its_sparsities_apart() {
        let asked = |s: &str| Asked { method: "calibration_study".into(), config: serde_json::json!({ "sparsities": s }), matrices: None, seed: 7 };
        let run = |asked: f64| Language::Study(StudyRun { source: "plays".into(), seed: 7, sparsity: asked, asked, domains: vec!["plays".into()], dense: vec![1.0].into(), nats: vec![1.0 + asked].into() });
        let mut f = Found::default();
        f.begin(&asked("0.5,0.7"));
        f.take(run(0.7));
        f.take(run(0.5));
        f.take(run(0.5));
        assert_eq!((f.study.len(), f.asked()), (2, vec![0.5, 0.7]));
        assert_eq!(f.known(&asked("0.5,0.7"))["plays, seed 7 @ 0.7"], serde_json::json!({ "sparsity": 0.7, "nats": [1.7] }));
        f.begin(&asked("0.5,0.7"));
        assert_eq!(f.study.len(), 2, "the same study goes on");
        f.begin(&asked("0.5"));
        assert!(f.study.is_empty() && f.known(&asked("0.5")) == serde_json::json!({}));
        let old: StudyState = serde_json::from_str("{\"sparsity\":0.65}").expect("a link from before");
        assert_eq!(old.tamed().ladder_of_study(), [0.65]);
        assert_eq!(StudyState::default().with(&[0.7, 5.0, 0.5, 0.7]).ladder_of_study(), [0.5, 0.7]);
    }

    #[test]
    fn links_are_brought_into_range() {
        let wild: Calibrated = serde_json::from_str("{\"samples\":0,\"multiple\":1e9,\"rule\":\"Wanda\"}").expect("our form");
        let tame = wild.tamed();
        assert_eq!((tame.samples, tame.multiple, tame.rule, tame.length), (1, 20.0, Rule::Wanda, 128));
    }
}
