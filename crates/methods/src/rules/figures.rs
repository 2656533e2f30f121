//! Tables and curves of a comparison.

use super::config::{CARD, Config, Contestant};
use crate::figures::{axis, digits, figure, percent, series, stat};
use crate::layerwise::{Criterion, Evaluation, Pattern};
use crate::report::{Figure, FigureKind, Report, Series};

/// One rule at one target, with what its draws gave.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which.
    pub contestant: Contestant,
    /// Share of weights that are zero, by draw.
    pub sparsity: Vec<f64>,
    /// Perplexities, `[draw][evaluation]`.
    pub perplexity: Vec<Vec<f64>>,
}

impl Row {
    /// Without a draw yet.
    pub fn new(contestant: Contestant) -> Self {
        Self { contestant, sparsity: Vec::new(), perplexity: Vec::new() }
    }

    /// What came of a draw.
    pub fn add(&mut self, sparsity: f64, perplexity: Vec<f64>) {
        self.sparsity.push(sparsity);
        self.perplexity.push(perplexity);
    }

    /// Target and rule, in words.
    pub fn name(&self) -> String {
        format!("{}, {}", self.rule(), self.target())
    }

    /// The rule, in words.
    pub fn rule(&self) -> String {
        let rule = match self.contestant.rule {
            Criterion::Magnitude => "magnitude",
            Criterion::Wanda => "Wanda",
            Criterion::SparseGpt => "SparseGPT",
        };
        self.contestant.owl.map_or_else(|| rule.to_owned(), |o| format!("OWL + {rule} (M {}, λ {})", o.multiple, o.lambda))
    }

    fn target(&self) -> String {
        match self.contestant.target.pattern {
            Pattern::Unstructured => percent(self.contestant.target.sparsity),
            pattern => pattern.to_string(),
        }
    }

    /// Mean perplexity over draws.
    fn mean(&self, evaluation: usize) -> f64 {
        spread(&self.of(evaluation)).0
    }

    fn of(&self, evaluation: usize) -> Vec<f64> {
        self.perplexity.iter().filter_map(|d| d.get(evaluation).copied()).collect()
    }
}

/// Mean, and standard deviation (n − 1) where there are two or more.
fn spread(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.len() > 1).then(|| (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()))
}

fn with_spread(values: &[f64]) -> String {
    match spread(values) {
        (mean, Some(sd)) => format!("{mean:.2} ± {sd:.2}"),
        (mean, None) => format!("{mean:.2}"),
    }
}

/// The same rule at the same target without OWL.
fn plain<'r>(rows: &'r [Row], row: &Row) -> Option<&'r Row> {
    let wanted = Contestant { owl: None, ..row.contestant };
    rows.iter().find(|r| r.contestant == wanted && row.contestant.owl.is_some())
}

/// Difference to the plain rule draw by draw; a rule without draws stands against each.
fn differences(row: &Row, plain: &Row, evaluation: usize) -> Vec<f64> {
    let (a, b) = (row.of(evaluation), plain.of(evaluation));
    a.iter().enumerate().filter_map(|(i, v)| Some(v - b.get(i).or_else(|| b.first().filter(|_| b.len() == 1))?)).collect()
}

/// All figures: the table, and curves of perplexity over sparsity for each text.
pub fn all(rows: &[Row], evaluation: &[Evaluation], dense: &[f64]) -> Vec<Figure> {
    let mut columns = ["target", "rule"].map(|n| axis(n, "")).to_vec();
    for e in evaluation {
        columns.push(axis(&format!("perplexity, {}", e.name), ""));
        columns.push(axis("against the rule alone", ""));
    }
    // What a narrow screen may cut off stands last.
    columns.extend(["removed", "draws"].map(|n| axis(n, "")));
    let cells = rows.iter().map(|r| {
        let mut row = vec![r.target(), r.rule()];
        for e in 0..evaluation.len() {
            row.push(with_spread(&r.of(e)));
            row.push(plain(rows, r).map_or_else(String::new, |p| {
                let d = differences(r, p, e);
                let better = d.iter().filter(|d| **d < 0.0).count();
                format!("{}{}, better in {better} of {}", if spread(&d).0 > 0.0 { "+" } else { "" }, with_spread(&d), d.len())
            }));
        }
        row.extend([format!("{:.2} %", 100.0 * spread(&r.sparsity).0), r.sparsity.len().to_string()]);
        row
    });
    let sentence = format!("Perplexity after pruning, mean and standard deviation over draws of calibration windows; dense {}.", dense.iter().map(|d| format!("{d:.2}")).collect::<Vec<_>>().join(", "));
    let mut out = vec![figure("rules", "Rules side by side", sentence, FigureKind::Table { columns, rows: cells.collect() })];
    for (e, text) in evaluation.iter().enumerate() {
        let curves = curves(rows, e);
        if curves.iter().any(|c| c.x.len() > 1) {
            let sentence = format!("Perplexity on {} over the share of weights that was removed, means over draws; dense {:.2}.", text.name, dense[e]);
            out.push(figure(&format!("rules-{}", text.name), &format!("Perplexity on {}", text.name), sentence, FigureKind::Lines { x: axis("removed", "%"), y: axis("perplexity", ""), series: curves }));
        }
    }
    out
}

fn curves(rows: &[Row], evaluation: usize) -> Vec<Series> {
    let mut out: Vec<(String, Vec<f64>, Vec<f64>)> = Vec::new();
    for r in rows.iter().filter(|r| r.contestant.target.pattern == Pattern::Unstructured) {
        let (x, y) = (100.0 * spread(&r.sparsity).0, r.mean(evaluation));
        match out.iter_mut().find(|(name, ..)| *name == r.rule()) {
            Some((_, xs, ys)) => {
                xs.push(x);
                ys.push(y);
            }
            None => out.push((r.rule(), vec![x], vec![y])),
        }
    }
    const COLORS: [&str; 8] = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];
    out.into_iter().enumerate().map(|(i, (name, x, y))| series(name, COLORS[i % COLORS.len()], x, y)).collect()
}

/// What is left when all is done.
pub fn report(config: Config, rows: &[Row], evaluation: &[Evaluation], dense: &[f64], warnings: Vec<String>) -> Report {
    // Rows come target by target.
    let targets = rows.chunk_by(|a, b| a.contestant.target == b.contestant.target).filter(|_| !evaluation.is_empty());
    let best: Vec<&Row> = targets.filter_map(|here| here.iter().min_by(|a, b| a.mean(0).total_cmp(&b.mean(0)))).collect();
    let said: Vec<String> = best.iter().map(|b| format!("at {} {} ({})", b.target(), b.rule(), digits(b.mean(0)))).collect();
    let off = rows.iter().flat_map(|r| r.sparsity.iter().map(|s| s - r.contestant.target.sparsity));
    let (low, high) = off.fold((0.0f64, 0.0f64), |(l, h), d| (l.min(d), h.max(d)));
    let summary = format!(
        "{} runs of {} rules; lowest perplexity {}. What was removed differs from what was asked by {:+.2} to {:+.2} points.",
        rows.iter().map(|r| r.sparsity.len()).sum::<usize>(),
        rows.len(),
        if said.is_empty() { "was not measured".into() } else { said.join(", ") },
        100.0 * low,
        100.0 * high
    );
    let mut stats: Vec<_> = evaluation.iter().zip(dense).map(|(e, d)| stat("dense", *d, "", format!("perplexity, {}", e.name))).collect();
    stats.extend(best.iter().map(|b| stat(&format!("best at {}", b.target()), b.mean(0), "", format!("perplexity, {}", b.rule()))));
    Report { method: CARD.id.into(), summary, stats, figures: all(rows, evaluation, dense), findings: Vec::new(), warnings, config: serde_json::to_value(config).expect("plain data") }
}

#[cfg(test)]
mod tests {
    use super::super::config::{Owl, Target};
    use super::*;

    #[test]
    fn owl_stands_against_its_own_rule_draw_by_draw() {
        let target = Target { pattern: Pattern::Unstructured, sparsity: 0.5 };
        let row = |rule, owl: Option<Owl>, values: &[f64]| {
            let mut r = Row::new(Contestant { target, rule, owl });
            values.iter().for_each(|v| r.add(0.5, vec![*v]));
            r
        };
        let owl = Some(Owl { multiple: 5.0, lambda: 0.08 });
        let rows = [
            row(Criterion::Magnitude, None, &[20.0]),
            row(Criterion::Magnitude, owl, &[19.0, 21.0, 18.0]),
            row(Criterion::Wanda, None, &[10.0, 12.0, 14.0]),
            row(Criterion::Wanda, owl, &[11.0, 11.0, 13.0]),
        ];
        let figures = all(&rows, &[Evaluation { name: "t".into(), windows: Vec::new() }], &[9.0]);
        let FigureKind::Table { rows, .. } = &figures[0].kind else { panic!("a table comes first") };
        // 19, 21, 18 against 20: −1, +1, −2; 11 − 10, 11 − 12, 13 − 14.
        assert_eq!([&rows[1][3], &rows[3][3]], ["-0.67 ± 1.53, better in 2 of 3", "-0.33 ± 1.15, better in 2 of 3"]);
        assert_eq!((rows[0][2].as_str(), rows[2][2].as_str(), rows[0][3].as_str()), ("20.00", "12.00 ± 2.00", ""));
    }
}
