//! Figures of a routing record.

use super::{Measure, Routing};
use crate::figures::{axis, digits, figure, percent, series};
use crate::report::{Axis, Cells, Figure, FigureKind};

fn cells(rows: usize, columns: usize, values: Vec<f64>) -> Cells {
    #[expect(clippy::cast_possible_truncation, reason = "cells are drawn, not computed with")]
    let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
    Cells { rows: rows as u32, cols: columns as u32, values: values.into() }
}

fn grid(r: &Routing, id: &str, title: &str, sentence: String, value: Axis, values: Vec<f64>, diverging: bool) -> Figure {
    let kind = FigureKind::HeatMap { x: axis("expert", ""), y: axis("layer", ""), value, cells: cells(r.layers(), r.experts as usize, values), diverging };
    figure(id, title, sentence, kind)
}

/// All of them: three grids, balance by layer, the busiest pairs, and the difference of two texts.
pub fn routing(all: &[Routing]) -> Vec<Figure> {
    let r = &all[0];
    let counts = r.grid(Measure::Count, usize::MAX);
    let even = r.length() as f64 * f64::from(r.per_token) / f64::from(r.experts.max(1));
    let idle = counts.iter().filter(|c| **c == 0.0).count();
    let mut out = vec![
        grid(r, "experts-counts", "Tokens by layer and expert", format!("An even load would be {} tokens an expert; {idle} of {} experts were not woken.", digits(even), counts.len()), axis("tokens", "count"), counts, false),
        grid(r, "experts-weights", "Mean gate weight by layer and expert", "Over the tokens that were sent to the expert; empty where there were none.".into(), axis("gate weight", ""), r.grid(Measure::Weight, usize::MAX), false),
        grid(r, "experts-norms", "Mean gate-weighted output norm", "How much an expert adds to the residual stream when it is chosen; empty where it was not.".into(), axis("norm", ""), r.grid(Measure::Norm, usize::MAX), false),
        balance(r),
        table(r),
    ];
    if let Some(other) = all.get(1) {
        let sentence = format!("Share of the choices in {} less the share in {}: red wakes for the first, blue for the second.", r.text, other.text);
        out.push(grid(r, "experts-difference", "What the two texts wake differently", sentence, axis("difference of shares", ""), r.difference(other), true));
    }
    out
}

fn balance(r: &Routing) -> Figure {
    let layers: Vec<f64> = (0..r.layers()).map(|l| f64::from(r.blocks[l])).collect();
    let of: Vec<_> = (0..r.layers()).map(|l| r.balance(l, usize::MAX)).collect();
    let router = (0..r.layers()).map(|l| mean((0..r.length()).map(|t| f64::from(r.entropy[t * r.layers() + l])))).collect();
    let kind = FigureKind::Lines {
        x: axis("block", ""),
        y: axis("entropy over that of an even one", ""),
        series: vec![series("load of the experts", "expert", layers.clone(), of.iter().map(|b| b.entropy).collect()), series("router, a token", "router", layers, router)],
    };
    let least = of.iter().enumerate().min_by(|a, b| a.1.entropy.total_cmp(&b.1.entropy));
    let sentence = least.map_or_else(String::new, |(l, b)| {
        format!("1 is even. Block {} spreads its tokens least: {}, its busiest expert takes {} times its share.", r.blocks[l], digits(b.entropy), digits(b.peak))
    });
    figure("experts-balance", "Load and router entropy by block", sentence, kind)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
    if n > 0.0 { sum / n } else { f64::NAN }
}

/// Two of a layer that came together most, against chance: where, lift, tokens.
fn pair(r: &Routing, layer: usize) -> Option<(usize, usize, f64, f64)> {
    let (lift, both, n) = (r.lift(layer), r.together(layer), r.experts as usize);
    // A pair seen once or twice says nothing.
    let some = (0..n * n).filter(|at| at / n < at % n && both[*at] >= 5.0 && lift[*at].is_finite());
    some.max_by(|a, b| lift[*a].total_cmp(&lift[*b])).map(|at| (at / n, at % n, lift[at], both[at]))
}

fn table(r: &Routing) -> Figure {
    let columns = ["block", "busiest expert", "its share", "load entropy", "peak over mean", "Gini", "not woken", "closest pair", "its lift"];
    let counts = r.grid(Measure::Count, usize::MAX);
    let experts = r.experts as usize;
    let rows = (0..r.layers()).map(|l| {
        let row = &counts[l * experts..(l + 1) * experts];
        let top = (0..experts).max_by(|a, b| row[*a].total_cmp(&row[*b]).then(b.cmp(a))).unwrap_or(0);
        let total: f64 = row.iter().sum::<f64>().max(1.0);
        let b = r.balance(l, usize::MAX);
        let (names, lift) = pair(r, l).map_or_else(|| (String::new(), String::new()), |(i, j, lift, _)| (format!("{i} and {j}"), digits(lift)));
        vec![r.blocks[l].to_string(), top.to_string(), percent(row[top] / total), digits(b.entropy), digits(b.peak), digits(b.gini), b.idle.to_string(), names, lift]
    });
    let kind = FigureKind::Table { columns: columns.map(|n| axis(n, "")).to_vec(), rows: rows.collect() };
    figure("experts-table", "Balance by block", "Lift compares how often two experts are chosen for the same token with what chance would give (pairs seen at least five times).", kind)
}
