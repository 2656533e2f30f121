//! CaLLiPer: a location encoder and a projection of sentence embeddings, aligned by a symmetric contrastive loss (Wang et al. 2025, arXiv 2411.06229).

use espalier_tensor::nn::Linear;
use espalier_tensor::ops::elementwise::{Affine, Unary};
use espalier_tensor::ops::layout::Transpose;
use espalier_tensor::ops::loss::CrossEntropy;
use espalier_tensor::ops::matmul::MatMul;
use espalier_tensor::ops::reduce::{Fold, FoldKind};
use espalier_tensor::tape::Var;
use espalier_tensor::train::{Draft, Key, Pass};
use espalier_tensor::{Array, Session, Tensor};

use super::network::{Architecture, Network};

/// Where the temperature starts: ln(1/0.07).
pub const FIRST_SCALE: f64 = 2.659_260_036_932_778;

/// The two sides and the temperature between them, with the published names of their parameters.
#[derive(Clone, Debug)]
pub struct Aligner {
    /// Location features to embeddings.
    pub encoder: Network,
    /// Sentence embeddings to the same space.
    pub projection: Linear,
    /// Logarithm of what similarities are multiplied by.
    pub logit_scale: Key,
    /// Whether the text side is brought to length 1, too (the published code does that only to the location side; CLIP and SatCLIP to both).
    pub normalise_text: bool,
}

impl Aligner {
    /// A model from `features` location features and `text` text features to embeddings of `width`.
    pub fn new(draft: &mut Draft, architecture: Architecture, features: usize, text: usize, width: usize, normalise_text: bool) -> Self {
        Self {
            encoder: Network::new(draft, "loc_enc.", architecture, features, width),
            projection: Linear::new(draft, "text_projection", text, width, true),
            logit_scale: draft.add("logit_scale", Array::from_f32(&[], vec![FIRST_SCALE as f32])),
            normalise_text,
        }
    }

    /// The loss of a batch: `features [n, …]` and `text [n, …]` of the same points.
    pub fn loss(&self, pass: &Pass, features: &Var, text: &Var, own: &Tensor) -> Var {
        let text = self.projection.forward(pass, text);
        let location = self.encoder.forward(pass, features);
        contrast(pass, &text, &location, pass.parameter(self.logit_scale), own, self.normalise_text).loss
    }
}

/// Similarities of a batch and their loss.
pub struct Contrast {
    /// `[n, n]`: text by location, times e to the scale.
    pub logits: Var,
    /// Mean of both directions, in nats; ln n at chance.
    pub loss: Var,
}

/// 0, 1, … n − 1: to each text its own location.
pub fn own_places(session: &Session, n: usize) -> Tensor {
    session.upload(Array::from_u32(&[n], (0..n as u32).collect()))
}

/// Symmetric InfoNCE of projected text `[n, d]` and raw location embeddings `[n, d]` (specification urban-align §A3.4): the location side is brought to
/// length 1, similarities are multiplied by e to `scale`, and each side has to find its own among the other's n by cross-entropy.
pub fn contrast(pass: &Pass, text: &Var, location: &Var, scale: &Var, own: &Tensor, normalise_text: bool) -> Contrast {
    let location = unit(pass, location);
    let text = if normalise_text { unit(pass, text) } else { text.clone() };
    let similar = pass.run(MatMul::NT, &[&text, &location]);
    let logits = pass.mul(&similar, &pass.run(Unary::Exp, &[scale]));
    let own = pass.constant(own.clone());
    let to_location = pass.run(CrossEntropy, &[&logits, &own]);
    let to_text = pass.run(CrossEntropy, &[&pass.run(Transpose, &[&logits]), &own]);
    let both = pass.run(Fold::all(FoldKind::Mean), &[&pass.add(&to_location, &to_text)]);
    let loss = pass.run(Affine::scale(0.5), &[&both]);
    Contrast { logits, loss }
}

/// Rows of length 1. A row of zeros stays one: 1e-24 is added to the square, far below what f32 sees of any other.
pub fn unit(pass: &Pass, x: &Var) -> Var {
    let squares = pass.run(Fold::keeping(FoldKind::SumSquares, 1), &[x]);
    let inverse = pass.run(Unary::Rsqrt, &[&pass.run(Affine { scale: 1.0, shift: 1e-24 }, &[&squares])]);
    pass.mul(x, &inverse)
}
