//! The table of an embedding and what it has to beat: probes over repeated seeds, on a random split and on one by blocks.

use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use super::baselines::Baseline;
use super::city::City;
use super::near::Near;
use super::place2vec;
use super::metrics::{Distances, classified, distances, mean_distances};
use super::order::{Split, block_split, random_split};
use super::probe::{Outcome, Recipe, Rows, Truth, probe};
use super::regions::{Weighting, counts, means, tf_idf};
use super::run::{Run, Which};
use super::supervised::Supervised;
use crate::bytes::{F32s, U32s};
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
    /// Names of the metrics with mean and standard deviation (0 for one seed): accuracy, precision, recall and f1, or l1, chebyshev, kl and cosine.
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
    /// Where places stand for regions, the region of each point of the city; else empty.
    pub region_of: Vec<u32>,
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
    /// The supervised baseline and its steps.
    pub supervised: Option<(u32, Supervised)>,
}

impl<'a> Rivals<'a> {
    /// Trains the supervised baseline for so many steps; 0 leaves it out.
    ///
    /// # Errors
    /// The device's; a cancel; a loss that is no longer a number.
    pub async fn new(untrained: &'a Run, city: &City, steps: u32, sink: &dyn Sink) -> Result<Self, MethodError> {
        let supervised = if steps > 0 { Some((steps, Supervised::train(untrained.session(), city, &untrained.config, steps, sink).await?)) } else { None };
        Ok(Self { untrained, supervised })
    }
}

/// What the probe of the trained encoder said of the rows that it was judged by: of the first seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The rows.
    pub rows: U32s,
    /// The class of each, or that with the largest share.
    pub classes: U32s,
    /// `[rows, classes]` where shares were asked for, else empty.
    pub shares: F32s,
}

/// On the random split and on that by blocks.
pub type Predicted = [Told; 2];

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
    for (first, (name, embeddings)) in all.iter().enumerate().map(|(i, a)| (i == 0, a)) {
        for (i, division) in [Division::Random, Division::Blocks].into_iter().enumerate() {
            let split = divided(division, places);
            if split.train.is_empty() || split.val.is_empty() || split.test.is_empty() {
                if first {
                    sink.event(Event::Warning(format!("{} places lie in too few blocks of the city to divide them by blocks: that split is left out", places.len())));
                }
                continue;
            }
            let mut runs = Vec::new();
            for &seed in &how.seeds {
                sink.event(Event::Progress { done, total, unit: "probes".into(), label: name.clone() });
                let (metrics, told) = one(run.session(), sink, embeddings, labelled, &split, how, seed).await?;
                if first && runs.is_empty() {
                    predicted[i] = told;
                }
                runs.push(metrics);
                done += 1.0;
            }
            lines.push(Line { rows: name.clone(), division, metrics: spread(&runs) });
        }
    }
    if let Truth::Shares { classes, values } = &labelled.truth {
        for division in [Division::Random, Division::Blocks] {
            let split = divided(division, places);
            if split.test.is_empty() || split.train.is_empty() {
                continue;
            }
            let metrics = mean_told(*classes, values, &split);
            lines.push(Line { rows: "mean of what was learnt from".into(), division, metrics: spread(&[metrics]) });
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
    if let Some((steps, trained)) = &rivals.supervised {
        all.push((format!("Space2Vec-like, {steps} steps"), trained.embed(places).await?));
    }
    if !labelled.region_of.is_empty() {
        all.extend(by_region(run, city, labelled).await?);
        sink.breathe().await?;
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

/// How places are divided: once, by seed 42, as the paper has it. What changes is the probe's own chance.
fn divided(division: Division, places: &[[f64; 2]]) -> Split {
    match division {
        Division::Random => random_split(places.len(), 42),
        Division::Blocks => block_split(places, BLOCKS, 42),
    }
}

/// What regions are by all of their points, not by the one place that stands for them: the mean of the points' embeddings, and the weights of their categories.
async fn by_region(run: &Run, city: &City, labelled: &Labelled) -> Result<Vec<(String, Vec<f32>)>, MethodError> {
    let n = labelled.places.len();
    let of: Vec<Option<usize>> = labelled.region_of.iter().map(|r| Some(*r as usize)).collect();
    let points: Vec<f64> = run.embed(&city.points, Which::Last).await?.into_iter().map(f64::from).collect();
    let pooled = means(&points, run.config.width, &of, n);
    let kinds = city.texts.len();
    let words = tf_idf(&counts(of.iter().zip(&city.text_of).map(|(r, t)| (*r, *t as usize)), n, kinds), kinds, Weighting::Plain);
    let single = |rows: Vec<f64>| rows.into_iter().map(|v| v as f32).collect();
    Ok(vec![("CaLLiPer, mean of the region’s points".into(), single(pooled)), ("TF-IDF of the region".into(), single(words))])
}

/// Metrics of telling every row the mean of those that could be learnt from: what any embedding has to beat.
fn mean_told(classes: usize, values: &[f32], split: &Split) -> Vec<(&'static str, f64)> {
    let row = |i: &u32| &values[*i as usize * classes..][..classes];
    let learnt: Vec<&[f32]> = split.train.iter().chain(&split.val).map(row).collect();
    let mean: Vec<f64> = (0..classes).map(|c| learnt.iter().map(|r| f64::from(r[c])).sum::<f64>() / learnt.len().max(1) as f64).collect();
    let rows: Vec<_> = split.test.iter().map(|i| distances(&mean, &row(i).iter().map(|v| f64::from(*v)).collect::<Vec<_>>())).collect();
    named(&mean_distances(&rows))
}

fn named(m: &Distances) -> Vec<(&'static str, f64)> {
    vec![("l1", m.l1), ("chebyshev", m.chebyshev), ("kl", m.kl), ("cosine", m.cosine)]
}

/// One probe's metrics, and what it says of the test rows.
async fn one(session: &Session, sink: &dyn Sink, embeddings: &[f32], labelled: &Labelled, split: &Split, how: &Comparison, seed: u64) -> Result<(Vec<(&'static str, f64)>, Told), MethodError> {
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
    let shares = if let Truth::Shares { .. } = labelled.truth { outcome.shares().concat().into_iter().map(|v| v as f32).collect() } else { Vec::new() };
    Ok((metrics(&outcome, &parts[2].truth), Told { rows: split.test.clone().into(), classes: outcome.labels().into(), shares: shares.into() }))
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
            named(&mean_distances(&rows))
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
