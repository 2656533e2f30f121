//! Records: what was done, done again to the same bits; comparisons, estimates and masks on the way.

use std::cell::RefCell;
use std::rc::Rc;

use espalier_lab::protocol::{Check, Command, Edits, Estimate, Reply, Slot, Work};
use espalier_lab::record::{Record, Step};
use espalier_lab::{Engine, Fault, Repertoire};
use espalier_methods::report::{Difference, Event, Finding, TensorDiff};
use espalier_nets::Checkpoint;
use espalier_nets::testing::{Builder, source};
use futures::FutureExt;
use serde_json::json;

use crate::common::{Bench, answer, bench, do_now, open, run, whole};

fn small(scale: f32) -> Vec<u8> {
    let mut b = Builder::new();
    for (name, shape) in [("self_attn.q_proj", [24u64, 16]), ("mlp.up_proj", [40, 16]), ("mlp.down_proj", [16, 40])] {
        let n = (shape[0] * shape[1]) as u32;
        let values: Vec<f32> = (0..n).map(|i| ((i.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5) * if i % 9 < 2 { 3.0 } else { scale }).collect();
        b = b.values(&format!("model.layers.0.{name}.weight"), espalier_nets::checkpoint::Dtype::F32, &shape, &values);
    }
    b.made_up("model.norm.weight", &[16]).build()
}

fn record(engine: &Engine, face: &Bench) -> String {
    match answer(engine, face, Command::Record) {
        Reply::Record { text, steps } => {
            assert_eq!(Record::read(&text).expect("reads its own").steps.len(), steps as usize);
            text
        }
        other => panic!("{other:?}"),
    }
}

fn replay(engine: &Engine, face: &Bench, record: &str) -> Result<Vec<Check>, Fault> {
    face.replies.take();
    match answer(engine, face, Command::Replay { job: 40, record: record.into() }) {
        Reply::Replayed { job: 40, .. } => Ok(face.replies.borrow().iter().filter_map(|r| if let Reply::Step { check, .. } = r { Some(check.clone()) } else { None }).collect()),
        Reply::Failed { fault, .. } => Err(fault),
        other => panic!("{other:?}"),
    }
}

/// Everything that a record holds, done once.
fn session() -> (Engine, std::rc::Rc<Bench>, String) {
    let (engine, face) = bench();
    open(&engine, &face, "tiny.safetensors", &small(0.25)).expect("opens");
    let spectra = run(&engine, &face, "spectra", json!({}));
    let known = spectra.findings.iter().filter_map(|f| if let Finding::Spectrum(s) = f { Some(s.clone()) } else { None }).collect();
    let ranked = answer(&engine, &face, Command::Run { job: 2, method: "welore".into(), config: json!({ "target": 0.4 }), matrices: None, known, seed: 3 });
    assert!(matches!(ranked, Reply::Done { .. }));
    let edits = Edits::Magnitude { config: json!({ "sparsity": 0.6 }), matrices: None };
    assert!(matches!(answer(&engine, &face, Command::Export { job: 3, edits, provenance: vec![("a".into(), "b".into())] }), Reply::Exported { .. }));
    let edits = Edits::Rank { ranks: vec![("model.layers.0.mlp.up_proj.weight".into(), 5)], factors: true };
    assert!(matches!(answer(&engine, &face, Command::Export { job: 4, edits, provenance: Vec::new() }), Reply::Exported { .. }));
    assert!(pollster::block_on(engine.open_in(Slot::Second, None, vec![source("other.safetensors", &small(0.5))])));
    assert!(matches!(answer(&engine, &face, Command::Diff { job: 5, config: json!({ "spectra": ["model.layers.0.mlp.up_proj.weight"] }) }), Reply::Done { .. }));
    let text = record(&engine, &face);
    (engine, face, text)
}

#[test]
fn a_record_does_the_same_again_to_the_last_bit() {
    let (engine, face, text) = session();
    let steps = Record::read(&text).expect("reads").steps;
    assert_eq!(steps.iter().map(|s| serde_json::to_value(s).expect("plain")["step"].clone()).collect::<Vec<_>>(), ["open", "run", "run", "export", "export", "open", "diff"]);
    assert!(matches!(&steps[2], Step::Run { known, .. } if known.len() == 3), "spectra that were known are named");
    let checks = [Check::Opened, Check::Same, Check::Same, Check::Same, Check::Same, Check::Opened, Check::Same];
    assert_eq!(replay(&engine, &face, &text).expect("in the same session"), checks);
    // In another engine, which is given the files.
    let (other, face) = bench();
    for (name, scale) in [("tiny.safetensors", 0.25), ("other.safetensors", 0.5)] {
        pollster::block_on(other.offer(vec![source(name, &small(scale))])).expect("opens");
    }
    assert_eq!(replay(&other, &face, &text).expect("elsewhere"), checks);
    // And in one that opened the same files under another name: the copies still say what they said.
    let (named, face_of_named) = bench();
    assert!(pollster::block_on(named.open_in(Slot::First, Some("my copy".into()), vec![source("tiny.safetensors", &small(0.25))])));
    pollster::block_on(named.offer(vec![source("other.safetensors", &small(0.5))])).expect("opens");
    assert_eq!(replay(&named, &face_of_named, &text).expect("under another name"), checks);
    // The repetition is not itself recorded, and findings of it do not reach the screen.
    assert!(Record::new(Vec::new()).text() == other.record());
    assert!(!face.replies.borrow().iter().any(|r| matches!(r, Reply::Event { event: espalier_methods::Event::Finding(_), .. })));
}

/// A worker ends in the middle of a visit, by a crash or because the one with every method takes its place.
#[test]
fn the_next_engine_goes_on_with_the_record_of_the_last() {
    let face = std::rc::Rc::new(Bench::default());
    let first = Engine::with(face.clone(), Repertoire::DATA_FREE);
    open(&first, &face, "tiny.safetensors", &small(0.25)).expect("opens");
    run(&first, &face, "spectra", json!({}));
    let edits = Edits::Magnitude { config: json!({ "sparsity": 0.6 }), matrices: None };
    let export = || Command::Export { job: 3, edits: edits.clone(), provenance: Vec::new() };
    let Reply::Failed { job: Some(3), fault } = answer(&first, &face, export()) else { panic!("a small engine writes nothing") };
    whole(&fault);
    let second = Engine::new(face.clone());
    second.remember(face.noted.take());
    open(&second, &face, "tiny.safetensors", &small(0.25)).expect("the same again");
    assert!(matches!(answer(&second, &face, export()), Reply::Exported { .. }));
    let text = record(&second, &face);
    let kinds: Vec<_> = Record::read(&text).expect("whole").steps.iter().map(|s| serde_json::to_value(s).expect("plain")["step"].clone()).collect();
    assert_eq!(kinds, ["open", "run", "export"]);
    assert_eq!(replay(&second, &face, &text).expect("replays"), [Check::Opened, Check::Same, Check::Same]);
}

#[test]
fn other_files_and_other_results_are_told() {
    let (_, _, text) = session();
    let (engine, face) = bench();
    open(&engine, &face, "tiny.safetensors", &small(0.5)).expect("another model with the same header");
    // The header is the same, the weights are not: the numbers say so.
    pollster::block_on(engine.offer(vec![source("x", &small(0.5))])).expect("opens");
    let checks = replay(&engine, &face, &text).expect("runs");
    assert!(matches!(&checks[1], Check::Differs { what, recorded, now } if !what.is_empty() && recorded != now), "{:?}", checks[1]);
    assert!(matches!(&checks[3], Check::Differs { what, .. } if what.contains("SHA-256")));
    // Nothing like it is open.
    let (engine, face) = bench();
    let fault = replay(&engine, &face, &text).expect_err("nothing is open");
    whole(&fault);
    assert!(fault.what.contains("tiny") && fault.why.contains("tiny.safetensors"), "{fault:?}");
}

#[test]
fn a_record_that_was_edited_is_refused() {
    let (engine, face, text) = session();
    for (from, to, word) in [
        ("\"seed\":3", "\"seed\":4", "edited"),
        ("\"sparsity\":0.6", "\"sparsity\":0.7", "edited"),
        ("\"method\":\"welore\"", "\"method\":\"magic\"", "edited"),
        ("\"seed\":3", "\"seed\":-3", "cannot be read"),
        ("\"version\":1", "\"version\":99", "cannot be read"),
        ("\"steps\"", "\"stairs\"", "cannot be read"),
    ] {
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{from}");
        let fault = replay(&engine, &face, &edited).expect_err(from);
        whole(&fault);
        assert!(fault.what.contains(word), "{from}: {fault:?}");
    }
}

#[test]
fn a_replay_is_cancelled_like_any_job() {
    let (engine, face, text) = session();
    face.tick.set(60.0);
    let stop = engine.clone();
    face.act.replace(Some(Box::new(move |r| {
        if let Reply::Step { job, index: 1, .. } = r {
            drop(stop.handle(Command::Cancel { job: *job }));
        }
    })));
    assert_eq!(answer(&engine, &face, Command::Replay { job: 41, record: text }), Reply::Cancelled { job: 41 });
}

fn rows(engine: &Engine, face: &Bench, config: serde_json::Value) -> Vec<TensorDiff> {
    match answer(engine, face, Command::Diff { job: 6, config }) {
        Reply::Done { report, .. } => report.findings.into_iter().filter_map(|f| if let Finding::Diff(d) = f { Some(d) } else { None }).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_comparison_says_what_an_edit_did() {
    let (engine, face) = bench();
    open(&engine, &face, "tiny.safetensors", &small(0.25)).expect("opens");
    let Reply::Failed { fault, .. } = answer(&engine, &face, Command::Diff { job: 1, config: json!({}) }) else { panic!("one is not two") };
    whole(&fault);
    let pruned = run(&engine, &face, "magnitude", json!({ "sparsity": 0.5 }));
    assert!(matches!(answer(&engine, &face, Command::Export { job: 2, edits: Edits::Magnitude { config: pruned.config.clone(), matrices: None }, provenance: Vec::new() }), Reply::Exported { .. }));
    let copy = face.written.borrow().clone();
    assert!(pollster::block_on(engine.open_in(Slot::Second, None, vec![source("sparse.safetensors", &copy)])));
    let found = rows(&engine, &face, json!({}));
    assert_eq!(found.len(), 4);
    assert!(found.windows(2).all(|w| w[0].relative >= w[1].relative), "the largest change first");
    for f in &pruned.findings {
        let Finding::Pruned(p) = f else { continue };
        let d = found.iter().find(|d| d.tensor == p.tensor).expect("there");
        assert_eq!((d.state, d.zeros_gained, d.zeros_lost, d.differing), (Difference::Changed, p.zeros, 0.0, p.zeros));
        // The same sums in another order: n·2⁻⁵³ apart, far under this.
        assert!((d.relative.expect("a number") - p.error).abs() < 1e-7, "{d:?} {p:?}");
        assert_eq!(d.largest as f32, p.threshold as f32);
    }
    assert_eq!(found.last().map(|d| (d.tensor.as_str(), d.state, d.relative)), Some(("model.norm.weight", Difference::Same, Some(0.0))));
    // Factors in place of a matrix are multiplied out.
    let name = "model.layers.0.mlp.up_proj.weight".to_owned();
    let full = 16;
    assert!(matches!(answer(&engine, &face, Command::Export { job: 3, edits: Edits::Rank { ranks: vec![(name.clone(), full)], factors: true }, provenance: Vec::new() }), Reply::Exported { .. }));
    let copy = face.written.borrow().clone();
    assert!(pollster::block_on(engine.open_in(Slot::Second, None, vec![source("factors.safetensors", &copy)])));
    let found = rows(&engine, &face, json!({}));
    let d = found.iter().find(|d| d.tensor == name).expect("there");
    // Full rank is the matrix but for two roundings of 2⁻²⁴ a factor and the sum over 16.
    assert!(d.state == Difference::Factored && d.relative.expect("a number") < 1e-5, "{d:?}");
    assert_eq!(found.len(), 4, "the factors are not listed as strangers");
    // Other shapes and strangers are listed and not compared.
    let odd = Builder::new().made_up("model.norm.weight", &[17]).made_up("extra", &[2]).build();
    assert!(pollster::block_on(engine.open_in(Slot::Second, None, vec![source("odd.safetensors", &odd)])));
    let states: Vec<Difference> = rows(&engine, &face, json!({})).into_iter().map(|d| d.state).collect();
    assert_eq!(states.iter().filter(|s| **s == Difference::OnlyFirst).count(), 3);
    assert!(states.contains(&Difference::Shape) && states.contains(&Difference::OnlySecond));
    let Reply::Failed { fault, .. } = answer(&engine, &face, Command::Diff { job: 1, config: json!({ "spectra": ["nothing"] }) }) else { panic!("no such matrix") };
    assert!(fault.what.contains("spectra") && fault.why.contains("othing is not a matrix"), "{fault:?}");
}

#[test]
fn masks_are_the_zeros_of_the_pruned_copy() {
    let (engine, face) = bench();
    let fused = Builder::new().made_up("h.0.attn.c_attn.weight", &[8, 24]).made_up("h.0.mlp.c_fc.weight", &[8, 32]).made_up("h.0.mlp.c_proj.weight", &[32, 8]).made_up("wte.weight", &[40, 8]).build();
    for bytes in [small(0.25), fused] {
        open(&engine, &face, "m.safetensors", &bytes).expect("opens");
        for config in [json!({ "sparsity": 0.5 }), json!({ "sparsity": 0.3, "scope": "row" }), json!({ "scope": "2:4" }), json!({ "sparsity": 0.4, "scope": "global" }), json!({ "sparsity": 0.4, "rule": "official" })] {
            let mut files = Vec::new();
            for edits in [Edits::Magnitude { config: config.clone(), matrices: None }, Edits::Masks { config: config.clone(), matrices: None }] {
                assert!(matches!(answer(&engine, &face, Command::Export { job: 2, edits, provenance: Vec::new() }), Reply::Exported { .. }));
                files.push(pollster::block_on(Checkpoint::from_bytes("x.safetensors", face.written.borrow().clone())).expect("opens"));
            }
            let [copy, masks] = &files[..] else { panic!() };
            assert!(!masks.tensors.is_empty());
            for (i, t) in masks.tensors.iter().enumerate() {
                let kept = pollster::block_on(masks.read_f32(i)).expect("reads");
                let values = pollster::block_on(copy.read_f32(copy.find(&t.name).expect("there"))).expect("reads");
                assert!(kept.iter().zip(&values).all(|(k, v)| (*k == 1.0) == (*v != 0.0)), "{} {config}", t.name);
            }
        }
    }
}

fn estimate(engine: &Engine, face: &Bench, work: Work) -> Estimate {
    match answer(engine, face, Command::Estimate { job: 8, work }) {
        Reply::Estimate { job: 8, estimate } => *estimate,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_needs_the_device_waits_until_a_run_has_ended() {
    let (engine, face) = bench();
    open(&engine, &face, "m.safetensors", &small(0.25)).expect("opens");
    let waiting = Rc::new(RefCell::new(None));
    let (told, kept) = (engine.clone(), waiting.clone());
    face.act.replace(Some(Box::new(move |reply| {
        if matches!(reply, Reply::Event { job: 3, event: Event::Progress { done: 1.0, .. } }) {
            let (told, work) = (told.clone(), Work::Run { method: "magnitude".into(), config: json!({}), matrices: None, known: Vec::new(), text: None });
            let mut question = async move { told.handle(Command::Estimate { job: 8, work }).await }.boxed_local();
            assert!((&mut question).now_or_never().is_none(), "the run has the device");
            kept.replace(Some(question));
        }
    })));
    do_now(&engine, Command::Run { job: 3, method: "spectra".into(), config: json!({}), matrices: None, known: Vec::new(), seed: 0 });
    assert!(matches!(face.replies.borrow().last(), Some(Reply::Done { job: 3, .. })), "{:?}", face.replies.borrow().last());
    let question = waiting.take().expect("it was asked");
    pollster::block_on(question);
    assert!(matches!(face.replies.borrow().last(), Some(Reply::Estimate { job: 8, estimate }) if estimate.seconds.is_some()), "{:?}", face.replies.borrow().last());
}

#[test]
fn needs_are_told_before_a_run() {
    let (engine, face) = bench();
    open(&engine, &face, "m.safetensors", &small(0.25)).expect("opens");
    let work = |method: &str, config| Work::Run { method: method.into(), config, matrices: None, known: Vec::new(), text: None };
    let spectra = estimate(&engine, &face, work("spectra", json!({})));
    assert_eq!((spectra.reads, spectra.fetches), (4.0 * (24.0 * 16.0 + 2.0 * 640.0), 0.0));
    assert!(spectra.seconds.is_some_and(|s| s > 0.0 && s.is_finite()) && spectra.probe.contains("spectrum") && spectra.over.is_empty(), "{spectra:?}");
    let known = Work::Run { method: "spectra".into(), config: json!({}), matrices: None, known: vec!["model.layers.0.mlp.up_proj.weight".into()], text: None };
    assert_eq!(estimate(&engine, &face, known).reads, spectra.reads - 4.0 * 640.0);
    assert_eq!(estimate(&engine, &face, work("magnitude", json!({ "scope": "global" }))).reads, 4.0 * spectra.reads);
    // Where a face knows how much there is, what does not fit is said before it is run.
    face.memory.set(Some(0.5 * spectra.memory));
    let tight = estimate(&engine, &face, work("spectra", json!({})));
    assert!(tight.limit.is_some_and(|limit| (tight.memory - limit - tight.short).abs() < 1.0) && tight.short > 0.0 && tight.over.len() == 2, "{tight:?}");
    face.memory.set(None);
    let all = small(0.25).len() as f64;
    let export = estimate(&engine, &face, Work::Export { edits: Edits::Magnitude { config: json!({}), matrices: None } });
    assert!(export.writes <= all && export.writes > 0.9 * (all - 600.0), "{export:?}");
    let sizes: Vec<f64> = (0..4).map(|tensor| estimate(&engine, &face, Work::Stats { tensor }).reads).collect();
    assert_eq!(sizes.iter().sum::<f64>(), spectra.reads + 64.0);
    do_now(&engine, Command::Close);
    assert!(matches!(answer(&engine, &face, Command::Estimate { job: 8, work: Work::Stats { tensor: 0 } }), Reply::Failed { .. }));
}
