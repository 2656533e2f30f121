//! Which family a checkpoint is of, and from there what each tensor is.

use std::collections::{BTreeMap, BTreeSet};

use espalier_tensor::order::{by, gather};

use super::config::Config;
use super::error::{list, short};
use super::names::{Reading, read_name};
use super::role::{Family, Layout, Role};
use super::{Dtype, TensorEntry};

/// No router has as many; a fused tensor makes one matrix of each.
const MOST_EXPERTS: u64 = 65_536;

/// Family by the configuration's words.
fn by_config(config: &Config) -> Family {
    let kind = config.model_type.as_deref().unwrap_or("").to_ascii_lowercase().replace('-', "_");
    let exact = match kind.as_str() {
        "llama" | "mistral" | "qwen2" | "qwen3" | "gemma" | "gemma2" | "gemma3_text" | "phi3" | "olmo" | "olmo2" | "granite" | "stablelm"
        | "smollm3" | "cohere" | "internlm2" | "yi" => Family::Llama,
        "gpt2" => Family::Gpt2,
        "gpt_neox" => Family::GptNeoX,
        "qwen2_moe" | "qwen3_moe" => Family::Qwen2Moe,
        "deepseek" | "deepseek_v2" | "deepseek_v3" => Family::DeepSeekMoe,
        "mixtral" => Family::Mixtral,
        "olmoe" => Family::Olmoe,
        "bert" | "roberta" | "xlm_roberta" | "camembert" | "electra" => Family::Bert,
        "resnet" => Family::ResNet,
        _ => Family::Unknown,
    };
    if exact != Family::Unknown {
        return exact;
    }
    let arch = config.architecture.as_deref().unwrap_or("").to_ascii_lowercase();
    const STEMS: [(&str, Family); 12] = [
        ("qwen2moe", Family::Qwen2Moe),
        ("qwen3moe", Family::Qwen2Moe),
        ("deepseek", Family::DeepSeekMoe),
        ("mixtral", Family::Mixtral),
        ("olmoe", Family::Olmoe),
        ("gptneox", Family::GptNeoX),
        ("gpt2", Family::Gpt2),
        ("llamafor", Family::Llama),
        ("mistralfor", Family::Llama),
        ("qwen2for", Family::Llama),
        ("resnet", Family::ResNet),
        ("bertfor", Family::Bert),
    ];
    STEMS.iter().find(|(stem, _)| arch.starts_with(stem)).map_or(Family::Unknown, |(_, f)| *f)
}

/// Family by the names alone.
fn by_names(tensors: &[TensorEntry]) -> Family {
    let any = |f: &dyn Fn(&str) -> bool| tensors.iter().any(|t| f(&t.name));
    let has = |part: &str| any(&|n| n.contains(part));
    let rows = |end: &str| tensors.iter().find(|t| t.name.ends_with(end)).and_then(|t| t.shape.first().copied());
    if has(".block_sparse_moe.") {
        Family::Mixtral
    } else if has(".mlp.shared_experts.") || has(".kv_a_proj_with_mqa.") {
        Family::DeepSeekMoe
    } else if has(".mlp.shared_expert.") {
        Family::Qwen2Moe
    } else if has(".mlp.experts.") {
        // OLMoE norms the whole width of q, Qwen3-MoE one head's; Qwen2-MoE has biases instead; Mixtral, saved fused, has neither.
        match (rows(".self_attn.q_norm.weight"), rows(".self_attn.q_proj.weight")) {
            (Some(norm), Some(q)) if norm == q => Family::Olmoe,
            (Some(_), _) => Family::Qwen2Moe,
            _ if has(".self_attn.q_proj.bias") => Family::Qwen2Moe,
            _ => Family::Mixtral,
        }
    } else if has(".self_attn.") && (has(".mlp.down_proj.") || has(".mlp.gate_up_proj.")) {
        Family::Llama
    } else if any(&|n| n.contains("h.") && n.ends_with(".attn.c_attn.weight")) {
        Family::Gpt2
    } else if has(".attention.query_key_value.") {
        Family::GptNeoX
    } else if has(".attention.self.query.") {
        Family::Bert
    } else if is_resnet(tensors) {
        Family::ResNet
    } else {
        Family::Unknown
    }
}

/// Convolutions in numbered blocks of numbered stages (`layer1.0.conv1`, `stages.0.layers.0.layer.0.convolution`).
fn is_resnet(tensors: &[TensorEntry]) -> bool {
    tensors.iter().any(|t| {
        let name = &t.name;
        t.shape.len() == 4 && (name.contains("layer1.0.conv") || name.contains("stages.0.layers.0.") && name.ends_with(".convolution.weight"))
    })
}

fn is_decoder(f: Family) -> bool {
    matches!(f, Family::Llama | Family::Qwen2Moe | Family::DeepSeekMoe | Family::Mixtral | Family::Olmoe)
}

/// Whether GPT-2's linears lie `[in, out]`. Checkpoints of nanoGPT's kind have the same names over ordinary linears.
fn is_conv1d(family: Family, tensors: &[TensorEntry]) -> bool {
    let plain = |end: &str, factor: u64| {
        tensors.iter().any(|t| t.name.ends_with(end) && matches!(t.shape[..], [out, input] if Some(out) == input.checked_mul(factor) && out != input))
    };
    family == Family::Gpt2 && !plain(".c_attn.weight", 3) && !plain(".c_fc.weight", 4)
}

/// What was found out about the whole.
pub(crate) struct Found {
    pub family: Family,
    pub blocks: u32,
    pub notes: Vec<String>,
}

/// Fills in role, block, expert and layout of every tensor.
pub(crate) fn recognise(tensors: &mut [TensorEntry], config: &Config) -> Found {
    let mut notes = Vec::new();
    let (said, seen) = (by_config(config), by_names(tensors));
    let family = match (said, seen) {
        (Family::Unknown, seen) => seen,
        (said, Family::Unknown) => said,
        (said, seen) if said == seen || is_decoder(said) && is_decoder(seen) => said,
        (said, seen) => {
            notes.push(format!("config.json says {}, but the tensors are named like {}: the names are believed.", said.label(), seen.label()));
            seen
        }
    };
    let conv1d = is_conv1d(family, tensors);
    let readings: Vec<Reading> = tensors.iter().map(|t| read_name(family, &t.name, t.shape.len(), conv1d)).collect();
    let (numbers, blocks) = number_blocks(&readings, &mut notes);
    for (t, r) in tensors.iter_mut().zip(readings) {
        t.role = r.role;
        t.block = r.block.as_ref().and_then(|(list, n)| numbers.get(list.as_str())?.get(n).copied());
        t.expert = r.expert;
        t.shared = r.shared;
        // A leading axis longer than any model has experts is no list of experts.
        t.layout = if r.layout == Layout::Experts && t.shape[0] > MOST_EXPERTS { Layout::Plain } else { r.layout };
        // Integer codes (indices, masks, packed weights) have no spectrum worth the name.
        if t.shape.len() > 1 && !t.dtype.may_hold_weights() && t.dtype.is_readable() {
            t.layout = Layout::Buffer;
        }
    }
    turn_fused_experts(tensors);
    remarks(family, conv1d, tensors, config, blocks, &mut notes);
    Found { family, blocks, notes }
}

/// Numbers of the blocks of every list, and how many there are in all. One list keeps its own numbers; several (a ResNet's stages, an
/// encoder and a decoder) are counted on from one to the next.
fn number_blocks(readings: &[Reading], notes: &mut Vec<String>) -> (BTreeMap<String, BTreeMap<u32, u32>>, u32) {
    const MOST: u32 = 4096;
    let mut lists: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for (list, n) in readings.iter().filter_map(|r| r.block.as_ref()) {
        lists.entry(list).or_default().insert(*n);
    }
    // `layer10` after `layer9`.
    let mut order: Vec<(&str, BTreeSet<u32>)> = lists.into_iter().collect();
    by(&mut order, |a, b| natural(a.0).cmp(&natural(b.0)));
    let mut out = BTreeMap::new();
    let mut total = 0u32;
    for (list, numbers) in order {
        let span = numbers.last().map_or(0, |n| n + 1);
        let own = span <= MOST;
        if !own {
            notes.push(format!("Blocks of {} have numbers up to {}; they are counted from 0 instead.", short(list), span - 1));
        }
        let first = total;
        let map: BTreeMap<u32, u32> = gather(numbers.iter().enumerate().map(|(i, n)| (*n, first + if own { *n } else { i as u32 })));
        total = first.saturating_add(if own { span } else { map.len() as u32 });
        out.insert(list.to_string(), map);
    }
    (out, total)
}

/// Text with its numbers as numbers, for sorting.
fn natural(text: &str) -> Vec<(String, u64)> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (head, tail) = rest.split_at(word);
        let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        let (n, tail) = tail.split_at(digits);
        out.push((head.to_string(), n.parse().unwrap_or(u64::MAX)));
        rest = tail;
    }
    out
}

/// Fused experts are `gate_up [E, 2I, d]` and `down [E, d, I]` in transformers; some others turn both round. The two together tell.
fn turn_fused_experts(tensors: &mut [TensorEntry]) {
    let shape3 = |t: &TensorEntry| <[u64; 3]>::try_from(t.shape.as_slice()).ok();
    let fused = tensors.iter().filter(|t| t.layout == Layout::Experts && t.role == Role::GateUp);
    let turned: BTreeSet<String> = gather(fused.filter_map(|up| {
        let list = up.name.strip_suffix(".weight").unwrap_or(&up.name).strip_suffix("gate_up_proj")?;
        let down = tensors.iter().find(|t| t.role == Role::Down && t.layout == Layout::Experts && t.name.starts_with(list))?;
        let ([_, a, b], [_, c, d]) = (shape3(up)?, shape3(down)?);
        let plain = Some(a) == d.checked_mul(2) && b == c;
        let turned = Some(b) == c.checked_mul(2) && a == d;
        (turned && !plain).then(|| list.to_string())
    }));
    for t in tensors.iter_mut().filter(|t| t.layout == Layout::Experts) {
        let list = t.name.rfind("experts.").map(|i| &t.name[..i + "experts.".len()]);
        if list.is_some_and(|l| turned.contains(l)) {
            t.layout = Layout::ExpertsInOut;
        }
    }
}

/// What the reader should know of how the tensors were taken.
fn remarks(family: Family, conv1d: bool, tensors: &[TensorEntry], config: &Config, blocks: u32, notes: &mut Vec<String>) {
    let names = |f: &dyn Fn(&TensorEntry) -> bool| -> Vec<String> { tensors.iter().filter(|t| f(t)).map(|t| t.name.clone()).collect() };
    let any = |f: &dyn Fn(&TensorEntry) -> bool| tensors.iter().any(f);
    if family == Family::Unknown {
        notes.push("The architecture is not recognised: every tensor of two axes or more that does not look like an embedding, a head or a router counts as a linear.".into());
    }
    if conv1d {
        notes.push("GPT-2 stores its linears as [in, out]; they are shown and analysed as [out, in].".into());
    } else if family == Family::Gpt2 {
        notes.push("The names are GPT-2's, but the linears are stored as [out, in] (as nanoGPT does) and are taken so.".into());
    }
    if any(&|t| t.role == Role::Conv && t.shape.len() > 2) {
        notes.push("Convolutions are analysed as matrices out × in·kh·kw.".into());
    }
    if any(&|t| t.role != Role::Conv && t.shape.len() > 2 && t.layout == Layout::Plain && t.dtype.is_readable()) {
        let found = names(&|t| t.role != Role::Conv && t.shape.len() > 2 && t.layout == Layout::Plain && t.dtype.is_readable());
        notes.push(format!("Tensors of more than two axes are analysed as first axis × the rest: {}.", list(&found)));
    }
    if any(&|t| t.layout == Layout::ExpertsInOut) {
        notes.push("The fused experts are stored as [experts, in, out]; they are shown and analysed as [out, in].".into());
    }
    if any(&|t| t.layout == Layout::Factor) {
        notes.push("Some linears are factored already (X.U.weight and X.V.weight); each factor is analysed by itself and none is pruned.".into());
    }
    let integers = names(&|t| t.layout == Layout::Buffer && t.shape.len() > 1 && !t.dtype.may_hold_weights());
    if !integers.is_empty() {
        notes.push(format!("Integer tensors are listed but not taken as matrices: {}.", list(&integers)));
    }
    let closed: BTreeSet<Dtype> = gather(tensors.iter().map(|t| t.dtype).filter(|d| !d.is_readable()));
    if !closed.is_empty() {
        let closed: Vec<String> = closed.iter().map(Dtype::to_string).collect();
        notes.push(format!("Tensors of type {} are listed, but their values cannot be shown yet.", closed.join(", ")));
    }
    let empty = names(&|t| t.elements() == 0);
    if !empty.is_empty() {
        notes.push(format!("Tensors without elements are listed but not analysed: {}.", list(&empty)));
    }
    let has_head = any(&|t| t.role == Role::Head);
    match (config.tied, has_head) {
        (Some(true), false) => notes.push("The output head shares the embedding's weights, so it is stored once.".into()),
        (Some(true), true) => notes.push("config.json says that the head shares the embedding's weights, yet a head is stored as well; both are listed.".into()),
        (Some(false), false) if is_decoder(family) => notes.push("config.json says that the head has weights of its own, but none is stored here.".into()),
        _ => {}
    }
    if let Some(layers) = config.layers
        && blocks > 0
        && u64::from(blocks) != layers
        && family != Family::ResNet
    {
        notes.push(format!("config.json says {layers} blocks, the tensors have {blocks}."));
    }
    let vocab = tensors.iter().find(|t| t.role == Role::Embedding && t.shape.len() == 2).map(|t| t.shape[0]);
    if let (Some(said), Some(rows), true) = (config.vocab, vocab, is_decoder(family))
        && rows < said
    {
        notes.push(format!("config.json says a vocabulary of {said}, the embedding has {rows} rows."));
    }
}
