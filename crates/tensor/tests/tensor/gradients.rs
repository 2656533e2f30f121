//! Law 2: gradients agree with finite differences, for every differentiable operation; the tape.

use espalier_tensor::ops::elementwise::Binary;
use espalier_tensor::ops::reduce::{Fold, FoldKind};
use espalier_tensor::ops::{self, values::ULP};
use espalier_tensor::tape::{Tape, Vjp};
use espalier_tensor::{Array, DType, Op, Sample, Session, Tensor};

/// Half the distance of a difference, exact in f32 beside the samples' values.
const H: f32 = 1.0 / 64.0;

/// The outputs.
fn outputs(sample: &Sample, inputs: &[Array]) -> Vec<f32> {
    sample.op.cpu(&inputs.iter().collect::<Vec<_>>()).into_f32()
}

/// L(y) − L(z) with L = Σ c·y, c fixed, of ±(0.5 … 1.5), summed in f64.
fn difference(y: &[f32], z: &[f32]) -> f64 {
    y.iter().zip(z).enumerate().map(|(i, (y, z))| f64::from(weight(i)) * (f64::from(*y) - f64::from(*z))).sum()
}

fn weight(i: usize) -> f32 {
    let size = 0.5 + ((i * 37) % 64) as f32 / 64.0;
    if i.is_multiple_of(2) { size } else { -size }
}

/// The same inputs with one element moved.
fn moved(inputs: &[Array], which: usize, at: usize, by: f32) -> Vec<Array> {
    let mut inputs = inputs.to_vec();
    let shape = inputs[which].spec().shape;
    let mut values = inputs[which].clone().into_f32();
    values[at] += by;
    inputs[which] = Array::from_f32(&shape, values);
    inputs
}

/// Compares all slopes of one sample; `(compared, left out because a kink or the domain's end is near)`. `None` where it has no gradient.
fn check(name: &str, sample: &Sample, again: Box<dyn Op>) -> Option<(usize, usize)> {
    let session = Session::cpu();
    let inputs: Vec<_> = sample.inputs.iter().map(|a| session.upload(a.clone())).collect();
    let output = session.run(&*sample.op, &inputs.iter().collect::<Vec<_>>());
    if output.spec().dtype != DType::F32 {
        return None;
    }
    let weights = Array::from_f32(&output.spec().shape, (0..output.spec().len()).map(weight).collect());
    let grad = session.upload(weights.clone());
    let wanted: Vec<bool> = sample.inputs.iter().map(|a| a.spec().dtype == DType::F32).collect();
    let gradients = sample.op.vjp(Vjp { session: &session, inputs: &inputs, output: &output, grad: &grad, wanted: &wanted }).ok()?;

    // On a tape, which lets go of what the operation says that it does not look at, the gradients are the same.
    let tape = Tape::new(session.clone());
    let leaves: Vec<_> = sample.inputs.iter().map(|a| tape.leaf(session.upload(a.clone()))).collect();
    let recorded = tape.run_boxed(again, &leaves.iter().collect::<Vec<_>>());
    let slopes = tape.gradients_from(&recorded, session.upload(weights)).expect("it has gradients");
    for (leaf, (gradient, _)) in leaves.iter().zip(gradients.iter().zip(&wanted).filter(|(_, w)| **w)) {
        let values = |t: &Tensor| pollster::block_on(session.read(t)).expect("the CPU reads").into_f32();
        let (own, taped) = (gradient.as_ref().map(values), slopes.of(leaf).map(values));
        let bits = |v: Option<Vec<f32>>| v.map(|v| v.into_iter().map(f32::to_bits).collect::<Vec<_>>());
        assert_eq!(bits(own), bits(taped), "{name} {}", sample.label);
    }

    // How far an evaluation may be off: the operation's own bound, and half a unit of the result.
    let values = pollster::block_on(session.read(&output)).expect("the CPU reads");
    let scale = values.f32().iter().fold(0.0_f32, |m, y| m.max(y.abs()));
    let bound = sample.op.tolerance(&sample.inputs.iter().collect::<Vec<_>>());
    let each = f64::from(bound.absolute + (bound.relative + ULP) * scale);

    let (mut compared, mut left_out) = (0, 0);
    for (which, gradient) in gradients.iter().enumerate().filter(|(i, _)| wanted[*i]) {
        let gradient = gradient.as_ref().unwrap_or_else(|| panic!("{name} {}: no gradient of input {which}", sample.label));
        assert_eq!(gradient.spec(), &sample.inputs[which].spec(), "{name} {}", sample.label);
        let gradient = pollster::block_on(session.read(gradient)).expect("the CPU reads").into_f32();
        let largest = gradient.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
        for (at, &found) in gradient.iter().enumerate() {
            let at_h = |h: f32| outputs(sample, &moved(&sample.inputs, which, at, h));
            let here = outputs(sample, &sample.inputs);
            let (wide, near) = ([at_h(H), at_h(-H)], [at_h(H / 2.0), at_h(-H / 2.0)]);
            // Outputs that this element does not reach are the same in all five, and add no error.
            let reached = (0..here.len()).filter(|&i| [&wide[0], &wide[1], &near[0], &near[1]].iter().any(|y| y[i] != here[i]));
            let off = each * reached.map(|i| f64::from(weight(i).abs())).sum::<f64>();
            let slope = |[plus, minus]: &[Vec<f32>; 2], h: f32| difference(plus, minus) / (2.0 * f64::from(h));
            let bend = |[plus, minus]: &[Vec<f32>; 2], h: f32| ((difference(plus, &here) + difference(minus, &here)) / f64::from(h)).abs();
            let (first, second) = (slope(&wide, H), slope(&near, H / 2.0));
            // The bend of something smooth halves with h. That of a kink at a distance of d·h stays, by (1 − 2d) / (1 − d): more than 0.52 for d < 0.324.
            let kink = bend(&near, H / 2.0) > 0.52 * bend(&wide, H) + 4.0 * off / f64::from(H / 2.0);
            if kink || !first.is_finite() || !second.is_finite() {
                left_out += 1;
                continue;
            }
            compared += 1;
            // The truncation of the second is a third of its distance to the first, up to higher orders, and (1 − 2d) / d ≤ 1.09 of it beside a
            // kink that was not seen; rounding as above, on both sides; the gradient itself is made in a few dozen roundings.
            let tolerance = 1.1 * (first - second).abs() + off / f64::from(H / 2.0) + 64.0 * f64::from(ULP * largest);
            let error = (f64::from(found) - second).abs();
            assert!(error <= tolerance, "{name} {}: input {which}, element {at}: {found} against {second} ± {tolerance:e}", sample.label);
        }
    }
    Some((compared, left_out))
}

#[test]
fn gradients_agree_with_finite_differences() {
    let mut without = Vec::new();
    for (name, samples) in ops::ALL {
        let (mut compared, mut left_out, mut differentiable) = (0, 0, false);
        for (sample, again) in samples().into_iter().zip(samples()) {
            let elements: usize = sample.inputs.iter().map(|a| a.spec().len()).sum();
            let odd = ["wild", "ties", "far", "NaN", "tiled"].iter().any(|word| sample.label.contains(word));
            if odd || elements > 600 {
                continue;
            }
            if let Some((more, out)) = check(name, &sample, again.op) {
                differentiable = true;
                compared += more;
                left_out += out;
            }
        }
        println!("{name:<28} {compared:>6} slopes compared, {left_out} left out");
        assert!(left_out * 10 <= compared, "{name}: {left_out} left out of {compared}");
        let source = name.starts_with("random/") || *name == "layout/fill";
        assert!(!differentiable || source || compared >= 60, "{name}: only {compared} slopes");
        if !differentiable {
            without.push(*name);
        }
    }
    let expected = [
        "attention/attend",
        "conv/conv2d_input",
        "conv/conv2d_weight",
        "elementwise/to_float",
        "elementwise/unary_grad",
        "layout/one_hot",
        "loss/cross_entropy_grad",
        "loss/divergence",
        "loss/likelihood",
        "optim/adamw",
        "optim/sgd",
        "random/bits",
        "reduce/argmax",
        "select/k_smallest",
        "select/n_of_m",
        "select/order_statistic",
        "select/row_smallest",
        "stats/histogram",
        "update/sweep",
    ];
    assert_eq!(without, expected);
}

#[test]
fn a_value_used_several_times_gets_the_sum() {
    let session = Session::cpu();
    let tape = Tape::new(session.clone());
    let x = tape.leaf(session.upload(Array::from_f32(&[3], vec![1.0, -2.0, 0.5])));
    let c = tape.constant(session.upload(Array::from_f32(&[], vec![3.0])));
    // L = Σ x·x + 3·x, dL/dx = 2x + 3.
    let square = tape.run(Binary::Mul, &[&x, &x]);
    let scaled = tape.run(Binary::Mul, &[&x, &c]);
    let sum = tape.run(Binary::Add, &[&square, &scaled]);
    let total = tape.run(Fold::all(FoldKind::Sum), &[&sum]);
    let slopes = tape.gradients(&total).expect("all of it is differentiable");
    let dx = pollster::block_on(session.read(slopes.of(&x).expect("a leaf"))).expect("the CPU reads");
    assert_eq!(dx.into_f32(), [5.0, -1.0, 4.0]);
    assert!(slopes.of(&c).is_none());
}
