//! The engine over small checkpoints: open, look, run, stop, fail.



use std::rc::Rc;

use crate::common::{answer, bench, do_now, open, open_all, run, run_command, spectra, whole};
use espalier_lab::protocol::{Command, DeviceChoice, FaultKind, Reply};
use espalier_lab::{Fault, NoAdapter};
use espalier_methods::report::{Event, Finding};
use espalier_nets::testing::{Builder, Watched, source};
use serde_json::json;

/// A model of two blocks with nothing recognised in it.
fn small() -> Builder {
    let mut b = Builder::new().metadata("format", "pt");
    for block in 0..2 {
        for (name, shape) in [("q_proj", [24, 16]), ("k_proj", [16, 16]), ("up_proj", [40, 16]), ("down_proj", [16, 40])] {
            b = b.made_up(&format!("model.layers.{block}.mlp.{name}.weight"), &shape);
        }
        b = b.made_up(&format!("model.layers.{block}.norm.weight"), &[16]);
    }
    b
}

#[test]
fn a_summary_says_what_the_header_says() {
    let (engine, face) = bench();
    let bytes = small().build();
    let s = open(&engine, &face, "tiny/model.safetensors", &bytes).expect("opens");
    assert_eq!((s.name.as_str(), s.tensors.len(), s.bytes), ("tiny", 10, bytes.len() as f64));
    assert_eq!(s.header_hash.len(), 64);
    assert!(s.header_bytes < bytes.len() as f64);
    assert_eq!(s.matrices.len(), 8);
    assert!(s.metadata.contains(&("format".into(), "pt".into())));
    let again = open(&engine, &face, "other.safetensors", &bytes).expect("opens");
    assert_eq!(again.header_hash, s.header_hash, "the hash is of the header, not of the name");
    let different = open(&engine, &face, "other.safetensors", &small().made_up("extra", &[2, 2]).build()).expect("opens");
    assert_ne!(different.header_hash, s.header_hash);
}

#[test]
fn opening_reads_headers_only() {
    let (engine, face) = bench();
    let bytes = Builder::new().made_up("w", &[300, 300]).build();
    let watched = Watched::new("model.safetensors", &bytes);
    open_all(&engine, &face, vec![watched.clone()]).expect("opens");
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
    // The source is asked for the head to tell formats apart; the tensor's bytes begin after the header.
    let most = watched.reads.borrow().iter().map(|r| r.end).max().expect("something was read");
    assert!(most <= header.max(512), "{most} of {header}");
}

#[test]
fn a_cancelled_job_keeps_its_findings_and_resumes_from_them() {
    let (engine, face) = bench();
    open(&engine, &face, "tiny.safetensors", &small().build()).expect("opens");
    let (stop, seen) = (engine.clone(), std::cell::Cell::new(0));
    face.act.replace(Some(Box::new(move |reply| {
        if let Reply::Event { event: Event::Finding(Finding::Spectrum(_)), .. } = reply {
            seen.set(seen.get() + 1);
            if seen.get() == 3 {
                drop(stop.handle(Command::Cancel { job: 7 }));
            }
        }
    })));
    assert_eq!(answer(&engine, &face, run_command(7, "spectra", json!({}))), Reply::Cancelled { job: 7 });
    let known = spectra(&face);
    assert_eq!(known.len(), 3);
    face.act.replace(None);
    face.replies.take();
    let command = Command::Run { job: 8, method: "spectra".into(), config: json!({}), matrices: None, known: known.clone(), seed: 0 };
    let Reply::Done { report, .. } = answer(&engine, &face, command) else { panic!("it finishes") };
    let all = spectra(&face);
    assert_eq!(all.len(), 8);
    assert_eq!(report.findings.len(), 8);
    assert_eq!(&all[..3], &known[..], "known ones come back as they were");
}

#[test]
fn a_second_run_of_a_method_stops_the_first_and_other_jobs_go_on() {
    let (engine, face) = bench();
    open(&engine, &face, "tiny.safetensors", &small().build()).expect("opens");
    // Every breath is a pause, so the jobs take turns.
    face.tick.set(50.0);
    let jobs = [run_command(1, "spectra", json!({})), Command::Stats { job: 2, tensor: 0 }, run_command(3, "spectra", json!({}))];
    pollster::block_on(futures::future::join_all(jobs.map(|c| engine.handle(c))));
    let replies = face.replies.borrow();
    let has = |f: &dyn Fn(&Reply) -> bool| replies.iter().any(f);
    assert!(has(&|r| *r == Reply::Cancelled { job: 1 }));
    assert!(has(&|r| matches!(r, Reply::Stats { job: 2, .. })));
    assert!(has(&|r| matches!(r, Reply::Done { job: 3, .. })));
    assert!(face.pauses.get() > 8, "{} pauses", face.pauses.get());
}

#[test]
fn a_new_checkpoint_stops_what_ran_over_the_old_one() {
    let (engine, face) = bench();
    open(&engine, &face, "tiny.safetensors", &small().build()).expect("opens");
    face.tick.set(50.0);
    let other: Vec<Rc<dyn espalier_nets::checkpoint::ByteSource>> = vec![source("b.safetensors", &Builder::new().made_up("w", &[4, 4]).build())];
    pollster::block_on(futures::future::join(engine.handle(run_command(1, "spectra", json!({}))), engine.open(None, other)));
    assert!(face.replies.borrow().iter().any(|r| *r == Reply::Cancelled { job: 1 }));
    let Reply::Stats { stats, .. } = answer(&engine, &face, Command::Stats { job: 2, tensor: 0 }) else { panic!("the new one is open") };
    assert_eq!(stats.elements, 16.0);
}

#[test]
fn every_bad_file_is_a_whole_message_and_leaves_what_was_open() {
    let (engine, face) = bench();
    open(&engine, &face, "good.safetensors", &small().build()).expect("opens");
    let good = Builder::new().made_up("w", &[4, 4]);
    let f32s = |n: usize| vec![0u8; 4 * n];
    let long = {
        let mut b = good.build();
        b[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        b
    };
    let index = json!({ "weight_map": { "w": "model-00001-of-00002.safetensors", "v": "model-00002-of-00002.safetensors" } }).to_string();
    let cases: Vec<(&str, FaultKind, Vec<(&str, Vec<u8>)>)> = vec![
        ("no bytes", FaultKind::Malformed, vec![("a.safetensors", vec![])]),
        ("seven bytes", FaultKind::Malformed, vec![("a.safetensors", vec![1; 7])]),
        ("header cut off", FaultKind::Malformed, vec![("a.safetensors", good.build()[..30].to_vec())]),
        ("header longer than anything", FaultKind::Malformed, vec![("a.safetensors", long)]),
        ("tensor past the end", FaultKind::Malformed, vec![("a.safetensors", good.build()[..good.build().len() - 4].to_vec())]),
        ("overlap", FaultKind::Malformed, vec![("a.safetensors", Builder::new().entry("a", "F32", &[2], [0, 8]).entry("b", "F32", &[2], [4, 12]).data(&f32s(3)).build())]),
        ("backwards", FaultKind::Malformed, vec![("a.safetensors", Builder::new().entry("a", "F32", &[2], [8, 0]).data(&f32s(2)).build())]),
        ("dtype", FaultKind::Malformed, vec![("a.safetensors", Builder::new().entry("a", "F31", &[2], [0, 8]).data(&f32s(2)).build())]),
        ("2^40 elements", FaultKind::Malformed, vec![("a.safetensors", Builder::new().entry("a", "F32", &[1 << 20, 1 << 20], [0, 8]).data(&f32s(2)).build())]),
        ("2^80 elements", FaultKind::Malformed, vec![("a.safetensors", Builder::new().entry("a", "F32", &[1 << 40, 1 << 40], [0, 8]).data(&f32s(2)).build())]),
        ("twice", FaultKind::Malformed, vec![("a.safetensors", Builder::new().raw("a", "F32", &[2], &f32s(2)).entry("a", "F32", &[2], [0, 8]).build())]),
        ("not JSON", FaultKind::Malformed, vec![("a.safetensors", Builder::new().text("nonsense").build())]),
        ("pickle", FaultKind::Malformed, vec![("pytorch_model.bin", b"\x80\x02}q\x00.".repeat(20))]),
        ("GGUF", FaultKind::Malformed, vec![("m.gguf", b"GGUF\x03\0\0\0".repeat(20))]),
        ("web page", FaultKind::Malformed, vec![("m.safetensors", b"<!DOCTYPE html><html><head><title>404</title>".to_vec())]),
        ("missing shard", FaultKind::Source, vec![("model-00001-of-00002.safetensors", good.build())]),
        ("index without its shard", FaultKind::Source, vec![("model.safetensors.index.json", index.into_bytes()), ("model-00001-of-00002.safetensors", good.build())]),
        ("nothing", FaultKind::Source, vec![]),
    ];
    for (label, kind, files) in cases {
        let fault = open_all(&engine, &face, files.iter().map(|(n, b)| source(n, b)).collect()).expect_err(label);
        whole(&fault);
        assert_eq!(fault.kind, kind, "{label}: {fault:?}");
        if let [(name, _)] = &files[..]
            && label != "missing shard"
        {
            assert!(fault.what.contains(name), "{label}: {fault:?}");
        }
        let Reply::Stats { stats, .. } = answer(&engine, &face, Command::Stats { job: 1, tensor: 0 }) else { panic!("{label}: what was open is gone") };
        assert_eq!(stats.elements, 24.0 * 16.0, "{label}");
    }
}

#[test]
fn a_source_that_fails_later_is_a_fault_of_the_job() {
    let (engine, face) = bench();
    let bytes = Builder::new().made_up("w", &[64, 64]).build();
    let watched = Watched::new("model.safetensors", &bytes);
    open_all(&engine, &face, vec![watched.clone()]).expect("opens");
    watched.fails_from.set(2000);
    for command in [Command::Stats { job: 4, tensor: 0 }, run_command(4, "spectra", json!({}))] {
        let Reply::Failed { job: Some(4), fault } = answer(&engine, &face, command) else { panic!("it cannot be read") };
        whole(&fault);
        assert_eq!(fault.kind, FaultKind::Source);
        assert!(fault.why.contains("connection was lost"), "{fault:?}");
    }
    watched.fails_from.set(u64::MAX);
    assert!(matches!(answer(&engine, &face, Command::Stats { job: 5, tensor: 0 }), Reply::Stats { .. }));
}

#[test]
fn requests_that_make_no_sense_are_faults() {
    let (engine, face) = bench();
    let failed = |command: Command| match answer(&engine, &face, command) {
        Reply::Failed { job: Some(1), fault } => {
            whole(&fault);
            fault
        }
        other => panic!("{other:?}"),
    };
    assert!(failed(Command::Stats { job: 1, tensor: 0 }).what.contains("No checkpoint"));
    open(&engine, &face, "tiny.safetensors", &small().build()).expect("opens");
    assert!(failed(Command::Stats { job: 1, tensor: 99 }).why.contains("99"));
    assert!(failed(run_command(1, "nonsense", json!({}))).why.contains("spectra"));
    assert!(failed(run_command(1, "magnitude", json!({ "sparsity": 1.5 }))).what.contains("sparsity"));
    assert!(failed(run_command(1, "magnitude", json!({ "sparsety": 0.5 }))).what.contains("sparsety"));
    let strange = Some(vec!["no.such.matrix".to_owned()]);
    let command = Command::Run { job: 1, method: "spectra".into(), config: json!({}), matrices: strange, known: Vec::new(), seed: 0 };
    assert!(failed(command).what.contains("no.such.matrix"));
    do_now(&engine, Command::Close);
    assert!(failed(run_command(1, "spectra", json!({}))).what.contains("No checkpoint"));
}

#[test]
fn not_a_number_is_left_out_and_said() {
    let (engine, face) = bench();
    let b = small().values("model.layers.2.mlp.up_proj.weight", espalier_nets::checkpoint::Dtype::F32, &[2, 2], &[1.0, f32::NAN, f32::INFINITY, 0.0]);
    open(&engine, &face, "nan.safetensors", &b.build()).expect("opens");
    let report = run(&engine, &face, "spectra", json!({}));
    assert_eq!(report.findings.len(), 8);
    assert!(report.warnings.iter().any(|w| w.contains("model.layers.2.mlp.up_proj.weight")), "{:?}", report.warnings);
}

#[test]
fn the_three_reasons_for_no_gpu_are_three_messages() {
    let mut seen = Vec::new();
    for cause in [NoAdapter::InsecureContext, NoAdapter::Missing, NoAdapter::NullAdapter] {
        let fault = Fault::from(&cause);
        whole(&fault);
        assert_eq!(fault.kind, FaultKind::NoGpu);
        seen.push((fault.what, fault.why, fault.advice));
    }
    seen.dedup();
    assert_eq!(seen.len(), 3);
    // What the surroundings say decides before any adapter is asked for.
    for cause in [NoAdapter::InsecureContext, NoAdapter::Missing] {
        let (engine, face) = bench();
        face.no_gpu.set(Some(cause));
        let Reply::Device(info) = answer(&engine, &face, Command::Device(DeviceChoice::Auto)) else { panic!("the CPU is always there") };
        assert!(!info.gpu);
        let absent = info.absent.expect("says why");
        assert_eq!(absent.0, Fault::from(&cause).what);
        let Reply::Failed { job: None, fault } = answer(&engine, &face, Command::Device(DeviceChoice::Gpu)) else { panic!("there is none") };
        assert_eq!(fault.kind, FaultKind::NoGpu);
        // The device that was in use still is.
        open(&engine, &face, "tiny.safetensors", &small().build()).expect("opens");
        assert_eq!(run(&engine, &face, "spectra", json!({})).findings.len(), 8);
    }
}
