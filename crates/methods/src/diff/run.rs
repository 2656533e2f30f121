//! The comparison as one job: progress in bytes, cancelled at any piece, bounded in memory.

use std::collections::{BTreeMap, HashMap};

use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::MatrixRef;
use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use super::figures;
use super::pair::{PIECE, Sums, factored, row};
use crate::config::{bad, decode};
use crate::edit::factor_names;
use crate::method::{Card, Inputs, Knob, MethodError, Range, Sink};
use crate::report::{Difference, Event, Figure, Finding, Report, TensorDiff};
use crate::spectra;
use crate::work::Desk;

/// What it is.
pub static CARD: Card = Card {
    id: "diff",
    title: "Comparison",
    authors: "Espalier",
    year: 2026,
    link: "https://en.wikipedia.org/wiki/Matrix_norm",
    paragraph: "Two checkpoints side by side: for every tensor that both have, how far the second lies from the first (the norm of the difference over \
        the norm of the first), the largest change of a single weight, and how many weights became zero or stopped being zero. Matrices that the \
        second holds as a pair of factors are multiplied out first. Tensors that only one has, and those whose shape or type differ, are listed.",
    needs: "two open checkpoints",
    knobs: &[Knob {
        key: "spectra",
        label: "Spectra",
        help: "Matrices whose singular values in both checkpoints are drawn over each other.",
        unit: "",
        range: Range::Elsewhere,
        paper: "[]",
    }],
};

/// What can be chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Matrices whose spectra are compared too (slices as `name#3`).
    pub spectra: Vec<String>,
}

/// Compares checkpoint `b` with checkpoint `a`. Findings are [`Finding::Diff`], the largest relative change first.
///
/// # Errors
/// A name in the configuration that is no matrix of both; those of the checkpoints and the device; [`MethodError::Cancelled`].
pub async fn run(config: serde_json::Value, a: &Checkpoint, b: &Checkpoint, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let overlays = overlays(&config, a, b)?;
    let mut rows = compare(a, b, &desk, sink).await?;
    rows.sort_by(|x, y| rank(y).total_cmp(&rank(x)).then_with(|| x.tensor.cmp(&y.tensor)));
    let mut figures: Vec<Figure> = vec![figures::table(&rows)];
    for (name, [first, second]) in overlays {
        figures.push(overlay(&name, a, &first, b, &second, session, &desk).await?);
    }
    for f in &figures {
        desk.figure(f);
    }
    let not_finite: f64 = rows.iter().map(|r| r.not_finite).sum();
    if not_finite > 0.0 {
        desk.warn(format!("{not_finite} weights are NaN or infinite in one of the two and count as differing only, not in the norms"));
    }
    Ok(Report {
        method: CARD.id.into(),
        config: serde_json::to_value(&config).unwrap_or_default(),
        summary: figures::sentence(&rows),
        stats: figures::stats(&rows),
        figures,
        findings: rows.into_iter().map(Finding::Diff).collect(),
        warnings: desk.warnings(),
    })
}

/// Order of the table: what cannot be compared first, then by relative change.
fn rank(row: &TensorDiff) -> f64 {
    match row.state {
        Difference::Same => -1.0,
        Difference::Changed | Difference::Factored => row.relative.unwrap_or(f64::MAX),
        _ => f64::INFINITY,
    }
}

async fn compare(a: &Checkpoint, b: &Checkpoint, desk: &Desk<'_>, sink: &dyn Sink) -> Result<Vec<TensorDiff>, MethodError> {
    let there: HashMap<&str, usize> = b.tensors.iter().enumerate().map(|(i, t)| (t.name.as_str(), i)).collect();
    let mut left: BTreeMap<&str, usize> = there.iter().map(|(n, i)| (*n, *i)).collect();
    let (in_b, in_a) = (by_label(b), by_label(a));
    let total: u64 = a.tensors.iter().map(|t| t.bytes()).sum();
    let mut done = 0;
    let mut rows = Vec::with_capacity(a.tensors.len());
    for (i, t) in a.tensors.iter().enumerate() {
        progress(sink, done, total, &t.name);
        let j = left.remove(t.name.as_str());
        let mut found = row(&t.name, Some(t), j.map(|j| &b.tensors[j]));
        match j {
            Some(j) if found.state == Difference::Same => {
                let mut sums = Sums::default();
                let mut at = 0;
                while at < t.elements() {
                    let end = t.elements().min(at + PIECE);
                    sums.add(&a.read_part(i, at..end).await?, &b.read_part(j, at..end).await?);
                    at = end;
                    progress(sink, done + t.bytes() * at / t.elements().max(1), total, &t.name);
                    desk.breathe().await?;
                }
                sums.into_row(&mut found);
            }
            None => {
                // A pair of factors may stand in its place.
                if let Some(matrix) = in_a.get(&t.name)
                    && let (u, v) = factor_names(matrix)
                    && let (Some(left_factor), Some(right_factor)) = (in_b.get(&u), in_b.get(&v))
                    && left_factor.shape[1] == right_factor.shape[0]
                    && [left_factor.shape[0], right_factor.shape[1]] == matrix.shape
                {
                    left.remove(u.as_str());
                    left.remove(v.as_str());
                    factored(a, matrix, b, &[left_factor.clone(), right_factor.clone()], &mut found).await?;
                }
            }
            Some(_) => {}
        }
        done += t.bytes();
        sink.event(Event::Finding(Finding::Diff(found.clone())));
        desk.breathe().await?;
        rows.push(found);
    }
    rows.extend(left.into_iter().map(|(name, j)| row(name, None, Some(&b.tensors[j]))));
    progress(sink, total, total, "");
    Ok(rows)
}

fn progress(sink: &dyn Sink, done: u64, total: u64, label: &str) {
    sink.event(Event::Progress { done: done as f64, total: total as f64, unit: "bytes".into(), label: label.into() });
}

fn by_label(checkpoint: &Checkpoint) -> HashMap<String, MatrixRef> {
    checkpoint.matrices().into_iter().map(|m| (m.label(), m)).collect()
}

type Overlay = (String, [MatrixRef; 2]);

fn overlays(config: &Config, a: &Checkpoint, b: &Checkpoint) -> Result<Vec<Overlay>, MethodError> {
    let (first, second) = (by_label(a), by_label(b));
    let find = |name: &String| match (first.get(name), second.get(name)) {
        (Some(x), Some(y)) => Ok((name.clone(), [x.clone(), y.clone()])),
        _ => Err(bad("spectra", format!("{name} is not a matrix of both checkpoints"))),
    };
    config.spectra.iter().map(find).collect()
}

async fn overlay(name: &str, a: &Checkpoint, first: &MatrixRef, b: &Checkpoint, second: &MatrixRef, session: &Session, desk: &Desk<'_>) -> Result<Figure, MethodError> {
    let mut pair = Vec::new();
    for (checkpoint, matrix) in [(a, first), (b, second)] {
        let inputs = Inputs { checkpoint, matrices: vec![matrix.clone()], known: Vec::new(), seed: 0, texts: Vec::new(), kept: Default::default(), files: Vec::new() };
        // Its own sink: the spectrum of the second must not be taken for the first's by whoever keeps findings.
        let quiet = Desk::new(&Quiet);
        let found = spectra::gather(&inputs, &inputs.matrices, session, &quiet).await?;
        quiet.warnings().into_iter().for_each(|w| desk.warn(w));
        desk.breathe().await?;
        pair.push(found.into_iter().next().map(|(_, s)| s));
    }
    let second = pair.pop().flatten();
    Ok(figures::overlay(name, pair.pop().flatten().as_ref(), second.as_ref()))
}

struct Quiet;

impl Sink for Quiet {
    fn event(&self, _: Event) {}
    fn breathe(&self) -> crate::method::LocalFuture<'_, Result<(), MethodError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
