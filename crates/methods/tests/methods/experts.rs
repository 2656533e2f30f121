//! The methods over mixtures of experts, through the registry: over the bundled mixture, copies of it with faults, and the small models of `tests/golden/models`.

use std::path::PathBuf;
use std::rc::Rc;

use espalier_methods::calibration::Corpus;
use espalier_methods::condense::{ARMS, Pick, published};
use espalier_methods::experts::{Change, Measure, Plan, Point, Routing};
use espalier_methods::report::{FigureKind, Finding};
use espalier_methods::{Event, Inputs, MethodError, Report, registry};
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::sources_at;
use espalier_nets::testing::{Builder, source};
use espalier_tensor::Session;
use serde_json::{Value, json};

use crate::ear::Ear;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn moe() -> Checkpoint {
    pollster::block_on(Checkpoint::open(sources_at(&[repository().join("assets/checkpoints/shakespeare-moe")]).unwrap())).unwrap()
}

/// A copy of the bundled mixture with its tensors changed: `None` leaves one out.
fn altered(change: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>>) -> Checkpoint {
    let c = moe();
    let mut b = Builder::new();
    for (i, t) in c.tensors.iter().enumerate() {
        let bytes = pollster::block_on(c.read_bytes(i, 0..t.bytes())).unwrap();
        if let Some(bytes) = change(&t.name, bytes) {
            b = b.raw(&t.name, t.dtype.name(), &t.shape, &bytes);
        }
    }
    let config = c.config.as_ref().unwrap().to_string();
    pollster::block_on(Checkpoint::open(vec![b.source("model.safetensors"), source("config.json", config.as_bytes())])).unwrap()
}

fn golden(name: &str) -> Checkpoint {
    let folder = repository().join("tests/golden/models");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let case = cases.iter().find(|c| c["name"] == name).unwrap();
    let weights = std::fs::read(folder.join(format!("{}.safetensors", case["weights"].as_str().unwrap()))).unwrap();
    let files = vec![source("model.safetensors", &weights), source("config.json", case["config"].to_string().as_bytes())];
    pollster::block_on(Checkpoint::open(files)).unwrap()
}

/// Words by a rule that nobody has to learn.
fn text(words: u32, below: u32) -> Rc<Corpus> {
    let words: Vec<u32> = (0..words).map(|i| (i.wrapping_mul(2_654_435_761) >> 16) % below).collect();
    Rc::new(Corpus { name: "rule".into(), documents: vec![words.into()], ..Corpus::default() })
}

fn run_with(checkpoint: &Checkpoint, id: &str, config: Value, texts: Vec<Rc<Corpus>>, ear: &Ear) -> Result<Report, MethodError> {
    let inputs = Inputs { checkpoint, matrices: checkpoint.matrices(), known: vec![], seed: 3, texts, kept: Default::default(), files: vec![] };
    pollster::block_on((registry::find(id).unwrap().run)(config, inputs, &Session::cpu(), ear))
}

fn run(checkpoint: &Checkpoint, id: &str, config: Value) -> Result<Report, MethodError> {
    run_with(checkpoint, id, config, vec![text(600, 500)], &Ear::default())
}

fn refused(checkpoint: &Checkpoint, id: &str, config: Value) -> String {
    run(checkpoint, id, config).expect_err("it is refused").to_string()
}

fn routing(r: &Report) -> &Routing {
    r.findings.iter().find_map(|f| if let Finding::Routing(r) = f { Some(r) } else { None }).expect("a routing record")
}

fn points(r: &Report) -> Vec<&Point> {
    r.findings.iter().filter_map(|f| if let Finding::Point(p) = f { Some(p) } else { None }).collect()
}

fn small(more: Value) -> Value {
    let mut c = json!({ "samples": 3, "length": 24, "windows": 3 });
    c.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    c
}

#[test]
fn a_text_wakes_as_many_experts_as_the_model_says_and_weights_are_those_of_a_softmax() {
    let c = moe();
    let tokens: Vec<u32> = (0..300).map(|i| (i * 7) % 500).collect();
    let report = run(&c, "experts", json!({ "tokens": tokens, "name": "a", "second": [1, 2, 3, 4], "second_name": "b" })).unwrap();
    let r = routing(&report);
    assert_eq!((r.layers(), r.experts, r.per_token, r.length()), (5, 16, 4, 300));
    let counts = r.grid(Measure::Count, usize::MAX);
    for layer in counts.chunks(16) {
        assert_eq!(layer.iter().sum::<f64>(), 300.0 * 4.0);
    }
    for t in 0..r.length() {
        for l in 0..r.layers() {
            let path: Vec<_> = r.path(t, l).collect();
            assert!(path.windows(2).all(|w| w[0].1 >= w[1].1 && w[0].0 != w[1].0), "largest first, each once");
            assert!(path.iter().map(|p| p.1).sum::<f32>() <= 1.0 + 1e-6 && path.iter().all(|p| p.1 > 0.0));
            let h = r.entropy[t * 5 + l];
            assert!((0.0..=1.0 + 1e-6).contains(&h));
        }
    }
    assert!(r.norms.iter().all(|n| n.is_finite() && *n > 0.0));
    assert_eq!(report.findings.len(), 2);
    assert!(report.figures.iter().any(|f| f.id == "experts-difference"));
    // The same text a second time is the same record; and a window of 256 does not see the one before it.
    assert_eq!(run(&c, "experts", json!({ "tokens": tokens, "name": "a", "second": [1, 2, 3, 4], "second_name": "b" })).unwrap().findings, report.findings);
    let tail = run(&c, "experts", json!({ "tokens": tokens[256..], "name": "a" })).unwrap();
    assert_eq!(routing(&tail).path(0, 0).map(|p| p.0).collect::<Vec<_>>(), r.path(256, 0).map(|p| p.0).collect::<Vec<_>>());
}

#[test]
fn condensing_says_what_it_took_and_costs_what_the_plan_says() {
    let c = moe();
    let report = run(&c, "condense", small(json!({ "layers": 2 }))).unwrap();
    let picks: Vec<&Pick> = report.findings.iter().filter_map(|f| if let Finding::Pick(p) = f { Some(p) } else { None }).collect();
    assert_eq!(picks.iter().filter(|p| p.expert.is_some()).count(), 5 * 4);
    let layers: Vec<&&Pick> = picks.iter().filter(|p| p.expert.is_none()).collect();
    assert_eq!(layers.len(), 2);
    for p in &picks {
        // What was taken is the least of what was tried.
        let least = p.tried.iter().copied().filter(|v| !v.is_nan()).fold(f64::INFINITY, f64::min);
        assert_eq!(p.score, least);
        assert_eq!(p.tried.iter().filter(|v| v.is_nan()).count(), p.step as usize);
    }
    let points = points(&report);
    let [whole, .., last] = &points[..] else { panic!("marks") };
    // Twelve of sixteen experts of 3 · 128 · 64 and the router's 16 · 128, twice.
    assert_eq!(whole.parameters - last.parameters, 2.0 * (12.0 * 24_576.0 + 2048.0));
    assert_eq!(whole.flops - last.flops, 2.0 * 2.0 * 2048.0);
    let beside = last.beside.as_ref().expect("what stands beside a copy");
    assert!(beside.config.contains("condensed_layers") && beside.modeling.as_ref().unwrap().contains("class CondensedForCausalLM(Qwen2MoeForCausalLM)"));
    // The plan run by hand gives the same perplexity.
    let again = run(&c, "thin", json!({ "plan": last.plan, "length": 24, "windows": 3 })).unwrap();
    let by_hand = again.findings.iter().find_map(|f| if let Finding::Point(p) = f { Some(p) } else { None }).unwrap();
    assert_eq!((by_hand.perplexity, by_hand.parameters), (last.perplexity, last.parameters));
}

#[test]
fn rivals_are_measured_on_the_same_windows_and_random_is_a_band() {
    let c = moe();
    let report = run(&c, "condense", small(json!({ "layers": 1, "samples": 2, "windows": 1, "rivals": true }))).unwrap();
    let points = points(&report);
    for (arm, _) in ARMS {
        let n = points.iter().filter(|p| p.arm == arm).count();
        assert_eq!(n, if arm == "random, condensed" { 20 } else { 1 }, "{arm}");
    }
    assert!(points.iter().all(|p| p.perplexity.is_finite() && p.perplexity > 1.0));
    let of = |arm: &str| points.iter().find(|p| p.arm == arm).unwrap();
    assert!(of("REAP").parameters <= of("CD-MoE-SR").parameters && of("least used out").parameters == of("REAP").parameters);
    let table = report.figures.iter().find(|f| f.id == "condense-table").unwrap();
    assert!(matches!(&table.kind, FigureKind::Table { rows, .. } if rows.len() == ARMS.len()));
}

#[test]
fn a_cancelled_search_has_said_what_it_found() {
    fn picks(ear: &Ear) -> usize {
        ear.count(|e| matches!(e, Event::Finding(Finding::Pick(_))))
    }
    let ear = Ear::until(|e| picks(e) >= 3);
    let out = run_with(&moe(), "condense", small(json!({})), vec![text(600, 500)], &ear);
    assert_eq!(out, Err(MethodError::Cancelled));
    let said = picks(&ear);
    assert!((3..8).contains(&said), "{said}");
}

#[test]
fn a_model_without_experts_says_what_it_is_and_what_to_open() {
    for method in ["experts", "condense", "thin"] {
        let why = refused(&golden("llama"), method, json!({}));
        assert!(why.contains("dense model (llama") && why.contains("shakespeare-moe"), "{why}");
    }
}

#[test]
fn shared_experts_that_are_missing_are_named() {
    let without = altered(|name, bytes| (!name.contains("shared_expert.")).then_some(bytes));
    let why = refused(&without, "condense", small(json!({})));
    assert!(why.contains("shared experts of block 0"), "{why}");
    // A family that has none: the variant that would keep them alone is refused, the other one warns.
    let mixtral = golden("mixtral");
    let few = |config: Value| run_with(&mixtral, "condense", config, vec![text(200, 20)], &Ear::default());
    let why = few(small(json!({ "variant": "s" }))).unwrap_err().to_string();
    assert!(why.starts_with("variant:") && why.contains("no shared experts"), "{why}");
    let report = few(small(json!({ "layers": 1 }))).unwrap();
    assert!(report.warnings.iter().any(|w| w.contains("no shared experts")), "{:?}", report.warnings);
}

#[test]
fn more_experts_a_token_than_are_left_is_refused() {
    let left = |experts: Vec<u32>| json!({ "plan": { "changes": [{ "block": 2, "change": { "among": { "experts": experts } } }] }, "length": 24, "windows": 1 });
    let why = refused(&moe(), "thin", left(vec![0, 5, 9]));
    assert!(why.contains("block 2 would be left with 3 experts, but every token is sent to 4"), "{why}");
    assert!(run(&moe(), "thin", left(vec![0, 5, 9, 11])).is_ok());
    assert!(refused(&moe(), "thin", left(vec![0, 5, 9, 16])).contains("expert 16 of block 2"));
    assert!(refused(&moe(), "condense", small(json!({ "experts": 17 }))).contains("a layer has 16"));
}

#[test]
fn experts_that_no_token_reached_are_named_and_weigh_nothing() {
    let one = Rc::new(Corpus { name: "one word".into(), documents: vec![vec![7; 200].into()], ..Corpus::default() });
    let go = |unrouted: &str| run_with(&moe(), "condense", small(json!({ "layers": 1, "windows": 0, "unrouted": unrouted })), vec![one.clone()], &Ear::default()).unwrap();
    let report = go("zero");
    assert!(report.warnings.iter().any(|w| w.contains("no calibration token was sent to expert") && w.contains("taken as 0;")), "{:?}", report.warnings);
    assert!(go("official").warnings.iter().any(|w| w.contains("taken as 0.06")));
}

#[test]
fn all_layers_chosen_is_warned_of_and_nothing_left_is_refused() {
    let report = run(&moe(), "condense", small(json!({ "layers": 5, "samples": 2, "windows": 1 }))).unwrap();
    assert!(report.warnings.iter().any(|w| w.contains("all 5 mixtures are condensed")), "{:?}", report.warnings);
    assert!(refused(&moe(), "condense", small(json!({ "layers": 6 }))).contains("the model has 5 mixtures"));
    let all: Vec<Value> = (0..5).map(|b| json!({ "block": b, "change": "block" })).collect();
    assert!(refused(&moe(), "thin", json!({ "plan": { "changes": all } })).contains("nothing of the model would be left"));
    assert!(refused(&moe(), "thin", json!({ "plan": { "changes": [{ "block": 9, "change": "layer" }] } })).contains("block 9 has no mixture"));
}

#[test]
fn a_router_with_nan_is_named() {
    let broken = altered(|name, mut bytes| {
        if name == "model.layers.3.mlp.gate.weight" {
            bytes[..2].copy_from_slice(&[0x00, 0x7e]);
        }
        Some(bytes)
    });
    for method in ["experts", "condense", "thin"] {
        let config = if method == "experts" { json!({ "tokens": [1, 2, 3] }) } else { json!({ "length": 24, "windows": 1 }) };
        let why = refused(&broken, method, config);
        assert!(why.contains("router of block 3") && why.contains("damaged"), "{method}: {why}");
    }
}

#[test]
fn the_published_search_is_read_and_says_what_it_says() {
    let text = std::fs::read_to_string(repository().join("assets/records/deepseek_moe_16b_published_search.json")).unwrap();
    let p = published(&text).unwrap();
    assert_eq!((p.counts.len(), p.counts[0].len(), p.order_sr.len()), (27, 64, 15));
    assert!(p.source.contains("Apache-2.0"));
    // Specification lowrank-moe §2.4: the first pick is the most frequent expert in two layers; layer 0 picks ranks 55, 0, 63, 17, 29, 19 counted from 0.
    assert_eq!(p.popular_first(), 2);
    assert_eq!(p.selected_experts[0].iter().map(|e| p.rank_by_use(0, *e) - 1).collect::<Vec<_>>(), [55, 0, 63, 17, 29, 19]);
    assert!(published("{}").is_err() && published(&text.replace("[14,42,31,0,24,41]", "[14,42,31,0,24,64]")).is_err());
}

#[test]
fn a_plan_is_read_as_it_is_written() {
    let plan = Plan::default().with(3, Change::Condensed { experts: vec![5, 1].into(), weights: vec![0.25, 0.5].into() }).with(1, Change::Among { experts: vec![0, 2].into() }).with(0, Change::Block);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    assert_eq!((plan.first(), plan.clone().with(3, Change::Layer).of(3).cloned()), (Some(0), Some(Change::Layer)));
}
