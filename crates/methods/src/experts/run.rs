//! The method `experts`: which experts a text wakes.

use espalier_nets::models::{Experts, Model};
use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use super::bench::passes;
use super::{Routing, figures, mixtures};
use crate::bytes::U32s;
use crate::config::{bad, decode};
use crate::figures::stat;
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::report::{Event, Finding, Report};
use crate::text;
use crate::work::Desk;

/// What it is.
pub static CARD: Card = Card {
    id: "experts",
    title: "Experts",
    authors: "N. Shazeer, A. Mirhoseini, K. Maziarz, A. Davis, Q. Le, G. Hinton, J. Dean",
    year: 2017,
    link: "https://arxiv.org/abs/1701.06538",
    paragraph: "A mixture of experts sends each token to a few of its feed-forwards, chosen by a router. This runs a text through the model and keeps what every router \
        decided: which experts, with which weights, and how large their answers were. From that come counts, mean weights, how evenly the work is spread, which experts \
        come together, and what two texts wake differently. An expert's number means nothing in another layer.",
    needs: "a mixture of experts that can be run here, and a text",
    knobs: &[
        Knob { key: "tokens", label: "Text", help: "The text as token numbers; empty takes the beginning of the calibration text.", unit: "", range: Range::Elsewhere, paper: "[]" },
        Knob { key: "name", label: "Name", help: "What the text is called.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        Knob { key: "second", label: "Second text", help: "Another text as token numbers, to be compared with the first.", unit: "", range: Range::Elsewhere, paper: "[]" },
        Knob { key: "second_name", label: "Its name", help: "What the second text is called.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        Knob { key: "calibration", label: "Calibration text", help: "The text that is taken where no tokens are given; the first one where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        Knob { key: "most", label: "Most tokens", help: "So many tokens of each text are run; the rest is left out.", unit: "tokens", range: Range::Number { min: 1.0, max: 65_536.0, step: 64.0 }, paper: "1024" },
    ],
};

/// Configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The text as token numbers.
    pub tokens: U32s,
    /// What it is called.
    pub name: String,
    /// Another text to compare with; empty for none.
    pub second: U32s,
    /// What that is called.
    pub second_name: String,
    /// Name of the text that is taken where `tokens` is empty.
    pub calibration: String,
    /// Most tokens of each.
    pub most: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { tokens: U32s::default(), name: String::new(), second: U32s::default(), second_name: String::new(), calibration: String::new(), most: 1024 }
    }
}

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let model = Model::open(inputs.checkpoint)?;
    let (blocks, experts) = mixtures(&model)?;
    let named = |name: &str, other: &str| if name.is_empty() { other.to_owned() } else { name.to_owned() };
    let first = if config.tokens.is_empty() {
        let text = text::named(&inputs, &config.calibration, "tokens", false)?;
        (text.name.clone(), text.stream())
    } else {
        (named(&config.name, "the text"), config.tokens.to_vec())
    };
    let mut texts = vec![first];
    if !config.second.is_empty() {
        texts.push((named(&config.second_name, "the second text"), config.second.to_vec()));
    }
    let mut all = Vec::new();
    for (name, mut tokens) in texts {
        if tokens.is_empty() {
            return Err(bad("tokens", "there is no token in the text; type at least one word"));
        }
        if tokens.len() > config.most as usize {
            desk.note(format!("the first {} of {} tokens of “{name}” are run", config.most, tokens.len()));
            tokens.truncate(config.most as usize);
        }
        let routing = record(&model, session, &desk, &blocks, experts, &name, tokens).await?;
        sink.event(Event::Finding(Finding::Routing(routing.clone())));
        all.push(routing);
    }
    desk.step(model.blocks(), model.blocks(), "blocks", "").await?;
    report(config, all, &desk)
}

/// Runs one text and keeps what the routers decided. A text longer than the model's context is cut into windows behind one another.
async fn record(model: &Model<'_>, session: &Session, desk: &Desk<'_>, blocks: &[usize], experts: Experts, name: &str, tokens: Vec<u32>) -> Result<Routing, MethodError> {
    let window = model.architecture().context.unwrap_or(2048).clamp(1, 2048);
    if tokens.len() > window {
        desk.note(format!("“{name}” is run in windows of {window} tokens, which do not see each other"));
    }
    let windows: Vec<Vec<u32>> = tokens.chunks(window).map(<[u32]>::to_vec).collect();
    let (layers, k, length) = (blocks.len(), experts.per_token, tokens.len());
    let mut out = Routing {
        text: name.into(),
        blocks: blocks.iter().map(|b| *b as u32).collect::<Vec<_>>().into(),
        experts: experts.count as u32,
        per_token: k as u32,
        tokens: tokens.into(),
        chosen: vec![0; length * layers * k].into(),
        weights: vec![0.0; length * layers * k].into(),
        norms: vec![0.0; length * layers * k].into(),
        entropy: vec![0.0; length * layers].into(),
    };
    passes(model, session, desk, &windows, |block, first, _, seen| {
        let Some(layer) = blocks.iter().position(|b| *b == block) else { return };
        let rows = seen.routing.logits.len() / experts.count.max(1);
        for row in 0..rows {
            let token = first * window + row;
            let to = (token * layers + layer) * k;
            out.chosen.0[to..to + k].copy_from_slice(&seen.routing.experts[row * k..(row + 1) * k]);
            out.weights.0[to..to + k].copy_from_slice(&seen.routing.weights[row * k..(row + 1) * k]);
            out.norms.0[to..to + k].copy_from_slice(&seen.norms[row * k..(row + 1) * k]);
            out.entropy.0[token * layers + layer] = entropy(&seen.routing.logits[row * experts.count..(row + 1) * experts.count]);
        }
    })
    .await?;
    Ok(out)
}

/// Entropy of a softmax over that of an even one.
fn entropy(logits: &[f32]) -> f32 {
    let largest = f64::from(logits.iter().copied().fold(f32::MIN, f32::max));
    let shares: Vec<f64> = logits.iter().map(|l| (f64::from(*l) - largest).exp()).collect();
    let sum: f64 = shares.iter().sum();
    let h: f64 = shares.iter().map(|s| s / sum).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum();
    #[expect(clippy::cast_possible_truncation, reason = "a number to look at")]
    let share = if logits.len() > 1 { (h / (logits.len() as f64).ln()) as f32 } else { 0.0 };
    share
}

fn report(config: Config, all: Vec<Routing>, desk: &Desk<'_>) -> Result<Report, MethodError> {
    let figures = figures::routing(&all);
    figures.iter().for_each(|f| desk.figure(f));
    let r = &all[0];
    let idle: u32 = (0..r.layers()).map(|l| r.balance(l, usize::MAX).idle).sum();
    let most = (0..r.layers()).map(|l| (l, r.balance(l, usize::MAX))).max_by(|a, b| a.1.peak.total_cmp(&b.1.peak));
    let mut summary = format!("{} tokens of {} through {} mixtures of {} experts, {} a token", r.length(), r.text, r.layers(), r.experts, r.per_token);
    if let Some((layer, b)) = most {
        summary.push_str(&format!("; block {} is the least even, its busiest expert takes {:.1} times its share", r.blocks[layer], b.peak));
    }
    summary.push_str(&format!("; {idle} experts were not woken."));
    let mut stats = vec![stat("tokens", r.length() as f64, "", r.text.clone()), stat("experts not woken", f64::from(idle), "", format!("of {}", r.layers() * r.experts as usize))];
    if let Some(other) = all.get(1) {
        let far = (0..r.layers()).map(|l| (l, r.specialisation(other, l))).max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((layer, js)) = far {
            summary.push_str(&format!(" Against {}, block {} differs most.", other.text, r.blocks[layer]));
            stats.push(stat("largest difference", js, "nats", format!("block {}", r.blocks[layer])));
        }
    }
    let findings = all.into_iter().map(Finding::Routing).collect();
    Ok(Report { method: CARD.id.into(), summary, stats, figures, findings, warnings: desk.warnings(), config: serde_json::to_value(config).expect("plain data") })
}
