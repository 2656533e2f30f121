//! Exports, opened again.

use std::collections::HashMap;

use espalier_lab::protocol::{Command, Edits, FaultKind, Reply};
use espalier_lab::Engine;
use espalier_methods::report::{Event, Finding, RankChoice};
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::Dtype;
use espalier_nets::testing::{Builder, shared};
use ndarray::Array2;
use serde_json::json;

use crate::common::{Bench, answer, bench, open, run, whole};

fn small(dtype: Dtype) -> Vec<u8> {
    let mut b = Builder::new().metadata("format", "pt").metadata("made_by", "a test");
    for (name, shape) in [("q_proj", [24u64, 16]), ("k_proj", [16, 16]), ("v_proj", [16, 16]), ("o_proj", [16, 24])] {
        let n = shape[0] * shape[1];
        let values: Vec<f32> = (0..n as u32).map(|i| ((i.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5) * if i % 16 < 3 { 4.0 } else { 0.25 }).collect();
        b = b.values(&format!("model.layers.0.self_attn.{name}.weight"), dtype, &shape, &values);
    }
    b.made_up("model.norm.weight", &[16]).build()
}

/// Exports and opens what was written.
fn export(engine: &Engine, face: &Bench, edits: Edits) -> (Checkpoint, u32) {
    let command = Command::Export { job: 9, edits, provenance: vec![("espalier.note".into(), "by a test".into())] };
    let Reply::Exported { job: 9, bytes, changed, .. } = answer(engine, face, command) else { panic!("{:?}", face.replies.borrow().last()) };
    assert!(face.finished.get());
    let written = face.written.borrow().clone();
    assert_eq!(bytes, written.len() as f64);
    (pollster::block_on(Checkpoint::from_bytes("copy.safetensors", written)).expect("what is written can be read"), changed)
}

fn original(bytes: &[u8]) -> Checkpoint {
    pollster::block_on(Checkpoint::from_bytes("model.safetensors", bytes.to_vec())).expect("opens")
}

fn raw(c: &Checkpoint, name: &str) -> Vec<u8> {
    let i = c.find(name).unwrap_or_else(|| panic!("{name} is there"));
    pollster::block_on(c.read_bytes(i, 0..c.tensors[i].bytes())).expect("reads")
}

fn matrix(c: &Checkpoint, name: &str) -> Array2<f32> {
    let m = c.matrices().into_iter().find(|m| m.name == name).unwrap_or_else(|| panic!("{name} is there"));
    pollster::block_on(c.read_matrix(&m)).expect("reads")
}

#[test]
fn pruned_copies_have_the_zeros_that_were_promised_and_keep_every_other_bit() {
    for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
        for config in [json!({ "sparsity": 0.6 }), json!({ "sparsity": 0.3, "scope": "row" }), json!({ "sparsity": 0.5, "scope": "global" }), json!({ "scope": "2:4" })] {
            let (engine, face) = bench();
            let bytes = small(dtype);
            open(&engine, &face, "tiny.safetensors", &bytes).expect("opens");
            let report = run(&engine, &face, "magnitude", config);
            let (copy, changed) = export(&engine, &face, Edits::Magnitude { config: report.config.clone(), matrices: None });
            assert_eq!(changed, 4);
            let before = original(&bytes);
            for finding in &report.findings {
                let Finding::Pruned(p) = finding else { continue };
                let values = matrix(&copy, &p.tensor);
                assert_eq!(values.iter().filter(|v| **v == 0.0).count() as f64, p.zeros, "{} {dtype}", p.tensor);
                let (old, new) = (raw(&before, &p.tensor), raw(&copy, &p.tensor));
                let width = (dtype.bits() / 8) as usize;
                for (a, b) in old.chunks(width).zip(new.chunks(width)) {
                    assert!(a == b || b.iter().all(|x| *x == 0), "{} {dtype}", p.tensor);
                }
            }
            assert_eq!(raw(&copy, "model.norm.weight"), raw(&before, "model.norm.weight"));
            for (key, value) in [("format", "pt"), ("made_by", "a test"), ("espalier.note", "by a test"), ("espalier.source", "tiny")] {
                assert_eq!(copy.metadata.get(key).map(String::as_str), Some(value));
            }
            assert_eq!(copy.metadata.get("espalier.source_header_sha256").map(String::len), Some(64));
        }
    }
}

fn choices(report: &espalier_methods::Report) -> HashMap<String, RankChoice> {
    report.findings.iter().filter_map(|f| if let Finding::Rank(c) = f { Some((c.tensor.clone(), c.clone())) } else { None }).collect()
}

#[test]
fn factor_pairs_and_their_product_have_the_error_that_was_promised() {
    let (engine, face) = bench();
    let bytes = small(Dtype::F32);
    open(&engine, &face, "tiny.safetensors", &bytes).expect("opens");
    let report = run(&engine, &face, "welore", json!({ "rule": "uniform", "target": 0.6 }));
    let choices = choices(&report);
    assert_eq!(choices.len(), 4);
    let ranks: Vec<(String, u32)> = choices.values().filter(|c| c.factored).map(|c| (c.tensor.clone(), c.kept)).collect();
    assert!(!ranks.is_empty());
    let before = original(&bytes);
    let (pairs, changed) = export(&engine, &face, Edits::Rank { ranks: ranks.clone(), factors: true });
    assert_eq!(changed as usize, ranks.len());
    let (dense, _) = export(&engine, &face, Edits::Rank { ranks: ranks.clone(), factors: false });
    for (name, rank) in &ranks {
        let stem = name.strip_suffix(".weight").expect("a weight");
        let (u, v) = (matrix(&pairs, &format!("{stem}.U.weight")), matrix(&pairs, &format!("{stem}.V.weight")));
        assert_eq!((u.ncols(), v.nrows()), (*rank as usize, *rank as usize));
        assert!(pairs.find(name).is_none());
        let w = matrix(&before, name);
        let product = matrix(&dense, name);
        let norm = |a: &Array2<f32>| a.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        // Factors and product are rounded to f32: each entry is right to about 16·2⁻²⁴ of the largest, 2e-6 of the norm with room.
        let error = norm(&(&w - &u.dot(&v))) / norm(&w);
        assert!((error - choices[name].error).abs() < 5e-6, "{name}: {error} {}", choices[name].error);
        let error = norm(&(&w - &product)) / norm(&w);
        assert!((error - choices[name].error).abs() < 5e-6, "{name}: {error}");
    }
    for name in before.tensors.iter().map(|t| &t.name).filter(|n| !ranks.iter().any(|(r, _)| r == *n)) {
        assert_eq!(raw(&pairs, name), raw(&before, name));
    }
}

#[test]
fn a_cancelled_or_failing_export_leaves_nothing_finished() {
    let (engine, face) = bench();
    open(&engine, &face, "tiny.safetensors", &small(Dtype::F32)).expect("opens");
    let edits = || Edits::Magnitude { config: json!({ "sparsity": 0.5 }), matrices: None };
    let command = |job| Command::Export { job, edits: edits(), provenance: Vec::new() };
    face.tick.set(60.0);
    let stop = engine.clone();
    face.act.replace(Some(Box::new(move |r| {
        if let Reply::Event { job, event: Event::Progress { unit, .. } } = r
            && unit == "bytes"
        {
            drop(stop.handle(Command::Cancel { job: *job }));
        }
    })));
    assert_eq!(answer(&engine, &face, command(3)), Reply::Cancelled { job: 3 });
    assert!(!face.finished.get());
    face.act.replace(None);
    face.room.set(Some(1000));
    let Reply::Failed { job: Some(4), fault } = answer(&engine, &face, command(4)) else { panic!("there is no room") };
    whole(&fault);
    assert!(fault.why.contains("no space left") && !face.finished.get(), "{fault:?}");
    face.room.set(None);
    assert!(matches!(answer(&engine, &face, command(5)), Reply::Exported { .. }));
}

#[test]
fn edits_that_cannot_be_made_are_faults() {
    let (engine, face) = bench();
    open(&engine, &face, "tiny.safetensors", &small(Dtype::F32)).expect("opens");
    let q = "model.layers.0.self_attn.q_proj.weight".to_owned();
    for (edits, word) in [
        (Edits::Rank { ranks: vec![("nothing".into(), 2)], factors: true }, "nothing"),
        (Edits::Rank { ranks: vec![(q.clone(), 0)], factors: true }, "rank 0"),
        (Edits::Rank { ranks: vec![(q, 17)], factors: false }, "rank 17"),
        (Edits::Magnitude { config: json!({ "sparsity": 2 }), matrices: None }, "sparsity"),
        (Edits::Magnitude { config: json!({}), matrices: Some(vec!["model.norm.weight".into()]) }, "model.norm.weight"),
    ] {
        let Reply::Failed { fault, .. } = answer(&engine, &face, Command::Export { job: 1, edits, provenance: Vec::new() }) else { panic!("{word}") };
        whole(&fault);
        assert!(fault.what.contains(word) && fault.kind == FaultKind::Config, "{fault:?}");
    }
}

#[test]
fn a_conv1d_is_pruned_as_it_is_read_and_written_as_it_lay() {
    let (engine, face) = bench();
    let bytes = Builder::new().made_up("h.0.attn.c_attn.weight", &[8, 24]).made_up("h.0.mlp.c_fc.weight", &[8, 32]).made_up("h.0.mlp.c_proj.weight", &[32, 8]).made_up("wte.weight", &[40, 8]).made_up("wpe.weight", &[16, 8]).build();
    open(&engine, &face, "gpt2.safetensors", &bytes).expect("opens");
    let before = original(&bytes);
    assert!(before.matrices().iter().any(|m| m.transposed), "it is taken for a GPT-2");
    let report = run(&engine, &face, "magnitude", json!({ "scope": "row", "sparsity": 0.5 }));
    let (copy, _) = export(&engine, &face, Edits::Magnitude { config: report.config, matrices: None });
    let name = "h.0.attn.c_attn.weight";
    let shapes = |c: &Checkpoint| c.tensors[c.find(name).expect("there")].shape.clone();
    assert_eq!(shapes(&copy), shapes(&before));
    // A row of the matrix is one output: half of its eight inputs are gone.
    for row in matrix(&copy, name).rows() {
        assert_eq!(row.iter().filter(|v| **v == 0.0).count(), 4);
    }
}

#[test]
fn the_bundled_checkpoints_go_all_the_way() {
    let Some(folder) = shared("checkpoints") else { return };
    for name in ["shakespeare-llama", "shakespeare-moe"] {
        let bytes = std::fs::read(folder.join(name).join("model.safetensors")).expect("there");
        let (engine, face) = bench();
        open(&engine, &face, "model.safetensors", &bytes).expect("opens");
        let ranked = run(&engine, &face, "welore", json!({ "target": 0.3 }));
        let pruned = run(&engine, &face, "magnitude", json!({ "sparsity": 0.5, "scope": "global" }));
        let (copy, _) = export(&engine, &face, Edits::Magnitude { config: pruned.config.clone(), matrices: None });
        let zeros = |c: &Checkpoint| (0..c.tensors.len()).map(|i| pollster::block_on(c.read_f32(i)).expect("reads").iter().filter(|v| **v == 0.0).count()).sum::<usize>();
        let promised: f64 = pruned.findings.iter().map(|f| if let Finding::Pruned(p) = f { p.zeros } else { 0.0 }).sum();
        let before = original(&bytes);
        let elsewhere: usize = {
            let touched: Vec<&str> = pruned.findings.iter().filter_map(|f| if let Finding::Pruned(p) = f { Some(p.tensor.split('#').next().unwrap_or("")) } else { None }).collect();
            (0..before.tensors.len()).filter(|i| !touched.contains(&before.tensors[*i].name.as_str())).map(|i| pollster::block_on(before.read_f32(i)).expect("reads").iter().filter(|v| **v == 0.0).count()).sum()
        };
        assert_eq!(zeros(&copy) as f64, promised + elsewhere as f64, "{name}");
        assert_eq!(copy.tensors.len(), before.tensors.len());
        let ranks: Vec<_> = choices(&ranked).into_values().filter(|c| c.factored).map(|c| (c.tensor, c.kept)).collect();
        if !ranks.is_empty() {
            let (smaller, changed) = export(&engine, &face, Edits::Rank { ranks: ranks.clone(), factors: true });
            assert_eq!((changed as usize, smaller.tensors.len()), (ranks.len(), before.tensors.len() + ranks.len()), "{name}");
        }
    }
}
