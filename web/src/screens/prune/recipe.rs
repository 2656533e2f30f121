//! The decision in other tools' words: a recipe for llm-compressor, ratios by module, the run record.

use espalier_methods::recipe::{Layer, Modifier, Structure, llm_compressor, torch_pruning};
use serde_json::{Value, json};

use super::view::View;
use crate::app::context::Lab;
use crate::app::language::Rule;
use crate::app::state::Scope;
use crate::screens::matrices::Entry;

fn layers(entries: &[Entry], sparsities: &[f64]) -> Vec<Layer> {
    entries.iter().zip(sparsities).map(|(e, s)| Layer { module: e.module().into(), slice: e.slice, sparsity: *s }).collect()
}

/// A recipe for llm-compressor: the layers and their sparsities, to be pruned there by Wanda or SparseGPT (which needs calibration data there).
pub fn recipe(entries: &[Entry], sparsities: &[f64], scope: Scope, rule: Rule) -> String {
    let structure = match scope {
        Scope::NOfM { n, m } => Structure::NOfM { n, m },
        _ => Structure::Unstructured,
    };
    llm_compressor(&layers(entries, sparsities), structure, if rule == Rule::SparseGpt { Modifier::SparseGpt } else { Modifier::Wanda })
}

/// A dictionary for Torch-Pruning.
pub fn dict(entries: &[Entry], sparsities: &[f64]) -> String {
    torch_pruning(&layers(entries, sparsities))
}

/// Ratios removed by module.
pub fn ratios(entries: &[Entry], sparsities: &[f64]) -> Value {
    Value::Object(espalier_methods::order::gather(entries.iter().zip(sparsities).map(|(e, s)| (e.slice.map_or_else(|| e.module().to_string(), |x| format!("{}#{x}", e.module())), json!(s)))))
}

/// Everything that is needed to do it again, and what came out if it was run.
pub fn record(lab: &Lab, view: &View) -> Value {
    let summary = lab.state.summary.as_ref();
    let results: serde_json::Map<String, Value> = espalier_methods::order::gather(view
        .entries
        .iter()
        .filter_map(|e| lab.state.pruned.get(&e.key))
        .map(|p| (p.tensor.clone(), json!({ "elements": p.elements, "zeros": p.zeros, "target": p.target, "error": p.error, "threshold": p.threshold }))));
    json!({
        "method": "magnitude",
        "checkpoint": view.name.as_str(),
        "header_sha256": summary.map(|s| s.header_hash.clone()),
        "config": serde_json::to_value(&*view.config).unwrap_or_default(),
        "seed": lab.state.seed,
        "device": lab.state.device.as_ref().map(|d| d.name.clone()),
        "planned_sparsity": view.planned,
        "expected_error": view.error,
        "results": if view.fresh { Value::Object(results) } else { Value::Null },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screens::matrices::tests::entry;
    use espalier_nets::checkpoint::Role;

    #[test]
    fn equal_sparsities_share_a_modifier_and_names_are_quoted() {
        let e = [entry("a\"b.weight", Role::Q, Some(0), None, [2, 2]), entry("c.weight", Role::K, Some(0), None, [2, 2]), entry("d.weight", Role::V, Some(0), None, [2, 2])];
        let text = recipe(&e, &[0.5, 0.5, 0.25], Scope::Tensor, Rule::Magnitude);
        assert_eq!(text.matches("WandaPruningModifier:").count(), 2);
        assert!(text.contains("- \"a\\\"b\"") && text.contains("sparsity: 0.25"), "{text}");
        assert!(recipe(&e, &[0.5; 3], Scope::NOfM { n: 2, m: 4 }, Rule::SparseGpt).contains("mask_structure: \"2:4\""));
        assert_eq!(ratios(&e, &[0.1, 0.2, 0.3])["c"], 0.2);
    }
}
