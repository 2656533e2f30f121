//! What a pruning with calibration shows.

use espalier_nets::models::perplexity;

use super::allocation::MULTIPLES;
use crate::figures::{axis, digits, figure, percent, series, stat};
use crate::findings::{Language, Likelihood};
use crate::layerwise::{Evaluation, LinearDone, Outcome};
use crate::report::{Figure, FigureKind, Finding, Pruned, Stat};

/// Zeros and elements of all.
pub fn totals<'a>(all: impl Iterator<Item = &'a Pruned>) -> (f64, f64, f64) {
    all.fold((0.0, 0.0, 0.0), |(z, n, t), p| (z + p.zeros, n + p.elements, t + p.target * p.elements))
}

/// Headline numbers: actual sparsity beside the one asked for, perplexity before and after.
pub fn stats(done: &[(usize, LinearDone)], evaluation: &[Evaluation], outcome: &Outcome) -> Vec<Stat> {
    let (zeros, elements, asked) = totals(done.iter().map(|(_, l)| &l.pruned));
    let share = |v: f64| if elements > 0.0 { v / elements } else { 0.0 };
    let mut out = vec![stat("sparsity", share(zeros), "%", format!("asked for {}", percent(share(asked)))), stat("zeros", zeros, "", format!("of {elements}"))];
    for (e, [before, after]) in evaluation.iter().zip(&outcome.nats) {
        out.push(stat("perplexity before", perplexity(before), "", format!("{}, {} windows", e.name, before.len())));
        out.push(stat("perplexity after", perplexity(after), "", format!("{}, {} windows", e.name, after.len())));
    }
    out
}

/// Each text's mean losses.
pub fn likelihoods(evaluation: &[Evaluation], outcome: &Outcome, length: usize) -> Vec<Finding> {
    let one = |(e, nats): (&Evaluation, &[Vec<Vec<f64>>; 2])| {
        let nats = [0, 1].map(|i| perplexity(&nats[i]).ln());
        Finding::Language(Language::Likelihood(Likelihood { text: e.name.clone(), windows: e.windows.len() as u32, length: length as u32, nats }))
    };
    evaluation.iter().zip(&outcome.nats).map(one).collect()
}

/// Sparsity by block, and the outlier shares it came from.
pub fn blocks(done: &[(usize, LinearDone)], outliers: &[Vec<f64>]) -> Vec<Figure> {
    let last = done.iter().map(|(b, _)| b + 1).max().unwrap_or(0);
    let shares: Vec<f64> = (0..last)
        .map(|b| {
            let (z, n, _) = totals(done.iter().filter(|(i, _)| *i == b).map(|(_, l)| &l.pruned));
            if n > 0.0 { z / n } else { 0.0 }
        })
        .collect();
    let labels: Vec<String> = (0..last).map(|b| format!("block {b}")).collect();
    let (low, high) = shares.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    let sentence = if shares.is_empty() { "No block was pruned.".to_owned() } else { format!("Fraction of zeros by block, from {} to {}.", percent(low), percent(high)) };
    let bars = FigureKind::Bars { x: axis("block", ""), y: axis("sparsity", "%"), labels: labels.clone(), values: shares.into() };
    let mut out = vec![figure("block-sparsity", "Sparsity by block", sentence, bars)];
    if !outliers.is_empty() {
        let most = outliers.iter().enumerate().max_by(|a, b| a.1[0].total_cmp(&b.1[0])).map_or(0, |(i, _)| i);
        let x: Vec<f64> = (0..outliers.len()).map(|b| b as f64).collect();
        let mut curves = vec![series("chosen M", "c1", x.clone(), outliers.iter().map(|o| o[0]).collect())];
        curves.extend(MULTIPLES.iter().enumerate().map(|(i, m)| series(format!("M = {m}"), "ghost", x.clone(), outliers.iter().map(|o| o[i + 1]).collect())));
        let kind = FigureKind::Lines { x: axis("block", ""), y: axis("outliers", "%"), series: curves };
        let sentence = format!("Weights whose metric stands out, by block; block {most} has the most, {} % at the chosen M.", digits(outliers[most][0]));
        out.push(figure("outliers", "Outliers by block", sentence, kind));
    }
    out
}

/// What each linear's outputs lost.
pub fn errors(done: &[(usize, LinearDone)]) -> Figure {
    let worst = done.iter().filter(|(_, l)| l.output_error.is_finite()).max_by(|a, b| a.1.output_error.total_cmp(&b.1.output_error));
    let sentence = match worst {
        Some((_, l)) => format!("Share of each linear's output energy that changed, over the first calibration windows; {} lost most, {}.", l.label, percent(l.output_error)),
        None => "No linear was pruned.".to_owned(),
    };
    let kind = FigureKind::Bars {
        x: axis("linear", ""),
        y: axis("output error", "%"),
        labels: done.iter().map(|(_, l)| l.label.clone()).collect(),
        values: done.iter().map(|(_, l)| l.output_error).collect::<Vec<_>>().into(),
    };
    figure("output-errors", "Output error by linear", sentence, kind)
}

/// All numbers by linear.
pub fn table(done: &[(usize, LinearDone)]) -> Figure {
    let columns = [("linear", ""), ("weights", ""), ("zeros", ""), ("sparsity", ""), ("asked for", ""), ("weight error", ""), ("output error", ""), ("loss", "")];
    let rows = done.iter().map(|(_, l)| {
        let p = &l.pruned;
        let share = if p.elements > 0.0 { p.zeros / p.elements } else { 0.0 };
        let loss = l.loss.map_or_else(String::new, digits);
        vec![l.label.clone(), p.elements.to_string(), p.zeros.to_string(), percent(share), percent(p.target), percent(p.error), percent(l.output_error), loss]
    });
    let kind = FigureKind::Table { columns: columns.map(|(n, u)| axis(n, u)).to_vec(), rows: rows.collect() };
    figure("pruned-table", "Numbers by linear", format!("Zeros and errors of {} linears.", done.len()), kind)
}
