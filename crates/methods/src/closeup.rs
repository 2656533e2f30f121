//! One matrix of the last pruning with calibration, looked at closely: weights, what its inputs were, the metric, what an update changed, and one row in order with its cut.

use espalier_tensor::Session;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::config::{bad, decode};
use crate::figures::{axis, digits, figure, series, stat};
use crate::findings::{Closeup, Language};
use crate::layerwise::wanda::metric;
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::report::{FigureKind, Finding, Report};
use crate::work::Desk;

/// What it is.
pub static CARD: Card = Card {
    id: "closeup",
    title: "One pruned matrix",
    authors: "M. Sun, Z. Liu, A. Bair, J. Z. Kolter",
    year: 2023,
    link: "https://arxiv.org/abs/2306.11695",
    paragraph: "Of one matrix of the last pruning: the size of its weights, the norm of each input over the calibration text, their product, which is Wanda's metric, and how far an update has moved \
        the weights that stayed. Of one row the metric in order, with what was removed: with Wanda one cut parts them; where another rule chose, it does not.",
    needs: "a pruning with calibration, just run",
    knobs: &[
        Knob { key: "matrix", label: "Matrix", help: "Its name; slices of a fused tensor as name#3.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        Knob { key: "row", label: "Row", help: "The output whose row is put in order.", unit: "", range: Range::Number { min: 0.0, max: 1e9, step: 1.0 }, paper: "0" },
    ],
};

/// Configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the matrix.
    pub matrix: String,
    /// Which of its rows is put in order.
    pub row: u32,
}

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

/// Most rows and columns of cells.
const CELLS: [usize; 2] = [48, 96];

/// Where each cell of `n` begins, and behind the last the end.
fn cuts(n: usize, most: usize) -> Vec<usize> {
    let cells = n.min(most).max(1);
    (0..=cells).map(|i| i * n / cells).collect()
}

/// Means of absolute values over cells.
#[expect(clippy::cast_possible_truncation, reason = "cells are drawn, not computed with")]
fn means(a: &Array2<f32>, rows: &[usize], columns: &[usize]) -> Vec<f32> {
    let cell = |r: &[usize], c: &[usize]| {
        let part = a.slice(ndarray::s![r[0]..r[1], c[0]..c[1]]);
        (part.iter().map(|v| f64::from(v.abs())).sum::<f64>() / part.len().max(1) as f64) as f32
    };
    rows.windows(2).flat_map(|r| columns.windows(2).map(move |c| cell(r, c))).collect()
}

async fn run(config: serde_json::Value, inputs: Inputs<'_>, _: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let kept = inputs.kept.get().ok_or_else(|| bad("matrix", "nothing has been pruned with calibration yet; run Wanda, SparseGPT or OWL first"))?;
    let found = inputs.checkpoint.matrices().into_iter().find(|m| m.label() == config.matrix);
    let (Some(matrix), Some(linear), Some(norms)) = (found, kept.of(&config.matrix), kept.norms(&config.matrix)) else {
        return Err(bad("matrix", format!("“{}” is not among the matrices that were pruned", config.matrix)));
    };
    let dense = inputs.checkpoint.read_matrix(&matrix).await?;
    desk.breathe().await?;
    let (r, c) = dense.dim();
    let row = config.row as usize;
    if row >= r {
        return Err(bad("row", format!("{} has {r} outputs, counted from 0; there is no row {row}", config.matrix)));
    }
    let scaler: Vec<f32> = norms.iter().map(|n| n * n).collect();
    let scores = metric(&dense, &scaler);
    let [rows, columns] = [cuts(r, CELLS[0]), cuts(c, CELLS[1])];
    let delta = linear.weights.as_ref().map(|now| {
        let change = Array2::from_shape_fn((r, c), |(i, j)| if linear.is_gone(i * c + j) { 0.0 } else { now[i * c + j] - dense[[i, j]] });
        means(&change, &rows, &columns)
    });
    desk.breathe().await?;
    let mut order: Vec<usize> = (0..c).collect();
    order.sort_by(|a, b| scores[[row, *a]].total_cmp(&scores[[row, *b]]).then(a.cmp(b)));
    let one = Closeup {
        tensor: config.matrix.clone(),
        shape: [r as u32, c as u32],
        cells: [rows.len() as u32 - 1, columns.len() as u32 - 1],
        weights: means(&dense, &rows, &columns).into(),
        metric: means(&scores, &rows, &columns).into(),
        delta: delta.unwrap_or_default().into(),
        norms: columns.windows(2).map(|w| norms[w[0]..w[1]].iter().sum::<f32>() / (w[1] - w[0]).max(1) as f32).collect::<Vec<_>>().into(),
        row: config.row,
        scores: order.iter().map(|j| scores[[row, *j]]).collect::<Vec<_>>().into(),
        gone: order.iter().map(|j| u32::from(linear.is_gone(row * c + j))).collect::<Vec<_>>().into(),
    };
    let gone = one.gone.iter().filter(|g| **g == 1).count();
    let summary = match one.cut() {
        Some(cut) => format!("Of row {row} of {} {gone} of {c} weights are gone: the smallest of the metric, up to {}.", config.matrix, digits(f64::from(cut))),
        None => format!("Of row {row} of {} {gone} of {c} weights are gone; no one cut through the metric parts them from those that stay.", config.matrix),
    };
    let points = |of: u32| series(if of == 1 { "removed" } else { "kept" }, if of == 1 { "c6" } else { "c1" }, one.places(of).map(|(x, _)| x).collect(), one.places(of).map(|(_, y)| y).collect());
    let kind = FigureKind::Lines { x: axis("place in the row", ""), y: axis("metric", ""), series: vec![points(1), points(0)] };
    let figures = vec![figure("closeup-row", "A row in order", summary.clone(), kind)];
    figures.iter().for_each(|f| desk.figure(f));
    let stats = vec![stat("removed", gone as f64, "", format!("of {c} in row {row}"))];
    Ok(Report { method: CARD.id.into(), summary, stats, figures, findings: vec![Finding::Language(Language::Closeup(one))], warnings: desk.warnings(), config: serde_json::to_value(config).expect("plain data") })
}
