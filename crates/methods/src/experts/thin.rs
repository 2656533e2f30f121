//! The method `thin`: what a model is worth without the experts, layers or blocks that a person took away.

use espalier_nets::models::{Experts, Model};
use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use super::{Bench, Change, Plan, Point, Sizes, mixtures};
use crate::condense::beside;
use crate::config::{bad, decode};
use crate::figures::{percent, stat};
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::report::{Finding, Report};
use crate::text;
use crate::work::Desk;

/// What it is.
pub static CARD: Card = Card {
    id: "thin",
    title: "Experts by hand",
    authors: "X. Lu, Q. Liu, Y. Xu, A. Zhou, S. Huang, B. Zhang, J. Yan, H. Li",
    year: 2024,
    link: "https://arxiv.org/abs/2402.14800",
    paragraph: "Takes away the experts, mixtures or blocks that were chosen by hand and measures what is left: perplexity, parameters, bytes and operations a token. Where some \
        experts of a layer stay, the router goes on choosing among them, as if it had no rows for the others; a layer without any keeps its shared experts.",
    needs: "a mixture of experts that can be run here, and a text",
    knobs: &[
        Knob { key: "plan", label: "Plan", help: "What becomes of each block; blocks that are not named stay as they are.", unit: "", range: Range::Elsewhere, paper: "{\"changes\":[]}" },
        Knob { key: "evaluation", label: "Evaluation text", help: "The text that perplexity is measured on; the last one given where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        Knob { key: "length", label: "Length", help: "Tokens a window; the model's context where it is shorter.", unit: "tokens", range: Range::Number { min: 2.0, max: 131_072.0, step: 64.0 }, paper: "128" },
        Knob { key: "windows", label: "Evaluation windows", help: "Most windows that perplexity is measured on.", unit: "windows", range: Range::Number { min: 1.0, max: 100_000.0, step: 1.0 }, paper: "16" },
    ],
};

/// Configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What becomes of each block.
    pub plan: Plan,
    /// Name of the text that measures.
    pub evaluation: String,
    /// Tokens a window.
    pub length: u32,
    /// Most windows.
    pub windows: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { plan: Plan::default(), evaluation: String::new(), length: 128, windows: 16 }
    }
}

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

/// Refuses a plan that the model cannot follow.
///
/// # Errors
/// A block without a mixture, an expert that is not there or comes twice, fewer experts left than a token is sent to, nothing left of the model.
pub fn check(plan: &Plan, blocks: &[usize], experts: Experts, all: usize) -> Result<(), MethodError> {
    for c in &plan.changes {
        let block = c.block as usize;
        if plan.changes.iter().filter(|o| o.block == c.block).count() > 1 {
            return Err(bad("plan", format!("block {block} is named twice; one change a block")));
        }
        let kept = match &c.change {
            Change::Block if block < all => continue,
            Change::Among { experts } | Change::Condensed { experts, .. } => &experts[..],
            _ => &[],
        };
        if !blocks.contains(&block) {
            let there: Vec<String> = blocks.iter().map(usize::to_string).collect();
            return Err(bad("plan", format!("block {block} has no mixture of experts; blocks {} have one", there.join(", "))));
        }
        if let Some(e) = kept.iter().enumerate().find(|(i, e)| **e as usize >= experts.count || kept[..*i].contains(e)).map(|(_, e)| e) {
            return Err(bad("plan", format!("expert {e} of block {block} is not one of its {} experts, or comes twice", experts.count)));
        }
        match &c.change {
            Change::Among { experts: left } if left.len() < experts.per_token => {
                let why = format!(
                    "block {block} would be left with {} experts, but every token is sent to {}; keep at least {}, condense the layer, or drop all of its experts so that only the shared ones run",
                    left.len(), experts.per_token, experts.per_token
                );
                return Err(bad("plan", why));
            }
            Change::Condensed { experts, weights } if experts.len() != weights.len() || weights.iter().any(|w| !w.is_finite()) => {
                return Err(bad("plan", format!("block {block} needs one finite weight for each of its {} experts", experts.len())));
            }
            _ => {}
        }
    }
    if all > 0 && plan.changes.iter().filter(|c| c.change == Change::Block).count() == all {
        return Err(bad("plan", format!("all {all} blocks would go, and nothing of the model would be left; keep at least one")));
    }
    Ok(())
}

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let model = Model::open(inputs.checkpoint)?;
    let (blocks, experts) = mixtures(&model)?;
    check(&config.plan, &blocks, experts, model.blocks())?;
    if let Some(c) = config.plan.changes.iter().find(|c| matches!(&c.change, Change::Condensed { experts, .. } if experts.is_empty()) && !model.has_shared(c.block as usize)) {
        desk.warn(format!("block {} has no shared experts: without its routed ones its mixture gives nothing, as if the layer were dropped", c.block));
    }
    let length = text::window_length(&model, config.length as usize, &desk);
    let test = text::evaluation(&inputs, &config.evaluation, length, config.windows as usize, &desk)?.unwrap_or_default();
    let bench = Bench::new(&model, session, &desk, &test.name, test.windows, |_, _, _, _| ()).await?;
    let sizes = Sizes::of(&model);
    let before = bench.perplexity(&Plan::default()).await?;
    let after = bench.perplexity(&config.plan).await?;
    desk.step(model.blocks(), model.blocks(), "blocks", "").await?;
    let (whole, left) = (sizes.stored(&Plan::default()), sizes.stored(&config.plan));
    let flops = [sizes.flops(&Plan::default()), sizes.flops(&config.plan)];
    let windows = format!("{}, {} windows of {length}", bench.name, bench.windows.len());
    let point = Point { arm: "by hand".into(), step: config.plan.changes.len() as u32, draw: 0, plan: config.plan.clone(), parameters: left.elements, bytes: left.bytes, flops: flops[1], perplexity: after, beside: Some(beside(&model, &config.plan)) };
    let stats = vec![
        stat("perplexity", after, "", format!("{before:.4} whole, {windows}")),
        stat("parameters", left.elements, "", format!("of {}", whole.elements)),
        stat("parameters kept", left.elements / whole.elements.max(1.0), "%", ""),
        stat("bytes", left.bytes, "bytes", format!("of {}", whole.bytes)),
        stat("operations a token", flops[1], "", format!("of {}", flops[0])),
    ];
    let summary = format!(
        "{} of {} blocks changed: perplexity {before:.4} before, {after:.4} after, on {windows}; {} of the parameters are left.",
        config.plan.changes.len(), model.blocks(), percent(left.elements / whole.elements.max(1.0))
    );
    let findings = vec![Finding::Point(point)];
    Ok(Report { method: CARD.id.into(), summary, stats, figures: Vec::new(), findings, warnings: desk.warnings(), config: serde_json::to_value(config).expect("plain data") })
}
