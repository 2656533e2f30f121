//! Figures of a condensation.

use espalier_nets::models::Experts;

use super::rivals::ARMS;
use super::{Config, Pick};
use crate::experts::{Point, Tally};
use crate::figures::{axis, digits, figure, percent, series};
use crate::report::{Figure, FigureKind, Series};

/// Divergence after each layer, with the best that was left aside; and of each layer alone.
pub fn layers(picks: &[Pick], blocks: &[usize], config: &Config) -> Vec<Figure> {
    let taken: Vec<&Pick> = picks.iter().filter(|p| p.expert.is_none()).collect();
    let Some(first) = taken.first() else { return Vec::new() };
    let x: Vec<f64> = taken.iter().map(|p| f64::from(p.step) + 1.0).collect();
    let worst = taken.iter().map(|p| p.tried.iter().copied().filter(|v| !v.is_nan()).fold(f64::NAN, f64::max)).collect();
    let (name, unit) = config.metric.axis();
    let kind = FigureKind::Lines {
        x: axis("layers condensed", ""),
        y: axis(name, unit),
        series: vec![series("taken", "leaf", x.clone(), taken.iter().map(|p| p.score).collect()), series("worst tried", "ghost", x, worst)],
    };
    let order: Vec<String> = taken.iter().map(|p| p.block.to_string()).collect();
    let search = figure("condense-layers", "Divergence after each layer", format!("Blocks were condensed in the order {}.", order.join(", ")), kind);
    let alone = FigureKind::Bars { x: axis("block", ""), y: axis(name, unit), labels: blocks.iter().map(usize::to_string).collect(), values: first.tried.clone() };
    let most = blocks.iter().zip(first.tried.iter()).max_by(|a, b| a.1.total_cmp(b.1)).map(|(b, _)| *b).unwrap_or(0);
    let profile = figure("condense-profile", "Each layer condensed alone", format!("Condensing block {most} alone changes the last hidden state most."), alone);
    vec![search, profile]
}

/// Divergence of each layer's own output after each expert.
pub fn experts(picks: &[Pick], blocks: &[usize], config: &Config) -> Option<Figure> {
    let (name, unit) = config.metric.axis();
    let lines: Vec<Series> = blocks
        .iter()
        .enumerate()
        .filter_map(|(i, b)| {
            let mine: Vec<&Pick> = picks.iter().filter(|p| p.expert.is_some() && p.block as usize == *b).collect();
            let colors = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];
            (!mine.is_empty()).then(|| series(format!("block {b}"), colors[i % 8], mine.iter().map(|p| f64::from(p.step) + 1.0).collect(), mine.iter().map(|p| p.score).collect()))
        })
        .collect();
    let count = lines.len();
    (count > 0).then(|| figure("condense-experts", "Divergence after each expert", format!("How far the output of each of {count} layers is from the untouched one as experts are taken."), FigureKind::Lines { x: axis("experts taken", ""), y: axis(name, unit), series: lines }))
}

/// Which experts were taken, with their weights and how popular they are.
pub fn choices(chosen: &[Vec<u32>], blocks: &[usize], tally: &Tally, e: Experts, weight: impl Fn(usize, u32) -> f64) -> Figure {
    let rows: Vec<Vec<String>> = blocks
        .iter()
        .enumerate()
        .map(|(l, b)| {
            let by_count = tally.by_count(l);
            let list = |f: &dyn Fn(u32) -> String| chosen[l].iter().map(|x| f(*x)).collect::<Vec<_>>().join(", ");
            let rank = |x: u32| by_count.iter().position(|y| *y == x).map_or_else(String::new, |r| (r + 1).to_string());
            vec![b.to_string(), list(&|x| x.to_string()), list(&|x| digits(weight(l, x))), list(&rank)]
        })
        .collect();
    let popular = blocks.iter().enumerate().filter(|(l, _)| chosen[*l].first() == tally.by_count(*l).first() && !chosen[*l].is_empty()).count();
    let sentence = format!("The first expert taken is the most used one in {popular} of {} layers; {} of {} experts are kept in a condensed layer.", blocks.len(), chosen.first().map_or(0, Vec::len), e.count);
    let columns = ["block", "experts in order", "their weights", "their ranks by use"].map(|n| axis(n, "")).to_vec();
    figure("condense-choices", "Experts taken", sentence, FigureKind::Table { columns, rows })
}

/// Mean of an arm's draws at a step.
struct Mark {
    step: u32,
    parameters: f64,
    flops: f64,
    mean: f64,
    low: f64,
    high: f64,
    draws: usize,
}

fn marks(points: &[Point], arm: &str) -> Vec<Mark> {
    let mine: Vec<&Point> = points.iter().filter(|p| p.arm == arm).collect();
    let mut steps: Vec<u32> = mine.iter().map(|p| p.step).collect();
    steps.sort_unstable();
    steps.dedup();
    let mark = |step: u32| {
        let at: Vec<&&Point> = mine.iter().filter(|p| p.step == step).collect();
        let n = at.len() as f64;
        let mean = (at.iter().map(|p| p.perplexity.ln()).sum::<f64>() / n).exp();
        let ends = at.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p.perplexity), h.max(p.perplexity)));
        Mark { step, parameters: at[0].parameters, flops: at[0].flops, mean, low: ends.0, high: ends.1, draws: at.len() }
    };
    steps.into_iter().map(mark).collect()
}

/// Perplexity of an arm at a memory, between its marks (straight in the logarithm); `None` outside of them. The whole model is every arm's first mark.
pub fn at_memory(points: &[Point], arm: &str, parameters: f64) -> Option<f64> {
    let mut known: Vec<(f64, f64)> = marks(points, arm).into_iter().chain(marks(points, "whole")).map(|m| (m.parameters, m.mean.ln())).collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let i = known.windows(2).position(|w| (w[0].0..=w[1].0).contains(&parameters))?;
    let ((x0, y0), (x1, y1)) = (known[i], known[i + 1]);
    let t = if x1 > x0 { (parameters - x0) / (x1 - x0) } else { 0.0 };
    Some((y0 + t * (y1 - y0)).exp())
}

/// Perplexity against memory and against operations, and the table.
pub fn rivals(points: &[Point]) -> Vec<Figure> {
    let lines = |x: &dyn Fn(&Mark) -> f64| {
        let mut all = Vec::new();
        for (arm, color) in ARMS.iter().filter(|(a, _)| *a != "whole") {
            let of: Vec<Mark> = marks(points, "whole").into_iter().chain(marks(points, arm)).collect();
            if of.len() < 2 {
                continue;
            }
            let xs: Vec<f64> = of.iter().map(x).collect();
            if of.iter().any(|m| m.draws > 1) {
                all.push(series(format!("{arm}, best"), color, xs.clone(), of.iter().map(|m| m.low).collect()));
                all.push(series(format!("{arm}, worst"), color, xs, of.iter().map(|m| m.high).collect()));
            } else {
                all.push(series(*arm, color, xs, of.iter().map(|m| m.mean).collect()));
            }
        }
        all
    };
    let y = || axis("perplexity", "");
    let sentence = said(points);
    let table = table(points);
    vec![
        figure("condense-memory", "Perplexity against memory", sentence.clone(), FigureKind::Lines { x: axis("parameters", "count"), y: y(), series: lines(&|m| m.parameters) }),
        figure("condense-flops", "Perplexity against operations a token", sentence, FigureKind::Lines { x: axis("operations a token", "count"), y: y(), series: lines(&|m| m.flops) }),
        table,
    ]
}

fn said(points: &[Point]) -> String {
    let Some(last) = marks(points, "CD-MoE-SR").pop() else { return "Nothing was measured yet.".into() };
    let mut text = format!("With {} layers condensed the perplexity is {}", last.step, digits(last.mean));
    if let Some(drop) = at_memory(points, "LayerDrop", last.parameters) {
        text.push_str(&format!("; dropping layers to the same memory gives {}", digits(drop)));
    }
    if let Some(band) = marks(points, "random, condensed").into_iter().find(|m| m.step == last.step) {
        let inside = (band.low..=band.high).contains(&last.mean);
        text.push_str(&format!("; {} random choices lie between {} and {}, the greedy one is {}", band.draws, digits(band.low), digits(band.high), if inside { "inside that band" } else if last.mean < band.low { "better than all of them" } else { "worse than all of them" }));
    }
    text + "."
}

fn table(points: &[Point]) -> Figure {
    let whole = marks(points, "whole").pop();
    let columns = [("way", ""), ("layers", ""), ("parameters", ""), ("kept", ""), ("operations a token", ""), ("perplexity", ""), ("lowest", ""), ("highest", ""), ("draws", "")];
    let mut rows = Vec::new();
    for (arm, _) in ARMS {
        for m in marks(points, arm) {
            let kept = whole.as_ref().map_or_else(String::new, |w| percent(m.parameters / w.parameters));
            let (low, high) = if m.draws > 1 { (format!("{:.3}", m.low), format!("{:.3}", m.high)) } else { (String::new(), String::new()) };
            rows.push(vec![arm.into(), m.step.to_string(), format!("{}", m.parameters), kept, format!("{}", m.flops), format!("{:.3}", m.mean), low, high, m.draws.to_string()]);
        }
    }
    let sentence = "Every way is measured on the same windows; of several draws the geometric mean, the lowest and the highest stand here.";
    figure("condense-table", "Ways of making the model smaller", sentence, FigureKind::Table { columns: columns.map(|(n, u)| axis(n, u)).to_vec(), rows })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experts::Plan;

    fn point(arm: &str, step: u32, parameters: f64, perplexity: f64) -> Point {
        Point { arm: arm.into(), step, draw: 0, plan: Plan::default(), parameters, bytes: 0.0, flops: 0.0, perplexity, beside: None }
    }

    #[test]
    fn equal_memory_is_read_between_the_marks() {
        let points = [point("whole", 0, 100.0, 10.0), point("LayerDrop", 1, 50.0, 40.0), point("CD-MoE-SR", 1, 75.0, 12.0)];
        assert!((at_memory(&points, "LayerDrop", 75.0).unwrap() - 20.0).abs() < 1e-9, "half way in the logarithm");
        assert_eq!(at_memory(&points, "LayerDrop", 40.0), None);
        assert!(said(&points).contains("same memory gives 20"));
        assert_eq!(rivals(&points).len(), 3);
    }
}
