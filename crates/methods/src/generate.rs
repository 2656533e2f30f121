//! A text that goes on.

use std::rc::Rc;

use espalier_nets::models::{Generate, Model, Sampling, top_words};
use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use crate::config::{bad, decode};
use crate::figures::{axis, figure, stat};
use crate::findings::{Language, Words};
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::report::{Event, Figure, FigureKind, Finding, Report};
use crate::work::Desk;

/// What it is.
pub static CARD: Card = Card {
    id: "generate",
    title: "Generation",
    authors: "A. Holtzman, J. Buys, L. Du, M. Forbes, Y. Choi",
    year: 2019,
    link: "https://arxiv.org/abs/1904.09751",
    paragraph: "The model goes on with a text word by word: always with the likeliest (temperature 0), or by lot among the likeliest. The same seed gives the same \
        text. What a pruned model says beside the dense one tells more than a number; what it does not tell is how often.",
    needs: "a language model that can be run here, and the tokens to begin with",
    knobs: &[
        Knob { key: "prompt", label: "Prompt", help: "Token numbers to begin with; the model's beginning where there are none.", unit: "", range: Range::Elsewhere, paper: "[]" },
        Knob { key: "tokens", label: "Tokens", help: "How many to add at most.", unit: "tokens", range: Range::Number { min: 0.0, max: 4096.0, step: 1.0 }, paper: "64" },
        Knob { key: "temperature", label: "Temperature", help: "0 takes the likeliest word; higher is more varied.", unit: "", range: Range::Number { min: 0.0, max: 5.0, step: 0.1 }, paper: "0.0" },
        Knob { key: "top_k", label: "Top k", help: "Only among so many likeliest words; 0 for all.", unit: "words", range: Range::Number { min: 0.0, max: 1_000_000.0, step: 1.0 }, paper: "0" },
        Knob { key: "top_p", label: "Top p", help: "Only among the likeliest that together hold this share.", unit: "", range: Range::Number { min: 0.0, max: 1.0, step: 0.05 }, paper: "1.0" },
        Knob { key: "of", label: "Model", help: "The model as it is, what the last pruning of it has left, or both one after the other.", unit: "", range: Range::Choice(&["dense", "pruned", "both"]), paper: "\"dense\"" },
        Knob { key: "candidates", label: "Candidates", help: "How many of the next words' likeliest candidates are listed.", unit: "words", range: Range::Number { min: 0.0, max: 100.0, step: 1.0 }, paper: "10" },
    ],
};

/// Whose words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// The model as it is.
    #[default]
    Dense,
    /// What the last pruning has left of it.
    Pruned,
    /// One after the other.
    Both,
}

/// Configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Token numbers to begin with.
    pub prompt: Vec<u32>,
    /// How many to add at most.
    pub tokens: u32,
    /// 0 takes the likeliest.
    pub temperature: f64,
    /// Only among so many.
    pub top_k: u32,
    /// Only among the likeliest that hold this share.
    pub top_p: f64,
    /// Whose words.
    pub of: Of,
    /// How many candidates of the next word are listed.
    pub candidates: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { prompt: Vec::new(), tokens: 64, temperature: 0.0, top_k: 0, top_p: 1.0, of: Of::Dense, candidates: 10 }
    }
}

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

/// Series of the metric events that give each token's number as it comes.
pub const TOKENS: &str = "token";
/// The same of the pruned model.
pub const PRUNED: &str = "token of the pruned model";

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let kept = inputs.kept.get();
    if kept.is_none() && config.of != Of::Dense {
        return Err(bad("of", "nothing has been pruned with calibration yet, so there is no pruned model to go on with a text; run Wanda, SparseGPT or OWL first"));
    }
    let sides: &[bool] = match config.of {
        Of::Dense => &[false],
        Of::Pruned => &[true],
        Of::Both => &[false, true],
    };
    let total = config.tokens as usize * sides.len();
    let (mut figures, mut findings, mut said, mut added) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for (i, &pruned) in sides.iter().enumerate() {
        let mut model = Model::open(inputs.checkpoint)?;
        if let Some(kept) = kept.clone().filter(|_| pruned) {
            model = model.with_edit(Rc::new(move |matrix, dense| kept.edit(matrix, dense)));
        }
        let words = go_on(&config, &model, inputs.seed, session, &desk, sink, (i * config.tokens as usize, total), pruned).await?;
        let whose = if config.of == Of::Dense { "" } else if pruned { " by the pruned model" } else { " by the dense model" };
        let ended = words.tokens.len() < config.tokens as usize;
        said.push(format!("{} tokens were added{whose}{}", words.tokens.len(), if ended { "; then the model ended its text" } else { "" }));
        added += words.tokens.len();
        figures.extend(tables(&words, whose, if i > 0 { "-pruned" } else { "" }));
        findings.push(Finding::Language(Language::Words(words)));
    }
    desk.step(total, total, "tokens", "").await?;
    figures.iter().for_each(|f| desk.figure(f));
    findings.iter().for_each(|f| desk.finding(f.clone()));
    let summary = format!("{}.", said.join("; "));
    let stats = vec![stat("tokens added", added as f64, "", format!("of {total}"))];
    Ok(Report { method: CARD.id.into(), summary, stats, figures, findings, warnings: desk.warnings(), config: serde_json::to_value(config).expect("plain data") })
}

#[expect(clippy::too_many_arguments, reason = "one text of one model")]
async fn go_on(config: &Config, model: &Model<'_>, seed: u64, session: &Session, desk: &Desk<'_>, sink: &dyn Sink, (from, total): (usize, usize), pruned: bool) -> Result<Words, MethodError> {
    let sampling = Sampling { temperature: config.temperature, top_k: config.top_k as usize, top_p: config.top_p, seed };
    let mut text = Generate::new(model, session, &config.prompt, sampling);
    let prompt = text.ids().to_vec();
    let first = top_words(&text.logits().await?, config.candidates as usize);
    let mut made = Vec::new();
    let label = if pruned { "the pruned model" } else { "" };
    for i in 0..config.tokens as usize {
        desk.step(from + i, total, "tokens", label).await?;
        let Some(word) = text.step().await? else { break };
        sink.event(Event::Metric { series: if pruned { PRUNED } else { TOKENS }.into(), step: i as f64, value: f64::from(word) });
        made.push(word);
    }
    let (candidates, probabilities): (Vec<u32>, Vec<f64>) = first.into_iter().unzip();
    Ok(Words { pruned, prompt: prompt.into(), tokens: made.into(), candidates: candidates.into(), probabilities: probabilities.into() })
}

fn tables(words: &Words, whose: &str, ending: &str) -> [Figure; 2] {
    let column = |name: &str| axis(name, "");
    let rows = words.tokens.iter().enumerate().map(|(i, t)| vec![i.to_string(), t.to_string()]).collect();
    let candidates = words.candidates.iter().zip(words.probabilities.iter()).map(|(t, p)| vec![t.to_string(), format!("{p:.6}")]).collect();
    [
        figure(&format!("tokens{ending}"), "Tokens", format!("{} tokens that were added{whose}.", words.tokens.len()), FigureKind::Table { columns: vec![column("place"), column("token")], rows }),
        figure(&format!("candidates{ending}"), "Candidates", format!("The {} likeliest next words{whose}.", words.candidates.len()), FigureKind::Table { columns: vec![column("token"), column("probability")], rows: candidates }),
    ]
}
