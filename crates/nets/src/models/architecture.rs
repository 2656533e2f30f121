//! From `config.json` to what a forward needs to know.

use serde_json::Value;

use super::{ModelError, Rope};
use crate::Checkpoint;

/// How a block is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Norm, attention, norm, gated feed-forward, each with a residual: Llama, Mistral, Qwen, the mixtures of experts.
    Llama,
    /// As Llama with learned positions and two-layer feed-forwards: GPT-2.
    Gpt2,
    /// Attention and feed-forward side by side, or one after the other: GPT-NeoX, Pythia.
    GptNeoX,
    /// Norms behind the residuals, no causal mask: BERT, MiniLM.
    Bert,
}

/// Which norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// By the root of the mean square.
    Rms,
    /// By mean and variance.
    Layer,
}

/// Function between the layers of a feed-forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x · sigmoid(x).
    Silu,
    /// x · Φ(x).
    Gelu,
    /// GELU by its tanh formula.
    GeluTanh,
    /// max(x, 0).
    Relu,
}

/// Norms of queries and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QkNorm {
    /// None.
    None,
    /// Over each head (Qwen3).
    Head,
    /// Over all heads together (OLMoE).
    Whole,
}

/// Routing of a mixture of experts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Experts {
    /// Experts of a layer.
    pub count: usize,
    /// Experts a token is sent to.
    pub per_token: usize,
    /// Whether the weights of the chosen are brought to a sum of one.
    pub normalise: bool,
    /// What they are multiplied with afterwards.
    pub scale: f32,
    /// Whether shared experts stand beside them, by the configuration.
    pub shared: bool,
}

/// What is known of a model before its weights are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// `model_type`.
    pub model_type: String,
    /// How a block is put together.
    pub style: Style,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Elements a head.
    pub head: usize,
    /// Rows of the embedding by the configuration.
    pub vocabulary: usize,
    /// Longest context, where it is said.
    pub context: Option<usize>,
    /// Which norm.
    pub norm: NormKind,
    /// ε of the norms.
    pub epsilon: f32,
    /// Function in the feed-forward.
    pub activation: Activation,
    /// Rotary positions; `None` where positions are learned.
    pub rope: Option<Rope>,
    /// Keys that a query sees, by layer; `None` for all.
    pub windows: Vec<Option<usize>>,
    /// Norms of queries and keys.
    pub qk_norm: QkNorm,
    /// Attention and feed-forward side by side (GPT-NeoX).
    pub parallel: bool,
    /// What attention scores are multiplied with, by layer.
    pub scales: Vec<f32>,
    /// Experts, where there are any.
    pub experts: Option<Experts>,
    /// Whether the head is the embedding, where the configuration says so.
    pub tied: Option<bool>,
    /// Beginning of a text.
    pub bos: Option<u32>,
    /// Ends of a text.
    pub eos: Vec<u32>,
}

/// Reads values of `config.json`.
struct Settings<'a>(&'a Value);

impl Settings<'_> {
    fn get(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter().find_map(|k| self.0.get(*k)).filter(|v| !v.is_null())
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.get(&[key]).and_then(Value::as_bool)
    }

    fn word(&self, keys: &[&str]) -> Option<&str> {
        self.get(keys).and_then(Value::as_str)
    }

    fn count(&self, key: &str) -> Option<usize> {
        self.get(&[key]).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0)
    }

    fn number(&self, keys: &[&str]) -> Option<f64> {
        self.get(keys).and_then(Value::as_f64)
    }
}

const BUILT: &str = "llama, mistral, qwen2, qwen3, gpt2, gpt_neox, bert, qwen2_moe, qwen3_moe, mixtral, olmoe and deepseek are built";

impl Architecture {
    /// Reads it from a checkpoint's configuration.
    ///
    /// # Errors
    /// No configuration, an architecture or a setting that is not built, values that are missing.
    pub fn read(checkpoint: &Checkpoint) -> Result<Self, ModelError> {
        let raw = checkpoint.config.as_ref().ok_or(ModelError::NoConfig)?;
        let known = &checkpoint.settings;
        let s = Settings(if raw.get("hidden_size").is_none() { raw.get("text_config").filter(|v| v.is_object()).unwrap_or(raw) } else { raw });
        let model_type = s.word(&["model_type"]).map(str::to_owned).or_else(|| known.model_type.clone()).unwrap_or_default();
        let style = match model_type.as_str() {
            "llama" | "mistral" | "qwen2" | "qwen3" | "qwen2_moe" | "qwen3_moe" | "mixtral" | "olmoe" | "deepseek" => Style::Llama,
            "gpt2" => Style::Gpt2,
            "gpt_neox" => Style::GptNeoX,
            "bert" => Style::Bert,
            "" => return Err(ModelError::Unsupported { what: "a model without a model_type".into(), why: BUILT.into() }),
            other => return Err(ModelError::Unsupported { what: format!("model type “{other}”"), why: BUILT.into() }),
        };
        let need = |key: &str, v: Option<u64>| {
            v.and_then(|n| usize::try_from(n).ok()).ok_or_else(|| ModelError::Setting { key: key.into(), why: "is missing; it is needed to run the model".into() })
        };
        let hidden = need("hidden_size", known.hidden)?;
        let layers = need("num_hidden_layers", known.layers)?;
        let heads = need("num_attention_heads", known.heads)?;
        let kv_heads = need("num_key_value_heads", known.kv_heads)?;
        let head = need("head_dim", known.head_dim)?;
        if layers > 4096 || heads % kv_heads != 0 {
            return Err(ModelError::Setting { key: "num_attention_heads".into(), why: format!("and the like make no sense ({layers} blocks, {heads} heads over {kv_heads})") });
        }
        let rotary = matches!(style, Style::Llama | Style::GptNeoX);
        let plain_scale = 1.0 / (head as f64).sqrt();
        let by_layer = s.flag("scale_attn_by_inverse_layer_idx").unwrap_or(false) && style == Style::Gpt2;
        let unscaled = style == Style::Gpt2 && s.flag("scale_attn_weights") == Some(false);
        let scale = |i: usize| (if unscaled { 1.0 } else { plain_scale }) / if by_layer { (i + 1) as f64 } else { 1.0 };
        refuse(&s, &model_type)?;
        Ok(Self {
            style,
            hidden,
            layers,
            heads,
            kv_heads,
            head,
            vocabulary: need("vocab_size", known.vocab)?,
            context: known.context.and_then(|n| usize::try_from(n).ok()),
            norm: if style == Style::Llama { NormKind::Rms } else { NormKind::Layer },
            epsilon: s.number(&["rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon"]).unwrap_or(if style == Style::Bert { 1e-12 } else { 1e-5 }) as f32,
            activation: activation(s.word(&["hidden_act", "activation_function"]).unwrap_or(if style == Style::Llama { "silu" } else { "gelu" }))?,
            rope: if rotary { Some(Rope::read(s.0, head)?) } else { None },
            windows: windows(&s, &model_type, layers),
            qk_norm: match model_type.as_str() {
                "qwen3" | "qwen3_moe" => QkNorm::Head,
                "olmoe" => QkNorm::Whole,
                _ => QkNorm::None,
            },
            parallel: style == Style::GptNeoX && s.flag("use_parallel_residual").unwrap_or(true),
            scales: (0..layers).map(|i| scale(i) as f32).collect(),
            experts: experts(&s, checkpoint, &model_type),
            tied: known.tied.or((model_type == "gpt2").then_some(true)),
            bos: s.get(&["bos_token_id"]).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()),
            eos: tokens(s.get(&["eos_token_id"])),
            model_type,
        })
    }

    /// Whether a query sees no later key.
    pub fn causal(&self) -> bool {
        self.style != Style::Bert
    }
}

fn tokens(v: Option<&Value>) -> Vec<u32> {
    let one = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok());
    match v {
        Some(Value::Array(all)) => all.iter().filter_map(one).collect(),
        Some(v) => one(v).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Settings that change the forward in ways that are not built.
fn refuse(s: &Settings<'_>, model_type: &str) -> Result<(), ModelError> {
    let no = |what: String, why: &str| Err(ModelError::Unsupported { what, why: why.into() });
    if s.number(&["clip_qkv"]).is_some() {
        return no(format!("clip_qkv of {model_type}"), "queries, keys and values are not clipped here");
    }
    if let Some(kind) = s.word(&["position_embedding_type"]).filter(|k| *k != "absolute") {
        return no(format!("position embedding “{kind}”"), "BERT runs with absolute positions");
    }
    if let Some(kind) = s.word(&["scoring_func"]).filter(|k| *k != "softmax") {
        return no(format!("routing by “{kind}”"), "experts are chosen by softmax");
    }
    if let Some(kind) = s.word(&["topk_method"]).filter(|k| *k != "greedy") {
        return no(format!("routing method “{kind}”"), "the experts with the largest weights are chosen");
    }
    Ok(())
}

fn activation(name: &str) -> Result<Activation, ModelError> {
    Ok(match name {
        "silu" | "swish" => Activation::Silu,
        "gelu" => Activation::Gelu,
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Activation::GeluTanh,
        "relu" => Activation::Relu,
        other => return Err(ModelError::Unsupported { what: format!("activation “{other}”"), why: "silu, gelu, gelu_new and relu are built".into() }),
    })
}

/// Sliding windows by layer. Qwen2 has one only where `use_sliding_window` says so, from `max_window_layers` on; a list of layer types decides where there is one.
fn windows(s: &Settings<'_>, model_type: &str, layers: usize) -> Vec<Option<usize>> {
    let switched = model_type.starts_with("qwen");
    let size = s.count("sliding_window").filter(|_| matches!(model_type, "mistral" | "mixtral" | "olmoe") || switched && s.flag("use_sliding_window") == Some(true));
    let kinds = s.get(&["layer_types"]).and_then(Value::as_array);
    let from = if switched { s.count("max_window_layers").unwrap_or(28) } else { 0 };
    (0..layers)
        .map(|i| {
            size.filter(|_| match kinds.and_then(|k| k.get(i)).and_then(Value::as_str) {
                Some(kind) => kind == "sliding_attention",
                None => i >= from,
            })
        })
        .collect()
}

fn experts(s: &Settings<'_>, checkpoint: &Checkpoint, model_type: &str) -> Option<Experts> {
    let count = usize::try_from(checkpoint.settings.experts?).ok()?;
    let default = if model_type == "mixtral" { 2 } else { 8 };
    let per_token = checkpoint.settings.experts_per_token.and_then(|n| usize::try_from(n).ok()).unwrap_or(default).min(count);
    let normalise = model_type == "mixtral" || s.flag("norm_topk_prob").unwrap_or(false);
    // DeepSeek scales only what it does not normalise.
    let scale = if normalise { 1.0 } else { s.number(&["routed_scaling_factor"]).unwrap_or(1.0) as f32 };
    Some(Experts { count, per_token, normalise, scale, shared: checkpoint.settings.shared_experts.is_some() })
}
