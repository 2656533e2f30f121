//! Networks over location features: a small residual net, SIREN, or one linear layer (specification urban-align §A3.2), with the published names of their parameters.

use espalier_tensor::nn::Linear;
use espalier_tensor::ops::elementwise::{Affine, Unary};
use espalier_tensor::tape::Var;
use espalier_tensor::train::{Draft, Pass};
use serde::{Deserialize, Serialize};

/// Residual blocks of the residual net.
pub const BLOCKS: usize = 4;

/// Which network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Architecture {
    /// `h = relu(W₀p + b₀)`, four times `h ← h + relu(W₂ drop(relu(W₁h + b₁)) + b₂)`, then a linear layer without bias.
    FcNet {
        /// Width.
        hidden: usize,
        /// Share of elements dropped inside each block while training.
        dropout: f64,
    },
    /// Sine layers `sin(w (Wx + b))`, then a linear layer (Sitzmann et al. 2020).
    Siren {
        /// Width.
        hidden: usize,
        /// Sine layers.
        layers: usize,
        /// w of the first.
        first: f64,
        /// w of the others.
        later: f64,
        /// Share of elements dropped before each sine while training.
        dropout: f64,
    },
    /// One linear layer.
    Linear,
}

impl Architecture {
    /// The paper's: width 256, half of the elements dropped.
    pub const PAPER: Self = Self::FcNet { hidden: 256, dropout: 0.5 };
}

/// A network's layers.
#[derive(Clone, Debug)]
pub enum Network {
    /// The residual net.
    FcNet {
        /// To the hidden width.
        first: Linear,
        /// Two layers a block.
        blocks: Vec<[Linear; 2]>,
        /// To the output, without bias.
        last: Linear,
        /// Share of elements dropped.
        dropout: f64,
    },
    /// SIREN.
    Siren {
        /// Sine layers with their w.
        layers: Vec<(Linear, f64)>,
        /// To the output.
        last: Linear,
        /// Share of elements dropped.
        dropout: f64,
    },
    /// One layer.
    Linear(Linear),
}

/// What a caller may put between layers.
#[derive(Default)]
pub struct Hooks<'a> {
    /// Instead of random dropout: the i-th place where elements are dropped.
    pub drop: Option<&'a dyn Fn(usize, Var) -> Var>,
    /// Sees the hidden values after the first layer (0) and after each block.
    pub see: Option<&'a dyn Fn(usize, &Var)>,
}

impl Network {
    /// Layers from `inputs` features to `outputs`, named `PREFIXnnet.…` as the published checkpoints are.
    pub fn new(draft: &mut Draft, prefix: &str, architecture: Architecture, inputs: usize, outputs: usize) -> Self {
        match architecture {
            Architecture::FcNet { hidden, dropout } => {
                let first = Linear::new(draft, &format!("{prefix}nnet.feats.0"), inputs, hidden, true);
                let mut layer = |block: usize, w: usize| Linear::new(draft, &format!("{prefix}nnet.feats.{}.w{w}", block + 2), hidden, hidden, true);
                let blocks = (0..BLOCKS).map(|i| [layer(i, 1), layer(i, 2)]).collect();
                let last = Linear::new(draft, &format!("{prefix}nnet.class_emb"), hidden, outputs, false);
                Self::FcNet { first, blocks, last, dropout }
            }
            Architecture::Siren { hidden, layers, first, later, dropout } => {
                let mut width = inputs;
                let mut all = Vec::new();
                for i in 0..layers {
                    let (w, reach) = if i == 0 { (first, 1.0 / width as f64) } else { (later, (6.0 / width as f64).sqrt() / later) };
                    all.push((Linear::within(draft, &format!("{prefix}nnet.layers.{i}"), width, hidden, true, reach), w));
                    width = hidden;
                }
                let last = Linear::within(draft, &format!("{prefix}nnet.last_layer"), width, outputs, true, (6.0 / width as f64).sqrt() / later);
                Self::Siren { layers: all, last, dropout }
            }
            Architecture::Linear => Self::Linear(Linear::new(draft, &format!("{prefix}nnet"), inputs, outputs, true)),
        }
    }

    /// Features `[n, inputs]` to `[n, outputs]`.
    pub fn forward(&self, pass: &Pass, features: &Var) -> Var {
        self.forward_with(pass, features, &Hooks::default())
    }

    /// As [`Network::forward`], with hooks.
    pub fn forward_with(&self, pass: &Pass, features: &Var, hooks: &Hooks<'_>) -> Var {
        let drop = |i: usize, x: Var, share: f64| match hooks.drop {
            Some(drop) => drop(i, x),
            None => pass.dropout(x, share),
        };
        let see = |i: usize, x: &Var| hooks.see.iter().for_each(|see| see(i, x));
        match self {
            Self::FcNet { first, blocks, last, dropout } => {
                let mut h = pass.relu(&first.forward(pass, features));
                see(0, &h);
                for (i, [one, two]) in blocks.iter().enumerate() {
                    let y = drop(i, pass.relu(&one.forward(pass, &h)), *dropout);
                    h = pass.add(&h, &pass.relu(&two.forward(pass, &y)));
                    see(i + 1, &h);
                }
                last.forward(pass, &h)
            }
            Self::Siren { layers, last, dropout } => {
                let mut h = features.clone();
                for (i, (layer, w)) in layers.iter().enumerate() {
                    let y = drop(i, layer.forward(pass, &h), *dropout);
                    h = pass.run(Unary::Sin, &[&pass.run(Affine::scale(*w as f32), &[&y])]);
                    see(i, &h);
                }
                last.forward(pass, &h)
            }
            Self::Linear(layer) => layer.forward(pass, features),
        }
    }
}
