//! The methods run whole, over small checkpoints in memory, on the CPU path.

#![expect(clippy::unwrap_used, reason = "in a test the panic is the message")]

use espalier_methods::report::{Finding, Pruned, RankChoice, Spectrum, Tail};
use espalier_methods::{Event, Inputs, MethodError, Report, registry};
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::{Dtype, MatrixRef};
use espalier_nets::testing::Builder;
use espalier_tensor::Session;
use serde_json::{Value, json};

use crate::ear::Ear;

fn open(b: &Builder) -> Checkpoint {
    pollster::block_on(Checkpoint::open(vec![b.source("model.safetensors")])).unwrap()
}

const LAYERS: u64 = 2;

/// A Llama of two blocks with made-up weights.
fn llama() -> Builder {
    let mut b = Builder::new().made_up("model.embed_tokens.weight", &[40, 24]).made_up("lm_head.weight", &[40, 24]).made_up("model.norm.weight", &[24]);
    for l in 0..LAYERS {
        for p in ["q", "k", "v", "o"] {
            b = b.made_up(&format!("model.layers.{l}.self_attn.{p}_proj.weight"), &[24, 24]);
        }
        for (p, shape) in [("gate", [64, 24]), ("up", [64, 24]), ("down", [24, 64])] {
            b = b.made_up(&format!("model.layers.{l}.mlp.{p}_proj.weight"), &shape);
        }
        b = b.made_up(&format!("model.layers.{l}.input_layernorm.weight"), &[24]);
    }
    b
}

fn inputs<'a>(checkpoint: &'a Checkpoint, matrices: Vec<MatrixRef>, known: Vec<Spectrum>) -> Inputs<'a> {
    Inputs { checkpoint, matrices, known, seed: 0, texts: Vec::new(), kept: Default::default(), files: Vec::new() }
}

/// The methods that any checkpoint with matrices will do for; those over language models have tests of their own.
fn of_matrices() -> impl Iterator<Item = &'static espalier_methods::method::Entry> {
    registry::METHODS.iter().filter(|e| e.card.needs.starts_with("a checkpoint"))
}

fn run_with(id: &str, config: Value, inputs: Inputs<'_>, ear: &Ear) -> Result<Report, MethodError> {
    let session = Session::cpu();
    pollster::block_on((registry::find(id).unwrap().run)(config, inputs, &session, ear))
}

fn run(id: &str, config: Value, checkpoint: &Checkpoint) -> Report {
    run_with(id, config, inputs(checkpoint, checkpoint.matrices(), vec![]), &Ear::default()).unwrap()
}

fn pruned(r: &Report) -> Vec<Pruned> {
    r.findings.iter().filter_map(|f| if let Finding::Pruned(p) = f { Some(p.clone()) } else { None }).collect()
}

fn ranks(r: &Report) -> Vec<RankChoice> {
    r.findings.iter().filter_map(|f| if let Finding::Rank(c) = f { Some(c.clone()) } else { None }).collect()
}

fn spectra(r: &Report) -> Vec<Spectrum> {
    r.findings.iter().filter_map(|f| if let Finding::Spectrum(s) = f { Some(s.clone()) } else { None }).collect()
}

#[test]
fn the_same_seed_gives_the_same_report_to_the_byte() {
    let c = open(&llama());
    for entry in of_matrices() {
        let bytes = || serde_json::to_vec(&run(entry.card.id, Value::Null, &c)).unwrap();
        assert_eq!(bytes(), bytes(), "{}", entry.card.id);
    }
}

#[test]
fn reports_are_whole() {
    let c = open(&llama());
    for entry in of_matrices() {
        let r = run(entry.card.id, Value::Null, &c);
        assert_eq!(r.method, entry.card.id);
        assert!(r.summary.ends_with('.') && !r.stats.is_empty() && !r.findings.is_empty(), "{}", entry.card.id);
        for f in &r.figures {
            assert!(!f.id.is_empty() && !f.title.is_empty() && f.sentence.ends_with('.'), "{} {}", entry.card.id, f.id);
        }
        // JSON there and back.
        let text = serde_json::to_string(&r).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), r);
        // The configuration of a report runs again to the same report.
        assert_eq!(run(entry.card.id, r.config.clone(), &c), r);
    }
}

#[test]
fn spectra_come_one_by_one_and_a_cancelled_job_goes_on_where_it_stopped() {
    let c = open(&llama());
    let whole = run("spectra", Value::Null, &c);
    assert_eq!(spectra(&whole).len(), c.matrices().len());
    let ear = Ear::until(|e| e.breaths.get() > 5);
    let stopped = run_with("spectra", Value::Null, inputs(&c, c.matrices(), vec![]), &ear);
    assert_eq!(stopped, Err(MethodError::Cancelled));
    let known: Vec<Spectrum> = ear.events.borrow().iter().filter_map(|e| if let Event::Finding(Finding::Spectrum(s)) = e { Some(s.clone()) } else { None }).collect();
    assert!(!known.is_empty() && known.len() < c.matrices().len(), "{}", known.len());
    let before = known.len();
    // A mark shows that what is known is not computed again.
    let marked: Vec<Spectrum> = known.into_iter().map(|s| Spectrum { route: "known".into(), ..s }).collect();
    let resumed = run_with("spectra", Value::Null, inputs(&c, c.matrices(), marked), &Ear::default()).unwrap();
    assert_eq!(spectra(&resumed).iter().filter(|s| s.route == "known").count(), before);
    let bare = |r: &Report| spectra(r).into_iter().map(|s| Spectrum { route: String::new(), ..s }).collect::<Vec<_>>();
    assert_eq!(bare(&resumed), bare(&whole));
}

#[test]
fn progress_runs_from_nothing_to_all() {
    let c = open(&llama());
    for entry in of_matrices() {
        let ear = Ear::default();
        run_with(entry.card.id, Value::Null, inputs(&c, c.matrices(), vec![]), &ear).unwrap();
        let steps: Vec<(f64, f64)> = ear.events.borrow().iter().filter_map(|e| if let Event::Progress { done, total, .. } = e { Some((*done, *total)) } else { None }).collect();
        assert_eq!(steps[0].0, 0.0, "{}", entry.card.id);
        assert!(steps.windows(2).all(|w| w[0].0 <= w[1].0), "{}", entry.card.id);
        let last = steps[steps.len() - 1];
        assert_eq!(last.0, last.1, "{}", entry.card.id);
    }
}

#[test]
fn what_holds_nan_is_left_out_and_said() {
    let mut values = vec![0.5f32; 24 * 24];
    values[7] = f32::NAN;
    values[9] = f32::INFINITY;
    let c = open(&llama().values("model.layers.2.mlp.up_proj.weight", Dtype::F32, &[24, 24], &values));
    for entry in of_matrices() {
        for config in if entry.card.id == "magnitude" { vec![json!({}), json!({ "scope": "global" }), json!({ "scope": "2:4" })] } else { vec![json!({})] } {
            let r = run(entry.card.id, config, &c);
            assert_eq!(r.warnings.iter().filter(|w| w.contains("model.layers.2.mlp.up_proj.weight") && w.contains("2 NaN or infinite")).count(), 1, "{}", entry.card.id);
            assert!(!r.findings.is_empty());
        }
    }
}

#[test]
fn only_projections_are_pruned_unless_others_are_chosen() {
    let c = open(&llama());
    let all = c.matrices();
    let r = run("magnitude", Value::Null, &c);
    assert_eq!(pruned(&r).len() as u64, 7 * LAYERS);
    let head: Vec<_> = all.into_iter().filter(|m| m.name == "lm_head.weight").collect();
    let r = run_with("magnitude", Value::Null, inputs(&c, head, vec![]), &Ear::default()).unwrap();
    assert_eq!(pruned(&r).iter().map(|p| p.tensor.as_str()).collect::<Vec<_>>(), ["lm_head.weight"]);
    assert!(matches!(run_with("magnitude", Value::Null, inputs(&c, vec![], vec![]), &Ear::default()), Err(MethodError::Inputs(_))));
}

/// Zeros that an exact cut leaves: as many as were asked for, or as there were.
#[test]
fn counts_are_exact_in_every_scope() {
    let c = open(&llama());
    for sparsity in [0.0, 0.1, 0.5, 0.77, 1.0] {
        for scope in ["tensor", "row", "global"] {
            let all = pruned(&run("magnitude", json!({ "scope": scope, "sparsity": sparsity }), &c));
            let total: f64 = all.iter().map(|p| p.elements).sum();
            let zeros: f64 = all.iter().map(|p| p.zeros).sum();
            match scope {
                "global" => assert_eq!(zeros, (total * sparsity).floor(), "{scope} {sparsity}"),
                "tensor" => assert!(all.iter().all(|p| p.zeros == (p.elements * sparsity).floor()), "{scope} {sparsity}"),
                _ => {
                    for p in &all {
                        let columns = if p.tensor.contains("down") { 64.0 } else { 24.0 };
                        assert_eq!(p.zeros, p.elements / columns * f64::floor(columns * sparsity), "{} {sparsity}", p.tensor);
                    }
                }
            }
            if sparsity == 0.0 {
                assert!(all.iter().all(|p| p.error == 0.0 && p.threshold == 0.0));
            }
            if sparsity == 1.0 {
                assert!(all.iter().all(|p| p.error == 1.0 && p.mask.values.iter().all(|v| *v == 0.0)));
            }
        }
    }
    for (n, m) in [(2.0, 4.0), (1.0, 8.0), (8.0, 8.0), (0.0, 4.0)] {
        let all = pruned(&run("magnitude", json!({ "scope": format!("{n}:{m}") }), &c));
        assert!(all.iter().all(|p| p.zeros == p.elements * n / m), "{n}:{m}");
    }
}

#[test]
fn a_pattern_that_does_not_divide_leaves_the_rest_dense_or_as_published() {
    let c = open(&Builder::new().values("a.weight", Dtype::F32, &[1, 6], &[6.0, 5.0, 4.0, 3.0, 2.0, 1.0]));
    let one = |config: Value| pruned(&run("magnitude", config, &c))[0].zeros;
    assert_eq!(one(json!({ "scope": "2:4" })), 2.0);
    assert_eq!(one(json!({ "scope": "2:4", "rule": "official" })), 4.0);
    assert_eq!(one(json!({ "scope": "3:4", "rule": "official" })), 3.0, "fewer are left than would go");
}

#[test]
fn ties_go_by_the_lower_index_and_zeros_that_were_there_go_first() {
    let values = [1.0f32, -1.0, 0.0, 1.0, -0.0, 1.0, 2.0, 1.0];
    let c = open(&Builder::new().values("a.weight", Dtype::F32, &[2, 4], &values).values("b.weight", Dtype::F32, &[2, 4], &values));
    let zeros = |config: Value| pruned(&run("magnitude", config, &c)).iter().map(|p| p.zeros).collect::<Vec<_>>();
    assert_eq!(zeros(json!({ "sparsity": 0.125 })), [2.0, 2.0], "two zeros were there already");
    assert_eq!(zeros(json!({ "sparsity": 0.5 })), [4.0, 4.0]);
    assert_eq!(zeros(json!({ "sparsity": 0.5, "rule": "official" })), [7.0, 7.0], "all that equal the cut");
    assert_eq!(zeros(json!({ "sparsity": 0.0, "rule": "official" })), [2.0, 2.0]);
    // 7 of 16 over both: four zeros, then three ties, all from the first matrix.
    assert_eq!(zeros(json!({ "sparsity": 0.4375, "scope": "global" })), [5.0, 2.0]);
    assert_eq!(zeros(json!({ "sparsity": 0.4375, "scope": "global", "rule": "official" })), [7.0, 7.0]);
}

#[test]
fn a_global_cut_equals_sorting_everything() {
    let c = open(&llama());
    let matrices: Vec<MatrixRef> = c.matrices().into_iter().filter(|m| m.prunable).collect();
    let values: Vec<Vec<f32>> = matrices.iter().map(|m| pollster::block_on(c.read_matrix(m)).unwrap().iter().copied().collect()).collect();
    let mut order: Vec<(u32, usize, usize)> = values.iter().enumerate().flat_map(|(t, v)| v.iter().enumerate().map(move |(i, w)| (w.abs().to_bits(), t, i))).collect();
    order.sort_unstable();
    for sparsity in [0.01, 0.3, 0.9] {
        let k = (order.len() as f64 * sparsity) as usize;
        let mut counts = vec![0.0; matrices.len()];
        order[..k].iter().for_each(|(_, t, _)| counts[*t] += 1.0);
        let got = pruned(&run("magnitude", json!({ "scope": "global", "sparsity": sparsity }), &c));
        assert_eq!(got.iter().map(|p| p.zeros).collect::<Vec<_>>(), counts, "{sparsity}");
    }
}

#[test]
fn allocations_keep_the_budget_and_by_hand_is_taken() {
    let c = open(&llama());
    for allocation in ["uniform", "erk", "er", "spectrum"] {
        let all = pruned(&run("magnitude", json!({ "allocation": allocation, "sparsity": 0.8 }), &c));
        let total: f64 = all.iter().map(|p| p.elements).sum();
        let zeros: f64 = all.iter().map(|p| p.zeros).sum();
        // Each matrix loses less than one weight by truncation.
        assert!(zeros <= 0.8 * total + 1e-6 && zeros > 0.8 * total - all.len() as f64, "{allocation}: {zeros} of {total}");
    }
    let name = "model.layers.1.mlp.up_proj.weight";
    let r = run("magnitude", json!({ "allocation": "by_hand", "sparsity": 0.25, "by_hand": { name: 0.75, "nowhere": 0.1 } }), &c);
    assert!(pruned(&r).iter().all(|p| p.zeros == p.elements * if p.tensor == name { 0.75 } else { 0.25 }));
    assert!(r.warnings.iter().any(|w| w.contains("nowhere")));
}

#[test]
fn profiles_say_what_pruning_then_does() {
    let c = open(&llama());
    let profiles = run("profile", Value::Null, &c);
    for percent in [0usize, 17, 50, 93, 100] {
        let r = run("magnitude", json!({ "sparsity": percent as f64 / 100.0 }), &c);
        for (f, p) in profiles.findings.iter().zip(pruned(&r)) {
            let Finding::Profile(f) = f else { panic!("a profile") };
            assert_eq!(f.tensor, p.tensor);
            assert!((f64::from(f.error[percent]) - p.error).abs() < 1e-6, "{} at {percent} %", p.tensor);
        }
    }
}

#[test]
fn rank_selection_reports_what_it_costs() {
    let c = open(&llama());
    let r = run("welore", json!({ "rule": "reach", "target": 0.3, "min_ratio": 0.0 }), &c);
    let choices = ranks(&r);
    assert_eq!(choices.len() as u64, 7 * LAYERS);
    let removed: u32 = choices.iter().map(|c| c.full - c.kept).sum();
    let total: u32 = choices.iter().map(|c| c.full).sum();
    assert!(f64::from(removed) >= 0.3 * f64::from(total));
    assert!(choices.iter().all(|c| c.kept >= 1 && (0.0..=1.0).contains(&c.error)));
    // Made-up weights have no low rank: the pairs are larger than the matrices, which is said.
    assert!(r.warnings.iter().any(|w| w.contains("larger")));
    let name = "model.layers.0.self_attn.q_proj.weight";
    let r = run("welore", json!({ "rule": "by_hand", "by_hand": { name: 3 } }), &c);
    let by_hand: Vec<_> = ranks(&r).into_iter().filter(|c| c.factored).collect();
    assert_eq!(by_hand.iter().map(|c| (c.tensor.as_str(), c.kept)).collect::<Vec<_>>(), [(name, 3)]);
    for bad in [json!({ "by_hand": { name: 0 } }), json!({ "by_hand": { name: 25 } })] {
        assert!(matches!(run_with("welore", bad, inputs(&c, c.matrices(), vec![]), &Ear::default()), Err(MethodError::Config { key, .. }) if key == "by_hand"));
    }
}

#[test]
fn identities_and_zeros_have_spectra_that_say_so() {
    let mut eye = vec![0.0f32; 144];
    (0..12).for_each(|i| eye[i * 13] = 2.0);
    let c = open(&Builder::new().values("eye.weight", Dtype::F32, &[12, 12], &eye).values("zero.weight", Dtype::F32, &[4, 12], &[0.0; 48]));
    let r = run("spectra", Value::Null, &c);
    let s = spectra(&r);
    let by = |n: &str| s.iter().find(|s| s.tensor == n).unwrap();
    assert_eq!(by("eye.weight").tail, Tail::Flat { count: 12 });
    assert!((by("eye.weight").stable_rank - 12.0).abs() < 1e-9);
    assert_eq!(by("zero.weight").tail, Tail::TooFew { count: 0 });
    let r = run("welore", json!({ "rule": "threshold", "threshold": 0.5 }), &c);
    assert!(ranks(&r).iter().all(|c| !c.factored && c.kept == c.full));
    assert!(r.warnings.iter().any(|w| w.contains("eye.weight") && w.contains("equal")));
}

#[test]
fn edits_do_what_was_planned() {
    use espalier_methods::edit::{Edit, Edited, apply};
    use espalier_methods::magnitude::{Config, plan};
    let c = open(&llama());
    let session = Session::cpu();
    let config = Config { sparsity: 0.6, ..Config::default() };
    let picks = pollster::block_on(plan(&config, &inputs(&c, c.matrices(), vec![]), &session, &Ear::default())).unwrap();
    let report = pruned(&run("magnitude", json!({ "sparsity": 0.6 }), &c));
    for (pick, said) in picks.iter().zip(&report) {
        let before = pollster::block_on(c.read_matrix(&pick.matrix)).unwrap();
        let Edited::Pruned { weights, mask } = pollster::block_on(apply(Edit::Prune(pick.selection), before.clone(), &session)).unwrap() else { panic!("a mask") };
        assert_eq!(weights.iter().filter(|w| **w == 0.0).count() as f64, said.zeros);
        for ((after, before), gone) in weights.iter().zip(&before).zip(&mask) {
            assert_eq!(after.to_bits(), if *gone != 0 { 0 } else { before.to_bits() });
        }
    }
    let w = pollster::block_on(c.read_matrix(&picks[0].matrix)).unwrap();
    let full = w.nrows().min(w.ncols()) as u32;
    assert_eq!(pollster::block_on(apply(Edit::Truncate { rank: full }, w.clone(), &session)).unwrap(), Edited::Dense(w.clone()));
    for edit in [Edit::Factor { rank: 0 }, Edit::Truncate { rank: full + 1 }] {
        assert!(matches!(pollster::block_on(apply(edit, w.clone(), &session)), Err(MethodError::Inputs(_))));
    }
    // The error of a cut is the one the spectrum foretold.
    let s = spectra(&run_with("spectra", Value::Null, inputs(&c, vec![picks[0].matrix.clone()], vec![]), &Ear::default()).unwrap()).remove(0);
    let Edited::Dense(cut) = pollster::block_on(apply(Edit::Truncate { rank: 5 }, w.clone(), &session)).unwrap() else { panic!("dense") };
    let lost = (&w - &cut).iter().map(|d| f64::from(*d).powi(2)).sum::<f64>().sqrt();
    let foretold = espalier_methods::spectra::truncation_errors(&s.values)[5] * s.frobenius;
    assert!((lost - foretold).abs() < 1e-5 * s.frobenius, "{lost} {foretold}");
}
