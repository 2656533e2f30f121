//! Methods that run a model, whole, through the registry: over the small models of `tests/golden/models`.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use espalier_methods::calibration::{Corpus, Example};
use espalier_methods::findings::Language;
use espalier_methods::method::LocalFuture;
use espalier_methods::report::{FigureKind, Finding};
use espalier_methods::{Event, Inputs, MethodError, Report, Sink, registry};
use espalier_nets::Checkpoint;
use espalier_nets::testing::source;
use espalier_tensor::Session;
use serde_json::{Value, json};

#[derive(Default)]
struct Ear {
    events: RefCell<Vec<Event>>,
    metrics: Cell<usize>,
    cancel_after: Option<usize>,
}

impl Sink for Ear {
    fn event(&self, event: Event) {
        if matches!(event, Event::Metric { .. }) {
            self.metrics.set(self.metrics.get() + 1);
        }
        self.events.borrow_mut().push(event);
    }
    fn breathe(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        let stop = self.cancel_after.is_some_and(|n| self.metrics.get() >= n);
        Box::pin(std::future::ready(if stop { Err(MethodError::Cancelled) } else { Ok(()) }))
    }
}

fn open(name: &str) -> Checkpoint {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let case = cases.iter().find(|c| c["name"] == name).unwrap();
    let weights = std::fs::read(folder.join(format!("{}.safetensors", case["weights"].as_str().unwrap()))).unwrap();
    let files = vec![source("model.safetensors", &weights), source("config.json", case["config"].to_string().as_bytes())];
    pollster::block_on(Checkpoint::open(files)).unwrap()
}

/// Words by a rule that nobody has to learn.
fn text() -> Rc<Corpus> {
    let words: Vec<u32> = (0..400_u32).map(|i| (i * i + i / 7) % 20).collect();
    let e = |a: &[u32]| Example { zero: a[..2].to_vec().into(), single: a.to_vec().into(), reasoned: a.to_vec().into(), steps: 1 };
    Rc::new(Corpus { name: "rule".into(), documents: vec![words.into()], examples: vec![e(&[1, 2, 3]), e(&[4, 5, 6, 7])], pad: 0, bytes: 400.0 })
}

fn run_with(checkpoint: &Checkpoint, id: &str, config: Value, texts: Vec<Rc<Corpus>>, ear: &Ear) -> Result<Report, MethodError> {
    let inputs = Inputs { checkpoint, matrices: checkpoint.matrices(), known: vec![], seed: 3, texts, kept: Default::default(), files: vec![] };
    pollster::block_on((registry::find(id).unwrap().run)(config, inputs, &Session::cpu(), ear))
}

fn run(checkpoint: &Checkpoint, id: &str, config: Value) -> Report {
    run_with(checkpoint, id, config, vec![text()], &Ear::default()).unwrap()
}

fn stat(r: &Report, label: &str) -> f64 {
    r.stats.iter().find(|s| s.label == label).unwrap_or_else(|| panic!("no {label} in {:?}", r.stats)).value
}

const SMALL: [(&str, i64); 3] = [("samples", 4), ("length", 8), ("windows", 6)];

fn with(more: Value) -> Value {
    let mut c = json!({});
    SMALL.iter().for_each(|(k, v)| c[*k] = (*v).into());
    more.as_object().unwrap().iter().for_each(|(k, v)| c[k] = v.clone());
    c
}

#[test]
fn every_family_is_pruned_by_every_rule() {
    for name in ["llama", "qwen2", "mixtral", "olmoe", "gpt2", "gpt_neox parallel True"] {
        let checkpoint = open(name);
        for (id, config) in [("wanda", json!({})), ("sparsegpt", json!({})), ("owl", json!({"sparsity": 0.5})), ("wanda", json!({"criterion": "magnitude", "group": "layer"}))] {
            let r = run(&checkpoint, id, with(config));
            let linears = checkpoint.matrices().iter().filter(|m| m.prunable).count();
            assert_eq!(r.findings.iter().filter(|f| matches!(f, Finding::Pruned(_))).count(), linears, "{name} {id}");
            assert!((stat(&r, "sparsity") - 0.5).abs() < 0.1, "{name} {id}: {}", r.summary);
            assert!(stat(&r, "perplexity after").is_finite() && stat(&r, "perplexity before") > 1.0);
        }
    }
}

#[test]
fn sparsity_zero_changes_nothing_and_one_leaves_nothing() {
    let checkpoint = open("llama");
    for id in ["wanda", "sparsegpt"] {
        let none = run(&checkpoint, id, with(json!({"sparsity": 0.0})));
        assert!((stat(&none, "perplexity before") - stat(&none, "perplexity after")).abs() < 1e-4 * stat(&none, "perplexity before"), "{id}");
        let all = run(&checkpoint, id, with(json!({"sparsity": 1.0})));
        assert_eq!(stat(&all, "sparsity"), 1.0, "{id}");
    }
}

#[test]
fn the_remainder_is_handed_out_where_it_is_asked_for() {
    let checkpoint = open("llama");
    let short = run(&checkpoint, "wanda", with(json!({"sparsity": 0.7})));
    let exact = run(&checkpoint, "wanda", with(json!({"sparsity": 0.7, "exact": true})));
    assert!(stat(&short, "sparsity") < 0.695, "{}", short.summary);
    for f in &exact.findings {
        let Finding::Pruned(p) = f else { continue };
        assert_eq!(p.zeros, (p.elements * 0.7).floor(), "{}", p.tensor);
    }
}

#[test]
fn what_a_pattern_and_a_text_cannot_do_is_said() {
    let checkpoint = open("llama");
    let odd = run(&checkpoint, "wanda", with(json!({"pattern": "2:5"})));
    assert!(odd.warnings.iter().any(|w| w.contains("does not divide")), "{:?}", odd.warnings);
    let error = |id: &str, config: Value, texts| run_with(&checkpoint, id, config, texts, &Ear::default()).unwrap_err().to_string();
    assert!(error("sparsegpt", with(json!({"pattern": "2:5"})), vec![text()]).contains("multiple"));
    assert!(error("wanda", json!({}), vec![]).contains("needs a text"));
    let tiny = Rc::new(Corpus { name: "tiny".into(), documents: vec![vec![1; 5].into()], ..Corpus::default() });
    assert!(error("wanda", with(json!({})), vec![tiny]).contains("longest"));
    assert!(error("wanda", with(json!({"roles": "q,router"})), vec![text()]).contains("router"));
    assert!(error("owl", with(json!({"allocation": "sensitivity"})), vec![text()]).contains("sweep"));
    assert!(error("perplexity", json!({}), vec![]).contains("needs a text"));
}

#[test]
fn damping_that_is_too_small_is_raised_aloud() {
    // Two windows of three tokens span far fewer than the 16 inputs.
    let r = run(&open("llama"), "sparsegpt", json!({"damping": 0.0, "samples": 1, "length": 3, "windows": 2}));
    assert!(r.warnings.iter().any(|w| w.contains("not positive definite") && w.contains("raised")), "{:?}", r.warnings);
}

#[test]
fn a_sweep_stops_and_goes_on_where_it_was() {
    let checkpoint = open("llama");
    let config = |known: Value| with(json!({"ladder": "0.3,0.7", "known": known}));
    let whole = run(&checkpoint, "sensitivity", config(json!({})));
    let cells = whole.config["known"].as_object().unwrap().clone();
    assert_eq!(cells.len(), 4);
    // Stopped after two measurements, what the metrics said of them is what a resumed sweep is given.
    let ear = Ear { cancel_after: Some(2), ..Ear::default() };
    assert_eq!(run_with(&checkpoint, "sensitivity", config(json!({})), vec![text()], &ear).unwrap_err(), MethodError::Cancelled);
    let known: serde_json::Map<String, Value> = cells.iter().filter(|(k, _)| k.starts_with("block 0")).map(|(k, v)| (k.clone(), v.clone())).collect();
    let ear = Ear::default();
    let resumed = run_with(&checkpoint, "sensitivity", config(Value::Object(known)), vec![text()], &ear).unwrap();
    assert_eq!(ear.metrics.get(), 2, "only what was not known is measured");
    assert_eq!(resumed.config["known"], whole.config["known"]);
    assert!(whole.figures.iter().any(|f| matches!(f.kind, FigureKind::HeatMap { .. })));
}

#[test]
fn same_seed_same_report_and_another_seed_another_text() {
    let checkpoint = open("gpt2");
    let config = || json!({"prompt": [1, 2], "tokens": 8, "temperature": 1.5});
    assert_eq!(run(&checkpoint, "generate", config()), run(&checkpoint, "generate", config()));
    assert_eq!(run(&checkpoint, "wanda", with(json!({}))), run(&checkpoint, "wanda", with(json!({}))));
    let formats = ["zero", "single", "in_context", "chain_of_thought"];
    for f in formats {
        assert!(run(&checkpoint, "wanda", with(json!({"format": f, "count_padding": false}))).summary.contains("rule"), "{f}");
    }
}

#[test]
fn outliers_are_counted_without_pruning_and_follow_the_papers_map() {
    let checkpoint = open("llama");
    let config = json!({"samples": 4, "length": 8});
    let r = run(&checkpoint, "outliers", config);
    let found: Vec<_> = r.findings.iter().filter_map(|f| if let Finding::Language(Language::Outliers(o)) = f { Some(o.clone()) } else { None }).collect();
    assert!(!found.is_empty());
    for o in &found {
        assert!(o.percent.windows(2).all(|w| w[0] >= w[1]), "fewer stand out over more");
    }
    // What a pruning with OWL finds at its M is what was counted here.
    let owl = run(&checkpoint, "owl", with(json!({"multiple": 3.0, "sparsity": 0.5})));
    for o in owl.findings.iter().filter_map(|f| if let Finding::Language(Language::Outliers(o)) = f { Some(o) } else { None }) {
        assert_eq!(o.at(3.0), found[o.block as usize].at(3.0));
    }
}

#[test]
fn several_texts_are_measured_and_named() {
    let checkpoint = open("llama");
    let second = Rc::new(Corpus { name: "other".into(), ..(*text()).clone() });
    let r = run_with(&checkpoint, "wanda", with(json!({"calibration": "rule", "evaluation": "rule,other"})), vec![text(), second], &Ear::default()).unwrap();
    let names: Vec<_> = r.findings.iter().filter_map(|f| if let Finding::Language(Language::Likelihood(l)) = f { Some(l.text.clone()) } else { None }).collect();
    assert_eq!(names, ["rule", "other"]);
}

#[test]
fn a_study_compares_sources_at_equal_sparsity_and_judges_the_claims() {
    let checkpoint = open("llama");
    let other: Vec<u32> = (0..300_u32).map(|i| (i * 7 + i / 3) % 19).collect();
    let second = Rc::new(Corpus { name: "arithmetic".into(), documents: vec![other.into()], ..(*text()).clone() });
    let config = json!({"samples": 4, "length": 8, "windows": 4, "seeds": 2, "sparsity": 0.6});
    let r = run_with(&checkpoint, "calibration_study", config, vec![text(), second], &Ear::default()).unwrap();
    let runs: Vec<_> = r.findings.iter().filter_map(|f| if let Finding::Language(Language::Study(s)) = f { Some(s.clone()) } else { None }).collect();
    assert_eq!(runs.len(), 5 * 2, "two texts and three controls, two seeds");
    assert!(runs.iter().all(|s| s.sparsity == runs[0].sparsity && s.domains == ["rule", "arithmetic"] && s.dense == runs[0].dense));
    let agreement = r.findings.iter().find_map(|f| if let Finding::Language(Language::Agreement(a)) = f { Some(a.clone()) } else { None }).unwrap();
    assert_eq!(agreement.sources.len(), 5);
    assert!(agreement.jaccard.iter().all(|j| (0.0..=1.0).contains(j)) && agreement.mean(0, 1) < 1.0);
    assert_eq!(r.findings.iter().filter(|f| matches!(f, Finding::Language(Language::Claim(_)))).count(), 5);
    assert_eq!(run_with(&checkpoint, "calibration_study", json!({"sources": "rule"}), vec![text()], &Ear::default()).unwrap_err().to_string().contains("two"), true);
}

#[test]
fn rules_side_by_side_are_what_each_rule_gives_alone_and_all_remove_the_same() {
    let checkpoint = open("llama");
    let r = run(&checkpoint, "rules", with(json!({"targets": "0.5,2:4", "owl": "5:0.1", "owl_patterns": "", "seeds": 2})));
    let Some(FigureKind::Table { rows, .. }) = r.figures.iter().find(|f| f.id == "rules").map(|f| &f.kind) else { panic!("{:?}", r.figures) };
    assert_eq!(rows.len(), 6 + 3);
    for row in rows {
        let draws = if row[1] == "magnitude" { "1" } else { "2" };
        assert_eq!(row[3], draws, "{row:?}");
        // Blocks are of one size, so OWL's sparsities have the mean that was asked for; each of the 14 matrices rounds one weight off at most.
        let removed: f64 = row[2].trim_end_matches(" %").parse().unwrap();
        assert!((removed - 50.0).abs() < 0.5, "{row:?}");
    }
    for (id, config, at) in [("wanda", json!({"exact": true}), 2), ("sparsegpt", json!({"exact": true}), 4), ("sparsegpt", json!({"exact": true, "pattern": "2:4"}), 8)] {
        let alone = [3, 4].map(|seed| {
            let inputs = Inputs { checkpoint: &checkpoint, matrices: checkpoint.matrices(), known: vec![], seed, texts: vec![text()], kept: Default::default(), files: vec![] };
            stat(&pollster::block_on((registry::find(id).unwrap().run)(with(config.clone()), inputs, &Session::cpu(), &Ear::default())).unwrap(), "perplexity after")
        });
        let (mean, sd) = (f64::midpoint(alone[0], alone[1]), (alone[0] - alone[1]).abs() / 2f64.sqrt());
        assert_eq!(rows[at][4], format!("{mean:.2} ± {sd:.2}"), "{id} in {:?}", rows[at]);
    }
    assert!(rows[3][5].contains("of 2"), "{:?}", rows[3]);
}
