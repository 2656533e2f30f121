//! Figures of a rank report.

use espalier_nets::checkpoint::MatrixRef;

use super::plan::{RankPlan, break_even};
use super::ranker::{POINTS, Ranker, grid};
use crate::figures::{axis, color, digits, figure, percent, series, stat};
use crate::report::{Figure, FigureKind, Stat};

/// All figures, in order.
pub fn all(ranker: &Ranker, plan: &RankPlan, matrices: &[MatrixRef]) -> Vec<Figure> {
    vec![curve(ranker, plan), ranks(plan), errors(plan, matrices), table(plan)]
}

/// Headline numbers; `total` is the number of parameters of the whole checkpoint.
pub fn stats(plan: &RankPlan, total: f64) -> Vec<Stat> {
    let mut out = Vec::new();
    if let Some(k) = plan.threshold {
        out.push(stat("threshold", k, "", "on σ scaled to 0 … 1"));
    }
    out.extend([
        stat("ranks asked to go", plan.attempted, "%", "attempted reduction"),
        stat("ranks removed", plan.effective, "%", "effective reduction"),
        stat("factored", plan.factored().count() as f64, "matrices", format!("of {}", plan.choices.len())),
        stat("parameters of these", plan.compressed_params, "", format!("of {}", plan.dense_params)),
        stat("parameters in all", total - plan.dense_params + plan.compressed_params, "", format!("of {total}")),
        stat("error", plan.error, "%", "of ‖W‖"),
        stat("error of a uniform cut", plan.uniform_error, "%", "of ‖W‖, same ranks removed"),
        stat("operations a token", plan.compressed_flops, "flop", format!("of {} in these matrices", plan.dense_flops)),
    ]);
    out
}

fn curve(ranker: &Ranker, plan: &RankPlan) -> Figure {
    let x: Vec<f64> = (0..POINTS).map(grid).collect();
    let mut lines = vec![series("ranks removed", "c1", x, ranker.curve())];
    let mut sentence = "Share of all ranks under the threshold, for every threshold of the grid".to_owned();
    if let Some(k) = plan.threshold {
        lines.push(series("chosen", "ghost", vec![k, k], vec![0.0, plan.attempted]));
        sentence += &format!("; at {k} it is {}", percent(plan.attempted));
    }
    let kind = FigureKind::Lines { x: axis("threshold", ""), y: axis("ranks removed", "%"), series: lines };
    figure("err-curve", "Reduction by threshold", sentence + ".", kind)
}

fn ranks(plan: &RankPlan) -> Figure {
    let labels = plan.choices.iter().map(|c| c.tensor.clone()).collect();
    let values: Vec<f64> = plan.choices.iter().map(|c| if c.full > 0 { f64::from(c.kept) / f64::from(c.full) } else { 1.0 }).collect();
    let low = plan.choices.iter().filter(|c| c.factored).min_by(|a, b| (a.kept * b.full).cmp(&(b.kept * a.full)));
    let sentence = match low {
        Some(c) => format!("Share of its rank that each matrix keeps; {} keeps least, {} of {}.", c.tensor, c.kept, c.full),
        None => "Every matrix keeps its full rank.".to_owned(),
    };
    figure("ranks", "Ranks kept", sentence, FigureKind::Bars { x: axis("matrix", ""), y: axis("rank kept", "%"), labels, values: values.into() })
}

fn errors(plan: &RankPlan, matrices: &[MatrixRef]) -> Figure {
    let points: Vec<_> = plan
        .choices
        .iter()
        .zip(matrices)
        .filter(|(c, _)| c.factored)
        .map(|(c, m)| series(c.tensor.clone(), color(m), vec![c.uniform_error], vec![c.error]))
        .collect();
    let worse = points.iter().filter(|p| p.y[0] > p.x[0]).count();
    let sentence = format!(
        "Relative error of each factored matrix against its error at the uniform rank; {worse} of {} lie higher, where this selection spends error to save it elsewhere.",
        points.len()
    );
    figure("errors", "Error against a uniform cut", sentence, FigureKind::Scatter { x: axis("error at the uniform rank", "%"), y: axis("error", "%"), series: points })
}

fn table(plan: &RankPlan) -> Figure {
    let columns = [("matrix", ""), ("shape", ""), ("full rank", ""), ("asked for", "rank"), ("kept", "rank"), ("break-even", "rank"), ("kind", ""), ("parameters", ""), ("error", ""), ("uniform rank", ""), ("uniform error", "")];
    let rows = plan
        .choices
        .iter()
        .map(|c| {
            let (m, n) = (f64::from(c.shape[0]), f64::from(c.shape[1]));
            let params = if c.factored { f64::from(c.kept) * (m + n) } else { m * n };
            vec![
                c.tensor.clone(),
                format!("{} × {}", c.shape[0], c.shape[1]),
                c.full.to_string(),
                c.attempted.to_string(),
                c.kept.to_string(),
                break_even(c.shape).to_string(),
                if c.factored { "low rank" } else { "dense" }.into(),
                params.to_string(),
                digits(c.error),
                c.uniform.to_string(),
                digits(c.uniform_error),
            ]
        })
        .collect();
    let sentence = format!("Ranks, sizes and errors of {} matrices.", plan.choices.len());
    figure("rank-table", "Ranks by matrix", sentence, FigureKind::Table { columns: columns.map(|(n, u)| axis(n, u)).to_vec(), rows })
}
