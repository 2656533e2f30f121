//! Composed layers against their formulas in double precision, values and gradients, on every device there is.

use espalier_tensor::nn::{BatchNorm, Gate, RelativeAttention, Running, gated, global_mean, masked, max_pool, mean_pool};
use espalier_tensor::nn::Linear;
use espalier_tensor::ops::reduce::{Fold, FoldKind};
use espalier_tensor::random::Stream;
use espalier_tensor::tape::Var;
use espalier_tensor::train::{Draft, Pass, Rule, Schedule, Settings, Trainer};
use espalier_tensor::{Array, Session};

use crate::device;

/// Values of one parameter by its name.
type Named<'a> = &'a dyn Fn(&str) -> Vec<f64>;

fn draw(n: usize, stream: u32) -> Vec<f32> {
    let s = Stream::new(11, stream);
    (0..n as u32).map(|i| s.normal(i)).collect()
}

/// Weights of the loss, so that every output has a slope of its own.
fn weight(i: usize) -> f64 {
    f64::from(Stream::new(12, 0).uniform(i as u32)) - 0.4
}

/// Holds the loss Σ w·y and its gradient against `formula`, which gives y of the parameters in double precision.
fn agrees(what: &str, draft: impl Fn() -> Draft, layer: impl Fn(&Pass) -> Var, formula: impl Fn(Named<'_>) -> Vec<f64>) {
    for session in std::iter::once(Session::cpu()).chain(device::gpu()) {
        let start: Vec<(String, Vec<f64>)> = draft().entries().iter().map(|(n, a)| (n.clone(), a.f32().iter().map(|v| f64::from(*v)).collect())).collect();
        let loss = |all: &[(String, Vec<f64>)]| -> f64 {
            let of = |name: &str| all.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
            formula(&of).iter().enumerate().map(|(i, y)| weight(i) * y).sum()
        };
        let still = Settings { rule: Rule::Sgd { momentum: 0.0, nesterov: false }, schedule: Schedule::constant(1.0), decay: 0.0, clip: None };
        let mut trainer = Trainer::new(&session, draft(), still, 0);
        let step = trainer.step(|pass| {
            let y = layer(pass);
            let n = y.spec().len();
            let weights = pass.constant(session.upload(Array::from_f32(&y.spec().shape, (0..n).map(|i| weight(i) as f32).collect())));
            pass.run(Fold::all(FoldKind::Sum), &[&pass.mul(&y, &weights)])
        });
        let step = step.expect("all of it is differentiable");
        let found = f64::from(pollster::block_on(session.read(&step.loss)).expect("it reads").into_f32()[0]);
        let wanted = loss(&start);
        // Some hundred roundings of numbers of a few units.
        assert!((found - wanted).abs() < 2e-4 * (1.0 + wanted.abs()), "{what}: {found} instead of {wanted}");
        let after = pollster::block_on(trainer.parameters().read(&session)).expect("it reads");
        for (k, (name, values)) in start.iter().enumerate() {
            let after = after.iter().find(|(n, _)| n == name).expect("it is there").1.clone().into_f32();
            for i in 0..values.len() {
                let at = |by: f64| {
                    let mut moved = start.clone();
                    moved[k].1[i] += by;
                    loss(&moved)
                };
                let h = 1e-5;
                let wanted = (at(h) - at(-h)) / (2.0 * h);
                let found = values[i] - f64::from(after[i]);
                assert!((found - wanted).abs() < 2e-3 * (1.0 + wanted.abs()), "{what}, slope of {name}[{i}]: {found} instead of {wanted}");
            }
        }
    }
}

fn with(entries: &[(&str, &[usize])]) -> Draft {
    let mut draft = Draft::new(5);
    for (i, (name, shape)) in entries.iter().enumerate() {
        draft.add(*name, Array::from_f32(shape, draw(shape.iter().product(), i as u32)));
    }
    draft
}

fn parameter<'p>(pass: &'p Pass, draft: &Draft, name: &str) -> &'p Var {
    let place = draft.entries().iter().position(|(n, _)| n == name).expect("it is there");
    let trainer_key = draft_key(draft, place);
    pass.parameter(trainer_key)
}

/// Keys count from 0 in the order in which parameters were added; the same draft made again gives the same.
fn draft_key(draft: &Draft, place: usize) -> espalier_tensor::train::Key {
    let mut again = Draft::new(0);
    let mut key = None;
    for (i, (name, value)) in draft.entries().iter().enumerate() {
        let k = again.add(name.clone(), value.clone());
        if i == place {
            key = Some(k);
        }
    }
    key.expect("it was added")
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[test]
fn gates_open_and_shut() {
    let draft = || with(&[("x", &[3, 8])]);
    for (gate, of) in [(Gate::Sigmoid, sigmoid as fn(f64) -> f64), (Gate::Silu, |x| x * sigmoid(x)), (Gate::Relu, |x| x.max(0.0))] {
        let formula = |named: Named<'_>| named("x").chunks(8).flat_map(|r| (0..4).map(|i| r[i] * of(r[i + 4])).collect::<Vec<_>>()).collect();
        agrees(&format!("{gate:?}"), draft, |pass| gated(pass, parameter(pass, &draft(), "x"), gate), formula);
    }
}

/// Squares of an image `[2, 3, 6, 6]`, `size` wide and `step` apart: the elements of each.
fn squares(x: &[f64], size: usize, step: usize) -> Vec<Vec<f64>> {
    let out = (6 - size) / step + 1;
    let mut all = Vec::new();
    for plane in x.chunks(36) {
        for r in 0..out {
            for c in 0..out {
                all.push((0..size * size).map(|i| plane[(r * step + i / size) * 6 + c * step + i % size]).collect());
            }
        }
    }
    all
}

#[test]
fn pools_take_the_mean_and_the_largest() {
    let draft = || with(&[("x", &[2, 3, 6, 6])]);
    for (size, step) in [(2, 2), (3, 1), (3, 2), (6, 1)] {
        let mean = |named: Named<'_>| squares(&named("x"), size, step).iter().map(|s| s.iter().sum::<f64>() / s.len() as f64).collect();
        agrees(&format!("mean of {size} by {step}"), draft, |pass| mean_pool(pass, parameter(pass, &draft(), "x"), size, step), mean);
        let largest = |named: Named<'_>| squares(&named("x"), size, step).iter().map(|s| s.iter().copied().fold(f64::MIN, f64::max)).collect();
        agrees(&format!("largest of {size} by {step}"), draft, |pass| max_pool(pass, parameter(pass, &draft(), "x"), size, step), largest);
    }
    let whole = |named: Named<'_>| named("x").chunks(36).map(|p| p.iter().sum::<f64>() / 36.0).collect();
    agrees("mean of all", draft, |pass| global_mean(pass, parameter(pass, &draft(), "x")), whole);
}

#[test]
fn batches_are_normalised_by_their_own_moments() {
    for shape in [&[5_usize, 3][..], &[2, 3, 4, 5]] {
        let draft = || {
            let mut d = with(&[("x", shape)]);
            BatchNorm::new(&mut d, "norm", 3);
            // Other than ones and zeros, so that they are seen to act.
            d.set("norm.weight", Array::from_f32(&[3], vec![1.5, -0.5, 0.7]));
            d.set("norm.bias", Array::from_f32(&[3], vec![0.1, 0.2, -0.3]));
            d
        };
        let layer = |pass: &Pass| {
            let mut d = with(&[("x", shape)]);
            let norm = BatchNorm::new(&mut d, "norm", 3);
            norm.train(pass, parameter(pass, &draft(), "x")).0
        };
        let rest: usize = shape[2..].iter().product();
        let formula = |named: Named<'_>| {
            let (x, w, b) = (named("x"), named("norm.weight"), named("norm.bias"));
            let channel = |i: usize| i / rest % 3;
            let of = |c: usize| x.iter().enumerate().filter(move |(i, _)| channel(*i) == c).map(|(_, v)| *v);
            let mean: Vec<f64> = (0..3).map(|c| of(c).sum::<f64>() / of(c).count() as f64).collect();
            let variance: Vec<f64> = (0..3).map(|c| of(c).map(|v| (v - mean[c]).powi(2)).sum::<f64>() / of(c).count() as f64).collect();
            x.iter().enumerate().map(|(i, v)| (v - mean[channel(i)]) / (variance[channel(i)] + 1e-5).sqrt() * w[channel(i)] + b[channel(i)]).collect()
        };
        agrees(&format!("batch norm of {shape:?}"), draft, layer, formula);
        let remembered = Running { mean: vec![0.2, -0.1, 0.4], variance: vec![0.5, 2.0, 1.2] };
        let (running, known) = (remembered.clone(), remembered);
        let layer = move |pass: &Pass| {
            let mut d = with(&[("x", shape)]);
            let norm = BatchNorm::new(&mut d, "norm", 3);
            norm.evaluate(pass, parameter(pass, &draft(), "x"), &running)
        };
        let formula = |named: Named<'_>| {
            let (x, w, b) = (named("x"), named("norm.weight"), named("norm.bias"));
            let channel = |i: usize| i / rest % 3;
            x.iter().enumerate().map(|(i, v)| (v - f64::from(known.mean[channel(i)])) / (f64::from(known.variance[channel(i)]) + 1e-5).sqrt() * w[channel(i)] + b[channel(i)]).collect()
        };
        agrees(&format!("batch norm of {shape:?} by what is remembered"), draft, layer, formula);
    }
    // PyTorch's rule: momentum 0.1, the variance as of a sample.
    let mut running = Running::new(1);
    running.note(&[2.0], &[3.0], 4, 0.1);
    assert!((running.mean[0] - 0.2).abs() < 1e-6 && (running.variance[0] - (0.9 + 0.1 * 4.0)).abs() < 1e-6, "{running:?}");
}

fn product(x: &[f64], w: &[f64], b: &[f64], inputs: usize) -> Vec<f64> {
    x.chunks(inputs).flat_map(|r| b.iter().enumerate().map(|(o, b)| b + r.iter().zip(&w[o * inputs..]).map(|(x, w)| x * w).sum::<f64>()).collect::<Vec<_>>()).collect()
}

#[test]
fn attention_knows_distances_and_masks() {
    const N: usize = 5;
    const WIDTH: usize = 6;
    const HEADS: usize = 2;
    const REACH: usize = 2;
    let made = || {
        let mut d = with(&[("x", &[N, WIDTH])]);
        let layer = RelativeAttention::new(&mut d, "a", WIDTH, HEADS, REACH);
        d.set("a.relative", Array::from_f32(&[2 * REACH + 1, HEADS], draw(10, 77)));
        (d, layer)
    };
    for causal in [false, true] {
        let hidden = |i: usize, j: usize| causal && j > i;
        let mask: Vec<f32> = (0..N * N).map(|k| if hidden(k / N, k % N) { -1e9 } else { 0.0 }).collect();
        let layer = |pass: &Pass| {
            let (d, layer) = made();
            let mask = pass.tape().session().upload(Array::from_f32(&[N, N], mask.clone()));
            layer.forward(pass, parameter(pass, &d, "x"), causal.then_some(&mask))
        };
        let formula = |named: Named<'_>| {
            let x = named("x");
            let [q, k, v] = ["query", "key", "value"].map(|p| product(&x, &named(&format!("a.{p}.weight")), &named(&format!("a.{p}.bias")), WIDTH));
            let relative = named("a.relative");
            let head = WIDTH / HEADS;
            let mut joined = vec![0.0; N * WIDTH];
            for h in 0..HEADS {
                let part = |of: &[f64], i: usize| of[i * WIDTH + h * head..][..head].to_vec();
                for i in 0..N {
                    let score = |j: usize| {
                        let far = (j as i64 - i as i64).clamp(-(REACH as i64), REACH as i64) + REACH as i64;
                        let dot: f64 = part(&q, i).iter().zip(part(&k, j)).map(|(a, b)| a * b).sum();
                        dot / (head as f64).sqrt() + relative[far as usize * HEADS + h]
                    };
                    let e: Vec<f64> = (0..N).map(|j| if hidden(i, j) { 0.0 } else { score(j).exp() }).collect();
                    let sum: f64 = e.iter().sum();
                    for (j, e) in e.iter().enumerate() {
                        part(&v, j).iter().enumerate().for_each(|(c, v)| joined[i * WIDTH + h * head + c] += e / sum * v);
                    }
                }
            }
            product(&joined, &named("a.output.weight"), &named("a.output.bias"), WIDTH)
        };
        agrees(&format!("attention, causal {causal}"), || made().0, layer, formula);
    }
}

#[test]
fn masked_weights_neither_act_nor_learn() {
    let made = || {
        let mut d = with(&[("x", &[4, 6])]);
        let layer = Linear::new(&mut d, "l", 6, 3, true);
        (d, layer)
    };
    let keep = |i: usize| f64::from(u8::from(i % 3 != 0));
    let layer = |pass: &Pass| {
        let (d, layer) = made();
        let mask = pass.tape().session().upload(Array::from_f32(&[3, 6], (0..18).map(|i| keep(i) as f32).collect()));
        masked(pass, &layer, &mask, parameter(pass, &d, "x"))
    };
    let formula = |named: Named<'_>| {
        let w: Vec<f64> = named("l.weight").iter().enumerate().map(|(i, w)| w * keep(i)).collect();
        product(&named("x"), &w, &named("l.bias"), 6)
    };
    agrees("masked", || made().0, layer, formula);
}
