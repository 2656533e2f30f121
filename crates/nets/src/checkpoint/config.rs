//! What `config.json` says, in both transformers dialects: `torch_dtype` or `dtype`, `rope_theta` flat or inside `rope_parameters`,
//! GPT-2's own keys, and a language model's part inside a multimodal one (`text_config`).

use serde_json::{Map, Value};

use super::error::short;

/// The few values of a configuration that are used here. Everything is optional; the raw JSON is [`Checkpoint::config`](super::Checkpoint::config).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// First of `architectures`: `LlamaForCausalLM`.
    pub architecture: Option<String>,
    /// `model_type`.
    pub model_type: Option<String>,
    /// Width of the residual stream.
    pub hidden: Option<u64>,
    /// Blocks.
    pub layers: Option<u64>,
    /// Query heads.
    pub heads: Option<u64>,
    /// Key and value heads; as many as query heads where the file does not say.
    pub kv_heads: Option<u64>,
    /// Width of one head; `hidden / heads` where the file does not say.
    pub head_dim: Option<u64>,
    /// Width of the dense feed-forward.
    pub intermediate: Option<u64>,
    /// Vocabulary.
    pub vocab: Option<u64>,
    /// Longest context.
    pub context: Option<u64>,
    /// Routed experts of a layer.
    pub experts: Option<u64>,
    /// Experts a token is sent to.
    pub experts_per_token: Option<u64>,
    /// Width of one routed expert.
    pub expert_width: Option<u64>,
    /// Shared experts (DeepSeek), or 1 where a shared width is given (Qwen2-MoE).
    pub shared_experts: Option<u64>,
    /// Width of all shared experts together.
    pub shared_width: Option<u64>,
    /// Base of the rotary embedding.
    pub rope_theta: Option<f64>,
    /// Whether the head shares the embedding's weights.
    pub tied: Option<bool>,
    /// Element type of the weights as trained: `float16`.
    pub dtype: Option<String>,
}

struct Reader<'a> {
    map: &'a Map<String, Value>,
    notes: Vec<String>,
}

impl Reader<'_> {
    /// The first of `keys` that is there and not null; a value of the wrong sort gives a note and counts as absent.
    fn get<T>(&mut self, keys: &[&str], wanted: &str, take: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let (key, value) = keys.iter().find_map(|k| self.map.get(*k).filter(|v| !v.is_null()).map(|v| (*k, v)))?;
        let taken = take(value);
        if taken.is_none() {
            self.notes.push(format!("config.json: {key} should be {wanted}, but is {}; it is not used.", short(&value.to_string())));
        }
        taken
    }

    fn count(&mut self, keys: &[&str]) -> Option<u64> {
        // Some writers make floats of whole numbers.
        let whole = |v: &Value| v.as_u64().or_else(|| v.as_f64().filter(|f| f.fract() == 0.0 && (0.0..1e15).contains(f)).map(|f| f as u64));
        self.get(keys, "a whole number of at least 1", |v| whole(v).filter(|n| *n >= 1))
    }

    /// A count where 0 means "none".
    fn count_or_none(&mut self, keys: &[&str]) -> Option<u64> {
        self.get(keys, "a whole number", |v| v.as_u64()).filter(|n| *n > 0)
    }

    fn text(&mut self, keys: &[&str]) -> Option<String> {
        self.get(keys, "a text", |v| v.as_str().map(short))
    }
}

impl Config {
    /// Reads the values it knows and says what makes no sense. Never fails: a strange value is a note and counts as absent.
    pub fn read(raw: &Value) -> (Self, Vec<String>) {
        let Some(top) = raw.as_object() else {
            return (Self::default(), vec!["config.json is not an object; it is not used.".into()]);
        };
        let inner = (!top.contains_key("hidden_size")).then(|| top.get("text_config").and_then(Value::as_object)).flatten();
        let mut outer = Reader { map: top, notes: Vec::new() };
        let architecture = outer.get(&["architectures"], "a list of names", |v| v.as_array().map(|a| a.first().and_then(Value::as_str).map(short))).flatten();
        let model_type = outer.text(&["model_type"]);
        let tied_outside = outer.get(&["tie_word_embeddings"], "true or false", Value::as_bool);
        let dtype_outside = outer.text(&["dtype", "torch_dtype"]);
        let mut notes = outer.notes;
        let mut r = Reader { map: inner.unwrap_or(top), notes: Vec::new() };

        let hidden = r.count(&["hidden_size", "n_embd", "d_model"]);
        let heads = r.count(&["num_attention_heads", "n_head"]);
        let kv_heads = r.count(&["num_key_value_heads"]).or(heads);
        let head_dim = r.count(&["head_dim"]).or_else(|| hidden.zip(heads).filter(|(d, h)| d % h == 0).map(|(d, h)| d / h));
        let expert_width = r.count(&["moe_intermediate_size"]);
        let shared_width_given = r.count_or_none(&["shared_expert_intermediate_size"]);
        let shared_experts = r.count_or_none(&["n_shared_experts"]).or(shared_width_given.map(|_| 1));
        let rope_inside = r.map.get("rope_parameters").and_then(Value::as_object).and_then(|p| p.get("rope_theta")).and_then(Value::as_f64);
        let config = Self {
            architecture,
            model_type,
            hidden,
            layers: r.count(&["num_hidden_layers", "n_layer", "num_layers"]),
            heads,
            kv_heads,
            head_dim,
            intermediate: r.count(&["intermediate_size", "n_inner", "ffn_dim"]),
            vocab: r.count(&["vocab_size"]),
            context: r.count(&["max_position_embeddings", "n_positions", "n_ctx"]),
            experts: r.count_or_none(&["num_experts", "n_routed_experts", "num_local_experts"]),
            experts_per_token: r.count_or_none(&["num_experts_per_tok", "num_experts_per_token"]),
            expert_width,
            shared_experts,
            shared_width: shared_width_given.or_else(|| shared_experts.zip(expert_width).and_then(|(n, w)| n.checked_mul(w))),
            rope_theta: r.get(&["rope_theta"], "a number", Value::as_f64).or(rope_inside).or_else(|| r.get(&["rotary_emb_base"], "a number", Value::as_f64)),
            tied: r.get(&["tie_word_embeddings"], "true or false", Value::as_bool).or(tied_outside),
            dtype: r.text(&["dtype", "torch_dtype"]).or(dtype_outside),
        };
        notes.extend(r.notes.into_iter().filter(|n| inner.is_some() || !n.contains("tie_word_embeddings") && !n.contains("dtype should")));
        config.doubt(&mut notes);
        (config, notes)
    }

    /// Values that cannot all be true.
    fn doubt(&self, notes: &mut Vec<String>) {
        if let (Some(heads), Some(kv)) = (self.heads, self.kv_heads)
            && heads % kv != 0
        {
            notes.push(format!("config.json: {heads} query heads cannot share {kv} key and value heads evenly."));
        }
        if let (Some(hidden), Some(heads), None) = (self.hidden, self.heads, self.head_dim) {
            notes.push(format!("config.json: a width of {hidden} does not divide into {heads} heads, and no head_dim is given."));
        }
        if let (Some(k), Some(e)) = (self.experts_per_token, self.experts)
            && k > e
        {
            notes.push(format!("config.json: {k} experts a token, but only {e} experts."));
        }
    }

    /// The values that are there, with labels for people, in a fixed order.
    pub fn rows(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        let mut row = |label: &str, value: Option<String>| {
            if let Some(value) = value {
                rows.push((label.to_string(), value));
            }
        };
        let count = |n: Option<u64>| n.map(|n| n.to_string());
        row("Architecture", self.architecture.clone());
        row("Model type", self.model_type.clone());
        row("Blocks", count(self.layers));
        row("Hidden width", count(self.hidden));
        row("Feed-forward width", count(self.intermediate));
        row("Query heads", count(self.heads));
        row("Key and value heads", count(self.kv_heads));
        row("Head width", count(self.head_dim));
        row("Experts", count(self.experts));
        row("Experts a token", count(self.experts_per_token));
        row("Expert width", count(self.expert_width));
        row("Shared experts", count(self.shared_experts));
        row("Shared width", count(self.shared_width));
        row("Vocabulary", count(self.vocab));
        row("Context", count(self.context));
        row("RoPE base", self.rope_theta.map(|t| t.to_string()));
        row("Tied head", self.tied.map(|t| if t { "yes" } else { "no" }.to_string()));
        row("Trained in", self.dtype.clone());
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_dialects_say_the_same() {
        let old = json!({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4,
            "rope_theta": 10000.0, "rope_scaling": null, "torch_dtype": "bfloat16", "tie_word_embeddings": true});
        let new = json!({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4,
            "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}, "dtype": "bfloat16", "tie_word_embeddings": true});
        let (a, notes) = Config::read(&old);
        assert!(notes.is_empty(), "{notes:?}");
        assert_eq!(a, Config::read(&new).0);
        assert_eq!((a.rope_theta, a.dtype.as_deref(), a.head_dim, a.kv_heads, a.tied), (Some(10000.0), Some("bfloat16"), Some(16), Some(4), Some(true)));
    }

    #[test]
    fn gpt2_moe_and_nested_keys() {
        let (c, _) = Config::read(&json!({"model_type": "gpt2", "n_embd": 8, "n_layer": 2, "n_head": 2, "n_positions": 16, "n_inner": null}));
        assert_eq!((c.hidden, c.layers, c.heads, c.context, c.intermediate), (Some(8), Some(2), Some(2), Some(16), None));
        let (c, _) = Config::read(&json!({"n_routed_experts": 8, "n_shared_experts": 2, "num_experts_per_tok": 2, "moe_intermediate_size": 32}));
        assert_eq!((c.experts, c.experts_per_token, c.shared_experts, c.shared_width), (Some(8), Some(2), Some(2), Some(64)));
        let (c, _) = Config::read(&json!({"num_experts": 16, "shared_expert_intermediate_size": 128}));
        assert_eq!((c.experts, c.shared_experts, c.shared_width), (Some(16), Some(1), Some(128)));
        let (c, n) = Config::read(&json!({"model_type": "llava", "dtype": "float16", "text_config": {"hidden_size": 8, "num_local_experts": 4}}));
        assert_eq!((c.hidden, c.experts, c.dtype.as_deref()), (Some(8), Some(4), Some("float16")));
        assert!(n.is_empty(), "{n:?}");
    }

    #[test]
    fn nonsense_is_a_note_and_not_a_value() {
        let (c, notes) = Config::read(&json!({"hidden_size": -4, "num_attention_heads": "many", "num_hidden_layers": 1e300, "vocab_size": 0,
            "tie_word_embeddings": "yes", "rope_theta": [], "architectures": 3, "num_experts": 2, "num_experts_per_tok": 5}));
        assert_eq!((c.hidden, c.heads, c.layers, c.vocab, c.tied, c.rope_theta, c.architecture), (None, None, None, None, None, None, None));
        for key in ["hidden_size", "num_attention_heads", "num_hidden_layers", "vocab_size", "tie_word_embeddings", "rope_theta", "architectures", "5 experts a token"] {
            assert_eq!(notes.iter().filter(|n| n.contains(key)).count(), 1, "{key}: {notes:?}");
        }
        assert_eq!(Config::read(&json!([1])).1, ["config.json is not an object; it is not used."]);
        let (_, notes) = Config::read(&json!({"hidden_size": 10, "num_attention_heads": 3}));
        assert!(notes[0].contains("does not divide into 3 heads"), "{notes:?}");
    }
}
