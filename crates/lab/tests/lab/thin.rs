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

/// The `thin` method under a plan, its mark, and the copy's perplexity and size.
fn thinned(files: &[(&str, &[u8])], changes: Value, below: u32) -> (Point, f64, f64, Value) {
    let (engine, face, _) = opened(files, below);
    let report = run(&engine, &face, "thin", json!({ "plan": { "changes": changes }, "length": 24, "windows": 4 }));
    let point = last(&report).clone();
    let (got, stored) = again(&engine, &face, &point, below);
    let config = serde_json::from_str(&point.beside.as_ref().expect("what stands beside").config).expect("JSON");
    (point, got, stored, config)
}

#[test]
fn blocks_that_go_whole_are_written_and_the_others_numbered_anew() {
    let folder = repository().join("assets/checkpoints/shakespeare-moe");
    let [weights, config] = ["model.safetensors", "config.json"].map(|n| std::fs::read(folder.join(n)).expect("the bundled mixture"));
    let files: [(&str, &[u8]); 2] = [("model.safetensors", &weights), ("config.json", &config)];
    // Two blocks go; behind the first one is condensed, so that its name and its key move with it.
    let condensed = json!({ "condensed": { "experts": [3, 1], "weights": [0.5, 0.25] } });
    let mixed = json!([{ "block": 1, "change": "block" }, { "block": 2, "change": condensed }, { "block": 4, "change": "block" }]);
    for (changes, exact) in [(json!([{ "block": 1, "change": "block" }, { "block": 3, "change": "block" }]), true), (mixed, false)] {
        let (point, got, stored, config) = thinned(&files, changes, 500);
        assert_eq!(config["num_hidden_layers"], 3);
        assert_eq!(stored, point.parameters, "what is written is what was counted");
        // What is only copied is the same to the bit; constant weights are rounded into half precision.
        assert!((got.ln() - point.perplexity.ln()).abs() < if exact { 1e-9 } else { 1e-3 }, "{got} {}", point.perplexity);
        let how = &point.beside.as_ref().expect("it says").how;
        assert_eq!(config["condensed_layers"]["1"].is_object(), !exact, "block 2 is block 1 of the copy");
        assert_eq!(how.contains("Qwen2MoeForCausalLM.from_pretrained"), exact, "{how}");
    }
}

#[test]
fn a_mixture_that_goes_leaves_a_dense_layer_that_gives_nothing() {
    for name in ["mixtral", "olmoe"] {
        let (weights, config) = golden(name);
        let config = config.to_string();
        let (point, got, stored, config) = thinned(&[("model.safetensors", &weights), ("config.json", config.as_bytes())], json!([{ "block": 1, "change": "layer" }]), 20);
        assert_eq!(config["condensed_layers"], json!({ "1": { "width": 1, "shared": 0 } }));
        let hidden = config["hidden_size"].as_f64().expect("a width");
        assert_eq!(stored, point.parameters + 3.0 * hidden, "{name}: three rows of zeros stand for it");
        assert!((got.ln() - point.perplexity.ln()).abs() < 1e-9, "{name}: {got} {}", point.perplexity);
    }
}

#[test]
fn what_no_class_loads_is_refused_with_the_reason() {
    let (weights, mut config) = golden("mixtral");
    config["moe_layer_freq"] = json!(2);
    let config = config.to_string();
    let (engine, face, _) = opened(&[("model.safetensors", &weights), ("config.json", config.as_bytes())], 20);
    let plan = serde_json::from_value(json!({ "changes": [{ "block": 1, "change": "block" }] })).expect("a plan");
    let Reply::Failed { fault, .. } = answer(&engine, &face, Command::Export { job: 9, edits: Edits::Thin { plan }, provenance: Vec::new() }) else { panic!("it cannot be written") };
    whole(&fault);
    assert!(fault.what.contains("Block 1") && fault.why.contains("one block in 2"), "{fault:?}");
}
