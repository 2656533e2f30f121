//! `espalier inspect`.

use espalier_lab::protocol::{Command, Reply, Summary, TensorStats};
use serde_json::json;

use crate::args::Inspect;
use crate::session::{Failure, Lab};
use crate::table::{Table, bytes, count, number, percent, shape};

/// Lists tensors, or gives the statistics of some.
pub fn inspect(args: &Inspect) -> Result<String, Failure> {
    let lab = Lab::open(&args.common)?;
    let summary = &lab.summary;
    if args.tensors.is_empty() {
        return if args.common.json { json_text(&serde_json::to_value(summary)?) } else { Ok(listing(summary)) };
    }
    let mut all = Vec::new();
    for name in &args.tensors {
        let at = summary.tensors.iter().position(|t| t.name == *name).ok_or_else(|| Failure::no_tensor(name, summary))?;
        match lab.answer(Command::Stats { job: 1, tensor: at as u32 })? {
            Reply::Stats { stats, .. } => all.push((name.as_str(), stats)),
            other => return Err(Failure::strange(&other)),
        }
    }
    if args.common.json {
        let list: Vec<_> = all.iter().map(|(name, stats)| json!({ "name": name, "stats": stats })).collect();
        return json_text(&list.into());
    }
    Ok(all.iter().map(|(name, stats)| statistics(name, stats)).collect::<Vec<_>>().join("\n"))
}

fn json_text(value: &serde_json::Value) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn listing(s: &Summary) -> String {
    let mut out = String::new();
    let parameters: f64 = s.tensors.iter().map(|t| t.elements).sum();
    let kind = if s.architecture.is_empty() { format!("{:?}", s.family) } else { s.architecture.clone() };
    out.push_str(&format!("{}: {kind}, {} parameters in {} tensors, {}", s.name, count(parameters), s.tensors.len(), bytes(s.bytes)));
    out.push_str(&match s.files.len() {
        1 => "\n".to_owned(),
        n => format!(" in {n} files\n"),
    });
    for (label, value) in &s.config {
        out.push_str(&format!("  {label}: {value}\n"));
    }
    for (key, value) in &s.metadata {
        out.push_str(&format!("  {key}: {value}\n"));
    }
    for note in &s.notes {
        out.push_str(&format!("note: {note}\n"));
    }
    out.push('\n');
    let mut table = Table::new(&["tensor", "dtype", "shape", ">parameters", ">bytes", ">share", "role"]);
    for t in &s.tensors {
        let role = format!("{:?}", t.role).to_lowercase();
        let place = match (t.block, t.expert) {
            (Some(b), Some(e)) => format!("{role}, block {b}, expert {e}"),
            (Some(b), None) => format!("{role}, block {b}"),
            _ => role,
        };
        let dtype = if t.readable { t.dtype.clone() } else { format!("{} (not decoded)", t.dtype) };
        let share = if parameters > 0.0 { t.elements / parameters } else { 0.0 };
        table.row(vec![t.name.clone(), dtype, shape(&t.shape), count(t.elements), bytes(t.bytes), percent(share), place]);
    }
    out.push_str(&table.text());
    out
}

fn statistics(name: &str, s: &TensorStats) -> String {
    let mut out = format!("{name}\n");
    let mut table = Table::new(&["  statistic", ">value"]);
    let mut row = |label: &str, value: String| table.row(vec![format!("  {label}"), value]);
    row("elements", format!("{}", s.elements));
    row("zeros", format!("{} ({})", s.zeros, percent(if s.elements > 0.0 { s.zeros / s.elements } else { 0.0 })));
    if s.nan + s.infinite > 0.0 {
        row("NaN, infinite", format!("{}, {}", s.nan, s.infinite));
    }
    row("min", number(s.min));
    row("max", number(s.max));
    row("mean", number(s.mean));
    row("std", number(s.std));
    row("kurtosis", number(s.kurtosis));
    row("Frobenius norm", number(s.frobenius));
    row("outliers (> 4 std)", format!("{}", s.outliers));
    for (q, v) in espalier_lab::stats::QUANTILES.iter().zip(s.quantiles.iter()) {
        row(&format!("quantile {} %", (q * 1e4).round() / 100.0), number(*v));
    }
    out.push_str(&table.text());
    out
}
