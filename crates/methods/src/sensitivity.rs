//! What each part of a model costs when it alone is pruned: part × sparsity, in likelihood and in its outputs' error.

use std::collections::{BTreeMap, HashMap};

use espalier_nets::checkpoint::MatrixRef;
use espalier_nets::models::{Block, Head, Model, NoHook, Stream, perplexity};
use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use crate::calibration::{Format, Recipe, draw};
use crate::config::{bad, decode};
use crate::figures::{axis, digits, figure, stat};
use crate::findings::{Cell, Language};
use crate::layerwise::{Collector, Criterion, Evaluation, Group, Options, Pattern, prune_linear};
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::prune::by_roles;
use crate::own;
use crate::report::{Cells, Event, Figure, FigureKind, Finding, Report};
use crate::text;
use crate::work::{Desk, targets};

/// What it is.
pub static CARD: Card = Card {
    id: "sensitivity",
    title: "Sensitivity sweep",
    authors: "H. Li, A. Kadav, I. Durdanovic, H. Samet, H. P. Graf",
    year: 2016,
    link: "https://arxiv.org/abs/1608.08710",
    paragraph: "One block (or linear, or role) at a time is pruned to each of a ladder of sparsities while all others stay dense, and the loss is measured again. The \
        map says which parts can spare weights and which cannot, measured and not guessed. It can be stopped, and what is known need not be measured again; \
        its result by blocks can be taken as an allocation. Parts that are harmless alone may add up to harm together.",
    needs: "a language model that can be run here, and a text",
    knobs: &[
        Knob { key: "unit", label: "Part", help: "What is pruned at a time: a block, a linear, or all linears of a role.", unit: "", range: Range::Choice(&["block", "linear", "role"]), paper: "\"block\"" },
        Knob { key: "criterion", label: "Criterion", help: "By what weights are judged; statistics are those of the dense model.", unit: "", range: Range::Choice(&["wanda", "magnitude", "sparsegpt"]), paper: "\"wanda\"" },
        Knob { key: "ladder", label: "Sparsities", help: "Sparsities to try, separated by commas.", unit: "", range: Range::Elsewhere, paper: "\"0.1,0.3,0.5,0.7,0.9\"" },
        Knob { key: "roles", label: "Targets", help: "Roles of the linears that are pruned, separated by commas; or all.", unit: "", range: Range::Elsewhere, paper: "\"all\"" },
        Knob { key: "known", label: "Known results", help: "What an earlier sweep with the same settings measured; not measured again.", unit: "", range: Range::Elsewhere, paper: "{}" },
        text::CALIBRATION,
        Knob { key: "evaluation", label: "Evaluation text", help: "The text that the loss is measured on; the last one given where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        Knob { key: "samples", label: "Samples", help: "Calibration windows.", unit: "windows", range: Range::Number { min: 1.0, max: 4096.0, step: 1.0 }, paper: "32" },
        Knob { key: "length", label: "Length", help: "Tokens a window; the model's context where it is shorter.", unit: "tokens", range: Range::Number { min: 2.0, max: 131_072.0, step: 64.0 }, paper: "128" },
        Knob { key: "windows", label: "Evaluation windows", help: "Most windows that the loss is measured on.", unit: "windows", range: Range::Number { min: 1.0, max: 100_000.0, step: 1.0 }, paper: "16" },
    ],
};

/// What is pruned at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// All linears of a block.
    #[default]
    Block,
    /// One linear.
    Linear,
    /// All linears of a role, in all blocks.
    Role,
}

/// One measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Loss with the part pruned less the dense model's, nats a token.
    pub nats: f64,
    /// Share of the energy of the outputs of the part's last block that changed.
    pub error: f64,
}

/// Configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is pruned at a time.
    pub unit: Unit,
    /// By what weights are judged.
    pub criterion: Criterion,
    /// Sparsities, separated by commas.
    pub ladder: String,
    /// Roles, separated by commas.
    pub roles: String,
    /// What is known already, by `part @ sparsity`.
    pub known: BTreeMap<String, Cost>,
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
        Self {
            unit: Unit::Block,
            criterion: Criterion::Wanda,
            ladder: "0.1,0.3,0.5,0.7,0.9".into(),
            roles: "all".into(),
            known: BTreeMap::new(),
            calibration: String::new(),
            evaluation: String::new(),
            samples: 32,
            length: 128,
            windows: 16,
        }
    }
}

impl Config {
    fn ratios(&self) -> Result<Vec<f64>, MethodError> {
        let all: Option<Vec<f64>> = self.ladder.split(',').map(|v| v.trim().parse().ok().filter(|s| (0.0..=1.0).contains(s))).collect();
        all.filter(|v| !v.is_empty()).ok_or_else(|| bad("ladder", format!("“{}” is not a list of sparsities between 0 and 1, like 0.3,0.5,0.7", self.ladder)))
    }
}

/// How one measurement is called: `block 3 @ 0.5`.
pub fn cell(part: &str, ratio: f64) -> String {
    format!("{part} @ {ratio}")
}

fn finding(part: &str, ratio: f64, cost: Cost) -> Finding {
    Finding::Language(Language::Cell(Cell { part: part.into(), ratio, nats: cost.nats, error: cost.error }))
}

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

fn part_of(unit: Unit, m: &MatrixRef) -> String {
    match unit {
        Unit::Block => format!("block {}", m.block.unwrap_or(0)),
        Unit::Linear => m.label(),
        Unit::Role => m.role.label().to_owned(),
    }
}

/// What is needed to measure one part.
struct Sweep<'a> {
    model: &'a Model<'a>,
    session: &'a Session,
    desk: &'a Desk<'a>,
    head: Head,
    test: Evaluation,
    /// Inputs of each block of the dense model, and behind the last its outputs.
    states: Vec<Stream>,
    dense: f64,
    options: Options,
}

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let ratios = config.ratios()?;
    let desk = Desk::new(sink);
    let model = Model::open(inputs.checkpoint)?;
    let matrices: Vec<MatrixRef> = by_roles(&config.roles, targets(&inputs, &desk)?.into_iter().filter(|m| m.block.is_some()).collect())?;
    let length = text::window_length(&model, config.length as usize, &desk);
    let inputs = own::supplied(inputs, &[&config.calibration, &config.evaluation], &model, length, session, &desk).await?;
    let recipe = Recipe { format: Format::Windows, samples: config.samples as usize, length, seed: inputs.seed, text_length: None, in_context: None, steps: None };
    let calibration = draw(text::named(&inputs, &config.calibration, "calibration", false)?, &recipe)?;
    let test = text::evaluation(&inputs, &config.evaluation, length, config.windows as usize, &desk)?.unwrap_or_default();
    let mut parts: Vec<String> = Vec::new();
    for m in &matrices {
        let part = part_of(config.unit, m);
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    let mut known = config.known.clone();
    let total = parts.len() * ratios.len();
    let done = |known: &BTreeMap<String, Cost>| parts.iter().flat_map(|p| ratios.iter().map(move |r| cell(p, *r))).filter(|c| known.contains_key(c)).count();
    desk.step(done(&known), total, "measurements", "the dense model").await?;

    // Dense statistics of every block, and the dense states between blocks.
    let mut stream = model.embed(session, &calibration.windows, &calibration.padding).await?;
    let head = model.head(session).await?;
    let mut states = vec![model.embed(session, &test.windows, &[]).await?];
    let options = Options { criterion: config.criterion, group: if config.criterion == Criterion::Magnitude { Group::Layer } else { Group::Row }, ..Options::default() };
    let mut collectors = Vec::new();
    for i in 0..model.blocks() {
        let block = model.block(session, i).await?;
        let mut collector = Collector::new(&block, config.criterion == Criterion::SparseGpt, |l| matrices.iter().any(|m| m.label() == l.matrix.label()));
        for (batch, state) in stream.batches.iter().zip(&mut stream.states) {
            let next = block.run(session, state, batch, &mut collector).await?;
            collector.take(session, batch, true).await?;
            *state = next;
            desk.breathe().await?;
        }
        collectors.push(collector);
        let mut next = states[i].clone();
        through(session, &desk, &block, &mut next).await?;
        states.push(next);
    }
    let last = states.last().expect("there is at least the embedding");
    let dense = perplexity(&head.nats(inputs.checkpoint, session, last, &test.windows).await?).ln();
    let sweep = Sweep { model: &model, session, desk: &desk, head, test, states, dense, options };
    for part in &parts {
        let mine: Vec<&MatrixRef> = matrices.iter().filter(|m| part_of(config.unit, m) == *part).collect();
        for &ratio in &ratios {
            let key = cell(part, ratio);
            if known.contains_key(&key) {
                continue;
            }
            desk.step(done(&known), total, "measurements", &key).await?;
            let cost = sweep.measure(&mine, ratio, &collectors).await?;
            desk.finding(finding(part, ratio, cost));
            sink.event(Event::Metric { series: part.clone(), step: ratio, value: cost.nats });
            known.insert(key, cost);
            desk.figure(&map(&parts, &ratios, &known, config.unit));
        }
    }
    desk.step(total, total, "measurements", "").await?;
    report(config, &parts, &ratios, known, &sweep, &desk)
}

/// One block over all batches, with a look at the cancel flag after each.
async fn through(session: &Session, desk: &Desk<'_>, block: &Block, stream: &mut Stream) -> Result<(), MethodError> {
    for (batch, state) in stream.batches.iter().zip(&mut stream.states) {
        *state = block.run(session, state, batch, &mut NoHook).await?;
        session.breathe().await?;
        desk.breathe().await?;
    }
    Ok(())
}

impl Sweep<'_> {
    async fn measure(&self, mine: &[&MatrixRef], ratio: f64, collectors: &[Collector]) -> Result<Cost, MethodError> {
        let wanted: HashMap<String, ()> = mine.iter().map(|m| (m.label(), ())).collect();
        let first = mine.iter().filter_map(|m| m.block).min().unwrap_or(0) as usize;
        let last = mine.iter().filter_map(|m| m.block).max().unwrap_or(0) as usize;
        let mut stream = self.states[first].clone();
        let mut error = 0.0;
        for (i, collector) in collectors.iter().enumerate().skip(first) {
            let mut block = self.model.block(self.session, i).await?;
            for n in 0..block.linears().len() {
                if wanted.contains_key(&block.linears()[n].matrix.label()) {
                    let weights = block.weights(self.session, n).await?;
                    let target = prune_linear(self.session, &weights, collector.of(n), &self.options, Pattern::Unstructured, ratio).await?;
                    block.set(self.session, n, target.weights);
                    self.desk.breathe().await?;
                }
            }
            through(self.session, self.desk, &block, &mut stream).await?;
            if i == last {
                error = self.changed(&stream, &self.states[i + 1]).await?;
            }
        }
        let nats = self.head.nats(self.model.checkpoint(), self.session, &stream, &self.test.windows).await?;
        Ok(Cost { nats: perplexity(&nats).ln() - self.dense, error })
    }

    /// ‖after − before‖² / ‖before‖² over all batches.
    async fn changed(&self, after: &Stream, before: &Stream) -> Result<f64, MethodError> {
        let (mut lost, mut all) = (0.0, 0.0);
        for (a, b) in after.states.iter().zip(&before.states) {
            let arrays = self.session.read_many(&[a, b]).await?;
            for (x, y) in arrays[0].f32().iter().zip(arrays[1].f32().iter()) {
                lost += (f64::from(*x) - f64::from(*y)).powi(2);
                all += f64::from(*y).powi(2);
            }
        }
        Ok(if all > 0.0 { lost / all } else { 0.0 })
    }
}

fn cells(parts: &[String], ratios: &[f64], known: &BTreeMap<String, Cost>, of: impl Fn(&Cost) -> f64) -> Cells {
    #[expect(clippy::cast_possible_truncation, reason = "cells are drawn, not computed with")]
    let values: Vec<f32> = parts.iter().flat_map(|p| ratios.iter().map(|r| known.get(&cell(p, *r)).map_or(f32::NAN, |c| of(c) as f32)).collect::<Vec<_>>()).collect();
    Cells { rows: parts.len() as u32, cols: ratios.len() as u32, values: values.into() }
}

fn map(parts: &[String], ratios: &[f64], known: &BTreeMap<String, Cost>, unit: Unit) -> Figure {
    let worst = known.iter().max_by(|a, b| a.1.nats.total_cmp(&b.1.nats));
    let sentence = match worst {
        Some((key, c)) => format!("Loss added when one part alone is pruned; most by {key}: {} nats a token.", digits(c.nats)),
        None => "Nothing was measured yet.".to_owned(),
    };
    let name = match unit {
        Unit::Block => "block",
        Unit::Linear => "linear",
        Unit::Role => "role",
    };
    let kind = FigureKind::HeatMap { x: axis("sparsity", "step of the ladder"), y: axis(name, ""), value: axis("loss added", "nats"), cells: cells(parts, ratios, known, |c| c.nats), diverging: true };
    figure("sensitivity", "Loss added by part and sparsity", sentence, kind)
}

fn report(config: Config, parts: &[String], ratios: &[f64], known: BTreeMap<String, Cost>, sweep: &Sweep<'_>, desk: &Desk<'_>) -> Result<Report, MethodError> {
    let error = FigureKind::HeatMap { x: axis("sparsity", "step of the ladder"), y: axis("part", ""), value: axis("output error", "%"), cells: cells(parts, ratios, &known, |c| c.error), diverging: false };
    let sentence = format!("Share of the energy of a part's outputs that changed, for {} parts and {} sparsities.", parts.len(), ratios.len());
    let columns = [("part", ""), ("sparsity", ""), ("loss added", "nats"), ("output error", "")];
    let rows = parts.iter().flat_map(|p| ratios.iter().map(|r| (p.clone(), *r)).collect::<Vec<_>>()).filter_map(|(p, r)| {
        let c = known.get(&cell(&p, r))?;
        Some(vec![p, format!("{r}"), digits(c.nats), digits(c.error)])
    });
    let table = FigureKind::Table { columns: columns.map(|(n, u)| axis(n, u)).to_vec(), rows: rows.collect() };
    let figures = vec![
        map(parts, ratios, &known, config.unit),
        figure("sensitivity-error", "Output error by part and sparsity", sentence, error),
        figure("sensitivity-table", "Numbers by part", format!("{} measurements.", known.len()), table),
    ];
    figures.iter().for_each(|f| desk.figure(f));
    let worst = known.iter().max_by(|a, b| a.1.nats.total_cmp(&b.1.nats));
    let summary = format!(
        "{} measurements of {} parts at {} sparsities on {} ({} windows); the dense loss is {} nats a token; {}",
        known.len(),
        parts.len(),
        ratios.len(),
        sweep.test.name,
        sweep.test.windows.len(),
        digits(sweep.dense),
        worst.map_or_else(String::new, |(k, c)| format!("{k} costs most, {} nats.", digits(c.nats)))
    );
    let stats = vec![stat("dense loss", sweep.dense, "nats", "a token"), stat("measurements", known.len() as f64, "", "")];
    let findings = parts.iter().flat_map(|p| ratios.iter().filter_map(|r| Some(finding(p, *r, *known.get(&cell(p, *r))?))).collect::<Vec<_>>()).collect();
    // The configuration carries the results, so that a run record is also what a resumed sweep needs.
    let config = Config { known, ..config };
    Ok(Report { method: CARD.id.into(), summary, stats, figures, findings, warnings: desk.warnings(), config: serde_json::to_value(config).expect("plain data") })
}
