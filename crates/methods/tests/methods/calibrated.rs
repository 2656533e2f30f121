//! Methods that run a model, whole, through the registry: over the small models of `tests/golden/models`.

use std::path::PathBuf;
use std::rc::Rc;

use espalier_methods::calibration::{Corpus, Example};
use espalier_methods::findings::Language;
use espalier_methods::report::{FigureKind, Finding};
use espalier_methods::{Event, Inputs, MethodError, Report, registry};
use espalier_nets::Checkpoint;
use espalier_nets::testing::source;
use espalier_tensor::Session;
use serde_json::{Value, json};

use crate::ear::Ear;

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

fn metric(event: &Event) -> bool {
    matches!(event, Event::Metric { .. })
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
    let ear = Ear::until(|e| e.count(metric) >= 2);
    assert_eq!(run_with(&checkpoint, "sensitivity", config(json!({})), vec![text()], &ear).unwrap_err(), MethodError::Cancelled);
    let known: serde_json::Map<String, Value> = cells.iter().filter(|(k, _)| k.starts_with("block 0")).map(|(k, v)| (k.clone(), v.clone())).collect();
    let ear = Ear::default();
    let resumed = run_with(&checkpoint, "sensitivity", config(Value::Object(known)), vec![text()], &ear).unwrap();
    assert_eq!(ear.count(metric), 2, "only what was not known is measured");
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

/// Claims, agreements and runs of a study's report.
fn studied(r: &Report) -> [usize; 3] {
    let count = |f: fn(&Language) -> bool| r.findings.iter().filter(|x| matches!(x, Finding::Language(l) if f(l))).count();
    [count(|l| matches!(l, Language::Study(_))), count(|l| matches!(l, Language::Agreement(_))), count(|l| matches!(l, Language::Claim(_)))]
}

/// Over a slot that outlives the run, as an engine has it.
fn study(checkpoint: &Checkpoint, config: Value, kept: &espalier_methods::kept::Slot, ear: &Ear) -> Result<Report, MethodError> {
    let texts = vec![text(), Rc::new(Corpus { name: "other".into(), documents: vec![(0..300_u32).map(|i| (i * 7 + i / 3) % 19).collect::<Vec<_>>().into()], ..(*text()).clone() })];
    let inputs = Inputs { checkpoint, matrices: checkpoint.matrices(), known: vec![], seed: 3, texts, kept: kept.clone(), files: vec![] };
    pollster::block_on((registry::find("calibration_study").unwrap().run)(config, inputs, &Session::cpu(), ear))
}

/// Source, seed and sparsity of each run that a study has told of.
fn runs_heard(ear: &Ear) -> Vec<(String, u64, f64)> {
    ear.events.borrow().iter().filter_map(|e| if let Event::Finding(Finding::Language(Language::Study(s))) = e { Some((s.source.clone(), s.seed, s.asked)) } else { None }).collect()
}

#[test]
fn a_study_of_several_sparsities_stops_and_goes_on_without_repeating() {
    let checkpoint = open("llama");
    let config = |known: Value| with(json!({"sparsities": "0.4, 0.6", "sources": "rule,other,random", "seeds": 2, "windows": 2, "known": known}));
    let slot = Default::default();
    let whole = study(&checkpoint, config(json!({})), &slot, &Ear::default()).unwrap();
    assert_eq!(studied(&whole), [3 * 2 * 2, 2, 5 * 2]);
    let known = whole.config["known"].as_object().unwrap().clone();
    assert_eq!(known.len(), 12);
    assert!(known.keys().any(|k| k == "other, seed 4 @ 0.6"), "{:?}", known.keys());

    // Stopped in the second seed of the first sparsity: the breath after its fourth run is refused.
    let slot: espalier_methods::kept::Slot = Default::default();
    let stop = Ear::until(|e| runs_heard(e).len() >= 4);
    assert_eq!(study(&checkpoint, config(json!({})), &slot, &stop).unwrap_err(), MethodError::Cancelled);
    let heard = runs_heard(&stop);
    assert_eq!(heard.len(), 4);
    let kept: serde_json::Map<String, Value> = heard.iter().map(|(s, n, a)| espalier_methods::study::cell(s, *n, *a)).map(|k| (k.clone(), known[&k].clone())).collect();
    let ear = Ear::default();
    let resumed = study(&checkpoint, config(Value::Object(kept.clone())), &slot, &ear).unwrap();
    let steps = ear.events.borrow().iter().filter(|e| matches!(e, Event::Progress { unit, label, .. } if unit == "runs" && label.contains('@'))).count();
    assert_eq!(steps, 12 - 4, "only what was not known is pruned");
    assert_eq!(resumed.config["known"], whole.config["known"]);
    assert_eq!(resumed.findings, whole.findings, "claims and agreement too: the masks were still there");

    // In a fresh worker the masks of the seed that was broken off are gone: what can be compared is, and it is said.
    let fresh = study(&checkpoint, config(Value::Object(kept)), &Default::default(), &Ear::default()).unwrap();
    assert!(fresh.warnings.iter().any(|w| w.contains("masks are gone")), "{:?}", fresh.warnings);
    assert_eq!(studied(&fresh), studied(&whole));
    let error = |c: Value| study(&checkpoint, with(c), &Default::default(), &Ear::default()).unwrap_err().to_string();
    assert!(error(json!({"sparsities": "0.4,much"})).contains("not a list"));
    assert!(error(json!({"known": {"rule, seed 3 @ 0.5": {"sparsity": 0.5, "nats": [1.0]}}})).contains("another number of texts"));
}

#[test]
fn a_study_of_one_sparsity_is_read_as_it_always_was() {
    let checkpoint = open("llama");
    let config = with(json!({"sparsity": 0.6, "sources": "rule,other", "seeds": 1, "windows": 2}));
    let r = study(&checkpoint, config, &Default::default(), &Ear::default()).unwrap();
    assert_eq!(studied(&r), [2, 1, 5]);
    assert!(r.findings.iter().all(|f| !matches!(f, Finding::Language(Language::Study(s)) if s.asked != 0.6)));
}

#[test]
fn the_models_own_text_calibrates_and_is_the_same_for_the_same_seed() {
    let checkpoint = open("llama");
    let slot: espalier_methods::kept::Slot = Default::default();
    let own = |seed: u64, slot: &espalier_methods::kept::Slot, ear: &Ear| {
        let inputs = Inputs { checkpoint: &checkpoint, matrices: checkpoint.matrices(), known: vec![], seed, texts: vec![text()], kept: slot.clone(), files: vec![] };
        pollster::block_on((registry::find("wanda").unwrap().run)(with(json!({"calibration": "model-text"})), inputs, &Session::cpu(), ear)).unwrap()
    };
    let ear = Ear::default();
    let first = own(3, &slot, &ear);
    assert!(first.summary.contains("tokens of model-text"), "{}", first.summary);
    let written = slot.own.borrow().clone().unwrap().1;
    assert_eq!(written.documents.len(), 4);
    assert!(written.documents.iter().all(|d| d.len() == 13), "a window of 8 has room to begin in several places");
    assert!(written.documents.iter().any(|d| d != &written.documents[0]), "four texts, not one");
    let writes = |ear: &Ear| ear.events.borrow().iter().filter(|e| matches!(e, Event::Progress { unit, .. } if unit == "tokens")).count();
    assert_eq!(writes(&ear), 12);
    let again = Ear::default();
    assert_eq!(own(3, &slot, &again), first);
    assert_eq!(writes(&again), 0, "it is kept");
    assert_eq!(own(3, &Default::default(), &Ear::default()), first, "and written anew it is the same");
    own(4, &slot, &Ear::default());
    assert_ne!(slot.own.borrow().clone().unwrap().1.documents, written.documents, "another seed, another text");
    assert_ne!(run(&checkpoint, "wanda", with(json!({}))).findings, first.findings);
}

#[test]
fn rules_side_by_side_are_what_each_rule_gives_alone_and_all_remove_the_same() {
    let checkpoint = open("llama");
    let r = run(&checkpoint, "rules", with(json!({"targets": "0.5,2:4", "owl": "5:0.1", "owl_patterns": "", "seeds": 2})));
    let Some(FigureKind::Table { rows, .. }) = r.figures.iter().find(|f| f.id == "rules").map(|f| &f.kind) else { panic!("{:?}", r.figures) };
    assert_eq!(rows.len(), 6 + 3);
    for row in rows {
        let draws = if row[1] == "magnitude" { "1" } else { "2" };
        assert_eq!(row[5], draws, "{row:?}");
        // Blocks are of one size, so OWL's sparsities have the mean that was asked for; each of the 14 matrices rounds one weight off at most.
        let removed: f64 = row[4].trim_end_matches(" %").parse().unwrap();
        assert!((removed - 50.0).abs() < 0.5, "{row:?}");
    }
    for (id, config, at) in [("wanda", json!({"exact": true}), 2), ("sparsegpt", json!({"exact": true}), 4), ("sparsegpt", json!({"exact": true, "pattern": "2:4"}), 8)] {
        let alone = [3, 4].map(|seed| {
            let inputs = Inputs { checkpoint: &checkpoint, matrices: checkpoint.matrices(), known: vec![], seed, texts: vec![text()], kept: Default::default(), files: vec![] };
            stat(&pollster::block_on((registry::find(id).unwrap().run)(with(config.clone()), inputs, &Session::cpu(), &Ear::default())).unwrap(), "perplexity after")
        });
        let (mean, sd) = (f64::midpoint(alone[0], alone[1]), (alone[0] - alone[1]).abs() / 2f64.sqrt());
        assert_eq!(rows[at][2], format!("{mean:.2} ± {sd:.2}"), "{id} in {:?}", rows[at]);
    }
    assert!(rows[3][3].contains("of 2"), "{:?}", rows[3]);
    let own = run(&checkpoint, "rules", with(json!({"targets": "0.5", "rules": "wanda", "owl": "", "seeds": 1, "calibration": "model-text", "evaluation": "rule"})));
    assert!(own.stats.iter().any(|s| s.label == "best at 50.0 %" && s.value.is_finite()), "the model's own text calibrates here too: {:?}", own.stats);
}

#[test]
fn a_pruned_matrix_is_looked_at_closely_and_its_row_shows_the_cut() {
    let checkpoint = open("llama");
    let slot: espalier_methods::kept::Slot = Default::default();
    let run_on = |id: &str, config: Value| {
        let inputs = Inputs { checkpoint: &checkpoint, matrices: checkpoint.matrices(), known: vec![], seed: 3, texts: vec![text()], kept: slot.clone(), files: vec![] };
        pollster::block_on((registry::find(id).unwrap().run)(config, inputs, &Session::cpu(), &Ear::default()))
    };
    let name = "model.layers.1.mlp.down_proj.weight";
    let look = |row: u32| -> Result<espalier_methods::findings::Closeup, MethodError> {
        let r = run_on("closeup", json!({"matrix": name, "row": row}))?;
        Ok(r.findings.into_iter().find_map(|f| if let Finding::Language(Language::Closeup(c)) = f { Some(c) } else { None }).unwrap())
    };
    assert!(look(0).unwrap_err().to_string().contains("run Wanda"));
    run_on("wanda", with(json!({}))).unwrap();
    let c = look(2).unwrap();
    assert_eq!((c.shape, c.cells, c.scores.len(), c.norms.len(), c.delta.len()), ([16, 24], [16, 24], 24, 24, 0));
    assert!(c.scores.windows(2).all(|w| w[0] <= w[1]));
    // Half of 24, the smallest, and the cut lies between the twelfth and the thirteenth.
    assert_eq!((c.gone.iter().sum::<u32>(), c.cut()), (12, Some(c.scores[11])));
    // A cell of this small matrix is one weight: its metric is its size times its input's norm.
    for i in 0..16 * 24 {
        assert!((c.metric[i] - c.weights[i] * c.norms[i % 24]).abs() <= 1e-6 * c.metric[i].max(1e-3), "{i}");
    }
    run_on("sparsegpt", with(json!({}))).unwrap();
    let c = look(2).unwrap();
    let kept = slot.get().unwrap();
    assert_eq!(c.delta.len(), 16 * 24);
    for (i, d) in c.delta.iter().enumerate() {
        assert!(!kept.of(name).unwrap().is_gone(i) || *d == 0.0, "only what stays is said to have changed");
    }
    assert!(c.delta.iter().any(|d| *d > 0.0));
    assert!(look(16).unwrap_err().to_string().contains("16 outputs"));
    assert!(run_on("closeup", json!({"matrix": "lm_head.weight"})).unwrap_err().to_string().contains("not among"));
}
