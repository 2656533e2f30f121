//! The table of an embedding and what it has to beat: probes over repeated seeds, on a random split and on one by blocks.

use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use super::baselines::Baseline;
use super::city::City;
use super::metrics::{classified, distances, mean_distances};
use super::order::{Split, block_split, random_split};
use super::probe::{Outcome, Recipe, Rows, Truth, probe};
use super::run::{Run, Which};
use crate::method::{MethodError, Sink};
use crate::report::Event;

/// Blocks a side of the split by blocks.
pub const BLOCKS: usize = 8;

/// How places are divided into those learnt from and those judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Division {
    /// At random, as the paper has it: neighbours of what is judged were learnt from.
    Random,
    /// By blocks of the city.
    Blocks,
}

/// One line of the table: means and deviations over the seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What was probed.
    pub rows: String,
    /// Which split.
    pub division: Division,
    /// Names of the metrics with mean and standard deviation (0 for one seed): accuracy and f1, or l1, chebyshev and kl.
    pub metrics: Vec<(String, f64, f64)>,
}

/// What is to be predicted where.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Places, in the city's system.
    pub places: Vec<[f64; 2]>,
    /// One a place.
    pub truth: Truth,
    /// Classes.
    pub classes: usize,
}

/// What to compare, and how.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Seeds of the probes (the paper's are 42, 24, 7, 0 and 100).
    pub seeds: Vec<u64>,
    /// Hidden width of the probe; none for a linear one.
    pub hidden: Option<usize>,
    /// Points of the city that a neighbourhood has.
    pub neighbours: usize,
    /// How the probe is trained; its seed is replaced.
    pub recipe: Recipe,
}

impl Default for Comparison {
    fn default() -> Self {
        Self { seeds: vec![42, 24, 7, 0, 100], hidden: None, neighbours: 20, recipe: Recipe::default() }
    }
}

/// Probes the trained encoder (last and best weights), an untrained one and the baselines.
///
/// # Errors
/// Those of the probes and of the device; a cancel.
pub async fn compare(run: &Run, untrained: &Run, city: &City, labelled: &Labelled, how: &Comparison, sink: &dyn Sink) -> Result<Vec<Line>, MethodError> {
    let places = &labelled.places;
    let mut all = vec![("CaLLiPer, last step".to_owned(), run.embed(places, Which::Last).await?)];
    if let Some((_, step)) = run.best() {
        all.push((format!("CaLLiPer, best validation (step {step})"), run.embed(places, Which::Best).await?));
    }
    all.push(("untrained encoder".into(), untrained.embed(places, Which::Last).await?));
    for baseline in Baseline::ALL {
        all.push((baseline.label().into(), baseline.rows(city, places, how.neighbours).1));
        sink.breathe().await?;
    }
    let total = (all.len() * 2 * how.seeds.len()) as f64;
    let mut lines = Vec::new();
    let mut done = 0.0;
    for (name, embeddings) in &all {
        for division in [Division::Random, Division::Blocks] {
            let mut runs = Vec::new();
            for &seed in &how.seeds {
                // The paper divides once (seed 42); what changes is the probe's own chance.
                let split = match division {
                    Division::Random => random_split(places.len(), 42),
                    Division::Blocks => block_split(places, BLOCKS, 42),
                };
                runs.push(one(run.session(), sink, embeddings, labelled, &split, how, seed).await?);
                done += 1.0;
                sink.event(Event::Progress { done, total, unit: "probes".into(), label: name.clone() });
            }
            lines.push(Line { rows: name.clone(), division, metrics: spread(&runs) });
        }
    }
    Ok(lines)
}

/// One probe's metrics.
async fn one(session: &Session, sink: &dyn Sink, embeddings: &[f32], labelled: &Labelled, split: &Split, how: &Comparison, seed: u64) -> Result<Vec<(&'static str, f64)>, MethodError> {
    let width = embeddings.len() / labelled.places.len().max(1);
    let rows = |index: &[u32]| Rows {
        width,
        embeddings: index.iter().flat_map(|i| &embeddings[*i as usize * width..][..width]).copied().collect(),
        truth: match &labelled.truth {
            Truth::Classes(labels) => Truth::Classes(index.iter().map(|i| labels[*i as usize]).collect()),
            Truth::Shares { classes, values } => {
                Truth::Shares { classes: *classes, values: index.iter().flat_map(|i| &values[*i as usize * classes..][..*classes]).copied().collect() }
            }
        },
    };
    let parts = [rows(&split.train), rows(&split.val), rows(&split.test)];
    let outcome = probe(session, sink, [&parts[0], &parts[1], &parts[2]], how.hidden, labelled.classes, Recipe { seed, ..how.recipe }, &[]).await?;
    Ok(metrics(&outcome, &parts[2].truth))
}

fn metrics(outcome: &Outcome, truth: &Truth) -> Vec<(&'static str, f64)> {
    match truth {
        Truth::Classes(labels) => {
            let m = classified(labels, &outcome.labels());
            vec![("accuracy", m.accuracy), ("precision", m.precision), ("recall", m.recall), ("f1", m.f1)]
        }
        Truth::Shares { classes, values } => {
            let truth = values.chunks(*classes).map(|r| r.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
            let rows: Vec<_> = outcome.shares().iter().zip(truth).map(|(p, t)| distances(p, &t)).collect();
            let m = mean_distances(&rows);
            vec![("l1", m.l1), ("chebyshev", m.chebyshev), ("kl", m.kl)]
        }
    }
}

/// Mean and standard deviation (of a sample) of each metric.
fn spread(runs: &[Vec<(&'static str, f64)>]) -> Vec<(String, f64, f64)> {
    let n = runs.len() as f64;
    let Some(first) = runs.first() else { return Vec::new() };
    let each = first.iter().enumerate().map(|(i, (name, _))| {
        let mean = runs.iter().map(|r| r[i].1).sum::<f64>() / n;
        let squares: f64 = runs.iter().map(|r| (r[i].1 - mean).powi(2)).sum();
        ((*name).to_owned(), mean, if runs.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 })
    });
    each.collect()
}
