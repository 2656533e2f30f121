//! The supervised coordinate baseline (Space2Vec's global task, Mai et al. 2020): the category at a place is to be told from categories elsewhere.

use espalier_tensor::nn::Linear;
use espalier_tensor::ops::elementwise::{Affine, Binary, Unary};
use espalier_tensor::ops::layout::{Gather, Reshape};
use espalier_tensor::ops::reduce::{Fold, FoldKind};
use espalier_tensor::tape::Var;
use espalier_tensor::train::{Draft, Key, Pass};
use espalier_tensor::{Array, Tensor};

use super::network::{Architecture, Network};

/// A location encoder, a decoder from it, and an embedding a category, with the published names.
#[derive(Clone, Debug)]
pub struct Space2Vec {
    /// Location features to embeddings.
    pub encoder: Network,
    decoder: [Linear; 2],
    categories: Key,
}

/// Sizes of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Location features.
    pub features: usize,
    /// Embedding of a place.
    pub embedding: usize,
    /// Hidden width of the decoder (64 in the paper).
    pub hidden: usize,
    /// Categories.
    pub categories: usize,
    /// Embedding of a category (64 in the paper).
    pub width: usize,
}

impl Space2Vec {
    /// A model of these sizes; category embeddings are drawn evenly with unit variance.
    pub fn new(draft: &mut Draft, architecture: Architecture, sizes: Sizes) -> Self {
        let categories = draft.uniform("poi_class_embedding.weight", &[sizes.categories, sizes.width], 3.0_f64.sqrt());
        let encoder = Network::new(draft, "loc_encoder.", architecture, sizes.features, sizes.embedding);
        let decoder = [
            Linear::new(draft, "decoder.fc1", sizes.embedding, sizes.hidden, true),
            Linear::new(draft, "decoder.fc2", sizes.hidden, sizes.width, true),
        ];
        Self { encoder, decoder, categories }
    }

    /// `−mean[ln σ(e₊·d) + meanₖ ln σ(−eₖ·d)]` of features `[n, …]`, the categories there `own [n]` and others `other [n·k]`, row by row (integers).
    pub fn loss(&self, pass: &Pass, features: &Var, own: &Tensor, other: &Tensor) -> Var {
        let [one, two] = &self.decoder;
        let hidden = pass.relu(&one.forward(pass, &self.encoder.forward(pass, features)));
        let decoded = two.forward(pass, &pass.dropout(hidden, 0.5));
        let (n, width) = (decoded.spec().shape[0], decoded.spec().shape[1]);
        let k = other.spec().len() / n.max(1);
        let table = pass.parameter(self.categories);
        let near = pass.run(Gather, &[table, &pass.constant(own.clone())]);
        let far = pass.run(Gather, &[table, &pass.constant(other.reshape([n * k]))]);
        let far = pass.run(Reshape(vec![n, k, width]), &[&far]);
        let wide = pass.run(Reshape(vec![n, 1, width]), &[&decoded]);
        let alike = pass.run(Fold::along(FoldKind::Sum, 1), &[&pass.mul(&near, &decoded)]);
        let unlike = pass.run(Fold::along(FoldKind::Sum, 2), &[&pass.mul(&far, &wide)]);
        let mean = |x: &Var| pass.run(Fold::all(FoldKind::Mean), &[x]);
        // −ln σ(x) = softplus(−x).
        let first = mean(&softplus(pass, &pass.run(Unary::Neg, &[&alike])));
        pass.add(&first, &mean(&softplus(pass, &unlike)))
    }
}

/// ln(1 + eˣ) = (x + |x|)/2 + ln(1 + e^−|x|), which has its slope of 1/2 at 0, too.
fn softplus(pass: &Pass, x: &Var) -> Var {
    let size = pass.run(Unary::Abs, &[x]);
    let decay = pass.run(Unary::Exp, &[&pass.run(Unary::Neg, &[&size])]);
    let rest = pass.run(Unary::Log, &[&pass.run(Affine { scale: 1.0, shift: 1.0 }, &[&decay])]);
    pass.run(Binary::Add, &[&pass.run(Affine::scale(0.5), &[&pass.add(x, &size)]), &rest])
}

/// Other categories for each row: `k` drawn evenly from all, without the row's own.
pub fn others(own: &[u32], categories: u32, k: usize, stream: espalier_tensor::random::Stream) -> Array {
    let draw = |i: usize, own: u32| {
        let r = stream.below(i as u32, categories.saturating_sub(1).max(1));
        if categories > 1 && r >= own { r + 1 } else { r }
    };
    let all = own.iter().enumerate().flat_map(|(row, &c)| (0..k).map(move |j| (row * k + j, c))).map(|(i, c)| draw(i, c));
    Array::from_u32(&[own.len() * k], all.collect())
}
