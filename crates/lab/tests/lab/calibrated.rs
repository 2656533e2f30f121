//! Prunings that read a text, through the engine: what they leave is written without running again, and a record does it again.

use std::path::PathBuf;

use espalier_lab::Engine;
use espalier_lab::protocol::{Command, Edits, Reply};
use espalier_methods::calibration::Corpus;
use espalier_methods::findings::Language;
use espalier_methods::report::{Event, Finding, Report};
use espalier_nets::Checkpoint;
use espalier_nets::testing::source;
use serde_json::{Value, json};

use crate::common::{Bench, answer, bench, do_now, open_all, run};

/// The small Llama of the golden models, with its text.
fn opened() -> (Engine, std::rc::Rc<Bench>) {
    let (engine, face) = bench();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("cases.json")).expect("cases")).expect("JSON");
    let case = cases.iter().find(|c| c["name"] == "llama").expect("the Llama");
    let weights = std::fs::read(folder.join(format!("{}.safetensors", case["weights"].as_str().expect("a name")))).expect("weights");
    open_all(&engine, &face, vec![source("model.safetensors", &weights), source("config.json", case["config"].to_string().as_bytes())]).expect("opens");
    text(&engine);
    (engine, face)
}

fn text(engine: &Engine) {
    let words: Vec<u32> = (0..400_u32).map(|i| (i * i + i / 7) % 20).collect();
    do_now(engine, Command::Text(Corpus { name: "rule".into(), documents: vec![words.into()], bytes: 400.0, ..Corpus::default() }));
}

fn small() -> Value {
    json!({ "samples": 4, "length": 8, "windows": 4, "calibration": "rule", "evaluation": "rule" })
}

fn copy(engine: &Engine, face: &Bench, edits: Edits) -> Checkpoint {
    let Reply::Exported { .. } = answer(engine, face, Command::Export { job: 5, edits, provenance: Vec::new() }) else { panic!("{:?}", face.replies.borrow().last()) };
    pollster::block_on(Checkpoint::from_bytes("copy.safetensors", face.written.borrow().clone())).expect("opens")
}

fn runs(face: &Bench) -> usize {
    face.replies.borrow().iter().filter(|r| matches!(r, Reply::Event { event: Event::Progress { unit, .. }, .. } if unit == "blocks")).count()
}

fn zeros(report: &Report, name: &str) -> f64 {
    report.findings.iter().find_map(|f| if let Finding::Pruned(p) = f { (p.tensor == name).then_some(p.zeros) } else { None }).expect("it was pruned")
}

#[test]
fn what_was_pruned_is_written_without_running_again_and_masks_fit_it() {
    for method in ["wanda", "sparsegpt", "owl"] {
        let (engine, face) = opened();
        let report = run(&engine, &face, method, small());
        let before = runs(&face);
        let edits = |masks| Edits::Calibrated { method: method.into(), config: small(), matrices: None, seed: 0, masks };
        let pruned = copy(&engine, &face, edits(false));
        let masks = copy(&engine, &face, edits(true));
        assert_eq!(runs(&face), before, "{method}: it lay there");
        let mut seen = 0;
        for m in pruned.matrices().iter().filter(|m| m.prunable) {
            let w = pollster::block_on(pruned.read_matrix(m)).expect("reads");
            let at = masks.find(&m.name).expect("its mask");
            let kept = pollster::block_on(masks.read_bytes(at, 0..masks.tensors[at].bytes())).expect("reads");
            assert_eq!(w.iter().filter(|v| **v == 0.0).count() as f64, zeros(&report, &m.name), "{method} {}", m.name);
            assert!(w.iter().zip(kept.iter()).all(|(w, k)| (*k == 0) == (*w == 0.0)), "{method} {}", m.name);
            seen += 1;
        }
        assert!(seen > 0);
        // Other settings are not what lies there: they are run for the export.
        let mut other = small();
        other["sparsity"] = json!(0.25);
        copy(&engine, &face, Edits::Calibrated { method: method.into(), config: other, matrices: None, seed: 0, masks: false });
        assert!(runs(&face) > before, "{method}");
    }
}

#[test]
fn the_pruned_model_speaks_only_once_there_is_one() {
    let (engine, face) = opened();
    let ask = || Command::Run { job: 2, method: "generate".into(), config: json!({ "of": "both", "prompt": [1, 2], "tokens": 4 }), matrices: None, known: Vec::new(), seed: 1 };
    let Reply::Failed { fault, .. } = answer(&engine, &face, ask()) else { panic!("nothing was pruned") };
    assert!(fault.why.contains("pruned") || fault.what.contains("pruned"), "{fault:?}");
    run(&engine, &face, "wanda", small());
    let Reply::Done { report, .. } = answer(&engine, &face, ask()) else { panic!("{:?}", face.replies.borrow().last()) };
    let words: Vec<bool> = report.findings.iter().filter_map(|f| if let Finding::Language(Language::Words(w)) = f { Some(w.pruned) } else { None }).collect();
    assert_eq!(words, [false, true]);
    // With nothing removed both say the same.
    let mut none = small();
    none["sparsity"] = json!(0.0);
    run(&engine, &face, "wanda", none);
    let Reply::Done { report, .. } = answer(&engine, &face, ask()) else { panic!("{:?}", face.replies.borrow().last()) };
    let said: Vec<_> = report.findings.iter().filter_map(|f| if let Finding::Language(Language::Words(w)) = f { Some((w.tokens.clone(), w.probabilities.clone())) } else { None }).collect();
    assert_eq!(said[0], said[1]);
}

#[test]
fn a_record_of_it_is_done_again_to_the_bit() {
    let (engine, face) = opened();
    run(&engine, &face, "sparsegpt", small());
    copy(&engine, &face, Edits::Calibrated { method: "sparsegpt".into(), config: small(), matrices: None, seed: 0, masks: false });
    let Reply::Record { text: record, .. } = answer(&engine, &face, Command::Record) else { panic!("no record") };
    let (again, other) = opened();
    let Reply::Replayed { same, close, different, .. } = answer(&again, &other, Command::Replay { job: 3, record }) else { panic!("{:?}", other.replies.borrow().last()) };
    assert_eq!((same, close, different), (2, 0, 0));
}
