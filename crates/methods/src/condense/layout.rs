//! What stands beside the weights of a thinned copy, so that transformers loads it.
//!
//! Condensed layers need a class of their own, which is written beside them: `AutoModelForCausalLM.from_pretrained(FOLDER, trust_remote_code=True)` gives a
//! `CondensedForCausalLM` derived from the model's own class. Where every mixture routes on among equally many experts nothing is needed but their number in
//! `config.json`: the model's own class loads that. So it does where whole blocks go and nothing else changes: the blocks that stay are numbered anew. A mixture that goes with
//! its shared experts (LayerDrop) is a dense layer of width 1 whose weights are zero, which gives nothing: classes have no layer without a feed-forward.

use espalier_nets::models::Model;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::experts::{Change, Plan};

/// The files beside the weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// `config.json`.
    pub config: String,
    /// `modeling_condensed.py`, where a class is needed.
    pub modeling: Option<String>,
    /// How to load it, in a sentence.
    pub how: String,
}

/// Width of the dense layer that stands for a mixture that gives nothing.
pub const NOTHING: u64 = 1;

const TEMPLATE: &str = include_str!("modeling_condensed.py");

/// What to write beside a copy under a plan.
pub fn beside(model: &Model<'_>, plan: &Plan) -> Beside {
    let mut config = model.checkpoint().config.clone().filter(Value::is_object).unwrap_or_else(|| json!({}));
    let dropped = plan.dropped();
    renumber(&mut config, plan, &dropped, model.blocks());
    // A copy of a copy: what was condensed before stays so.
    let mut dense = config.get("condensed_layers").and_then(Value::as_object).cloned().unwrap_or_default();
    let before = dense.len();
    dense.extend(condensed(model, plan));
    let class = config.pointer("/architectures/0").and_then(Value::as_str).unwrap_or("AutoModelForCausalLM").to_owned();
    let mut modeling = None;
    // DeepSeek's first model is not part of transformers: its class comes with the checkpoint, and imports what version 5 has no longer.
    let own = model.architecture().model_type == "deepseek";
    let version = if own { "transformers 4 (4.44 was tried; 5 cannot import DeepSeek’s own class)" } else { "transformers 5 or newer" };
    let mut how = format!("transformers: {class}.from_pretrained(FOLDER)");
    if own {
        how = format!("{version}: AutoModelForCausalLM.from_pretrained(FOLDER, trust_remote_code=True)");
    }
    if before > 0 {
        config["condensed_layers"] = Value::Object(dense);
        how = format!("{version}: AutoModelForCausalLM.from_pretrained(FOLDER, trust_remote_code=True), with modeling_condensed.py of the checkpoint that it was made of in that folder");
    } else if !dense.is_empty() {
        config["condensed_layers"] = Value::Object(dense);
        config["architectures"] = json!(["CondensedForCausalLM"]);
        config["auto_map"]["AutoModelForCausalLM"] = json!("modeling_condensed.CondensedForCausalLM");
        let import = if own { format!("from .modeling_deepseek import {class}") } else { format!("from transformers import {class}") };
        modeling = Some(TEMPLATE.replace("VERSION", version).replace("BASE_IMPORT", &import).replace("BASE", &class));
        how = format!("{version}: AutoModelForCausalLM.from_pretrained(FOLDER, trust_remote_code=True), a CondensedForCausalLM from modeling_condensed.py in that folder");
    }
    match among(model, plan) {
        Some(Ok(left)) => {
            for key in ["num_experts", "n_routed_experts", "num_local_experts"] {
                if config.get(key).is_some() {
                    config[key] = json!(left);
                }
            }
        }
        Some(Err(())) => how = "no class of transformers loads it: its layers route among different numbers of experts; Espalier does not either".into(),
        None => {}
    }
    if own {
        how.push_str(" (modeling_deepseek.py and configuration_deepseek.py of the original must lie there, too)");
    }
    if let Some(why) = unnumbered(model, plan) {
        how = format!("no class of transformers loads it: {why}");
    }
    Beside { config: serde_json::to_string_pretty(&config).unwrap_or_default() + "\n", modeling, how }
}

/// Why the blocks that stay cannot be numbered anew so that a class knows which of them are mixtures; `None` where they can.
pub fn unnumbered(model: &Model<'_>, plan: &Plan) -> Option<String> {
    let every = model.checkpoint().config.as_ref().and_then(|c| c.get("moe_layer_freq")).and_then(Value::as_u64).filter(|n| *n > 1)?;
    (!plan.dropped().is_empty()).then(|| format!("its config.json makes only one block in {every} a mixture, which is no longer so when blocks go"))
}

/// What a configuration says of blocks by their numbers, without those that go.
fn renumber(config: &mut Value, plan: &Plan, dropped: &[usize], blocks: usize) {
    if dropped.is_empty() {
        return;
    }
    let stays = |i: &usize| !dropped.contains(i);
    config["num_hidden_layers"] = json!(blocks - dropped.len());
    // So many blocks from the first on are of another kind.
    for key in ["first_k_dense_replace", "max_window_layers"] {
        if let Some(n) = config.get(key).and_then(Value::as_u64).filter(|n| *n < blocks as u64) {
            config[key] = json!((0..n as usize).filter(stays).count());
        }
    }
    if let Some(list) = config.get("layer_types").and_then(Value::as_array).filter(|l| l.len() == blocks).cloned() {
        config["layer_types"] = (0..blocks).filter(stays).map(|i| list[i].clone()).collect();
    }
    let step = config.get("decoder_sparse_step").and_then(Value::as_u64).unwrap_or(1).max(1) as usize;
    let dense: Vec<usize> = config.get("mlp_only_layers").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64).map(|i| i as usize).collect();
    if step > 1 || !dense.is_empty() {
        // The same said block by block holds for any numbers.
        config["decoder_sparse_step"] = json!(1);
        config["mlp_only_layers"] = (0..blocks).filter(stays).filter(|i| dense.contains(i) || (i + 1) % step != 0).map(|i| json!(plan.number(i))).collect();
    }
    if let Some(condensed) = config.get("condensed_layers").and_then(Value::as_object).cloned() {
        let left = condensed.into_iter().filter_map(|(k, v)| Some((k.parse::<usize>().ok().filter(stays)?, v)));
        config["condensed_layers"] = Value::Object(left.map(|(k, v)| (plan.number(k).to_string(), v)).collect());
    }
}

/// Width of the dense part and of a gated shared expert, by layer.
fn condensed(model: &Model<'_>, plan: &Plan) -> Map<String, Value> {
    let width = |part: &[espalier_nets::checkpoint::MatrixRef]| part.last().map_or(0, |down| down.shape[1]);
    let mut out = Map::new();
    for c in &plan.changes {
        let number = plan.number(c.block as usize).to_string();
        match (&c.change, model.mixture(c.block as usize)) {
            (Change::Condensed { experts, .. }, Some(l)) => {
                let routed: u64 = experts.iter().filter_map(|e| l.experts.get(*e as usize)).map(|p| width(p)).sum();
                let (inside, shared) = if l.shared_gate.is_some() { (0, width(&l.shared)) } else { (width(&l.shared), 0) };
                out.insert(number, json!({ "width": routed + inside, "shared": shared }));
            }
            (Change::Layer, Some(_)) => {
                out.insert(number, json!({ "width": NOTHING, "shared": 0 }));
            }
            _ => {}
        }
    }
    out
}

/// Experts left, where some layers route on among fewer: the number that all have, or an error where they differ.
fn among(model: &Model<'_>, plan: &Plan) -> Option<Result<usize, ()>> {
    let all = model.architecture().experts?.count;
    let routed: Vec<usize> = model
        .mixtures()
        .into_iter()
        .filter_map(|b| match plan.of(b) {
            Some(Change::Among { experts }) => Some(experts.len()),
            None => Some(all),
            _ => None,
        })
        .collect();
    let first = *routed.first()?;
    if routed.iter().all(|n| *n == all) {
        return None;
    }
    Some(if routed.iter().all(|n| *n == first) { Ok(first) } else { Err(()) })
}
