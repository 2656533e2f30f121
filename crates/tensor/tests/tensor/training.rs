//! The training engine: optimisers against their formulas, clipping, what is freed, one submit a step, exact resume.

use espalier_tensor::nn::Linear;
use espalier_tensor::ops::elementwise::Binary;
use espalier_tensor::ops::reduce::{Fold, FoldKind};
use espalier_tensor::ops::values::ULP;
use espalier_tensor::tape::{Tape, Var};
use espalier_tensor::train::{Draft, Ledger, Pass, Rule, Schedule, Settings, Snapshot, Trainer};
use espalier_tensor::{Array, Session, Tensor};

use crate::device;

fn settings(rule: Rule) -> Settings {
    Settings { rule, schedule: Schedule::constant(0.05), decay: 0.1, clip: None }
}

fn read(session: &Session, tensor: &Tensor) -> Vec<f32> {
    pollster::block_on(session.read(tensor)).expect("it reads").into_f32()
}

fn devices() -> Vec<Session> {
    std::iter::once(Session::cpu()).chain(device::gpu()).collect()
}

/// Takes steps whose gradients are given: the loss is Σ g · w.
fn steps(session: &Session, settings: Settings, shape: &[usize], start: &[f64], slopes: &[[f64; 3]]) -> (Vec<f32>, Trainer) {
    let array = |v: &[f64]| Array::from_f32(shape, v.iter().map(|&x| x as f32).collect());
    let mut draft = Draft::new(0);
    let key = draft.add("w", array(start));
    let mut trainer = Trainer::new(session, draft, settings, 0);
    for g in slopes {
        let g = session.upload(array(g));
        trainer
            .step(|pass: &Pass| {
                let product = pass.mul(pass.parameter(key), &pass.constant(g));
                pass.run(Fold::all(FoldKind::Sum), &[&product])
            })
            .expect("all of it is differentiable");
    }
    (read(session, &trainer.parameters().value(key)), trainer)
}

const START: [f64; 3] = [1.0, -0.5, 2.0];
const SLOPES: [[f64; 3]; 4] = [[0.3, -0.1, 0.0], [0.1, 0.4, 0.0], [-0.2, 0.2, 1.0], [0.5, -0.3, 0.2]];

fn agree(found: &[f32], wanted: &[f64]) {
    for (found, w) in found.iter().zip(wanted) {
        // Four steps, each with a dozen roundings of at most half a unit of numbers below 2 (WGSL: square root and division of a few units).
        assert!((f64::from(*found) - w).abs() <= 4.0 * 24.0 * f64::from(ULP), "{found} against {w}");
    }
}

#[test]
fn adamw_takes_the_steps_of_its_formula() {
    for session in devices() {
        for (shape, decay) in [(&[3, 1][..], 0.1), (&[3], 0.0)] {
            let (mut w, mut m, mut v) = (START, [0.0; 3], [0.0; 3]);
            for (t, g) in SLOPES.iter().enumerate() {
                for i in 0..3 {
                    m[i] = 0.9 * m[i] + 0.1 * g[i];
                    v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
                    let m_hat = m[i] / (1.0 - 0.9_f64.powi(t as i32 + 1));
                    let v_hat = v[i] / (1.0 - 0.999_f64.powi(t as i32 + 1));
                    w[i] -= 0.05 * (m_hat / (v_hat.sqrt() + 1e-8) + decay * w[i]);
                }
            }
            // Lists (biases) are not decayed, matrices are.
            let (found, trainer) = steps(&session, settings(Rule::ADAMW), shape, &START, &SLOPES);
            assert_eq!(trainer.steps(), 4);
            agree(&found, &w);
        }
    }
}

#[test]
fn descent_takes_the_steps_of_its_formula() {
    for session in devices() {
        for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
            let (mut w, mut u) = (START, [0.0; 3]);
            for g in &SLOPES {
                for i in 0..3 {
                    let slope = g[i] + 0.1 * w[i];
                    u[i] = momentum * u[i] + slope;
                    w[i] -= 0.05 * if nesterov { slope + momentum * u[i] } else { u[i] };
                }
            }
            agree(&steps(&session, settings(Rule::Sgd { momentum, nesterov }), &[1, 3], &START, &SLOPES).0, &w);
        }
    }
}

#[test]
fn the_gradient_is_clipped_to_its_norm() {
    for session in devices() {
        let rule = Rule::Sgd { momentum: 0.0, nesterov: false };
        let clipped = Settings { clip: Some(0.5), decay: 0.0, ..settings(rule) };
        // ‖(3, 4, 0)‖ = 5, a tenth is left; ‖(0.3, 0, 0)‖ is below and stays.
        let found = steps(&session, clipped, &[3], &START, &[[3.0, 4.0, 0.0], [0.3, 0.0, 0.0]]).0;
        agree(&found, &[1.0 - 0.05 * 0.3 - 0.05 * 0.3, -0.5 - 0.05 * 0.4, 2.0]);
    }
}

/// A net of two layers with dropout.
struct Net {
    first: Linear,
    second: Linear,
}

impl Net {
    fn new(draft: &mut Draft) -> Self {
        Self { first: Linear::new(draft, "first", 5, 32, true), second: Linear::new(draft, "second", 32, 3, true) }
    }

    fn loss(&self, pass: &Pass, x: &Tensor, y: &Tensor) -> Var {
        let h = pass.relu(&self.first.forward(pass, &pass.constant(x.clone())));
        let out = self.second.forward(pass, &pass.dropout(h, 0.25));
        let off = pass.run(Binary::Sub, &[&out, &pass.constant(y.clone())]);
        let squares = pass.mul(&off, &off);
        pass.run(Fold::all(FoldKind::Mean), &[&squares])
    }
}

fn data(session: &Session) -> (Tensor, Tensor) {
    let values = |n: usize, k: f32| (0..n).map(|i| (i as f32 * k).sin()).collect();
    (session.upload(Array::from_f32(&[16, 5], values(80, 0.7))), session.upload(Array::from_f32(&[16, 3], values(48, 1.3))))
}

fn net(session: &Session, seed: u64) -> (Net, Trainer) {
    let mut draft = Draft::new(seed);
    let net = Net::new(&mut draft);
    let settings = Settings { schedule: Schedule { warmup: 3, ..Schedule::constant(0.01) }, clip: Some(1.0), ..settings(Rule::ADAMW) };
    (net, Trainer::new(session, draft, settings, seed))
}

fn train(net: &Net, trainer: &mut Trainer, steps: u32) -> Vec<f32> {
    let session = trainer.session().clone();
    let (x, y) = data(&session);
    let mut ledger = Ledger::default();
    for _ in 0..steps {
        let step = trainer.step(|pass| net.loss(pass, &x, &y)).expect("all of it is differentiable");
        ledger.note(step.step, step.loss);
    }
    pollster::block_on(ledger.settle(&session)).expect("it reads").into_iter().map(|(_, loss)| loss).collect()
}

fn bits(snapshot: &Snapshot) -> Vec<(String, Vec<u32>)> {
    snapshot.tensors.iter().map(|(n, a)| (n.clone(), a.f32().iter().map(|x| x.to_bits()).collect())).collect()
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_bits() {
    let session = Session::cpu();
    let (whole, mut trainer) = net(&session, 7);
    let losses = train(&whole, &mut trainer, 20);
    assert!(losses.iter().all(|loss| loss.is_finite()), "{losses:?}");
    let end = pollster::block_on(trainer.snapshot()).expect("it reads");

    let (first, mut trainer) = net(&session, 7);
    let mut parts = train(&first, &mut trainer, 8);
    let middle = pollster::block_on(trainer.snapshot()).expect("it reads");
    // Another process: other first weights, another seed, all of it replaced by the snapshot.
    let (second, mut trainer) = net(&Session::cpu(), 99);
    trainer.restore(&middle).expect("the same network");
    parts.extend(train(&second, &mut trainer, 12));
    assert_eq!(parts.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), losses.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    let again = pollster::block_on(trainer.snapshot()).expect("it reads");
    assert_eq!((again.step, again.seed), (20, 7));
    assert_eq!(bits(&again), bits(&end));
}

#[test]
fn a_snapshot_of_another_network_is_refused() {
    let session = Session::cpu();
    let (_, mut trainer) = net(&session, 1);
    let mut snapshot = pollster::block_on(trainer.snapshot()).expect("it reads");
    snapshot.tensors.retain(|(name, _)| name != "second_moment.second.bias");
    let error = trainer.restore(&snapshot).expect_err("a tensor is missing");
    assert_eq!(error.name, "second_moment.second.bias");
}

#[test]
fn nothing_is_left_over_after_a_thousand_steps() {
    for session in devices() {
        let (net, mut trainer) = net(&session, 3);
        let (x, y) = data(&session);
        let mut used = Vec::new();
        // A software adapter takes 30 ms a step.
        let steps = if session.is_gpu() { 200 } else { 1000 };
        for step in 0..steps {
            trainer.step(|pass| net.loss(pass, &x, &y)).expect("all of it is differentiable");
            pollster::block_on(session.breathe()).expect("the device stays");
            if step == 9 || step + 1 == steps {
                used.push(session.bytes_in_use());
            }
        }
        assert_eq!(used[0], used[1], "{}", session.info().name);
    }
}

#[test]
fn a_step_is_one_submit() {
    // A device that computes nothing, so that the time it takes does not cut submits: what is counted is what recording asks for.
    let session = Session::noop();
    let (net, mut trainer) = net(&session, 3);
    let (x, y) = data(&session);
    let mut counts = Vec::new();
    for _ in 0..30 {
        let before = session.submits();
        trainer.step(|pass| net.loss(pass, &x, &y)).expect("all of it is differentiable");
        pollster::block_on(session.breathe()).expect("the device stays");
        counts.push(session.submits() - before);
    }
    // A kernel that was never timed ends its submit; from then on a step is handed over by the breath alone.
    assert!(counts[15..].iter().all(|&n| n == 1), "{counts:?}");
}

#[test]
fn going_back_frees_what_is_no_longer_needed() {
    let session = Session::cpu();
    let n = 1 << 16;
    let chain = |keep: bool| {
        session.forget_peak();
        let before = session.bytes_in_use();
        let tape = Tape::new(session.clone());
        let start = session.upload(Array::from_f32(&[n], vec![0.5; n]));
        let mut x = if keep { tape.leaf(start) } else { tape.constant(start) };
        // Sums look at nothing: each value is free as soon as the next is there.
        for _ in 0..20 {
            x = tape.run(Binary::Add, &[&x, &x]);
        }
        let loss = tape.run(Fold::all(FoldKind::Sum), &[&x]);
        drop(x);
        if keep {
            tape.gradients(&loss).expect("sums are differentiable");
        }
        (session.peak_bytes() - before) / (4 * n as u64)
    };
    // Value and next value; going back: a slope, its double, and their sum made in place.
    assert!(chain(false) <= 2);
    assert!(chain(true) <= 4, "{} values at once", chain(true));
}
