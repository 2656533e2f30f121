//! A text that goes on.

use espalier_nets::models::{Generate, Model, Sampling, top_words};
use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use crate::config::decode;
use crate::figures::{axis, figure, stat};
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::report::{Event, FigureKind, Report};
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
        Knob { key: "candidates", label: "Candidates", help: "How many of the next words' likeliest candidates are listed.", unit: "words", range: Range::Number { min: 0.0, max: 100.0, step: 1.0 }, paper: "10" },
    ],
};

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
    /// How many candidates of the next word are listed.
    pub candidates: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { prompt: Vec::new(), tokens: 64, temperature: 0.0, top_k: 0, top_p: 1.0, candidates: 10 }
    }
}

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

/// Series of the metric events that give each token's number as it comes.
pub const TOKENS: &str = "token";

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let model = Model::open(inputs.checkpoint)?;
    let sampling = Sampling { temperature: config.temperature, top_k: config.top_k as usize, top_p: config.top_p, seed: inputs.seed };
    let mut text = Generate::new(&model, session, &config.prompt, sampling);
    let first = top_words(&text.logits().await?, config.candidates as usize);
    let mut made = Vec::new();
    let total = config.tokens as usize;
    for i in 0..total {
        desk.step(i, total, "tokens", "").await?;
        let Some(word) = text.step().await? else { break };
        sink.event(Event::Metric { series: TOKENS.into(), step: i as f64, value: f64::from(word) });
        made.push(word);
    }
    desk.step(total, total, "tokens", "").await?;
    let column = |name: &str| axis(name, "");
    let rows = made.iter().enumerate().map(|(i, t)| vec![i.to_string(), t.to_string()]).collect();
    let candidates = first.iter().map(|(t, p)| vec![t.to_string(), format!("{p:.6}")]).collect();
    let figures = vec![
        figure("tokens", "Tokens", format!("{} tokens that were added.", made.len()), FigureKind::Table { columns: vec![column("place"), column("token")], rows }),
        figure("candidates", "Candidates", format!("The {} likeliest next words.", first.len()), FigureKind::Table { columns: vec![column("token"), column("probability")], rows: candidates }),
    ];
    figures.iter().for_each(|f| desk.figure(f));
    let ended = made.len() < total;
    let summary = format!("{} tokens were added{}.", made.len(), if ended { "; then the model ended its text" } else { "" });
    let stats = vec![stat("tokens added", made.len() as f64, "", format!("of {total}"))];
    Ok(Report { method: CARD.id.into(), summary, stats, figures, findings: Vec::new(), warnings: desk.warnings(), config: serde_json::to_value(config).expect("plain data") })
}
