//! What a tensor does in its architecture.

use serde::{Deserialize, Serialize};

/// Architecture family, from `config.json` and, without one, from the names alone.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Family {
    /// Llama, Mistral, Qwen2 and their like.
    Llama,
    /// GPT-2 (Conv1D layout: weights are stored `[in, out]`).
    Gpt2,
    /// GPT-NeoX, Pythia.
    GptNeoX,
    /// Qwen2-MoE: routed experts beside a gated shared expert. Qwen3-MoE, which has no shared expert, counts here too.
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
    #[default]
    Unknown,
}

impl Family {
    /// For people: `Qwen2-MoE`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Llama => "Llama",
            Self::Gpt2 => "GPT-2",
            Self::GptNeoX => "GPT-NeoX",
            Self::Qwen2Moe => "Qwen2-MoE",
            Self::DeepSeekMoe => "DeepSeek-MoE",
            Self::Mixtral => "Mixtral",
            Self::Olmoe => "OLMoE",
            Self::Bert => "BERT",
            Self::ResNet => "ResNet",
            Self::Unknown => "unknown architecture",
        }
    }
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

impl Role {
    /// For people: `q`, `gate and up`, `convolution`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Embedding => "embedding",
            Self::Head => "head",
            Self::Q => "q",
            Self::K => "k",
            Self::V => "v",
            Self::Qkv => "qkv",
            Self::O => "o",
            Self::Gate => "gate",
            Self::Up => "up",
            Self::Down => "down",
            Self::GateUp => "gate and up",
            Self::Router => "router",
            Self::Conv => "convolution",
            Self::Linear => "linear",
            Self::Norm => "norm",
            Self::Bias => "bias",
            Self::Other => "other",
        }
    }

    /// Whether it is the weight of a linear or a convolution that the pruning and rank papers act on (inside a block).
    pub fn is_projection(self) -> bool {
        use Role::*;
        matches!(self, Q | K | V | Qkv | O | Gate | Up | Down | GateUp | Conv | Linear)
    }
}

/// How a tensor lies in its file, as far as its matrices are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// `[out, in]`, or `[out, in, kh, kw]` which is read as `[out, in·kh·kw]`.
    Plain,
    /// Conv1D: `[in, out]`.
    InOut,
    /// One matrix for each expert: `[experts, out, in]`.
    Experts,
    /// One matrix for each expert, turned: `[experts, in, out]`.
    ExpertsInOut,
    /// Half of a factored linear `X = U V`: `X.U.weight [out, r]` or `X.V.weight [r, in]`.
    Factor,
    /// Not a weight: a causal mask, positions, counters, integer codes.
    Buffer,
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
    /// convolutions; never embeddings, heads, routers. In an unrecognised architecture, every linear and convolution that does not
    /// look like one of those.
    pub prunable: bool,
}

impl MatrixRef {
    /// `name`, or `name#3` for a slice.
    pub fn label(&self) -> String {
        self.slice.map_or_else(|| self.name.clone(), |s| format!("{}#{s}", self.name))
    }

    /// Elements.
    pub fn elements(&self) -> u64 {
        self.shape[0].saturating_mul(self.shape[1])
    }

    /// Position, in this matrix's part of the file (the slice or the whole tensor), of entry `[row, column]` of `[out, in]`.
    pub fn position(&self, row: u64, column: u64) -> u64 {
        if self.transposed { column * self.shape[0] + row } else { row * self.shape[1] + column }
    }

    /// Values given as `[out, in]`, row-major, in the order of the file: what [`Checkpoint::read_matrix`](super::Checkpoint::read_matrix)
    /// turned round is turned back. The length must be that of the matrix.
    pub fn to_file_order<T: Copy>(&self, values: &[T]) -> Vec<T> {
        if !self.transposed {
            return values.to_vec();
        }
        let (rows, columns) = (self.shape[0] as usize, self.shape[1] as usize);
        assert_eq!(values.len(), rows * columns, "the values of one matrix");
        (0..columns).flat_map(|c| (0..rows).map(move |r| values[r * columns + c])).collect()
    }
}
