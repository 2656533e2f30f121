//! A decision in other tools' words: per-layer sparsities for llm-compressor and Torch-Pruning, as JSON, and Python that recomputes what is shown.

mod python;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use python::{norms, spectrum, statistics, zeros};

/// One layer and the fraction of its weights that goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The module as Python names it: the tensor's name without `.weight`.
    pub module: String,
    /// Slice of a fused tensor, which other tools cannot name.
    pub slice: Option<u32>,
    /// Fraction removed.
    pub sparsity: f64,
}

impl Layer {
    /// From a matrix's label (`name.weight`, or `name#3`).
    pub fn new(label: &str, sparsity: f64) -> Self {
        let (name, slice) = match label.rsplit_once('#') {
            Some((name, n)) if n.bytes().all(|b| b.is_ascii_digit()) => (name, n.parse().ok()),
            _ => (label, None),
        };
        Self { module: name.strip_suffix(".weight").unwrap_or(name).to_owned(), slice, sparsity }
    }
}

/// The pattern of the zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    /// Anywhere.
    Unstructured,
    /// `n` of every `m`.
    NOfM {
        /// Removed.
        n: u32,
        /// Weights a group.
        m: u32,
    },
}

/// How llm-compressor is to choose the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// By |w| times the norm of its input: needs calibration data there.
    Wanda,
    /// With the rest of the row mended: needs calibration data there.
    SparseGpt,
    /// By |w|, as here.
    Magnitude,
}

/// Texts between quotes: JSON's rules are YAML's and Python's too.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Layers that share a sparsity (to a thousandth), fused slices left out.
fn groups(layers: &[Layer]) -> BTreeMap<u32, Vec<&str>> {
    let mut out: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for l in layers.iter().filter(|l| l.slice.is_none()) {
        out.entry((l.sparsity * 1000.0).round() as u32).or_default().push(&l.module);
    }
    out
}

/// A recipe for llm-compressor: one stage, one modifier a sparsity. Each stands in a group of its own, because a group can hold a kind of modifier
/// once only.
pub fn llm_compressor(layers: &[Layer], structure: Structure, modifier: Modifier) -> String {
    let mut out = String::from("# Written by Espalier for llm-compressor; sparsity is the fraction removed.\n");
    let fused = layers.iter().filter(|l| l.slice.is_some()).count();
    if fused > 0 {
        out.push_str(&format!("# {fused} slices of fused experts are left out: llm-compressor names whole modules only.\n"));
    }
    out.push_str("pruning_stage:\n");
    let pattern = match (structure, modifier) {
        (Structure::NOfM { n, m }, _) => format!("\"{n}:{m}\""),
        (_, Modifier::Magnitude) => "\"unstructured\"".into(),
        _ => "\"0:0\"".into(),
    };
    let kind = match modifier {
        Modifier::Wanda => "WandaPruningModifier",
        Modifier::SparseGpt => "SparseGPTModifier",
        Modifier::Magnitude => "MagnitudePruningModifier",
    };
    for (i, (thousandths, modules)) in groups(layers).iter().enumerate() {
        let sparsity = f64::from(*thousandths) / 1000.0;
        out.push_str(&format!("  pruning_{i}_modifiers:\n    {kind}:\n"));
        match modifier {
            Modifier::Magnitude => out.push_str(&format!("      init_sparsity: {sparsity:?}\n      final_sparsity: {sparsity:?}\n      start: 0.0\n      end: 1.0\n")),
            _ => out.push_str(&format!("      sparsity: {sparsity:?}\n")),
        }
        out.push_str(&format!("      mask_structure: {pattern}\n      targets:\n"));
        for m in modules {
            out.push_str(&format!("        - {}\n", quoted(m)));
        }
    }
    out
}

/// A dictionary for Torch-Pruning's `pruning_ratio_dict`, as Python. Its ratios are of channels, so the sparsities serve as a measure of how much each
/// layer bears.
pub fn torch_pruning(layers: &[Layer]) -> String {
    let mut out = String::from("# Written by Espalier. For torch_pruning: MagnitudePruner(..., pruning_ratio_dict=pruning_ratio_dict(model)).\nRATIOS = {\n");
    for l in layers.iter().filter(|l| l.slice.is_none()) {
        out.push_str(&format!("    {}: {:?},\n", quoted(&l.module), l.sparsity));
    }
    out.push_str("}\n\n\ndef pruning_ratio_dict(model):\n    return {model.get_submodule(name): ratio for name, ratio in RATIOS.items()}\n");
    out
}

/// Everything, slices too, as JSON.
pub fn as_json(layers: &[Layer], structure: Structure) -> Value {
    let structure = match structure {
        Structure::Unstructured => json!("unstructured"),
        Structure::NOfM { n, m } => json!(format!("{n}:{m}")),
    };
    let ratios: serde_json::Map<String, Value> = layers.iter().map(|l| (l.slice.map_or_else(|| l.module.clone(), |s| format!("{}#{s}", l.module)), json!(l.sparsity))).collect();
    json!({ "structure": structure, "sparsity": ratios })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sparsities_share_a_modifier_and_names_are_quoted() {
        let layers = [Layer::new("a\"b.weight", 0.5), Layer::new("c.weight", 0.5), Layer::new("d.weight", 0.25), Layer::new("e.experts#3", 0.5)];
        for (modifier, field) in [(Modifier::Wanda, "sparsity: 0.25"), (Modifier::SparseGpt, "sparsity: 0.5"), (Modifier::Magnitude, "final_sparsity: 0.25")] {
            let text = llm_compressor(&layers, Structure::Unstructured, modifier);
            assert_eq!(text.matches("_modifiers:").count(), 2, "{text}");
            assert!(text.contains("- \"a\\\"b\"") && text.contains(field) && text.contains("1 slices of fused experts") && !text.contains("e.experts"), "{text}");
        }
        assert!(llm_compressor(&layers, Structure::NOfM { n: 2, m: 4 }, Modifier::Wanda).contains("mask_structure: \"2:4\""));
        assert_eq!(as_json(&layers, Structure::Unstructured)["sparsity"]["e.experts#3"], 0.5);
        assert!(torch_pruning(&layers).contains("\"c\": 0.5,"));
    }
}
