//! A change that changes nothing, and what rules of pruning make of it (specification prune §12 C).
//!
//! A norm's gain may be multiplied in some channels when the matching columns of the linears behind it are divided by the same number: the model's outputs stay as they
//! were. Gains are powers of two here, so they stay to the last bit. Magnitude sees smaller weights and removes others; |w|·‖x‖ sees the same product and does not.

use std::collections::HashMap;

use espalier_nets::checkpoint::MatrixRef;
use espalier_nets::models::{Block, Linear, Model, NoHook, perplexity};
use espalier_tensor::Session;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::calibration::{Format, Recipe, draw};
use crate::config::decode;
use crate::figures::{axis, digits, figure, series, stat};
use crate::findings::{Language, Patch, Rescaled};
use crate::kept::KeptLinear;
use crate::layerwise::{Collector, Criterion, Group, Moments, Options, Pattern, outliers, prune_linear};
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::prune::chosen;
use crate::own;
use crate::report::{FigureKind, Finding, Report};
use crate::text;
use crate::work::Desk;

/// What it is.
pub static CARD: Card = Card {
    id: "rescaling",
    title: "A change that changes nothing",
    authors: "M. Sun, Z. Liu, A. Bair, J. Z. Kolter",
    year: 2023,
    link: "https://arxiv.org/abs/2306.11695",
    paragraph: "In a few channels of every norm the gain is multiplied and the columns that read these channels are divided by the same number. The model computes what it computed \
        before. Magnitude pruning now takes the smaller weights of these columns, though their inputs have grown as much; a rule that looks at weight times input does not notice. \
        Wanda and OWL's outlier counts stay; what the model loses to magnitude grows with the gain.",
    needs: "a language model that can be run here, and a text",
    knobs: &[
        Knob { key: "steps", label: "Gains", help: "Gains 1, 2, 4 and so on, so many.", unit: "gains", range: Range::Number { min: 2.0, max: 12.0, step: 1.0 }, paper: "7" },
        Knob { key: "channels", label: "Channels", help: "How many channels of each norm are rescaled: its loudest.", unit: "channels", range: Range::Number { min: 1.0, max: 64.0, step: 1.0 }, paper: "3" },
        Knob { key: "sparsity", label: "Sparsity", help: "Fraction of the weights to remove.", unit: "", range: Range::Number { min: 0.0, max: 1.0, step: 0.05 }, paper: "0.6" },
        text::CALIBRATION,
        Knob { key: "evaluation", label: "Evaluation text", help: "The text that the loss is measured on; the last one given where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        Knob { key: "samples", label: "Samples", help: "Calibration windows.", unit: "windows", range: Range::Number { min: 1.0, max: 4096.0, step: 1.0 }, paper: "32" },
        Knob { key: "length", label: "Length", help: "Tokens a window; the model's context where it is shorter.", unit: "tokens", range: Range::Number { min: 2.0, max: 131_072.0, step: 64.0 }, paper: "128" },
        Knob { key: "windows", label: "Evaluation windows", help: "Most windows that the loss is measured on.", unit: "windows", range: Range::Number { min: 1.0, max: 100_000.0, step: 1.0 }, paper: "16" },
    ],
};

/// Configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Gains 1, 2, 4 …, so many.
    pub steps: u32,
    /// Channels of each norm.
    pub channels: u32,
    /// Fraction of the weights to remove.
    pub sparsity: f64,
    /// Name of the text that calibrates.
    pub calibration: String,
    /// Name of the text that measures.
    pub evaluation: String,
    /// Calibration windows.
    pub samples: u32,
    /// Tokens a window.
    pub length: u32,
    /// Most windows that measure.
    pub windows: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { steps: 7, channels: 3, sparsity: 0.6, calibration: String::new(), evaluation: String::new(), samples: 32, length: 128, windows: 16 }
    }
}

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

/// OWL's threshold for the counts that stand beside the losses.
const M: f64 = 5.0;
/// Rows and columns of the picture of one matrix.
const PATCH: [usize; 2] = [14, 24];

/// One linear with what its inputs were.
struct Known {
    block: usize,
    number: usize,
    label: String,
    weights: Array2<f32>,
    moments: Moments,
    /// Channels that are rescaled; none where no norm stands before it.
    loud: Vec<usize>,
}

/// Whether a norm's outputs go straight into it.
fn behind_norm(linear: &Linear) -> bool {
    matches!(linear.stage(), 0 | 2)
}

/// The loudest columns.
fn loudest(moments: &Moments, channels: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..moments.squares.len()).collect();
    order.sort_by(|a, b| moments.squares[*b].total_cmp(&moments.squares[*a]).then(a.cmp(b)));
    order.truncate(channels);
    order.sort_unstable();
    order
}

impl Known {
    /// Weights and moments of the rescaled model.
    fn rescaled(&self, gain: f32) -> (Array2<f32>, Moments) {
        let (mut weights, mut moments) = (self.weights.clone(), self.moments.clone());
        for &c in &self.loud {
            weights.column_mut(c).mapv_inplace(|w| w / gain);
            moments.squares[c] *= f64::from(gain) * f64::from(gain);
        }
        (weights, moments)
    }
}

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let model = Model::open(inputs.checkpoint)?;
    let matrices = chosen("all", &inputs, &desk)?;
    let length = text::window_length(&model, config.length as usize, &desk);
    let inputs = own::supplied(inputs, &[&config.calibration, &config.evaluation], &model, length, session, &desk).await?;
    let recipe = Recipe { format: Format::Windows, samples: config.samples as usize, length, seed: inputs.seed, text_length: None, in_context: None, steps: None };
    let calibration = draw(text::named(&inputs, &config.calibration, "calibration", false)?, &recipe)?;
    let test = text::evaluation(&inputs, &config.evaluation, length, config.windows as usize, &desk)?.unwrap_or_default();
    let rules = [("magnitude", Criterion::Magnitude, Group::Layer), ("wanda", Criterion::Wanda, Group::Row)];
    let total = config.steps as usize * rules.len() + 1;
    desk.step(0, total, "prunings", "the dense model").await?;
    let dense = perplexity(&model.nats(session, &test.windows).await?).ln();
    let known = collect(&config, &model, &matrices, &calibration, session, &desk).await?;
    let mut first: HashMap<&str, Vec<KeptLinear>> = HashMap::new();
    let mut losses: HashMap<&str, f64> = HashMap::new();
    let (mut all, mut patch) = (Vec::new(), Patch::default());
    let shown = known.iter().position(|k| !k.loud.is_empty() && k.block == model.blocks() / 2).unwrap_or(0);
    for step in 0..config.steps {
        let gain = 2f32.powi(step as i32);
        for (name, criterion, group) in rules {
            desk.step(1 + all.len(), total, "prunings", &format!("{name}, gain {gain}")).await?;
            let options = Options { criterion, group, exact: true, ..Options::default() };
            let (mut masks, mut metrics) = (Vec::new(), Vec::new());
            for k in &known {
                let (weights, moments) = k.rescaled(gain);
                let target = prune_linear(session, &weights, Some(&moments), &options, Pattern::Unstructured, config.sparsity).await?;
                masks.push(KeptLinear::new([weights.nrows(), weights.ncols()], &target.mask, None));
                if criterion == Criterion::Wanda && k.block == model.blocks() / 2 {
                    metrics.push(crate::layerwise::wanda::metric(&weights, &moments.scaler()));
                }
                desk.breathe().await?;
            }
            let before = first.entry(name).or_insert_with(|| masks.clone());
            let replaced: f64 = masks.iter().zip(before.iter()).map(|(a, b)| a.differing(b) / 2.0).sum();
            // The same masks lose the same.
            let nats = match losses.get(name).filter(|_| replaced == 0.0) {
                Some(known) => *known,
                None => loss(&model, &known, &masks, &test.windows, session, &desk).await? - dense,
            };
            losses.entry(name).or_insert(nats);
            let of_loud = known.iter().map(|k| (k.loud.len() * k.weights.nrows()) as f64).sum::<f64>();
            let gone = known.iter().zip(&masks).map(|(k, m)| (0..k.weights.nrows()).flat_map(|r| k.loud.iter().map(move |c| (r, *c))).filter(|(r, c)| m.is_gone(r * k.weights.ncols() + c)).count() as f64).sum::<f64>();
            let lod = if metrics.is_empty() { None } else { Some(outliers(&metrics, M)) };
            let one = Rescaled { gain: f64::from(gain), rule: name.into(), nats, replaced, kept: of_loud - gone, of: of_loud, outliers: lod };
            desk.finding(Finding::Language(Language::Rescaled(one.clone())));
            all.push(one);
            if let (Some(k), Some(m)) = (known.get(shown), masks.get(shown)) {
                patch.add(k, m, name);
            }
        }
    }
    desk.step(total, total, "prunings", "").await?;
    report(config, all, patch, dense, &test.name, &desk)
}

async fn collect(config: &Config, model: &Model<'_>, matrices: &[MatrixRef], calibration: &crate::calibration::Calibration, session: &Session, desk: &Desk<'_>) -> Result<Vec<Known>, MethodError> {
    let mut stream = model.embed(session, &calibration.windows, &calibration.padding).await?;
    let wanted = |l: &Linear| matrices.iter().any(|m| m.label() == l.matrix.label());
    let mut known = Vec::new();
    for i in 0..model.blocks() {
        let block: Block = model.block(session, i).await?;
        let mut collector = Collector::new(&block, false, wanted);
        for (batch, state) in stream.batches.iter().zip(&mut stream.states) {
            let next = block.run(session, state, batch, &mut collector).await?;
            collector.take(session, batch, true).await?;
            *state = next;
            desk.breathe().await?;
        }
        for (number, linear) in block.linears().iter().enumerate().filter(|(_, l)| wanted(l)) {
            let Some(moments) = collector.of(number).cloned() else { continue };
            let loud = if behind_norm(linear) { loudest(&moments, config.channels as usize) } else { Vec::new() };
            known.push(Known { block: i, number, label: linear.matrix.label(), weights: block.weights(session, number).await?, moments, loud });
        }
    }
    Ok(known)
}

/// Loss of the model with these masks. The rescaled model and the one with the old norms and columns compute the same, so the old one is run.
async fn loss(model: &Model<'_>, known: &[Known], masks: &[KeptLinear], windows: &[Vec<u32>], session: &Session, desk: &Desk<'_>) -> Result<f64, MethodError> {
    let mut stream = model.embed(session, windows, &[]).await?;
    for i in 0..model.blocks() {
        let mut block = model.block(session, i).await?;
        for (k, m) in known.iter().zip(masks).filter(|(k, _)| k.block == i) {
            block.set(session, k.number, m.apply(k.weights.clone()));
        }
        for (batch, state) in stream.batches.iter().zip(&mut stream.states) {
            *state = block.run(session, state, batch, &mut NoHook).await?;
            session.breathe().await?;
            desk.breathe().await?;
        }
    }
    let head = model.head(session).await?;
    Ok(perplexity(&head.nats(model.checkpoint(), session, &stream, windows).await?).ln())
}

impl Patch {
    /// Adds the masks of one gain; with the first the weights and norms are taken too.
    fn add(&mut self, k: &Known, mask: &KeptLinear, rule: &str) {
        let (rows, cols) = k.weights.dim();
        if self.columns.is_empty() {
            let mut columns: Vec<usize> = k.loud.iter().copied().take(PATCH[1]).collect();
            let step = (cols / PATCH[1]).max(1);
            let rest: Vec<usize> = (0..cols).step_by(step).filter(|c| !columns.contains(c)).take(PATCH[1].min(cols) - columns.len()).collect();
            columns.extend(rest);
            columns.sort_unstable();
            self.tensor.clone_from(&k.label);
            self.rows = rows.min(PATCH[0]) as u32;
            self.norms = columns.iter().map(|c| (k.moments.squares[*c] / k.moments.tokens.max(1.0)).sqrt() as f32).collect::<Vec<_>>().into();
            self.weights = (0..self.rows as usize).flat_map(|r| columns.iter().map(move |c| (r, *c))).map(|(r, c)| k.weights[[r, c]].abs()).collect::<Vec<_>>().into();
            self.loud = columns.iter().enumerate().filter(|(_, c)| k.loud.contains(c)).map(|(i, _)| i as u32).collect::<Vec<_>>().into();
            self.columns = columns.iter().map(|c| *c as u32).collect::<Vec<_>>().into();
        }
        let bits: Vec<u32> = (0..self.rows as usize).flat_map(|r| self.columns.iter().map(move |c| r * cols + *c as usize)).map(|i| u32::from(!mask.is_gone(i))).collect();
        if rule == "wanda" { self.wanda.push(bits.into()) } else { self.magnitude.push(bits.into()) }
    }
}

fn report(config: Config, all: Vec<Rescaled>, patch: Patch, dense: f64, name: &str, desk: &Desk<'_>) -> Result<Report, MethodError> {
    let of = |rule: &str| all.iter().filter(|r| r.rule == rule).collect::<Vec<_>>();
    let curve = |rule: &str, color| series(rule, color, of(rule).iter().map(|r| r.gain).collect(), of(rule).iter().map(|r| r.nats).collect());
    let rise = |rule: &str| of(rule).last().map_or(0.0, |r| r.nats) - of(rule).first().map_or(0.0, |r| r.nats);
    let last = of("magnitude").last().map_or(1.0, |r| r.gain);
    let wanda_replaced = of("wanda").iter().map(|r| r.replaced).fold(0.0, f64::max);
    let summary = format!(
        "A gain of {last} on {} channels of every norm leaves the outputs as they were; magnitude then loses {} nats more on {name}, and Wanda replaces {wanda_replaced} weights and loses {}.",
        config.channels,
        digits(rise("magnitude")),
        digits(rise("wanda"))
    );
    let mut x = axis("gain", "×");
    x.log = true;
    let kind = FigureKind::Lines { x, y: axis("loss added", "nats"), series: vec![curve("magnitude", "c6"), curve("wanda", "c3")] };
    let figures = vec![figure("rescaling", "Loss by gain", summary.clone(), kind)];
    figures.iter().for_each(|f| desk.figure(f));
    let stats = vec![stat("dense loss", dense, "nats", "a token"), stat("magnitude loses", rise("magnitude"), "nats", format!("more at a gain of {last}")), stat("Wanda loses", rise("wanda"), "nats", format!("more at a gain of {last}"))];
    let mut findings: Vec<Finding> = all.into_iter().map(|r| Finding::Language(Language::Rescaled(r))).collect();
    findings.push(Finding::Language(Language::Patch(patch)));
    Ok(Report { method: CARD.id.into(), summary, stats, figures, findings, warnings: desk.warnings(), config: serde_json::to_value(config).expect("plain data") })
}
