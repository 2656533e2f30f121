//! Batch normalisation (Ioffe and Szegedy 2015).

use crate::array::Array;
use crate::ops::elementwise::{Affine, Binary, Unary};
use crate::ops::layout::Reshape;
use crate::ops::reduce::{Fold, FoldKind};
use crate::tape::Var;
use crate::train::{Draft, Key, Pass};

/// `y = (x − mean) / √(variance + ε) · weight + bias`, for each channel of `[n, channels]` or `[n, channels, height, width]`.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    /// `[channels]`, ones at first.
    pub weight: Key,
    /// `[channels]`, zeros at first.
    pub bias: Key,
    /// What is added to the variance.
    pub epsilon: f32,
}

/// Mean and (biased) variance of each channel.
#[derive(Clone)]
pub struct Moments {
    /// `[channels]`.
    pub mean: Var,
    /// `[channels]`.
    pub variance: Var,
}

/// What is remembered of the batches for use without one.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Variance of each channel, as of a sample.
    pub variance: Vec<f32>,
}

impl Running {
    /// Mean 0 and variance 1.
    pub fn new(channels: usize) -> Self {
        Self { mean: vec![0.0; channels], variance: vec![1.0; channels] }
    }

    /// Moves towards the moments of a batch with `values` elements a channel, as PyTorch does: the variance is that of a sample.
    pub fn note(&mut self, mean: &[f32], variance: &[f32], values: usize, momentum: f32) {
        let sample = values as f32 / (values.max(2) - 1) as f32;
        self.mean.iter_mut().zip(mean).for_each(|(r, m)| *r += momentum * (m - *r));
        self.variance.iter_mut().zip(variance).for_each(|(r, v)| *r += momentum * (v * sample - *r));
    }
}

impl BatchNorm {
    /// Parameters `NAME.weight` and `NAME.bias`; ε as in PyTorch.
    pub fn new(draft: &mut Draft, name: &str, channels: usize) -> Self {
        let fill = |v: f32| Array::from_f32(&[channels], vec![v; channels]);
        Self { weight: draft.add(format!("{name}.weight"), fill(1.0)), bias: draft.add(format!("{name}.bias"), fill(0.0)), epsilon: 1e-5 }
    }

    /// Normalises by the batch's own moments, which come with it.
    pub fn train(&self, pass: &Pass, x: &Var) -> (Var, Moments) {
        let flat = channels_in_the_middle(pass, x);
        let mean = over_images(pass, &flat);
        let centred = pass.run(Binary::Sub, &[&flat, &wide(pass, &mean)]);
        let variance = over_images(pass, &pass.run(Unary::Square, &[&centred]));
        let moments = Moments { mean, variance };
        (self.normalise(pass, x, &centred, &moments.variance), moments)
    }

    /// Normalises by moments that are remembered.
    pub fn evaluate(&self, pass: &Pass, x: &Var, running: &Running) -> Var {
        let vector = |v: &[f32]| pass.constant(pass.tape().session().upload(Array::from_f32(&[v.len()], v.to_vec())));
        let flat = channels_in_the_middle(pass, x);
        let centred = pass.run(Binary::Sub, &[&flat, &wide(pass, &vector(&running.mean))]);
        self.normalise(pass, x, &centred, &vector(&running.variance))
    }

    fn normalise(&self, pass: &Pass, x: &Var, centred: &Var, variance: &Var) -> Var {
        let inverse = pass.run(Unary::Rsqrt, &[&pass.run(Affine { scale: 1.0, shift: self.epsilon }, &[variance])]);
        let scale = pass.mul(&inverse, pass.parameter(self.weight));
        let y = pass.add(&pass.mul(centred, &wide(pass, &scale)), &wide(pass, pass.parameter(self.bias)));
        pass.run(Reshape(x.spec().shape.clone()), &[&y])
    }
}

/// `[n, channels, elements]`.
fn channels_in_the_middle(pass: &Pass, x: &Var) -> Var {
    let shape = x.spec().shape.clone();
    assert!(shape.len() >= 2, "batch norm takes [n, channels, …], not {shape:?}");
    let rest = shape[2..].iter().product();
    pass.run(Reshape(vec![shape[0], shape[1], rest]), &[x])
}

/// Means over images and elements: `[channels]`. All images have as many elements, so a mean of means is the mean.
fn over_images(pass: &Pass, x: &Var) -> Var {
    let by_image = pass.run(Fold::along(FoldKind::Mean, 2), &[x]);
    pass.run(Fold::along(FoldKind::Mean, 0), &[&by_image])
}

/// `[channels]` as `[1, channels, 1]`.
fn wide(pass: &Pass, v: &Var) -> Var {
    let channels = v.spec().len();
    pass.run(Reshape(vec![1, channels, 1]), &[v])
}
