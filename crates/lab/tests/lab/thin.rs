//! Copies without some experts, opened again and run: they are worth what the method said.

use std::path::{Path, PathBuf};

use espalier_lab::Engine;
use espalier_lab::protocol::{Command, Edits, Reply, Summary};
use espalier_methods::calibration::Corpus;
use espalier_methods::experts::Point;
use espalier_methods::report::{Finding, Report};
use espalier_nets::checkpoint::sources_at;
use espalier_nets::testing::source;
use serde_json::{Value, json};

use crate::common::{Bench, answer, bench, open_all, run, whole};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Weights and configuration of a small model of `tests/golden/models`.
fn golden(name: &str) -> (Vec<u8>, Value) {
    let folder = repository().join("tests/golden/models");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("cases.json")).expect("cases")).expect("JSON");
    let case = cases.iter().find(|c| c["name"] == name).expect("the case");
    (std::fs::read(folder.join(format!("{}.safetensors", case["weights"].as_str().expect("a name")))).expect("weights"), case["config"].clone())
}

fn tell_text(engine: &Engine, below: u32) {
    let words: Vec<u32> = (0..700u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 16) % below).collect();
    let corpus = Corpus { name: "rule".into(), documents: vec![words.into()], ..Corpus::default() };
    pollster::block_on(engine.handle(Command::Text(corpus)));
}

fn opened(files: &[(&str, &[u8])], below: u32) -> (Engine, std::rc::Rc<Bench>, Summary) {
    let (engine, face) = bench();
    let summary = open_all(&engine, &face, files.iter().map(|(n, b)| source(n, b)).collect()).expect("opens");
    tell_text(&engine, below);
    (engine, face, summary)
}

fn last(report: &Report) -> &Point {
    report.findings.iter().rev().find_map(|f| if let Finding::Point(p) = f { p.beside.is_some().then_some(p) } else { None }).expect("the run's own mark")
}

fn export(engine: &Engine, face: &Bench, point: &Point) -> Vec<u8> {
    match answer(engine, face, Command::Export { job: 9, edits: Edits::Thin { plan: point.plan.clone() }, provenance: Vec::new() }) {
        Reply::Exported { bytes, .. } => {
            let written = face.written.borrow().clone();
            assert_eq!(bytes, written.len() as f64);
            written
        }
        other => panic!("{other:?}"),
    }
}

fn perplexity(report: &Report) -> f64 {
    report.stats.iter().find(|s| s.label == "perplexity").expect("a perplexity").value
}

/// Exports a mark's plan, opens the copy with the configuration that belongs to it, and measures it on the same windows.
fn again(engine: &Engine, face: &Bench, point: &Point, below: u32) -> (f64, f64) {
    let copy = export(engine, face, point);
    let config = &point.beside.as_ref().expect("what stands beside").config;
    let (engine, face, summary) = opened(&[("model.safetensors", &copy), ("config.json", config.as_bytes())], below);
    let stored: f64 = summary.tensors.iter().map(|t| t.elements).sum();
    (perplexity(&run(&engine, &face, "perplexity", json!({ "length": 24, "windows": 4 }))), stored)
}

#[test]
fn condensed_copies_are_dense_where_they_were_sparse_and_worth_what_was_said() {
    let moe = sources_at(&[repository().join("assets/checkpoints/shakespeare-moe")]).expect("the bundled mixture");
    let (engine, face) = bench();
    open_all(&engine, &face, moe).expect("opens");
    tell_text(&engine, 500);
    for variant in ["sr", "s"] {
        let report = run(&engine, &face, "condense", json!({ "variant": variant, "layers": 2, "samples": 2, "length": 24, "windows": 4 }));
        let point = last(&report);
        let (got, stored) = again(&engine, &face, point, 500);
        assert_eq!(stored, point.parameters, "{variant}: what is written is what was counted");
        // Constant weights are rounded into half-precision matrices: 2⁻¹¹ of each product, far under a thousandth of the loss.
        assert!((got.ln() - point.perplexity.ln()).abs() < 1e-3, "{variant}: {got} {}", point.perplexity);
    }
}

#[test]
fn every_family_is_condensed_and_thinned_to_the_same_perplexity() {
    for name in ["mixtral", "olmoe", "olmoe normalised"] {
        let (weights, config) = golden(name);
        let config = config.to_string();
        let (engine, face, _) = opened(&[("model.safetensors", &weights), ("config.json", config.as_bytes())], 20);
        let condensed = run(&engine, &face, "condense", json!({ "layers": 1, "samples": 3, "length": 24, "windows": 4 }));
        let fewer: Vec<Value> = (0..2).map(|b| json!({ "block": b, "change": { "among": { "experts": [3, 1, 0] } } })).collect();
        let thinned = run(&engine, &face, "thin", json!({ "plan": { "changes": fewer }, "length": 24, "windows": 4 }));
        // Matrices that are only copied are the same to the bit; constant weights are rounded into half-precision ones, as above.
        for (report, allowed) in [(condensed, 1e-3), (thinned, 1e-6)] {
            let point = last(&report);
            let (got, stored) = again(&engine, &face, point, 20);
            assert_eq!(stored, point.parameters, "{name} {}", point.arm);
            assert!((got.ln() - point.perplexity.ln()).abs() < allowed, "{name} {}: {got} {}", point.arm, point.perplexity);
        }
    }
}

#[test]
fn layers_that_are_dropped_whole_are_not_written() {
    let (weights, config) = golden("mixtral");
    let config = config.to_string();
    let (engine, face, _) = opened(&[("model.safetensors", &weights), ("config.json", config.as_bytes())], 20);
    let plan = serde_json::from_value(json!({ "changes": [{ "block": 1, "change": "block" }] })).expect("a plan");
    let Reply::Failed { fault, .. } = answer(&engine, &face, Command::Export { job: 9, edits: Edits::Thin { plan }, provenance: Vec::new() }) else { panic!("it cannot be written") };
    whole(&fault);
    assert!(fault.what.contains("Block 1"));
}
