//! Language models with a real forward: from a checkpoint to an architecture, block by block on a device.
//!
//! [`Model::open`] reads `config.json` (both transformers dialects) and checks it against the tensors. A [`Block`] is brought to the device when it is
//! needed and names its linears; [`Block::run`] takes the residual stream through it while a [`Hook`] sees each linear's input. Embeddings are
//! gathered by row, the head is tiled over the vocabulary, so that a model of a gigabyte runs within WebGPU's default limits.

mod architecture;
mod attention;
mod batch;
mod block;
mod error;
mod feed_forward;
mod generate;
mod head;
mod layout;
mod model;
mod norm;
mod rope;
mod sentence;

pub use architecture::{Activation, Architecture, Experts, NormKind, QkNorm, Style};
pub use batch::{Batch, Stream};
pub use block::{Apart, Block, Hook, Linear, NoHook};
pub use error::ModelError;
pub use feed_forward::{Mixture, Routing};
pub use generate::{Generate, Sampling, draw_word, top_words};
pub use head::{Head, perplexity};
pub use model::{Edit, MixtureLayout, Model};
pub use norm::Norm;
pub use rope::{Rope, Scaling};
pub use sentence::sentences;
