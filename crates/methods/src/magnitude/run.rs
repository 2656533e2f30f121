//! Magnitude pruning as a method: plan, then one matrix after the other.

use espalier_tensor::Session;

use super::card::CARD;
use super::config::Config;
use super::measure::measure;
use super::plan::picks;
use super::select::mask;
use crate::config::decode;
use crate::figures::{axis, digits, figure, percent, stat};
use crate::method::{Entry, Inputs, MethodError, Sink};
use crate::report::{Figure, FigureKind, Finding, Pruned, Report, Stat};
use crate::work::{Desk, read_finite};

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let picks = picks(&config, &inputs, session, &desk).await?;
    let mut done: Vec<Pruned> = Vec::with_capacity(picks.len());
    let mut norms = [0.0, 0.0];
    for (i, pick) in picks.iter().enumerate() {
        desk.at(i, picks.len(), &pick.matrix.label()).await?;
        let Some(matrix) = read_finite(&inputs, &pick.matrix, &desk).await? else { continue };
        let gone = mask(session, &matrix, pick.selection).await?;
        let pruned = measure(pick.matrix.label(), &matrix, &gone, pick.target);
        let energy: f64 = matrix.iter().map(|w| f64::from(*w) * f64::from(*w)).sum();
        norms[0] += energy * pruned.error * pruned.error;
        norms[1] += energy;
        desk.finding(Finding::Pruned(pruned.clone()));
        done.push(pruned);
    }
    desk.at(picks.len(), picks.len(), "").await?;
    let error = if norms[1] > 0.0 { (norms[0] / norms[1]).sqrt() } else { 0.0 };
    let total = Total::of(&done, error);
    let figures = vec![bars(&done, &total), errors(&done), table(&done)];
    for f in &figures {
        desk.figure(f);
    }
    Ok(Report {
        method: CARD.id.into(),
        summary: total.sentence(&config, done.len()),
        stats: total.stats(),
        figures,
        findings: done.into_iter().map(Finding::Pruned).collect(),
        warnings: desk.warnings(),
        config: serde_json::to_value(config).expect("a configuration is plain data"),
    })
}

struct Total {
    elements: f64,
    zeros: f64,
    target: f64,
    error: f64,
}

impl Total {
    fn of(done: &[Pruned], error: f64) -> Self {
        let sum = |f: fn(&Pruned) -> f64| done.iter().map(f).sum::<f64>();
        let elements = sum(|p| p.elements);
        let target = if elements > 0.0 { sum(|p| p.target * p.elements) / elements } else { 0.0 };
        Self { elements, zeros: sum(|p| p.zeros), target, error }
    }

    fn sparsity(&self) -> f64 {
        if self.elements > 0.0 { self.zeros / self.elements } else { 0.0 }
    }

    fn sentence(&self, config: &Config, matrices: usize) -> String {
        format!(
            "{} of {} weights of {matrices} matrices are zero ({}, asked for {}), scope {}; error {} of ‖W‖.",
            self.zeros,
            self.elements,
            percent(self.sparsity()),
            percent(self.target),
            config.scope,
            percent(self.error)
        )
    }

    fn stats(&self) -> Vec<Stat> {
        vec![
            stat("sparsity", self.sparsity(), "%", format!("asked for {}", percent(self.target))),
            stat("zeros", self.zeros, "", format!("of {}", self.elements)),
            stat("error", self.error, "%", "of ‖W‖"),
        ]
    }
}

fn sparsity(p: &Pruned) -> f64 {
    if p.elements > 0.0 { p.zeros / p.elements } else { 0.0 }
}

fn bars(done: &[Pruned], total: &Total) -> Figure {
    let sentence = format!("Fraction of zeros in each of {} matrices; {} over all.", done.len(), percent(total.sparsity()));
    let kind = FigureKind::Bars {
        x: axis("matrix", ""),
        y: axis("sparsity", "%"),
        labels: done.iter().map(|p| p.tensor.clone()).collect(),
        values: done.iter().map(sparsity).collect::<Vec<_>>().into(),
    };
    figure("sparsity", "Sparsity by matrix", sentence, kind)
}

fn errors(done: &[Pruned]) -> Figure {
    let worst = done.iter().max_by(|a, b| a.error.total_cmp(&b.error));
    let sentence = match worst {
        Some(p) => format!("Relative error of each matrix; {} has the largest, {}.", p.tensor, percent(p.error)),
        None => "No matrix was pruned.".to_owned(),
    };
    let kind = FigureKind::Bars {
        x: axis("matrix", ""),
        y: axis("error", "%"),
        labels: done.iter().map(|p| p.tensor.clone()).collect(),
        values: done.iter().map(|p| p.error).collect::<Vec<_>>().into(),
    };
    figure("errors", "Error by matrix", sentence, kind)
}

fn table(done: &[Pruned]) -> Figure {
    let columns = [("matrix", ""), ("weights", ""), ("zeros", ""), ("sparsity", ""), ("asked for", ""), ("cut at", "|w|"), ("error", "")];
    let rows = done
        .iter()
        .map(|p| {
            vec![
                p.tensor.clone(),
                p.elements.to_string(),
                p.zeros.to_string(),
                percent(sparsity(p)),
                percent(p.target),
                digits(p.threshold),
                percent(p.error),
            ]
        })
        .collect();
    let sentence = format!("Zeros, cut and error of {} matrices.", done.len());
    figure("pruned-table", "Numbers by matrix", sentence, FigureKind::Table { columns: columns.map(|(n, u)| axis(n, u)).to_vec(), rows })
}
