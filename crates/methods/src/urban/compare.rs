//! The table of an embedding and what it has to beat: probes over repeated seeds, on a random split and on one by blocks.

use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use super::baselines::Baseline;
use super::city::City;
use super::near::Near;
use super::place2vec;
use super::metrics::{classified, distances, mean_distances};
use super::order::{Split, block_split, random_split};
use super::probe::{Outcome, Recipe, Rows, Truth, probe};
use super::run::{Run, Which};
use super::supervised::Supervised;
use crate::bytes::U32s;
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

impl Line {
    /// Whether it is of the split by blocks.
    pub fn by_blocks(&self) -> bool {
        self.division == Division::Blocks
    }

    /// Mean of a metric; NaN where there is none of that name.
    pub fn mean(&self, metric: &str) -> f64 {
        self.metrics.iter().find(|(n, ..)| n == metric).map_or(f64::NAN, |(_, m, _)| *m)
    }

    /// Mean of F1, as a share.
    pub fn f1(&self) -> f64 {
        self.mean("f1")
    }
}

/// What the trained encoder is held against besides the baselines that need no training.
pub struct Rivals<'a> {
    /// The same encoder before its first step.
    pub untrained: &'a Run,
    /// Steps of the supervised baseline; 0 leaves it out.
    pub supervised: u32,
}

/// Rows that were judged by and the class that was told for each, on the random split and on that by blocks: of the first embedding and the first seed.
pub type Predicted = [(U32s, U32s); 2];

/// Probes the trained encoder (last and best weights), an untrained one, a supervised one and the baselines.
///
/// # Errors
/// Those of the probes and of the device; a cancel.
pub async fn compare(run: &Run, rivals: &Rivals<'_>, city: &City, labelled: &Labelled, how: &Comparison, sink: &dyn Sink) -> Result<(Vec<Line>, Predicted), MethodError> {
    let all = embeddings(run, rivals, city, labelled, how, sink).await?;
    let places = &labelled.places;
    let total = (all.len() * 2 * how.seeds.len()) as f64;
    let mut lines = Vec::new();
    let mut predicted = Predicted::default();
    let mut done = 0.0;
    for (name, embeddings) in &all {
        for (i, division) in [Division::Random, Division::Blocks].into_iter().enumerate() {
            // The paper divides once (seed 42); what changes is the probe's own chance.
            let split = match division {
                Division::Random => random_split(places.len(), 42),
                Division::Blocks => block_split(places, BLOCKS, 42),
            };
            let mut runs = Vec::new();
            for &seed in &how.seeds {
                sink.event(Event::Progress { done, total, unit: "probes".into(), label: name.clone() });
                let (metrics, labels) = one(run.session(), sink, embeddings, labelled, &split, how, seed).await?;
                if lines.len() < 2 && runs.is_empty() {
                    predicted[i] = (split.test.clone().into(), labels.into());
                }
                runs.push(metrics);
                done += 1.0;
            }
            lines.push(Line { rows: name.clone(), division, metrics: spread(&runs) });
        }
    }
    sink.event(Event::Progress { done, total, unit: "probes".into(), label: String::new() });
    Ok((lines, predicted))
}

/// Every embedding of the labelled places, the trained encoder's first.
async fn embeddings(run: &Run, rivals: &Rivals<'_>, city: &City, labelled: &Labelled, how: &Comparison, sink: &dyn Sink) -> Result<Vec<(String, Vec<f32>)>, MethodError> {
    let places = &labelled.places;
    let mut all = vec![("CaLLiPer, last step".to_owned(), run.embed(places, Which::Last).await?)];
    if let Some((_, step)) = run.best() {
        all.push((format!("CaLLiPer, best validation (step {step})"), run.embed(places, Which::Best).await?));
    }
    all.push(("untrained encoder".into(), rivals.untrained.embed(places, Which::Last).await?));
    if rivals.supervised > 0 {
        let trained = Supervised::train(run.session(), city, &run.config, rivals.supervised, sink).await?;
        all.push((format!("Space2Vec-like, {} steps", rivals.supervised), trained.embed(places).await?));
    }
    let near = Near::new(&city.points);
    for baseline in Baseline::ALL {
        all.push((baseline.label().into(), baseline.rows(city, &near, places, how.neighbours).1));
        sink.breathe().await?;
    }
    if let Some(vectors) = place2vec::vectors(city) {
        let mean = |p: &[f64; 2]| {
            let near = near.nearest(*p, how.neighbours);
            let mut row = vec![0.0; place2vec::WIDTH];
            for i in &near {
                let text = city.text_of[*i as usize] as usize;
                row.iter_mut().zip(&vectors[text * place2vec::WIDTH..]).for_each(|(r, v)| *r += v / near.len() as f64);
            }
            row.into_iter().map(|v| v as f32).collect::<Vec<_>>()
        };
        all.push(("Place2Vec-like, mean of the nearest".into(), places.iter().flat_map(mean).collect()));
        sink.breathe().await?;
    } else {
        sink.event(Event::Note(format!("more than {} different texts: the Place2Vec-like baseline is left out", place2vec::MOST)));
    }
    Ok(all)
}

/// One probe's metrics, and the classes it gives the test rows.
async fn one(session: &Session, sink: &dyn Sink, embeddings: &[f32], labelled: &Labelled, split: &Split, how: &Comparison, seed: u64) -> Result<(Vec<(&'static str, f64)>, Vec<u32>), MethodError> {
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
    Ok((metrics(&outcome, &parts[2].truth), outcome.labels()))
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
