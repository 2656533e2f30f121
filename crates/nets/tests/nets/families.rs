//! The tensor names of each family, as transformers and torchvision save them, in small made-up checkpoints.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use espalier_nets::checkpoint::{Checkpoint, Family, Layout, MatrixRef, Role};
use espalier_nets::testing::{Builder, source};
use pollster::block_on;
use serde_json::{Value, json};

/// Opens tensors of the names and shapes given, with a configuration.
fn open(tensors: &[(String, Vec<u64>)], config: Option<Value>) -> Checkpoint {
    let b = tensors.iter().fold(Builder::new(), |b, (n, s)| b.made_up(n, s));
    let mut files = vec![b.source("model.safetensors")];
    files.extend(config.map(|c| source("config.json", c.to_string().as_bytes())));
    block_on(Checkpoint::open(files)).unwrap()
}

struct Names(Vec<(String, Vec<u64>)>);

impl Names {
    fn add(&mut self, name: impl Into<String>, shape: &[u64]) -> &mut Self {
        self.0.push((name.into(), shape.to_vec()));
        self
    }
}

fn role(c: &Checkpoint, name: &str) -> (Role, Option<u32>) {
    let t = &c.tensors[c.find(name).unwrap_or_else(|| panic!("{name}"))];
    (t.role, t.block)
}

fn matrix(c: &Checkpoint, label: &str) -> MatrixRef {
    c.matrices().into_iter().find(|m| m.label() == label).unwrap_or_else(|| panic!("{label}"))
}

fn noted(c: &Checkpoint, part: &str) -> bool {
    c.notes.iter().any(|n| n.contains(part))
}

/// Attention and norms of a Llama-like block.
fn attention(n: &mut Names, at: &str, d: u64, kv: u64) {
    n.add(format!("{at}.input_layernorm.weight"), &[d]).add(format!("{at}.post_attention_layernorm.weight"), &[d]);
    n.add(format!("{at}.self_attn.q_proj.weight"), &[d, d]).add(format!("{at}.self_attn.k_proj.weight"), &[kv, d]);
    n.add(format!("{at}.self_attn.v_proj.weight"), &[kv, d]).add(format!("{at}.self_attn.o_proj.weight"), &[d, d]);
}

fn mlp(n: &mut Names, at: &str, d: u64, i: u64) {
    n.add(format!("{at}.gate_proj.weight"), &[i, d]).add(format!("{at}.up_proj.weight"), &[i, d]).add(format!("{at}.down_proj.weight"), &[d, i]);
}

fn ends(n: &mut Names, prefix: &str, d: u64, head: bool) {
    n.add(format!("{prefix}embed_tokens.weight"), &[11, d]).add(format!("{prefix}norm.weight"), &[d]);
    if head {
        n.add("lm_head.weight", &[11, d]);
    }
}

#[test]
fn llama_mistral_qwen2() {
    for (kind, prefix) in [(Some("llama"), "model."), (Some("mistral"), "model."), (Some("qwen2"), "model."), (None, "model."), (None, "module.model."), (None, "")] {
        let mut n = Names(Vec::new());
        ends(&mut n, prefix, 6, true);
        for b in 0..2 {
            attention(&mut n, &format!("{prefix}layers.{b}"), 6, 2);
            n.add(format!("{prefix}layers.{b}.self_attn.q_proj.bias"), &[6]);
            n.add(format!("{prefix}layers.{b}.self_attn.rotary_emb.inv_freq"), &[3]);
            mlp(&mut n, &format!("{prefix}layers.{b}.mlp"), 6, 10);
        }
        let c = open(&n.0, kind.map(|k| json!({"model_type": k, "num_hidden_layers": 2, "tie_word_embeddings": false})));
        assert_eq!((c.family, c.blocks), (Family::Llama, 2), "{kind:?} {prefix}");
        for (part, want) in [
            ("self_attn.q_proj", Role::Q),
            ("self_attn.k_proj", Role::K),
            ("self_attn.v_proj", Role::V),
            ("self_attn.o_proj", Role::O),
            ("mlp.gate_proj", Role::Gate),
            ("mlp.up_proj", Role::Up),
            ("mlp.down_proj", Role::Down),
            ("input_layernorm", Role::Norm),
        ] {
            assert_eq!(role(&c, &format!("{prefix}layers.1.{part}.weight")), (want, Some(1)));
        }
        assert_eq!(role(&c, &format!("{prefix}layers.0.self_attn.q_proj.bias")), (Role::Bias, Some(0)));
        assert_eq!(role(&c, &format!("{prefix}embed_tokens.weight")), (Role::Embedding, None));
        assert_eq!(role(&c, &format!("{prefix}norm.weight")), (Role::Norm, None));
        assert_eq!(role(&c, "lm_head.weight"), (Role::Head, None));
        let m = c.matrices();
        assert_eq!((m.len(), m.iter().filter(|m| m.prunable).count()), (16, 14));
        assert!(c.notes.is_empty(), "{:?}", c.notes);
    }
}

#[test]
fn tied_heads() {
    let mut n = Names(Vec::new());
    ends(&mut n, "model.", 4, false);
    attention(&mut n, "model.layers.0", 4, 4);
    mlp(&mut n, "model.layers.0.mlp", 4, 8);
    let c = open(&n.0, Some(json!({"model_type": "llama", "tie_word_embeddings": true})));
    assert_eq!(c.settings.tied, Some(true));
    assert!(noted(&c, "shares the embedding's weights, so it is stored once"), "{:?}", c.notes);
    let c = open(&n.0, Some(json!({"model_type": "llama", "tie_word_embeddings": false, "num_hidden_layers": 3, "vocab_size": 12})));
    assert!(noted(&c, "none is stored here") && noted(&c, "3 blocks, the tensors have 1") && noted(&c, "vocabulary of 12, the embedding has 11"), "{:?}", c.notes);
    n.add("lm_head.weight", &[11, 4]);
    let c = open(&n.0, Some(json!({"model_type": "llama", "tie_word_embeddings": true})));
    assert!(noted(&c, "a head is stored as well"), "{:?}", c.notes);
}

fn gpt2(prefix: &str, inout: bool) -> Names {
    let mut n = Names(Vec::new());
    let lay = |i: u64, o: u64| if inout { [i, o] } else { [o, i] };
    n.add(format!("{prefix}wte.weight"), &[11, 6]).add(format!("{prefix}wpe.weight"), &[5, 6]).add(format!("{prefix}ln_f.weight"), &[6]);
    for b in 0..2 {
        let at = format!("{prefix}h.{b}");
        n.add(format!("{at}.attn.c_attn.weight"), &lay(6, 18)).add(format!("{at}.attn.c_attn.bias"), &[18]);
        n.add(format!("{at}.attn.c_proj.weight"), &lay(6, 6)).add(format!("{at}.attn.bias"), &[1, 1, 5, 5]).add(format!("{at}.attn.masked_bias"), &[]);
        n.add(format!("{at}.mlp.c_fc.weight"), &lay(6, 24)).add(format!("{at}.mlp.c_proj.weight"), &lay(24, 6)).add(format!("{at}.ln_1.bias"), &[6]);
    }
    n
}

#[test]
fn gpt2_is_turned_round() {
    for (prefix, config) in [("", None), ("transformer.", Some(json!({"model_type": "gpt2", "n_layer": 2})))] {
        let n = gpt2(prefix, true);
        let c = open(&n.0, config);
        assert_eq!((c.family, c.blocks), (Family::Gpt2, 2));
        let at = format!("{prefix}h.1");
        for (part, want, shape) in [("attn.c_attn", Role::Qkv, [18, 6]), ("attn.c_proj", Role::O, [6, 6]), ("mlp.c_fc", Role::Up, [24, 6]), ("mlp.c_proj", Role::Down, [6, 24])] {
            let m = matrix(&c, &format!("{at}.{part}.weight"));
            assert_eq!((m.role, m.block, m.shape, m.transposed, m.prunable), (want, Some(1), shape, true, true));
            let stored = block_on(c.read_f32(m.tensor)).unwrap();
            let w = block_on(c.read_matrix(&m)).unwrap();
            for r in 0..shape[0] {
                for k in 0..shape[1] {
                    assert_eq!(w[[r as usize, k as usize]], stored[(k * shape[0] + r) as usize]);
                    assert_eq!(m.position(r, k), k * shape[0] + r);
                }
            }
            assert_eq!(m.to_file_order(w.as_slice().unwrap()), stored);
        }
        assert_eq!(role(&c, &format!("{at}.attn.c_attn.bias")), (Role::Bias, Some(1)));
        assert_eq!(role(&c, &format!("{at}.ln_1.bias")), (Role::Norm, Some(1)));
        assert_eq!(role(&c, &format!("{prefix}ln_f.weight")), (Role::Norm, None));
        assert_eq!(role(&c, &format!("{prefix}wpe.weight")), (Role::Embedding, None));
        // The causal mask is no matrix.
        assert_eq!(c.tensors[c.find(&format!("{at}.attn.bias")).unwrap()].layout, Layout::Buffer);
        assert_eq!(c.matrices().len(), 2 * 4 + 2);
        assert!(noted(&c, "[in, out]"));
    }
    let c = open(&gpt2("transformer.", false).0, None);
    assert_eq!((matrix(&c, "transformer.h.0.mlp.c_fc.weight").shape, matrix(&c, "transformer.h.0.attn.c_proj.weight").transposed), ([24, 6], false));
    assert!(noted(&c, "as nanoGPT does"), "{:?}", c.notes);
}

#[test]
fn gpt_neox() {
    let mut n = Names(Vec::new());
    n.add("gpt_neox.embed_in.weight", &[11, 6]).add("embed_out.weight", &[11, 6]).add("gpt_neox.final_layer_norm.weight", &[6]);
    for b in 0..2 {
        let at = format!("gpt_neox.layers.{b}");
        n.add(format!("{at}.attention.query_key_value.weight"), &[18, 6]).add(format!("{at}.attention.dense.weight"), &[6, 6]);
        n.add(format!("{at}.mlp.dense_h_to_4h.weight"), &[24, 6]).add(format!("{at}.mlp.dense_4h_to_h.weight"), &[6, 24]);
        n.add(format!("{at}.attention.bias"), &[1, 1, 4, 4]).add(format!("{at}.input_layernorm.bias"), &[6]);
    }
    for config in [None, Some(json!({"model_type": "gpt_neox"}))] {
        let c = open(&n.0, config);
        assert_eq!((c.family, c.blocks), (Family::GptNeoX, 2));
        for (part, want) in [("attention.query_key_value", Role::Qkv), ("attention.dense", Role::O), ("mlp.dense_h_to_4h", Role::Up), ("mlp.dense_4h_to_h", Role::Down)] {
            let m = matrix(&c, &format!("gpt_neox.layers.1.{part}.weight"));
            assert_eq!((m.role, m.block, m.transposed), (want, Some(1), false));
        }
        assert_eq!(role(&c, "gpt_neox.embed_in.weight"), (Role::Embedding, None));
        assert_eq!(role(&c, "embed_out.weight"), (Role::Head, None));
        assert_eq!(c.matrices().len(), 10);
    }
}

fn experts(n: &mut Names, at: &str, d: u64, i: u64, count: u64) {
    for e in 0..count {
        mlp(n, &format!("{at}.experts.{e}"), d, i);
    }
}

#[test]
fn qwen2_moe() {
    let mut n = Names(Vec::new());
    ends(&mut n, "model.", 6, true);
    attention(&mut n, "model.layers.0", 6, 6);
    n.add("model.layers.0.self_attn.q_proj.bias", &[6]).add("model.layers.0.mlp.gate.weight", &[3, 6]).add("model.layers.0.mlp.shared_expert_gate.weight", &[1, 6]);
    experts(&mut n, "model.layers.0.mlp", 6, 4, 3);
    mlp(&mut n, "model.layers.0.mlp.shared_expert", 6, 8);
    for config in [None, Some(json!({"model_type": "qwen2_moe", "num_experts": 3}))] {
        let c = open(&n.0, config);
        assert_eq!((c.family, c.blocks), (Family::Qwen2Moe, 1));
        let m = matrix(&c, "model.layers.0.mlp.experts.2.up_proj.weight");
        assert_eq!((m.role, m.expert, m.shared, m.block, m.prunable), (Role::Up, Some(2), false, Some(0), true));
        let m = matrix(&c, "model.layers.0.mlp.shared_expert.down_proj.weight");
        assert_eq!((m.role, m.expert, m.shared, m.prunable), (Role::Down, None, true, true));
        let m = matrix(&c, "model.layers.0.mlp.gate.weight");
        assert_eq!((m.role, m.prunable), (Role::Router, false));
        let m = matrix(&c, "model.layers.0.mlp.shared_expert_gate.weight");
        assert_eq!((m.role, m.shared, m.prunable), (Role::Router, true, false));
        assert_eq!(c.matrices().iter().filter(|m| m.prunable).count(), 4 + 9 + 3);
    }
}

#[test]
fn deepseek_moe_with_a_dense_first_layer() {
    let mut n = Names(Vec::new());
    ends(&mut n, "model.", 6, true);
    attention(&mut n, "model.layers.0", 6, 6);
    mlp(&mut n, "model.layers.0.mlp", 6, 16);
    attention(&mut n, "model.layers.1", 6, 6);
    n.add("model.layers.1.mlp.gate.weight", &[4, 6]).add("model.layers.1.mlp.gate.e_score_correction_bias", &[4]);
    experts(&mut n, "model.layers.1.mlp", 6, 4, 4);
    mlp(&mut n, "model.layers.1.mlp.shared_experts", 6, 8);
    n.add("model.layers.1.self_attn.kv_a_proj_with_mqa.weight", &[5, 6]).add("model.layers.1.self_attn.kv_a_layernorm.weight", &[4]);
    for config in [None, Some(json!({"model_type": "deepseek", "n_routed_experts": 4, "n_shared_experts": 2}))] {
        let c = open(&n.0, config);
        assert_eq!((c.family, c.blocks), (Family::DeepSeekMoe, 2));
        let m = matrix(&c, "model.layers.0.mlp.gate_proj.weight");
        assert_eq!((m.role, m.expert, m.shared, m.block), (Role::Gate, None, false, Some(0)));
        let m = matrix(&c, "model.layers.1.mlp.shared_experts.gate_proj.weight");
        assert_eq!((m.role, m.shared, m.block), (Role::Gate, true, Some(1)));
        assert_eq!(matrix(&c, "model.layers.1.mlp.experts.3.down_proj.weight").expert, Some(3));
        assert_eq!(role(&c, "model.layers.1.mlp.gate.weight").0, Role::Router);
        assert_eq!(role(&c, "model.layers.1.mlp.gate.e_score_correction_bias").0, Role::Bias);
        assert_eq!(role(&c, "model.layers.1.self_attn.kv_a_proj_with_mqa.weight").0, Role::Linear);
        assert_eq!(role(&c, "model.layers.1.self_attn.kv_a_layernorm.weight").0, Role::Norm);
    }
}

#[test]
fn mixtral_and_olmoe() {
    let mut n = Names(Vec::new());
    ends(&mut n, "model.", 6, true);
    attention(&mut n, "model.layers.0", 6, 2);
    n.add("model.layers.0.block_sparse_moe.gate.weight", &[2, 6]);
    for e in 0..2 {
        let at = format!("model.layers.0.block_sparse_moe.experts.{e}");
        n.add(format!("{at}.w1.weight"), &[8, 6]).add(format!("{at}.w2.weight"), &[6, 8]).add(format!("{at}.w3.weight"), &[8, 6]);
    }
    for config in [None, Some(json!({"model_type": "mixtral"}))] {
        let c = open(&n.0, config);
        assert_eq!(c.family, Family::Mixtral);
        for (part, want) in [("w1", Role::Gate), ("w2", Role::Down), ("w3", Role::Up)] {
            let m = matrix(&c, &format!("model.layers.0.block_sparse_moe.experts.1.{part}.weight"));
            assert_eq!((m.role, m.expert, m.block, m.prunable), (want, Some(1), Some(0), true));
        }
        assert_eq!(role(&c, "model.layers.0.block_sparse_moe.gate.weight").0, Role::Router);
    }
    let mut n = Names(Vec::new());
    ends(&mut n, "model.", 6, true);
    attention(&mut n, "model.layers.0", 6, 6);
    n.add("model.layers.0.self_attn.q_norm.weight", &[6]).add("model.layers.0.self_attn.k_norm.weight", &[6]).add("model.layers.0.mlp.gate.weight", &[2, 6]);
    experts(&mut n, "model.layers.0.mlp", 6, 4, 2);
    for config in [None, Some(json!({"model_type": "olmoe"}))] {
        let c = open(&n.0, config);
        assert_eq!(c.family, Family::Olmoe);
        assert_eq!(role(&c, "model.layers.0.self_attn.q_norm.weight").0, Role::Norm);
        assert_eq!(matrix(&c, "model.layers.0.mlp.experts.1.gate_proj.weight").role, Role::Gate);
    }
}

#[test]
fn fused_experts_are_slices() {
    for (turned, suffix) in [(false, ""), (true, ""), (false, ".weight")] {
        let mut n = Names(Vec::new());
        ends(&mut n, "model.", 6, true);
        attention(&mut n, "model.layers.0", 6, 6);
        n.add("model.layers.0.mlp.gate.weight", &[3, 6]);
        let (up, down) = (format!("model.layers.0.mlp.experts.gate_up_proj{suffix}"), format!("model.layers.0.mlp.experts.down_proj{suffix}"));
        n.add(&up, if turned { &[3, 6, 8] } else { &[3, 8, 6] }).add(&down, if turned { &[3, 4, 6] } else { &[3, 6, 4] });
        let c = open(&n.0, None);
        assert_eq!(c.family, Family::Mixtral);
        let m = matrix(&c, &format!("{up}#2"));
        assert_eq!((m.role, m.expert, m.slice, m.shape, m.transposed, m.prunable), (Role::GateUp, Some(2), Some(2), [8, 6], turned, true));
        assert_eq!(matrix(&c, &format!("{down}#0")).shape, [6, 4]);
        assert_eq!(c.matrices().iter().filter(|m| m.slice.is_some()).count(), 6);
        let whole = block_on(c.read_f32(m.tensor)).unwrap();
        let w = block_on(c.read_matrix(&m)).unwrap();
        assert_eq!(c.elements_of(&m).unwrap(), 96..144);
        assert_eq!(m.to_file_order(w.as_slice().unwrap()), whole[96..144]);
        assert_eq!(w[[1, 0]], if turned { whole[96 + 1] } else { whole[96 + 6] });
        assert_eq!(noted(&c, "[experts, in, out]"), turned);
    }
}

#[test]
fn bert_and_minilm() {
    for prefix in ["", "bert.", "module.bert."] {
        let mut n = Names(Vec::new());
        n.add(format!("{prefix}embeddings.word_embeddings.weight"), &[11, 6]).add(format!("{prefix}embeddings.position_embeddings.weight"), &[5, 6]);
        n.add(format!("{prefix}embeddings.LayerNorm.gamma"), &[6]).add(format!("{prefix}embeddings.position_ids"), &[1, 5]);
        n.add(format!("{prefix}pooler.dense.weight"), &[6, 6]).add("cls.predictions.decoder.weight", &[11, 6]);
        for b in 0..2 {
            let at = format!("{prefix}encoder.layer.{b}");
            for p in ["query", "key", "value"] {
                n.add(format!("{at}.attention.self.{p}.weight"), &[6, 6]).add(format!("{at}.attention.self.{p}.bias"), &[6]);
            }
            n.add(format!("{at}.attention.output.dense.weight"), &[6, 6]).add(format!("{at}.attention.output.LayerNorm.weight"), &[6]);
            n.add(format!("{at}.intermediate.dense.weight"), &[24, 6]).add(format!("{at}.output.dense.weight"), &[6, 24]);
        }
        for config in [None, Some(json!({"model_type": "bert", "num_hidden_layers": 2}))] {
            let c = open(&n.0, config);
            assert_eq!((c.family, c.blocks), (Family::Bert, 2));
            for (part, want) in [
                ("attention.self.query", Role::Q),
                ("attention.self.key", Role::K),
                ("attention.self.value", Role::V),
                ("attention.output.dense", Role::O),
                ("intermediate.dense", Role::Up),
                ("output.dense", Role::Down),
            ] {
                assert_eq!(role(&c, &format!("{prefix}encoder.layer.1.{part}.weight")), (want, Some(1)));
            }
            assert_eq!(role(&c, &format!("{prefix}embeddings.word_embeddings.weight")).0, Role::Embedding);
            assert_eq!(role(&c, &format!("{prefix}embeddings.LayerNorm.gamma")).0, Role::Norm);
            assert_eq!(role(&c, &format!("{prefix}pooler.dense.weight")).0, Role::Linear);
            assert_eq!(role(&c, "cls.predictions.decoder.weight").0, Role::Head);
            assert_eq!(c.matrices().iter().filter(|m| m.prunable).count(), 12);
            assert!(!c.matrices().iter().any(|m| m.name.ends_with("position_ids")));
        }
    }
}

#[test]
fn resnets_of_three_hands() {
    // torchvision's and akamaster's names.
    for (prefix, head, shortcut) in [("", "fc", "downsample"), ("module.", "linear", "shortcut")] {
        let mut n = Names(Vec::new());
        n.add(format!("{prefix}conv1.weight"), &[4, 3, 3, 3]).add(format!("{prefix}bn1.weight"), &[4]).add(format!("{prefix}bn1.num_batches_tracked"), &[]);
        for stage in 1..3u64 {
            for b in 0..2 {
                let at = format!("{prefix}layer{stage}.{b}");
                n.add(format!("{at}.conv1.weight"), &[4, 4, 3, 3]).add(format!("{at}.conv2.weight"), &[4, 4, 3, 3]).add(format!("{at}.bn2.running_var"), &[4]);
            }
            n.add(format!("{prefix}layer{stage}.0.{shortcut}.0.weight"), &[4, 4, 1, 1]).add(format!("{prefix}layer{stage}.0.{shortcut}.1.weight"), &[4]);
        }
        n.add(format!("{prefix}{head}.weight"), &[10, 4]).add(format!("{prefix}{head}.bias"), &[10]);
        let c = open(&n.0, None);
        assert_eq!((c.family, c.blocks), (Family::ResNet, 4), "{prefix}");
        assert_eq!(role(&c, &format!("{prefix}layer2.1.conv2.weight")), (Role::Conv, Some(3)));
        assert_eq!(role(&c, &format!("{prefix}layer1.0.{shortcut}.0.weight")), (Role::Conv, Some(0)));
        assert_eq!(role(&c, &format!("{prefix}layer1.0.{shortcut}.1.weight")), (Role::Norm, Some(0)));
        assert_eq!(role(&c, &format!("{prefix}layer1.0.bn2.running_var")).0, Role::Norm);
        assert_eq!(role(&c, &format!("{prefix}{head}.weight")), (Role::Head, None));
        assert_eq!(role(&c, &format!("{prefix}bn1.num_batches_tracked")).0, Role::Other);
        let stem = matrix(&c, &format!("{prefix}conv1.weight"));
        assert_eq!((stem.role, stem.shape, stem.prunable), (Role::Conv, [4, 27], true));
        assert_eq!(c.matrices().iter().filter(|m| m.prunable).count(), 1 + 8 + 2);
        assert!(noted(&c, "out × in·kh·kw"));
    }
    // transformers' names.
    let mut n = Names(Vec::new());
    n.add("resnet.embedder.embedder.convolution.weight", &[4, 3, 7, 7]).add("resnet.embedder.embedder.normalization.weight", &[4]).add("classifier.1.weight", &[10, 4]);
    for stage in 0..2 {
        for layer in 0..2 {
            n.add(format!("resnet.encoder.stages.{stage}.layers.{layer}.layer.0.convolution.weight"), &[4, 4, 3, 3]);
            n.add(format!("resnet.encoder.stages.{stage}.layers.{layer}.layer.1.normalization.weight"), &[4]);
        }
        n.add(format!("resnet.encoder.stages.{stage}.layers.0.shortcut.convolution.weight"), &[4, 4, 1, 1]);
    }
    for config in [None, Some(json!({"model_type": "resnet"}))] {
        let c = open(&n.0, config);
        assert_eq!((c.family, c.blocks), (Family::ResNet, 4));
        assert_eq!(role(&c, "resnet.encoder.stages.1.layers.1.layer.0.convolution.weight"), (Role::Conv, Some(3)));
        assert_eq!(role(&c, "resnet.embedder.embedder.convolution.weight"), (Role::Conv, None));
        assert_eq!(role(&c, "resnet.embedder.embedder.normalization.weight").0, Role::Norm);
        assert_eq!(role(&c, "classifier.1.weight"), (Role::Head, None));
    }
}

#[test]
fn welore_factors_keep_their_role() {
    let mut n = Names(Vec::new());
    ends(&mut n, "model.", 6, true);
    attention(&mut n, "model.layers.0", 6, 6);
    mlp(&mut n, "model.layers.0.mlp", 6, 8);
    n.0.retain(|(name, _)| !name.contains("q_proj"));
    n.add("model.layers.0.self_attn.q_proj.U.weight", &[6, 2]).add("model.layers.0.self_attn.q_proj.V.weight", &[2, 6]);
    let c = open(&n.0, None);
    assert_eq!(c.family, Family::Llama);
    for half in ["U", "V"] {
        let m = matrix(&c, &format!("model.layers.0.self_attn.q_proj.{half}.weight"));
        assert_eq!((m.role, m.block, m.prunable), (Role::Q, Some(0), false));
        assert_eq!(c.tensors[m.tensor].layout, Layout::Factor);
    }
    assert!(noted(&c, "factored already"));
}

#[test]
fn names_are_believed_against_a_wrong_configuration() {
    let mut n = Names(Vec::new());
    n.add("conv1.weight", &[4, 3, 3, 3]).add("layer1.0.conv1.weight", &[4, 4, 3, 3]);
    let c = open(&n.0, Some(json!({"model_type": "llama"})));
    assert_eq!(c.family, Family::ResNet);
    assert!(noted(&c, "config.json says Llama, but the tensors are named like ResNet"), "{:?}", c.notes);
}

#[test]
fn anything_else_is_listed_and_analysed() {
    let mut n = Names(Vec::new());
    n.add("encoder.block.0.layer.0.SelfAttention.q.weight", &[4, 4]).add("encoder.block.1.layer.0.SelfAttention.q.weight", &[4, 4]);
    n.add("decoder.block.0.layer.0.SelfAttention.q.weight", &[4, 4]).add("shared_embeddings.weight", &[9, 4]).add("final_layer_norm.weight", &[4]);
    n.add("spectrogram", &[2, 3, 4]).add("fc1.weight", &[5, 4]).add("ctc.ctc_lo.weight", &[7, 4]);
    let c = open(&n.0, Some(json!({"model_type": "t5"})));
    assert_eq!((c.family, c.blocks), (Family::Unknown, 3), "encoder and decoder are counted on");
    assert_eq!(role(&c, "decoder.block.0.layer.0.SelfAttention.q.weight"), (Role::Q, Some(0)));
    assert_eq!(role(&c, "encoder.block.0.layer.0.SelfAttention.q.weight"), (Role::Q, Some(1)));
    assert_eq!(role(&c, "shared_embeddings.weight").0, Role::Embedding);
    assert_eq!(role(&c, "ctc.ctc_lo.weight").0, Role::Head);
    let m = matrix(&c, "spectrogram");
    assert_eq!((m.role, m.shape, m.prunable), (Role::Other, [2, 12], false));
    assert!(matrix(&c, "fc1.weight").prunable);
    assert!(noted(&c, "not recognised") && noted(&c, "first axis × the rest: spectrogram"), "{:?}", c.notes);
}

#[test]
fn wild_block_numbers_cannot_make_a_long_list() {
    let mut n = Names(Vec::new());
    n.add("model.layers.999999999.self_attn.q_proj.weight", &[2, 2]).add("model.layers.5.mlp.down_proj.weight", &[2, 2]);
    let c = open(&n.0, None);
    assert_eq!((c.family, c.blocks), (Family::Llama, 2));
    assert_eq!(role(&c, "model.layers.999999999.self_attn.q_proj.weight").1, Some(1));
    assert!(noted(&c, "counted from 0 instead"), "{:?}", c.notes);
}
