//! `espalier spectra`, `rank` and `prune`: one method run, then its table, and the new checkpoint where one was asked for.

use std::path::Path;

use espalier_lab::protocol::{Command, Edits, Reply};
use espalier_methods::recipe::{Layer, Modifier, Structure, as_json, llm_compressor, torch_pruning};
use espalier_methods::report::{Finding, Report, Stat, Tail};
use serde_json::{Map, Value, json};

use crate::args::{Chooser, Common, Prune, Rank, Run, Spectra};
use crate::compare::{keep, write};
use crate::language;
use crate::output::{Target, target};
use crate::session::{Failure, Lab};
use crate::table::{Table, bytes, number, percent};

/// Spectra of the matrices.
pub fn spectra(args: &Spectra) -> Result<String, Failure> {
    let lab = Lab::open(&args.common)?;
    let report = run(&lab, &args.common, &args.run, "spectra", Map::new())?;
    keep(&lab, args.run.record.as_ref())?;
    printed(&args.common, &report, spectra_table(&report))
}

/// Ranks, and the smaller checkpoint.
pub fn rank(args: &Rank) -> Result<String, Failure> {
    let place = target(&args.common, &args.output)?;
    let lab = Lab::open(&args.common)?;
    let report = run(&lab, &args.common, &args.run, "welore", rank_config(args))?;
    if let Some(place) = place {
        let ranks = choices(&report).filter(|c| c.factored).map(|c| (c.tensor.clone(), c.kept)).collect();
        export(&lab, &args.common, &place, Edits::Rank { ranks, factors: !args.dense }, &report)?;
        if !args.dense {
            eprintln!("note: factors are named X.U.weight and X.V.weight (y = U V x); with --dense other tools open the file as it is");
        }
    }
    keep(&lab, args.run.record.as_ref())?;
    printed(&args.common, &report, rank_table(&report))
}

/// Pruning, and the sparse checkpoint.
pub fn prune(args: &Prune) -> Result<String, Failure> {
    if let Some(method) = args.method.calibrated() {
        return language::prune(method, args);
    }
    if let Some(extra) = [("--text", args.texts.text.is_empty()), ("--pattern", args.pattern.is_none()), ("--set", args.set.is_empty())].iter().find(|(_, none)| !none) {
        let why = "Magnitude looks at nothing but the weights.".into();
        return Err(Failure::Usage(format!("{} does not go with --method magnitude", extra.0), why, "Leave it out (a pattern is --scope N:M), or choose --method wanda, sparsegpt or owl.".into()));
    }
    let place = target(&args.common, &args.output)?;
    let lab = Lab::open(&args.common)?;
    let mut config = Map::new();
    let mut set = |key: &str, value: Option<Value>| value.map(|v| config.insert(key.into(), v));
    set("sparsity", args.sparsity.map(Value::from));
    set("scope", args.scope.clone().map(Value::from));
    set("allocation", args.allocation.clone().map(Value::from));
    set("rule", args.rule.clone().map(Value::from));
    let report = run(&lab, &args.common, &args.run, "magnitude", config)?;
    if let Some(place) = place {
        let (config, matrices) = (report.config.clone(), names(&args.run));
        let edits = if args.masks { Edits::Masks { config, matrices } } else { Edits::Magnitude { config, matrices } };
        export(&lab, &args.common, &place, edits, &report)?;
    }
    if let Some(file) = &args.recipe {
        write(file, &recipe(file, &report, args.modifier)?)?;
    }
    keep(&lab, args.run.record.as_ref())?;
    printed(&args.common, &report, prune_table(&report))
}

/// The sparsities that came out, in the words of the tool that the ending names.
pub fn recipe(file: &Path, report: &Report, chooser: Chooser) -> Result<String, Failure> {
    let layers: Vec<Layer> = report
        .findings
        .iter()
        .filter_map(|f| if let Finding::Pruned(p) = f { Some(Layer::new(&p.tensor, if p.elements > 0.0 { p.zeros / p.elements } else { 0.0 })) } else { None })
        .collect();
    let scope = ["scope", "pattern"].iter().find_map(|k| report.config.get(k).and_then(Value::as_str)).unwrap_or_default();
    let structure = match scope.split_once(':').map(|(n, m)| (n.parse(), m.parse())) {
        Some((Ok(n), Ok(m))) => Structure::NOfM { n, m },
        _ => Structure::Unstructured,
    };
    let modifier = match chooser {
        Chooser::Magnitude => Modifier::Magnitude,
        Chooser::Wanda => Modifier::Wanda,
        Chooser::Sparsegpt => Modifier::SparseGpt,
    };
    match file.extension().and_then(|e| e.to_str()) {
        Some("yaml" | "yml") => Ok(llm_compressor(&layers, structure, modifier)),
        Some("py") => Ok(torch_pruning(&layers)),
        Some("json") => Ok(serde_json::to_string_pretty(&as_json(&layers, structure))? + "\n"),
        _ => Err(Failure::Usage(format!("{} was not written", file.display()), "Its ending says for which tool the recipe is, and this one is none of them.".into(), "Name it .yaml, .py or .json.".into())),
    }
}

fn rank_config(args: &Rank) -> Map<String, Value> {
    let rule = match (args.threshold, args.energy) {
        (Some(_), _) => "threshold",
        (_, Some(_)) => "energy",
        _ if args.uniform => "uniform",
        _ if args.reach => "reach",
        _ => "nearest",
    };
    let mut config = Map::from_iter([("rule".to_owned(), json!(rule))]);
    for (key, value) in [("target", args.target), ("threshold", args.threshold), ("energy", args.energy), ("min_ratio", args.min_ratio)] {
        if let Some(v) = value {
            config.insert(key.into(), json!(v));
        }
    }
    if args.size_aware {
        config.insert("size_aware".into(), json!(true));
    }
    config
}

/// The matrices that were named; `None` for all.
pub fn names(run: &Run) -> Option<Vec<String>> {
    (!run.matrices.is_empty()).then(|| run.matrices.clone())
}

/// Runs a method of the registry to its report.
pub fn run(lab: &Lab, common: &Common, run: &Run, method: &str, config: Map<String, Value>) -> Result<Report, Failure> {
    let device = lab.device(common)?;
    let command =
        Command::Run { job: 1, method: method.into(), config: config.into(), matrices: names(run), known: Vec::new(), seed: run.seed };
    match lab.answer(command)? {
        Reply::Done { report, seconds, .. } => {
            if !common.json {
                eprintln!("{} on {} in {seconds:.2} s", report.method, device.name);
            }
            Ok(*report)
        }
        other => Err(Failure::strange(&other)),
    }
}

/// Writes the new checkpoint.
pub fn export(lab: &Lab, common: &Common, place: &Target, edits: Edits, report: &Report) -> Result<(), Failure> {
    lab.face.write_to(place.file.clone());
    let provenance = vec![("espalier.method".to_owned(), report.method.clone()), ("espalier.settings".to_owned(), report.config.to_string())];
    match lab.answer(Command::Export { job: 2, edits, provenance })? {
        Reply::Exported { bytes: n, changed, seconds, .. } => {
            place.companions(common)?;
            eprintln!("wrote {} ({}, {changed} tensors changed) in {seconds:.2} s", place.file.display(), bytes(n));
            Ok(())
        }
        other => Err(Failure::strange(&other)),
    }
}

/// The report as JSON or as a table with its summary.
pub fn printed(common: &Common, report: &Report, table: Table) -> Result<String, Failure> {
    if common.json {
        return Ok(serde_json::to_string_pretty(report)? + "\n");
    }
    let stats: String = report.stats.iter().map(stat).collect();
    let warnings: String = report.warnings.iter().map(|w| format!("warning: {w}\n")).collect();
    Ok(format!("{}\n{}\n{stats}{warnings}", table.text(), report.summary))
}

fn stat(s: &Stat) -> String {
    let value = if s.unit == "%" { percent(s.value) } else { format!("{} {}", number(s.value), s.unit).trim_end().to_owned() };
    let context = if s.context.is_empty() { String::new() } else { format!(" ({})", s.context) };
    format!("  {}: {value}{context}\n", s.label)
}

fn spectra_table(report: &Report) -> Table {
    let mut t = Table::new(&["matrix", ">out", ">in", ">σ₁", ">stable rank", ">effective rank", ">rank 90 %", ">95 %", ">99 %", ">α", ">KS"]);
    for f in &report.findings {
        let Finding::Spectrum(s) = f else { continue };
        let (alpha, distance) = match &s.tail {
            Tail::Fit { alpha, distance, .. } => (number(*alpha), number(*distance)),
            Tail::TooFew { .. } => ("too few".into(), String::new()),
            Tail::Flat { .. } => ("flat".into(), String::new()),
        };
        let name = s.slice.map_or_else(|| s.tensor.clone(), |i| format!("{}#{i}", s.tensor));
        let [a, b, c] = s.energy_ranks.map(|r| r.to_string());
        let first = s.values.first().copied().unwrap_or(0.0);
        t.row(vec![name, s.shape[0].to_string(), s.shape[1].to_string(), number(first), number(s.stable_rank), number(s.effective_rank), a, b, c, alpha, distance]);
    }
    t
}

fn choices(report: &Report) -> impl Iterator<Item = &espalier_methods::report::RankChoice> {
    report.findings.iter().filter_map(|f| if let Finding::Rank(c) = f { Some(c) } else { None })
}

fn rank_table(report: &Report) -> Table {
    let mut t = Table::new(&["matrix", ">out", ">in", ">full", ">attempted", ">kept", "form", ">error", ">uniform rank", ">its error"]);
    for c in choices(report) {
        let form = if c.factored { "factored" } else { "dense" };
        let n = |x: u32| x.to_string();
        t.row(vec![c.tensor.clone(), n(c.shape[0]), n(c.shape[1]), n(c.full), n(c.attempted), n(c.kept), form.into(), percent(c.error), n(c.uniform), percent(c.uniform_error)]);
    }
    t
}

/// A row a matrix.
pub fn prune_table(report: &Report) -> Table {
    let mut t = Table::new(&["matrix", ">weights", ">zeros", ">sparsity", ">asked for", ">cut at |w|", ">error"]);
    for f in &report.findings {
        let Finding::Pruned(p) = f else { continue };
        let sparsity = if p.elements > 0.0 { p.zeros / p.elements } else { 0.0 };
        t.row(vec![p.tensor.clone(), p.elements.to_string(), p.zeros.to_string(), percent(sparsity), percent(p.target), number(p.threshold), percent(p.error)]);
    }
    t
}
