//! Which tensors of a checkpoint make up a block, the embedding and the head.

use super::{Architecture, ModelError, QkNorm, Style};
use crate::Checkpoint;
use crate::checkpoint::{MatrixRef, Role};

/// Matrices of one block.
#[derive(Clone, Debug, Default)]
pub(super) struct BlockLayout {
    /// Query, key and value: three, or one that holds all.
    pub qkv: Vec<MatrixRef>,
    pub o: Option<MatrixRef>,
    /// The dense feed-forward, or nothing where experts take its place.
    pub dense: Vec<MatrixRef>,
    pub router: Option<MatrixRef>,
    /// Experts in their order.
    pub experts: Vec<Vec<MatrixRef>>,
    pub shared: Vec<MatrixRef>,
    pub shared_gate: Option<MatrixRef>,
}

/// Index of the tensor outside all blocks whose name ends so.
pub(super) fn outside(checkpoint: &Checkpoint, ends: &[&str]) -> Option<usize> {
    let fits = |name: &str, end: &str| name == end || name.ends_with(&format!(".{end}"));
    ends.iter().find_map(|end| checkpoint.tensors.iter().position(|t| t.block.is_none() && fits(&t.name, end)))
}

/// Index of the tensor of a block whose name ends so.
pub(super) fn inside(checkpoint: &Checkpoint, block: usize, ends: &[&str]) -> Option<usize> {
    ends.iter().find_map(|end| checkpoint.tensors.iter().position(|t| t.block == u32::try_from(block).ok() && t.name.ends_with(&format!(".{end}"))))
}

pub(super) fn missing(a: &Architecture, what: impl Into<String>) -> ModelError {
    ModelError::Missing { model: a.model_type.clone(), tensor: what.into() }
}

/// Sorts the matrices of all blocks, and checks that each block has what it needs.
pub(super) fn blocks(checkpoint: &Checkpoint, a: &Architecture) -> Result<Vec<BlockLayout>, ModelError> {
    let mut out = vec![BlockLayout::default(); a.layers];
    for m in checkpoint.matrices() {
        let Some(block) = m.block.and_then(|b| out.get_mut(b as usize)) else { continue };
        place(block, m);
    }
    for (i, block) in out.iter_mut().enumerate() {
        for part in [&mut block.qkv, &mut block.dense, &mut block.shared].into_iter().chain(&mut block.experts) {
            part.sort_by_key(|m| order(m.role));
        }
        check(block, i, a)?;
    }
    Ok(out)
}

/// Order of the linears within a part.
fn order(role: Role) -> u8 {
    match role {
        Role::Q | Role::Qkv => 0,
        Role::K => 1,
        Role::V => 2,
        Role::Gate | Role::GateUp => 3,
        Role::Up => 4,
        _ => 5,
    }
}

fn place(block: &mut BlockLayout, m: MatrixRef) {
    match (m.role, m.expert) {
        (Role::Router, _) if m.name.contains("shared_expert_gate") => block.shared_gate = Some(m),
        (Role::Router, _) => block.router = Some(m),
        (Role::Q | Role::K | Role::V | Role::Qkv, _) => block.qkv.push(m),
        (Role::O, _) => block.o = Some(m),
        (Role::Gate | Role::Up | Role::Down | Role::GateUp, Some(e)) => {
            let e = e as usize;
            if block.experts.len() <= e {
                block.experts.resize(e + 1, Vec::new());
            }
            block.experts[e].push(m);
        }
        (Role::Gate | Role::Up | Role::Down | Role::GateUp, None) if m.shared => block.shared.push(m),
        (Role::Gate | Role::Up | Role::Down | Role::GateUp, None) => block.dense.push(m),
        _ => {}
    }
}

fn check(block: &BlockLayout, i: usize, a: &Architecture) -> Result<(), ModelError> {
    let lacks = |what: &str| Err(missing(a, format!("for {what} of block {i}")));
    let (q, kv) = ((a.heads * a.head) as u64, (a.kv_heads * a.head) as u64);
    let h = a.hidden as u64;
    match &block.qkv[..] {
        [whole] => shape(whole, [q + 2 * kv, h])?,
        [first, second, third] => {
            shape(first, [q, h])?;
            shape(second, [kv, h])?;
            shape(third, [kv, h])?;
        }
        _ => return lacks("query, key and value"),
    }
    match &block.o {
        Some(o) => shape(o, [h, q])?,
        None => return lacks("the attention's output"),
    }
    let gated = a.style == Style::Llama;
    if block.router.is_some() {
        let Some(experts) = a.experts else { return Err(ModelError::Setting { key: "num_experts".into(), why: format!("is missing, but block {i} has a router") }) };
        if block.experts.len() != experts.count {
            return Err(missing(a, format!("for {} experts of block {i} ({} are there)", experts.count, block.experts.len())));
        }
        for part in &block.experts {
            feed_forward(part, h, true, i, a)?;
        }
        if block.shared.is_empty() && experts.shared {
            return Err(missing(a, format!("for the shared experts of block {i}, which config.json speaks of")));
        }
    } else if block.shared.is_empty() || !block.dense.is_empty() {
        // Without a router: an ordinary dense layer, or what condensing left of a mixture, with or without the shared experts beside it.
        feed_forward(&block.dense, h, gated, i, a)?;
    }
    if !block.shared.is_empty() {
        feed_forward(&block.shared, h, true, i, a)?;
    }
    Ok(())
}

fn feed_forward(part: &[MatrixRef], hidden: u64, gated: bool, i: usize, a: &Architecture) -> Result<(), ModelError> {
    let fine = match part {
        [gate, up, down] if gated => gate.role == Role::Gate && up.role == Role::Up && down.role == Role::Down && gate.shape == up.shape && down.shape == [hidden, up.shape[0]] && up.shape[1] == hidden,
        [both, down] if gated && both.role == Role::GateUp => both.shape[0] == 2 * down.shape[1] && both.shape[1] == hidden && down.shape[0] == hidden,
        [up, down] if !gated => up.role == Role::Up && down.role == Role::Down && down.shape == [hidden, up.shape[0]] && up.shape[1] == hidden,
        _ => false,
    };
    if fine { Ok(()) } else { Err(missing(a, format!("of the right shape for the feed-forward of block {i}"))) }
}

fn shape(m: &MatrixRef, expected: [u64; 2]) -> Result<(), ModelError> {
    if m.shape == expected { Ok(()) } else { Err(ModelError::Shape { tensor: m.label(), expected: expected.to_vec(), found: m.shape.to_vec() }) }
}

/// Names of a block's norms, by their place: before (or behind) the attention, before (or behind) the feed-forward.
pub(super) fn norm_names(style: Style) -> [&'static [&'static str]; 2] {
    match style {
        Style::Llama => [&["input_layernorm.weight"], &["post_attention_layernorm.weight"]],
        Style::GptNeoX => [&["input_layernorm.weight"], &["post_attention_layernorm.weight"]],
        Style::Gpt2 => [&["ln_1.weight"], &["ln_2.weight"]],
        Style::Bert => [&["attention.output.LayerNorm.weight", "attention.output.LayerNorm.gamma"], &["output.LayerNorm.weight", "output.LayerNorm.gamma"]],
    }
}

/// Names of the norms of queries and keys.
pub(super) fn qk_norm_names(kind: QkNorm) -> Option<[&'static str; 2]> {
    (kind != QkNorm::None).then_some(["self_attn.q_norm.weight", "self_attn.k_norm.weight"])
}
