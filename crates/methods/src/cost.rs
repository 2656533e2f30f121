//! What a run will need, by arithmetic over shapes: a face shows it before the run.

use serde_json::Value;

/// The work of a run, in units that a probe can time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    /// Shapes of the matrices that are decomposed.
    pub decomposed: Vec<[u64; 2]>,
    /// Elements that are looked at (selected, masked, summed), over all passes.
    pub scanned: f64,
    /// How often every matrix is read.
    pub passes: u32,
    /// Multiplications of products of matrices: the forward passes, and what a rule computes of their inputs.
    pub multiplied: f64,
    /// Bytes held beside a matrix and its working copies: the states of all tokens between two blocks.
    pub held: f64,
}

/// Multiplications of one spectrum of an `[m, n]` matrix: the Gram matrix of the shorter side, and its tridiagonal form (4/3 p³) with slack.
pub fn decomposition(shape: [u64; 2]) -> f64 {
    let [m, n] = shape.map(|d| d as f64);
    let (long, short) = (m.max(n), m.min(n));
    long * short * short + 2.0 * short.powi(3)
}

/// The work of `method` over matrices of these shapes; `None` for a method whose cost does not follow from shapes.
pub fn cost(method: &str, config: &Value, shapes: &[[u64; 2]]) -> Option<Cost> {
    let elements: f64 = shapes.iter().map(|[a, b]| *a as f64 * *b as f64).sum();
    let is = |key: &str, value: &str| config.get(key).and_then(Value::as_str) == Some(value);
    Some(match method {
        "spectra" | "welore" => Cost { decomposed: shapes.to_vec(), scanned: elements, passes: 1, ..Cost::default() },
        "magnitude" => {
            let decomposed = if is("allocation", "spectrum") { shapes.to_vec() } else { Vec::new() };
            // A global cut takes three passes before the masks are made.
            let passes = 1 + if is("scope", "global") { 3 } else { u32::from(!decomposed.is_empty()) };
            Cost { decomposed, scanned: elements * f64::from(passes), passes, ..Cost::default() }
        }
        "profile" | "magnitude_profile" => Cost { decomposed: Vec::new(), scanned: elements * 2.0, passes: 1, ..Cost::default() },
        "wanda" | "sparsegpt" | "owl" | "outliers" | "calibration_study" => return Some(calibrated(method, config, shapes)),
        "rules" => return Some(side_by_side(config, shapes)),
        "sensitivity" => return Some(sweep(config, shapes)),
        "rescaling" => return Some(rescaled(config, shapes)),
        _ => return None,
    })
}

/// The work of a comparison of rules: that of each as often as it is run. The dense model is counted with every run, though it is measured once: the sum is a little too high.
/// It reads the configuration as JSON, as all of this file does: the small worker shows costs of methods that it does not carry.
fn side_by_side(config: &Value, shapes: &[[u64; 2]]) -> Cost {
    let names = |key: &str, default: &str| -> Vec<String> { config.get(key).and_then(Value::as_str).unwrap_or(default).split(',').map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect() };
    let seeds = config.get("seeds").and_then(Value::as_f64).unwrap_or(3.0);
    let (targets, owls) = (names("targets", "0.5").len() as f64, names("owl", "5:0.08").len() as f64);
    let of = |method: &str| calibrated(method, config, shapes);
    let pass = of("owl").multiplied - of("wanda").multiplied;
    let mut out = of("wanda");
    (out.scanned, out.multiplied, out.passes) = (0.0, 0.0, 0);
    for rule in names("rules", "magnitude,wanda,sparsegpt") {
        let one = of(if rule == "sparsegpt" { "sparsegpt" } else { "wanda" });
        let alone = if rule == "magnitude" { 1.0 } else { seeds };
        let runs = targets * (alone + owls * seeds);
        out.scanned += one.scanned * runs;
        out.multiplied += one.multiplied * runs + pass * targets * owls * seeds;
        out.passes += runs as u32;
    }
    out
}

/// The work of rules that read texts. Every token goes through every matrix: those that calibrate twice (to be collected, and through the pruned block), those that measure
/// once for the dense and once for the pruned model. Attention between tokens, norms and the head are left out.
fn calibrated(method: &str, config: &Value, shapes: &[[u64; 2]]) -> Cost {
    let number = |key: &str, default: f64| config.get(key).and_then(Value::as_f64).unwrap_or(default);
    let names = |key: &str| config.get(key).and_then(Value::as_str).map_or(1.0, |s| s.split(',').filter(|n| !n.trim().is_empty()).count().max(1) as f64);
    let is = |key: &str, value: &str| config.get(key).and_then(Value::as_str) == Some(value);
    let elements: f64 = shapes.iter().map(|[a, b]| *a as f64 * *b as f64).sum();
    let length = number("length", 2048.0);
    let calibrating = number("samples", 128.0) * length;
    let study = method == "calibration_study";
    let measuring = if method == "outliers" { 0.0 } else { number("windows", 64.0) * length * names(if study { "domains" } else { "evaluation" }) };
    let runs = if study { names("sources") * number("seeds", 3.0) * names("sparsities") } else { 1.0 };
    // A study measures the dense model once for all its runs.
    let dense = if study { measuring / runs } else { measuring };
    let mut a_run = elements * (2.0 * calibrating + measuring + dense);
    if method == "owl" || is("allocation", "owl") {
        // The outliers are counted in a pass of their own.
        a_run += elements * 2.0 * calibrating;
    }
    if method == "sparsegpt" || is("criterion", "sparsegpt") {
        a_run += sparsegpt(calibrating, shapes, 1.0);
    }
    let held = 4.0 * width(shapes) * (calibrating + if study { measuring } else { 2.0 * measuring });
    Cost { decomposed: Vec::new(), scanned: elements * 2.0 * runs, passes: (runs as u32).max(1), multiplied: a_run * runs, held }
}

/// What SparseGPT multiplies beside the passes when it prunes every matrix so many times: H, once for neighbours with the same inputs; three factorisations of it and the sweep over
/// the columns, each time. The first two are in double precision, half as fast.
fn sparsegpt(calibrating: f64, shapes: &[[u64; 2]], times: f64) -> f64 {
    let (mut all, mut last) = (0.0, 0);
    for [rows, columns] in shapes {
        let (r, c) = (*rows as f64, *columns as f64);
        all += if last == *columns { 0.0 } else { 2.0 * calibrating * c * c } + times * (2.0 * c.powi(3) + r * c * c / 2.0);
        last = *columns;
    }
    all
}

/// The width of a model: the largest of the shorter sides, as queries and outputs have it twice.
fn width(shapes: &[[u64; 2]]) -> f64 {
    shapes.iter().map(|[a, b]| *a.min(b)).max().unwrap_or(0) as f64
}

/// Tokens that calibrate, and tokens of a text that measures.
fn tokens(config: &Value) -> [f64; 2] {
    let number = |key: &str, default: f64| config.get(key).and_then(Value::as_f64).unwrap_or(default);
    let length = number("length", 128.0);
    [number("samples", 32.0) * length, number("windows", 16.0) * length]
}

/// The work of a sweep: both texts once through the dense model, then for each cell the text that measures through the blocks from the part on: half of them on average, all of
/// them where a part is a role. `cells` says how many are left; without it every matrix is a part. States between all blocks are held; `blocks` says how many.
fn sweep(config: &Value, shapes: &[[u64; 2]]) -> Cost {
    let is = |key: &str, value: &str| config.get(key).and_then(Value::as_str) == Some(value);
    let elements: f64 = shapes.iter().map(|[a, b]| *a as f64 * *b as f64).sum();
    let [calibrating, measuring] = tokens(config);
    let ladder = config.get("ladder").and_then(Value::as_str).map_or(5.0, |l| l.split(',').count() as f64);
    let cells = config.get("cells").and_then(Value::as_f64).unwrap_or(ladder * shapes.len() as f64);
    let blocks = config.get("blocks").and_then(Value::as_f64).unwrap_or(shapes.len() as f64);
    let runs = cells * if is("unit", "role") { 1.0 } else { 0.5 };
    let mut multiplied = elements * (calibrating + measuring * (1.0 + runs));
    if is("criterion", "sparsegpt") {
        multiplied += sparsegpt(calibrating, shapes, ladder);
    }
    let held = 4.0 * width(shapes) * (calibrating + measuring * (blocks + 2.0));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of passes, rounded up")]
    let passes = (2.0 + runs).ceil() as u32;
    Cost { scanned: elements * ladder, passes, multiplied, held, ..Cost::default() }
}

/// The work of rescaled channels: at each gain two rules prune the model, and the text is measured after each.
fn rescaled(config: &Value, shapes: &[[u64; 2]]) -> Cost {
    let elements: f64 = shapes.iter().map(|[a, b]| *a as f64 * *b as f64).sum();
    let [calibrating, measuring] = tokens(config);
    let runs = 2 * config.get("steps").and_then(Value::as_u64).unwrap_or(7) as u32;
    let multiplied = elements * (calibrating + measuring * (1.0 + f64::from(runs)));
    Cost { scanned: elements * f64::from(runs), passes: 2 + runs, multiplied, held: 4.0 * elements + 4.0 * width(shapes) * (calibrating + measuring), ..Cost::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_goes_through_half_of_the_model_for_each_cell_that_is_left() {
        let shapes = [[4, 8], [16, 2]];
        let read = |more: Value| {
            let mut config = serde_json::json!({ "samples": 2, "length": 5, "windows": 1, "ladder": "0.5,0.7" });
            config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            config
        };
        // 10 tokens that calibrate, 5 that measure, 64 weights, 2 × 2 cells.
        let all = cost("sensitivity", &read(serde_json::json!({})), &shapes).unwrap();
        assert_eq!((all.multiplied, all.passes, all.scanned), (64.0 * (10.0 + 5.0 * 3.0), 4, 128.0));
        let left = cost("sensitivity", &read(serde_json::json!({ "cells": 1, "unit": "role", "blocks": 1 })), &shapes).unwrap();
        assert_eq!((left.multiplied, left.held), (64.0 * (10.0 + 5.0 * 2.0), 4.0 * 4.0 * (10.0 + 15.0)));
        assert!(cost("sensitivity", &read(serde_json::json!({ "criterion": "sparsegpt" })), &shapes).unwrap().multiplied > all.multiplied);
        let twice = cost("rescaling", &read(serde_json::json!({ "steps": 2 })), &shapes).unwrap();
        assert_eq!((twice.multiplied, twice.passes), (64.0 * (10.0 + 5.0 * 5.0), 6));
    }

    #[test]
    fn costs_follow_shapes_and_settings() {
        let shapes = [[4, 8], [16, 2]];
        let c = cost("spectra", &Value::Null, &shapes).unwrap();
        assert_eq!((c.decomposed.len(), c.scanned, c.passes), (2, 64.0, 1));
        assert_eq!(cost("magnitude", &serde_json::json!({ "scope": "global" }), &shapes).unwrap().passes, 4);
        assert_eq!(cost("magnitude", &serde_json::json!({ "allocation": "spectrum" }), &shapes).unwrap().decomposed.len(), 2);
        assert!(cost("unheard of", &Value::Null, &shapes).is_none());
        // 10 tokens that calibrate go twice through 64 weights, 2 × 5 that measure before and after.
        let read = serde_json::json!({ "samples": 2, "length": 5, "windows": 1, "evaluation": "a,b" });
        let wanda = cost("wanda", &read, &shapes).unwrap();
        assert_eq!((wanda.multiplied, wanda.held), (64.0 * 40.0, 4.0 * 4.0 * 30.0));
        assert_eq!(cost("outliers", &read, &shapes).unwrap().multiplied, 64.0 * 20.0);
        assert!(cost("sparsegpt", &read, &shapes).unwrap().multiplied > wanda.multiplied);
        assert_eq!(cost("owl", &read, &shapes).unwrap().multiplied, 64.0 * 60.0);
        // Two targets: Wanda by three draws, alone (40 a weight) and with OWL (60).
        let rules = serde_json::json!({ "samples": 2, "length": 5, "windows": 1, "evaluation": "a,b", "rules": "wanda", "targets": "0.5,2:4", "owl": "5:0.08", "seeds": 3 });
        let all = cost("rules", &rules, &shapes).unwrap();
        assert_eq!((all.multiplied, all.passes), (64.0 * 2.0 * 3.0 * (40.0 + 60.0), 12));
        // A wide matrix costs what its transpose costs.
        assert_eq!(decomposition([3, 9]), decomposition([9, 3]));
    }
}
