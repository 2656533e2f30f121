//! Mixtures of experts: which of them a text wakes, condensing them, taking them away by hand.

use espalier_lab::protocol::Edits;
use espalier_methods::experts::{BlockChange, Change, Plan, Point};
use espalier_methods::report::{Finding, Report};
use espalier_nets::checkpoint::Role;
use serde_json::{Map, Value, json};

use crate::args::{Common, CondenseArgs, ExpertsArgs, ThinArgs};
use crate::compare::{keep, write};
use crate::language::{counts, figure_table, put, settings, texts, tokenizer, usage};
use crate::output::{Target, target};
use crate::run::{export, printed, run};
use crate::session::{Failure, Lab};

/// `espalier experts`.
pub fn experts(args: &ExpertsArgs) -> Result<String, Failure> {
    let lab = Lab::open(&args.common)?;
    let mut config = Map::new();
    let mut named = |key: &str, name: &str, text: &str| -> Result<(), Failure> {
        let tokens = tokenizer(&args.common, args.texts.tokenizer.as_deref())?;
        config.insert(key.into(), json!(tokens.encode(text, true).map_err(usage)?));
        config.insert(name.into(), shortened(text).into());
        Ok(())
    };
    if let Some(text) = &args.prompt {
        named("tokens", "name", text)?;
    }
    if let Some(text) = &args.second {
        named("second", "second_name", text)?;
    }
    put(&mut config, [("most", args.most.map(Value::from))]);
    texts(&lab, &args.common, &args.texts)?;
    let report = run(&lab, &args.common, &args.run, "experts", config)?;
    keep(&lab, args.run.record.as_ref())?;
    printed(&args.common, &report, figure_table(report.figures.iter().find(|f| f.id == "experts-table")))
}

/// The beginning of a text, for a name.
fn shortened(text: &str) -> String {
    let start: String = text.chars().take(24).collect();
    if start.len() < text.len() { format!("“{}…”", start.trim_end()) } else { format!("“{start}”") }
}

/// `espalier condense`.
pub fn condense(args: &CondenseArgs) -> Result<String, Failure> {
    let place = target(&args.common, &args.output)?;
    let lab = Lab::open(&args.common)?;
    texts(&lab, &args.common, &args.texts)?;
    let mut config = settings(&args.set)?;
    put(&mut config, [("variant", args.variant.clone().map(Value::from)), ("layers", args.layers.map(Value::from)), ("experts", args.experts.map(Value::from))]);
    put(&mut config, [("metric", args.metric.clone().map(Value::from)), ("rivals", args.rivals.then_some(Value::Bool(true)))]);
    counts(&mut config, &args.texts);
    let report = run(&lab, &args.common, &args.run, "condense", config)?;
    finish(&lab, &args.common, place, &report)?;
    keep(&lab, args.run.record.as_ref())?;
    let wanted = if args.rivals { "condense-table" } else { "condense-choices" };
    printed(&args.common, &report, figure_table(report.figures.iter().find(|f| f.id == wanted)))
}

/// `espalier thin`.
pub fn thin(args: &ThinArgs) -> Result<String, Failure> {
    let place = target(&args.common, &args.output)?;
    let lab = Lab::open(&args.common)?;
    texts(&lab, &args.common, &args.texts)?;
    let mut config = Map::from_iter([("plan".to_owned(), serde_json::to_value(plan(args, &lab)?)?)]);
    put(&mut config, [("length", args.texts.length.map(Value::from)), ("windows", args.texts.windows.map(Value::from))]);
    let report = run(&lab, &args.common, &args.run, "thin", config)?;
    finish(&lab, &args.common, place, &report)?;
    keep(&lab, args.run.record.as_ref())?;
    printed(&args.common, &report, figure_table(None))
}

fn plan(args: &ThinArgs, lab: &Lab) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    for drop in &args.drop {
        let parsed = drop.split_once(':').and_then(|(block, list)| Some((block.trim().parse().ok()?, list.split(',').map(|e| e.trim().parse().ok()).collect::<Option<Vec<u32>>>()?)));
        let Some((block, gone)): Option<(u32, Vec<u32>)> = parsed else {
            return Err(Failure::Usage(format!("--drop {drop} was not understood"), "It is a block and its experts, BLOCK:EXPERT,EXPERT.".into(), "For instance --drop 3:0,7,12.".into()));
        };
        // The router's rows say how many experts there are.
        let router = lab.summary.tensors.iter().find(|t| t.role == Role::Router && t.block == Some(block) && t.shape.first().is_some_and(|n| *n > 1.0));
        let count = router.map_or(0, |t| t.shape[0] as u32);
        let left: Vec<u32> = (0..count).filter(|e| !gone.contains(e)).collect();
        plan.changes.push(BlockChange { block, change: Change::Among { experts: left.into() } });
    }
    plan.changes.extend(args.drop_layer.iter().map(|b| BlockChange { block: *b, change: Change::Condensed { experts: Vec::new().into(), weights: Vec::new().into() } }));
    for (blocks, change) in [(&args.drop_mixture, Change::Layer), (&args.drop_block, Change::Block)] {
        plan.changes.extend(blocks.iter().map(|b| BlockChange { block: *b, change: change.clone() }));
    }
    Ok(plan)
}

/// Writes what a run is for: weights, configuration, and the class that loads them.
fn finish(lab: &Lab, common: &Common, place: Option<Target>, report: &Report) -> Result<(), Failure> {
    let Some(place) = place else { return Ok(()) };
    let found = report.findings.iter().rev().find_map(|f| if let Finding::Point(Point { plan, beside: Some(b), .. }) = f { Some((plan.clone(), b.clone())) } else { None });
    let Some((plan, beside)) = found else { return Ok(()) };
    if let Some(folder) = place.folder() {
        write(&folder.join("config.json"), &beside.config)?;
        if let Some(text) = &beside.modeling {
            write(&folder.join("modeling_condensed.py"), text)?;
        }
    }
    export(lab, common, &place, Edits::Thin { plan }, report)?;
    let alone = if place.folder().is_some() { "" } else { "; give --out a folder to get the config.json that it needs beside it" };
    eprintln!("note: {}{alone}", beside.how);
    Ok(())
}
