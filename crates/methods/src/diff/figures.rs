//! What a comparison shows.

use crate::figures::{axis, digits, figure, log_axis, percent, series, stat};
use crate::report::{Difference, Figure, FigureKind, Spectrum, Stat, TensorDiff};

fn word(state: Difference) -> &'static str {
    match state {
        Difference::Same => "same",
        Difference::Changed => "changed",
        Difference::Factored => "factored",
        Difference::Shape => "other shape",
        Difference::OnlyFirst => "only in the first",
        Difference::OnlySecond => "only in the second",
        Difference::NotDecoded => "not decoded",
    }
}

fn both(pair: &[String; 2]) -> String {
    match pair {
        [a, b] if a == b || b.is_empty() => a.clone(),
        [a, b] if a.is_empty() => b.clone(),
        [a, b] => format!("{a} → {b}"),
    }
}

/// One row a tensor.
pub fn table(rows: &[TensorDiff]) -> Figure {
    let shape = |s: &[f64]| if s.is_empty() { String::new() } else { format!("[{}]", s.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")) };
    let compared = |r: &TensorDiff| matches!(r.state, Difference::Same | Difference::Changed | Difference::Factored);
    let cells = |r: &TensorDiff| {
        let number = |text: String| if compared(r) { text } else { "–".into() };
        vec![
            r.tensor.clone(),
            word(r.state).into(),
            both(&r.dtypes),
            both(&[shape(&r.shapes[0]), shape(&r.shapes[1])]),
            number(r.relative.map_or("∞".into(), percent)),
            number(digits(r.largest)),
            number(format!("{}", r.zeros_gained)),
            number(format!("{}", r.zeros_lost)),
        ]
    };
    let columns = [("tensor", ""), ("state", ""), ("type", ""), ("shape", ""), ("relative change", "%"), ("largest change", ""), ("zeros gained", "count"), ("zeros lost", "count")];
    let kind = FigureKind::Table { columns: columns.map(|(n, u)| axis(n, u)).into(), rows: rows.iter().map(cells).collect() };
    figure("diff", "Tensors of both checkpoints", sentence(rows), kind)
}

/// What came out, in a sentence.
pub fn sentence(rows: &[TensorDiff]) -> String {
    let count = |state| rows.iter().filter(|r| r.state == state).count();
    let same = count(Difference::Same);
    if same == rows.len() {
        return format!("All {same} tensors hold the same values.");
    }
    let mut parts = vec![format!("{same} of {} tensors hold the same values", rows.len())];
    for (state, text) in [
        (Difference::Changed, "are changed"),
        (Difference::Factored, "are factored"),
        (Difference::Shape, "have another shape"),
        (Difference::OnlyFirst, "are only in the first"),
        (Difference::OnlySecond, "are only in the second"),
        (Difference::NotDecoded, "could not be decoded"),
    ] {
        match count(state) {
            0 => {}
            n => parts.push(format!("{n} {text}")),
        }
    }
    format!("{}.", parts.join(", "))
}

/// Headline numbers.
pub fn stats(rows: &[TensorDiff]) -> Vec<Stat> {
    let elements: f64 = rows.iter().map(|r| r.elements).sum();
    let sum = |f: fn(&TensorDiff) -> f64| rows.iter().map(f).sum::<f64>();
    let largest = rows.iter().filter_map(|r| r.relative).fold(0.0, f64::max);
    vec![
        stat("tensors changed", rows.iter().filter(|r| r.state != Difference::Same).count() as f64, "", format!("of {}", rows.len())),
        stat("largest relative change", largest, "%", ""),
        stat("weights that differ", sum(|r| r.differing), "", format!("of {elements}")),
        stat("zeros gained", sum(|r| r.zeros_gained), "", ""),
        stat("zeros lost", sum(|r| r.zeros_lost), "", ""),
    ]
}

/// Both spectra of one matrix on the same axes.
pub fn overlay(name: &str, first: Option<&Spectrum>, second: Option<&Spectrum>) -> Figure {
    let line = |label: &str, color: &str, s: &Spectrum| {
        let seen: Vec<(f64, f64)> = s.values.iter().enumerate().filter(|(_, v)| **v > s.floor).map(|(i, v)| ((i + 1) as f64, *v)).collect();
        series(label, color, seen.iter().map(|p| p.0).collect(), seen.iter().map(|p| p.1).collect())
    };
    let lines: Vec<_> = first.map(|s| line("first", "ghost", s)).into_iter().chain(second.map(|s| line("second", "c1", s))).collect();
    let ranks = |s: Option<&Spectrum>| s.map_or("none".into(), |s| s.energy_ranks[1].to_string());
    let sentence = format!("Singular values of {name} in both checkpoints; 95 % of the energy lies in {} and {} of them.", ranks(first), ranks(second));
    figure(&format!("spectrum {name}"), name, sentence, FigureKind::Lines { x: axis("place in the spectrum", "count"), y: log_axis("σ", ""), series: lines })
}
