//! What a run of the Prune screen asks for where the rule reads a text: the method and its configuration, pure.

use std::collections::BTreeMap;

use espalier_methods::calibration::Format;
use espalier_methods::layerwise::{patterns, ratios};
use serde_json::{Map, Value, json};

use crate::app::language::{Calibrated, Marks, OwnText, Rule};
use crate::app::state::{Allocation, PruneState, Scope};
use crate::app::texts;
use crate::screens::matrices::Entry;

/// Registry key of the method.
pub fn method(state: &PruneState) -> &'static str {
    match (state.calibrated.rule, state.allocation) {
        (Rule::Magnitude, _) => "magnitude",
        (_, Allocation::Owl) => "owl",
        (Rule::Wanda, _) => "wanda",
        (Rule::SparseGpt, _) => "sparsegpt",
    }
}

/// What fills the calibration windows: a text of questions has formats, another has not.
pub fn format(c: &Calibrated, own: &[OwnText]) -> Format {
    match (texts::questions(&c.text, own), c.format) {
        (false, _) => Format::Windows,
        (true, Format::Windows) => Format::InContext,
        (true, f) => f,
    }
}

/// Where the windows come from, for every method that reads a text.
pub fn reading(c: &Calibrated, own: &[OwnText]) -> Map<String, Value> {
    let mut m = Map::new();
    m.insert("calibration".into(), c.text.as_str().into());
    m.insert("format".into(), json!(format(c, own)));
    m.insert("samples".into(), c.samples.into());
    m.insert("length".into(), c.length.into());
    m
}

/// n:m as methods write it: how many are removed of how many.
fn pattern(scope: Scope) -> String {
    match scope {
        Scope::NOfM { n, m } => format!("{}:{m}", m.saturating_sub(n)),
        _ => "unstructured".into(),
    }
}

/// The configuration. `measured` is what a sweep found by block.
pub fn config(state: &PruneState, entries: &[Entry], sparsities: &[f64], measured: Option<&[f64]>, own: &[OwnText]) -> Value {
    let c = &state.calibrated;
    let mut m = reading(c, own);
    let mut put = |key: &str, value: Value| m.insert(key.into(), value);
    put("criterion", c.rule.key().into());
    put("sparsity", super::model::target(state).into());
    put("pattern", pattern(state.scope).into());
    if c.rule == Rule::Wanda && state.scope == Scope::Tensor {
        put("group", "layer".into());
    }
    put("exact", c.exact.into());
    if c.rule == Rule::SparseGpt {
        put("update", c.update.into());
        let marks = match c.marks {
            Marks::Own => "own",
            Marks::Wanda => "wanda",
            Marks::Magnitude => "magnitude",
        };
        put("mask", marks.into());
        put("damping", c.damping.into());
    }
    put("true_sequential", c.true_sequential.into());
    put("evaluation", c.domains.join(",").into());
    put("windows", if c.domains.is_empty() { 0.into() } else { c.windows.into() });
    let patterned = matches!(state.scope, Scope::NOfM { .. });
    match (state.allocation, measured) {
        (Allocation::Owl, _) => {
            put("allocation", "owl".into());
            put("multiple", c.multiple.into());
            put("lambda", lambda(state).into());
        }
        _ if patterned => drop(put("allocation", "uniform".into())),
        (Allocation::Measured, Some(costs)) => {
            put("allocation", "sensitivity".into());
            put("lambda", c.lambda.into());
            let costs: Map<String, Value> = costs.iter().enumerate().map(|(b, v)| (format!("block {b}"), (*v).into())).collect();
            put("measured", costs.into());
        }
        (Allocation::Erk, _) => drop(put("allocation", "erk".into())),
        (Allocation::Spectrum | Allocation::ByHand, _) => {
            // The page has computed them, and what the bars show is what is asked for.
            put("allocation", "by_hand".into());
            let by_hand: BTreeMap<String, f64> = entries.iter().zip(sparsities).map(|(e, s)| (e.key.to_string(), *s)).collect();
            put("by_hand", json!(by_hand));
        }
        _ => drop(put("allocation", "uniform".into())),
    }
    Value::Object(m)
}

/// λ as it is used: with a pattern the range of n in whole weights (the paper's example: 2 of 8).
pub fn lambda(state: &PruneState) -> f64 {
    match state.scope {
        // Half the range of sparsities, as a range of n.
        Scope::NOfM { m, .. } => 2.0 * state.calibrated.lambda * f64::from(m),
        _ => state.calibrated.lambda,
    }
}

/// OWL's map from a number a block to a sparsity an entry: the method's own function.
pub fn by_blocks(state: &PruneState, entries: &[Entry], numbers: &[f64], target: f64) -> Vec<f64> {
    let block = |e: &Entry| e.block.unwrap_or(0) as usize;
    if let (Scope::NOfM { n, m }, Allocation::Owl) = (state.scope, state.allocation) {
        let removed = patterns(numbers, m.saturating_sub(n), m, lambda(state), false);
        return entries.iter().map(|e| removed.get(block(e)).map_or(target, |r| f64::from(*r) / f64::from(m.max(1)))).collect();
    }
    let found = ratios(numbers, target, state.calibrated.lambda, state.calibrated.rule != Rule::Magnitude);
    entries.iter().map(|e| found.sparsities.get(block(e)).copied().unwrap_or(target)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screens::matrices::tests::entry;
    use espalier_nets::checkpoint::Role;

    fn entries() -> Vec<Entry> {
        (0..3).map(|b| entry(&format!("{b}.q"), Role::Q, Some(b), None, [16, 16])).collect()
    }

    #[test]
    fn every_setting_is_one_that_the_methods_take() {
        let e = entries();
        for rule in [Rule::Wanda, Rule::SparseGpt] {
            for allocation in [Allocation::Uniform, Allocation::Erk, Allocation::Spectrum, Allocation::ByHand, Allocation::Owl, Allocation::Measured] {
                for scope in [Scope::Row, Scope::Tensor, Scope::NOfM { n: 2, m: 4 }] {
                    let state = PruneState { scope, allocation, calibrated: Calibrated { rule, ..Calibrated::default() }, ..PruneState::default() };
                    let c = config(&state, &e, &[0.5; 3], Some(&[0.1, 0.2, 0.3]), &[]);
                    let card = espalier_methods::registry::find(method(&state)).expect("registered").card;
                    for key in c.as_object().expect("fields").keys() {
                        assert!(card.knobs.iter().any(|k| k.key == key), "{} has no {key}", card.id);
                    }
                    espalier_methods::config::decode::<espalier_methods::prune::Config<espalier_methods::prune::Wanda>>(card, c).expect("a good configuration");
                }
            }
        }
    }

    #[test]
    fn blocks_with_more_lose_less_and_patterns_stay_whole() {
        let e = entries();
        let mut state = PruneState { allocation: Allocation::Owl, ..PruneState::default() };
        state.calibrated.rule = Rule::Wanda;
        let s = by_blocks(&state, &e, &[1.0, 3.0, 2.0], 0.7);
        assert!(s[1] < s[2] && s[2] < s[0] && (s.iter().sum::<f64>() / 3.0 - 0.7).abs() < 1e-12);
        state.scope = Scope::NOfM { n: 4, m: 8 };
        state.calibrated.lambda = 0.25;
        let s = by_blocks(&state, &e, &[1.0, 3.0, 2.0], 0.5);
        assert!(s.iter().all(|v| (v * 8.0).fract() == 0.0) && s[1] < s[0], "{s:?}");
    }

    #[test]
    fn questions_have_formats_and_prose_has_windows() {
        let c = |text: &str, format| Calibrated { text: text.into(), format, ..Calibrated::default() };
        assert_eq!(format(&c("stories", Format::Single), &[]), Format::Windows);
        assert_eq!(format(&c("arithmetic", Format::Single), &[]), Format::Single);
        assert_eq!(format(&c("arithmetic", Format::Windows), &[]), Format::InContext);
    }
}
