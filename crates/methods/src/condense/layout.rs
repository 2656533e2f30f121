//! What stands beside the weights of a thinned copy, so that transformers loads it.
//!
//! Condensed layers need a class of their own, which is written beside them: `AutoModelForCausalLM.from_pretrained(FOLDER, trust_remote_code=True)` gives a
//! `CondensedForCausalLM` derived from the model's own class. Where every mixture routes on among equally many experts nothing is needed but their number in
//! `config.json`: the model's own class loads that.

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

const TEMPLATE: &str = include_str!("modeling_condensed.py");

/// What to write beside a copy under a plan.
pub fn beside(model: &Model<'_>, plan: &Plan) -> Beside {
    let mut config = model.checkpoint().config.clone().filter(Value::is_object).unwrap_or_else(|| json!({}));
    let condensed = condensed(model, plan);
    let class = config.pointer("/architectures/0").and_then(Value::as_str).unwrap_or("AutoModelForCausalLM").to_owned();
    let mut modeling = None;
    let mut how = format!("transformers: {class}.from_pretrained(FOLDER)");
    if !condensed.is_empty() {
        config["condensed_layers"] = Value::Object(condensed);
        config["architectures"] = json!(["CondensedForCausalLM"]);
        config["auto_map"]["AutoModelForCausalLM"] = json!("modeling_condensed.CondensedForCausalLM");
        // DeepSeek's first model is not part of transformers: its class comes with the checkpoint.
        let own = model.architecture().model_type == "deepseek";
        let import = if own { format!("from .modeling_deepseek import {class}") } else { format!("from transformers import {class}") };
        modeling = Some(TEMPLATE.replace("BASE_IMPORT", &import).replace("BASE", &class));
        how = "transformers 5 or newer: AutoModelForCausalLM.from_pretrained(FOLDER, trust_remote_code=True), a CondensedForCausalLM from modeling_condensed.py in that folder".to_owned();
        if own {
            how.push_str(" (modeling_deepseek.py and configuration_deepseek.py of the original must lie there, too)");
        }
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
    Beside { config: serde_json::to_string_pretty(&config).unwrap_or_default() + "\n", modeling, how }
}

/// Width of the dense part and of a gated shared expert, by layer.
fn condensed(model: &Model<'_>, plan: &Plan) -> Map<String, Value> {
    let width = |part: &[espalier_nets::checkpoint::MatrixRef]| part.last().map_or(0, |down| down.shape[1]);
    let mut out = Map::new();
    for c in &plan.changes {
        if let (Change::Condensed { experts, .. }, Some(l)) = (&c.change, model.mixture(c.block as usize)) {
            let routed: u64 = experts.iter().filter_map(|e| l.experts.get(*e as usize)).map(|p| width(p)).sum();
            let (inside, shared) = if l.shared_gate.is_some() { (0, width(&l.shared)) } else { (width(&l.shared), 0) };
            out.insert(c.block.to_string(), json!({ "width": routed + inside, "shared": shared }));
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
