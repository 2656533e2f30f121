//! What can keep a checkpoint from running.

use crate::CheckpointError;

/// Why a forward is not possible. Analysis of the weights still is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// No `config.json`.
    #[error("the checkpoint has no config.json, which says how its tensors are put together; add the file of that name from the model's folder")]
    NoConfig,
    /// An architecture that is not built here.
    #[error("{what} cannot be run here: {why}; its weights can still be inspected, ranked and pruned by magnitude")]
    Unsupported {
        /// `model_type`, or a setting.
        what: String,
        /// What is missing.
        why: String,
    },
    /// A value of `config.json` that is missing or makes no sense.
    #[error("config.json: {key} {why}")]
    Setting {
        /// Key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// A tensor that the architecture needs.
    #[error("{model} needs a tensor {tensor}, which the checkpoint does not hold; config.json may belong to another model, or a shard is missing")]
    Missing {
        /// `model_type`.
        model: String,
        /// How its name ends.
        tensor: String,
    },
    /// A tensor of another shape than `config.json` says.
    #[error("{tensor} has shape {found:?}, but by config.json it is {expected:?}; the two do not belong together")]
    Shape {
        /// Name.
        tensor: String,
        /// By the configuration.
        expected: Vec<u64>,
        /// In the file.
        found: Vec<u64>,
    },
    /// A token that the embedding has no row for.
    #[error("token {token} is outside the vocabulary of {vocabulary}; the tokenizer belongs to another model")]
    Token {
        /// Token.
        token: u32,
        /// Rows of the embedding.
        vocabulary: usize,
    },
    /// More positions than the model has embeddings for.
    #[error("{length} tokens are more than the {most} positions the model knows; take shorter windows")]
    TooLong {
        /// Tokens asked for.
        length: usize,
        /// Positions there are.
        most: usize,
    },
    /// Activations that overflowed.
    #[error("block {block} gave {count} values that are NaN or infinite; the weights may be damaged, or the inputs too large for single precision")]
    NotFinite {
        /// Which block.
        block: usize,
        /// How many.
        count: usize,
    },
    /// A router whose scores overflowed: there is nothing to choose experts by.
    #[error("the router of block {block} gives NaN or infinite scores for {count} of {of} tokens, so no experts can be chosen; its weights (gate.weight), or those of a block before it, are damaged: open an intact copy")]
    Router {
        /// Which block.
        block: usize,
        /// Tokens.
        count: usize,
        /// Of so many.
        of: usize,
    },
    /// The model has no head that predicts words.
    #[error("{model} has no head that predicts the next word, so there is no perplexity and nothing to generate")]
    NoHead {
        /// `model_type`.
        model: String,
    },
    /// A tensor could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] espalier_tensor::Error),
}
