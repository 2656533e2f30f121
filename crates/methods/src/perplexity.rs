//! Perplexity of a model on a text, and what it cost to read.

use espalier_nets::models::{Model, NoHook, perplexity};
use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use crate::config::decode;
use crate::figures::{axis, figure, series, stat};
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::own;
use crate::report::{FigureKind, Report};
use crate::text;
use crate::work::Desk;

/// What it is.
pub static CARD: Card = Card {
    id: "perplexity",
    title: "Perplexity",
    authors: "F. Jelinek, R. L. Mercer, L. R. Bahl, J. K. Baker",
    year: 1977,
    link: "https://doi.org/10.1121/1.2016299",
    paragraph: "How surprised a model is by a text, as the number of equally likely words it might as well choose among at each step. The text is cut into windows \
        without overlap; in each every token but the first is predicted from those before it; the windows' mean losses are averaged and exponentiated, as \
        the pruning papers do. Always say which text, which tokens and which window length: each changes the number.",
    needs: "a language model that can be run here, and a text",
    knobs: &[
        Knob { key: "evaluation", label: "Text", help: "The text; the last one given where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        text::LENGTH,
        Knob { key: "windows", label: "Windows", help: "Most windows, from the start of the text.", unit: "windows", range: Range::Number { min: 1.0, max: 100_000.0, step: 1.0 }, paper: "100000" },
    ],
};

/// Configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the text.
    pub evaluation: String,
    /// Tokens a window.
    pub length: u32,
    /// Most windows.
    pub windows: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { evaluation: String::new(), length: 2048, windows: 100_000 }
    }
}

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let model = Model::open(inputs.checkpoint)?;
    let length = text::window_length(&model, config.length as usize, &desk);
    let inputs = own::supplied(inputs, &[&config.evaluation], &model, length, session, &desk).await?;
    let test = text::evaluation(&inputs, &config.evaluation, length, config.windows as usize, &desk)?.unwrap_or_default();
    let mut stream = model.embed(session, &test.windows, &[]).await?;
    for i in 0..model.blocks() {
        desk.step(i, model.blocks(), "blocks", &format!("block {i}")).await?;
        let block = model.block(session, i).await?;
        for (batch, state) in stream.batches.iter().zip(&mut stream.states) {
            *state = block.run(session, state, batch, &mut NoHook).await?;
            session.breathe().await?;
            desk.breathe().await?;
        }
    }
    let head = model.head(session).await?;
    let nats = head.nats(inputs.checkpoint, session, &stream, &test.windows).await?;
    desk.step(model.blocks(), model.blocks(), "blocks", "").await?;
    let ppl = perplexity(&nats);
    let means: Vec<f64> = nats.iter().map(|w| w.iter().sum::<f64>() / w.len().max(1) as f64).collect();
    let tokens: usize = nats.iter().map(Vec::len).sum();
    let x = (0..means.len()).map(|i| i as f64).collect();
    let kind = FigureKind::Lines { x: axis("window", ""), y: axis("loss", "nats"), series: vec![series(test.name.clone(), "c1", x, means)] };
    let sentence = format!("Mean loss of each of {} windows of {length} tokens.", nats.len());
    let figures = vec![figure("loss-by-window", "Loss by window", sentence, kind)];
    figures.iter().for_each(|f| desk.figure(f));
    let stats = vec![
        stat("perplexity", ppl, "", format!("{}, {} windows of {length}", test.name, nats.len())),
        stat("loss", ppl.ln(), "nats", "a token"),
        stat("tokens predicted", tokens as f64, "", ""),
    ];
    let summary = format!("Perplexity {ppl:.4} on {} ({} windows of {length} tokens, {tokens} predicted).", test.name, nats.len());
    Ok(Report { method: CARD.id.into(), summary, stats, figures, findings: Vec::new(), warnings: desk.warnings(), config: serde_json::to_value(config).expect("plain data") })
}
