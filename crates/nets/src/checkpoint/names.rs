//! What a tensor's name says, for every family at once. The names are those that transformers and torchvision save.

use super::role::{Family, Layout, Role};

/// What was read from one name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    pub role: Role,
    /// The list of blocks it is in, and its place there: `("model.layers", 3)`.
    pub block: Option<(String, u32)>,
    pub expert: Option<u32>,
    pub shared: bool,
    pub layout: Layout,
}

/// Lists of blocks, as the last part before the block's number.
const CONTAINERS: [&str; 7] = ["layers", "layer", "h", "blocks", "block", "encoders", "decoders"];

fn number(part: &str) -> Option<u32> {
    (!part.is_empty() && part.len() <= 9 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok()).flatten()
}

/// `layer3` of a ResNet.
fn is_stage(part: &str) -> bool {
    part.strip_prefix("layer").is_some_and(|n| number(n).is_some())
}

/// Position of the part that is the block's number.
fn block_at(family: Family, parts: &[&str]) -> Option<usize> {
    let pairs = || parts.windows(2).enumerate().filter(|(_, w)| number(w[1]).is_some());
    let stage = || pairs().find(|(_, w)| is_stage(w[0]));
    let listed = || pairs().find(|(_, w)| CONTAINERS.contains(&w[0]));
    let found = match family {
        Family::ResNet => stage().or_else(listed),
        Family::Unknown => stage().or_else(listed).or_else(|| pairs().next()),
        _ => listed(),
    };
    found.map(|(i, _)| i + 1).or_else(|| (family == Family::Unknown && parts.len() > 1 && number(parts[0]).is_some()).then_some(0))
}

fn is_norm(module: &str) -> bool {
    let m = module.to_ascii_lowercase();
    let numbered = |prefix: &str| m.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('_') || number(rest).is_some());
    m.contains("norm") || numbered("ln") || numbered("bn") || m == "normalization"
}

fn is_buffer(parts: &[&str], rank: usize) -> bool {
    match parts {
        [.., "num_batches_tracked" | "position_ids" | "token_type_ids" | "inv_freq" | "masked_bias"] => true,
        // The causal mask, [1, 1, context, context].
        [.., "attn" | "attention", "bias"] => rank > 1,
        _ => false,
    }
}

/// Role of a weight by the name of its module, the last of `parts`; `inside` a block or not.
fn weight_role(family: Family, parts: &[&str], rank: usize, inside: bool) -> Role {
    let last = *parts.last().unwrap_or(&"");
    let parent = parts.len().checked_sub(2).map_or("", |i| parts[i]);
    let experts = parts.contains(&"experts");
    if last == "embed_out" {
        return Role::Head;
    }
    match last {
        "gate" | "router" | "wg" | "shared_expert_gate" => return Role::Router,
        "classifier" | "router_proj" if parent == "router" => return Role::Router,
        "lm_head" | "score" | "classifier" | "decoder" | "ctc_lo" | "output_layer" | "seq_relationship" | "head" if !inside => return Role::Head,
        "fc" | "linear" if family == Family::ResNet && !inside => return Role::Head,
        _ => {}
    }
    if family == Family::ResNet && parts.contains(&"classifier") {
        return Role::Head;
    }
    let embeds = |p: &&str| p.contains("embed") || matches!(*p, "wte" | "wpe");
    if (rank < 3 || parent.contains("patch_embed")) && parts.iter().any(embeds) && !inside {
        return Role::Embedding;
    }
    if inside {
        let role = match last {
            "q_proj" | "query" | "q_lin" | "linear_q" | "wq" | "q" | "q_a_proj" | "q_b_proj" => Some(Role::Q),
            "k_proj" | "key" | "k_lin" | "linear_k" | "wk" | "k" => Some(Role::K),
            "v_proj" | "value" | "v_lin" | "linear_v" | "wv" | "v" => Some(Role::V),
            "c_attn" | "query_key_value" | "qkv_proj" | "qkv" | "W_pack" | "Wqkv" => Some(Role::Qkv),
            "o_proj" | "out_proj" | "out_lin" | "linear_out" | "wo" => Some(Role::O),
            "c_proj" if parent == "mlp" => Some(Role::Down),
            "c_proj" => Some(Role::O),
            "dense" if parent == "attention" => Some(Role::O),
            "dense" if parts.ends_with(&["attention", "output", "dense"]) => Some(Role::O),
            "dense" if parent == "intermediate" => Some(Role::Up),
            "dense" if parent == "output" => Some(Role::Down),
            "gate_proj" => Some(Role::Gate),
            "w1" if experts || parent == "feed_forward" => Some(Role::Gate),
            "w3" if experts || parent == "feed_forward" => Some(Role::Up),
            "w2" if experts || parent == "feed_forward" => Some(Role::Down),
            "up_proj" | "c_fc" | "fc1" | "dense_h_to_4h" | "lin1" | "wi" => Some(Role::Up),
            "down_proj" | "fc2" | "dense_4h_to_h" | "lin2" => Some(Role::Down),
            "gate_up_proj" => Some(Role::GateUp),
            _ => None,
        };
        if let Some(role) = role {
            return role;
        }
    }
    match rank {
        2 => Role::Linear,
        3.. => Role::Conv,
        _ => Role::Other,
    }
}

/// Reads one name. `conv1d` says that GPT-2's linears are stored `[in, out]`.
pub(crate) fn read_name(family: Family, name: &str, rank: usize, conv1d: bool) -> Reading {
    let parts: Vec<&str> = name.split('.').collect();
    let at = block_at(family, &parts);
    let block = at.and_then(|i| Some((parts[..i].join("."), number(parts[i])?)));
    let expert = parts.windows(2).find(|w| w[0] == "experts").and_then(|w| number(w[1]));
    let shared = parts.iter().any(|p| p.starts_with("shared_expert") || *p == "shared_mlp");
    let mut out = Reading { role: Role::Other, block, expert, shared, layout: Layout::Plain };
    if is_buffer(&parts, rank) {
        out.layout = Layout::Buffer;
        return out;
    }
    // What is left of the name without `weight`: the module; and what kind of leaf it was.
    let (module, leaf) = match parts.as_slice() {
        [module @ .., "U" | "V", "weight"] if !module.is_empty() => (module, "factor"),
        [module @ .., leaf @ ("weight" | "bias" | "gamma" | "beta" | "running_mean" | "running_var")] => (module, *leaf),
        all => (all, ""),
    };
    let last = *module.last().unwrap_or(&"");
    let projected_norm = matches!(module, [.., "downsample" | "shortcut", "1"]);
    let norm = is_norm(last) || projected_norm || matches!(leaf, "gamma" | "beta" | "running_mean" | "running_var");
    out.role = if norm && rank < 2 {
        Role::Norm
    } else if leaf == "bias" || leaf.is_empty() && rank < 2 && last.ends_with("bias") {
        Role::Bias
    } else {
        // A place in a list at the end (`downsample.0`, `classifier.1`, `0`) says nothing: the part before it does.
        let named = module.iter().rposition(|p| number(p).is_none()).map_or(module, |i| &module[..=i]);
        match weight_role(family, named, rank, out.block.is_some()) {
            // Without `.weight` a name of more than two axes may be anything.
            Role::Conv if leaf.is_empty() => Role::Other,
            role => role,
        }
    };
    let projection = matches!(out.role, Role::Gate | Role::Up | Role::Down | Role::GateUp);
    if leaf == "factor" {
        out.layout = Layout::Factor;
    } else if rank == 3 && out.expert.is_none() && parts.contains(&"experts") && projection {
        out.layout = Layout::Experts;
    } else if conv1d && rank == 2 && matches!(last, "c_attn" | "c_proj" | "c_fc" | "q_attn") {
        out.layout = Layout::InOut;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(family: Family, name: &str, rank: usize) -> Role {
        read_name(family, name, rank, true).role
    }

    #[test]
    fn names_outside_the_families_are_read_with_care() {
        use Family::Unknown;
        assert_eq!(role(Unknown, "fc1.weight", 2), Role::Linear);
        assert_eq!(role(Unknown, "blocks.0.fc1.weight", 2), Role::Up);
        assert_eq!(role(Unknown, "features.0.weight", 4), Role::Conv);
        assert_eq!(role(Unknown, "classifier.6.weight", 2), Role::Linear, "inside a numbered list it may be any linear of it");
        assert_eq!(role(Unknown, "w1", 2), Role::Linear);
        assert_eq!(role(Unknown, "activations", 3), Role::Other);
        assert_eq!(role(Unknown, "0.weight", 2), Role::Linear);
        assert_eq!(role(Unknown, "", 2), Role::Linear);
        assert_eq!(role(Unknown, "...", 0), Role::Other);
        assert_eq!(read_name(Unknown, "layers.99999999999.x.weight", 2, false).block, None, "a number no list can have");
        assert_eq!(read_name(Unknown, "2.weight", 2, false).block, Some((String::new(), 2)));
    }
}
