//! What a tensor does in its architecture.

use serde::{Deserialize, Serialize};

/// Architecture family, from `config.json` and, without one, from the names alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// Llama, Mistral, Qwen2 and their like.
    Llama,
    /// GPT-2 (Conv1D layout: weights are stored `[in, out]`).
    Gpt2,
    /// GPT-NeoX, Pythia.
    GptNeoX,
    /// Qwen2-MoE: routed experts beside a gated shared expert.
    Qwen2Moe,
    /// DeepSeek-MoE: routed experts beside shared experts.
    DeepSeekMoe,
    /// Mixtral.
    Mixtral,
    /// OLMoE.
    Olmoe,
    /// BERT, MiniLM.
    Bert,
    /// ResNet-like convolutional networks.
    ResNet,
    /// Not recognised; tensors are listed all the same.
    Unknown,
}

/// Role of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Token, position or type embedding.
    Embedding,
    /// Output head, classifier.
    Head,
    /// Attention query.
    Q,
    /// Attention key.
    K,
    /// Attention value.
    V,
    /// Query, key and value in one.
    Qkv,
    /// Attention output.
    O,
    /// Feed-forward gate.
    Gate,
    /// Feed-forward up (first).
    Up,
    /// Feed-forward down (second).
    Down,
    /// Gate and up in one.
    GateUp,
    /// Router of a mixture of experts, or a shared expert's gate.
    Router,
    /// Convolution.
    Conv,
    /// Any other linear.
    Linear,
    /// Norm weight or bias, running statistics.
    Norm,
    /// Bias.
    Bias,
    /// Something else.
    Other,
}

/// One matrix of a checkpoint, as `y = W x` has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatrixRef {
    /// Index of the tensor.
    pub tensor: usize,
    /// Name of the tensor.
    pub name: String,
    /// Slice of the leading axis, where one tensor holds several matrices (fused experts).
    pub slice: Option<u32>,
    /// `[out, in]`.
    pub shape: [u64; 2],
    /// Role; for the linears of a shared expert or an expert, `shared` and `expert` say so.
    pub role: Role,
    /// Block.
    pub block: Option<u32>,
    /// Expert.
    pub expert: Option<u32>,
    /// Belongs to a shared expert.
    pub shared: bool,
    /// Stored `[in, out]` (Conv1D) and turned round when read.
    pub transposed: bool,
    /// True for the linears inside blocks that the pruning and rank papers act on: attention and feed-forward projections and
    /// convolutions; never embeddings, heads, routers.
    pub prunable: bool,
}
