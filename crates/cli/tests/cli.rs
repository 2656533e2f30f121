//! The built command over small checkpoints.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::{Dtype, sources_at};
use espalier_nets::testing::Builder;
use serde_json::Value;
use tempfile::TempDir;

fn espalier(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_espalier")).args(args).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn done(args: &[&str]) -> String {
    let out = espalier(args);
    assert!(out.status.success(), "{args:?}\n{}", text(&out.stderr));
    text(&out.stdout)
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&done(args)).expect("plain JSON on standard output")
}

/// A failure with exit code 1 whose message has its four parts.
fn refused(args: &[&str]) -> String {
    let out = espalier(args);
    assert_eq!(out.status.code(), Some(1), "{args:?}");
    assert!(out.stdout.is_empty(), "{args:?}: results and messages do not mix");
    let message = text(&out.stderr);
    for part in ["error: ", "\n  why: ", "\n  what to do: ", "\n  details: "] {
        let after = message.split(part).nth(1).unwrap_or_else(|| panic!("{part:?} is missing in {message}"));
        assert!(after.lines().next().is_some_and(|l| l.len() > 5), "{message}");
    }
    message
}

/// A folder with a model of two blocks.
fn model() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("tiny-llama");
    std::fs::create_dir(&folder).expect("made");
    std::fs::write(folder.join("config.json"), r#"{"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":24,"num_hidden_layers":2,"num_attention_heads":2}"#).expect("written");
    let mut b = Builder::new().metadata("format", "pt");
    for block in 0..2u32 {
        for (name, shape) in [("self_attn.q_proj", [24, 24]), ("mlp.up_proj", [40, 24]), ("mlp.down_proj", [24, 40])] {
            let n = (shape[0] * shape[1]) as u32;
            let values: Vec<f32> = (0..n).map(|i| (((i + block).wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5) * if i % 8 == 0 { 3.0 } else { 0.3 }).collect();
            b = b.values(&format!("model.layers.{block}.{name}.weight"), Dtype::F16, &shape, &values);
        }
        b = b.made_up(&format!("model.layers.{block}.input_layernorm.weight"), &[24]);
    }
    std::fs::write(folder.join("model.safetensors"), b.build()).expect("written");
    dir
}

fn path(dir: &TempDir, rest: &str) -> String {
    dir.path().join(rest).display().to_string()
}

fn reopen(path: impl AsRef<Path>) -> Checkpoint {
    pollster::block_on(Checkpoint::open(sources_at(&[path]).expect("there"))).expect("opens")
}

fn zeros(c: &Checkpoint, name: &str) -> f64 {
    let values = pollster::block_on(c.read_f32(c.find(name).expect("there"))).expect("reads");
    values.iter().filter(|v| **v == 0.0).count() as f64
}

#[test]
fn inspect_lists_tensors_and_gives_statistics() {
    let dir = model();
    let folder = path(&dir, "tiny-llama");
    let table = done(&["inspect", &folder]);
    assert!(table.contains("tiny-llama: LlamaForCausalLM") && table.contains("model.layers.1.mlp.down_proj.weight") && table.contains("[24, 40]"), "{table}");
    let summary = json(&["inspect", &folder, "--json"]);
    assert_eq!(summary["tensors"].as_array().map(Vec::len), Some(8));
    assert_eq!(summary["name"], "tiny-llama");
    let file = path(&dir, "tiny-llama/model.safetensors");
    assert_eq!(json(&["inspect", &file, "--json"])["name"], "tiny-llama", "a plain file name takes the folder's");
    let stats = json(&["inspect", &file, "--json", "--tensor", "model.layers.0.mlp.up_proj.weight"]);
    assert_eq!(stats[0]["stats"]["elements"], 960.0);
    assert!(done(&["inspect", &file, "--tensor", "model.layers.0.mlp.up_proj.weight"]).contains("kurtosis"));
    assert!(refused(&["inspect", &file, "--tensor", "up_proj"]).contains("model.layers.0.mlp.up_proj.weight"), "a near name is offered");
}

#[test]
fn spectra_are_a_table_or_a_report() {
    let dir = model();
    let folder = path(&dir, "tiny-llama");
    assert!(done(&["spectra", &folder, "--device", "cpu"]).contains("stable rank"));
    let report = json(&["spectra", &folder, "--device", "cpu", "--json", "--matrix", "model.layers.0.self_attn.q_proj.weight"]);
    let findings = report["findings"].as_array().expect("findings");
    assert_eq!(findings.len(), 1);
    let values = findings[0]["Spectrum"]["values"].as_array().expect("values");
    assert_eq!(values.len(), 24);
    assert!(values.windows(2).all(|w| w[0].as_f64() >= w[1].as_f64()), "descending");
}

#[test]
fn prune_writes_what_it_promises() {
    let dir = model();
    let (folder, out) = (path(&dir, "tiny-llama"), path(&dir, "sparse"));
    for extra in [&["--sparsity", "0.6"][..], &["--scope", "2:4"], &["--scope", "row", "--rule", "official", "--sparsity", "0.3"], &["--scope", "global", "--sparsity", "0.5"], &["--allocation", "erk"]] {
        let mut args = vec!["prune", &folder, "--device", "cpu", "--json", "--out", &out, "--force"];
        args.extend(extra);
        let report = json(&args);
        let copy = reopen(&out);
        assert_eq!(report["findings"].as_array().map(Vec::len), Some(6));
        for f in report["findings"].as_array().expect("findings") {
            let p = &f["Pruned"];
            let name = p["tensor"].as_str().expect("a name");
            assert_eq!(Some(zeros(&copy, name)), p["zeros"].as_f64(), "{name} {extra:?}");
            assert_eq!(copy.tensors[copy.find(name).expect("there")].dtype, Dtype::F16);
        }
        assert_eq!(copy.metadata.get("format").map(String::as_str), Some("pt"));
        assert!(copy.config.is_some(), "the configuration went along");
    }
}

#[test]
fn a_record_with_a_copy_is_done_again_to_the_last_bit() {
    let dir = model();
    let (folder, out, record) = (path(&dir, "tiny-llama"), path(&dir, "sparse"), path(&dir, "record.json"));
    done(&["prune", &folder, "--device", "cpu", "--sparsity", "0.6", "--out", &out, "--record", &record]);
    let again = done(&["replay", &record, &folder, "--device", "cpu"]);
    assert!(again.contains("write a copy") && again.contains("2 results equal to the last bit, 0 within rounding, 0 different"), "{again}");
}

#[test]
fn rank_writes_factors_or_dense() {
    let dir = model();
    let file = path(&dir, "tiny-llama/model.safetensors");
    let (factors, dense) = (path(&dir, "factors.safetensors"), path(&dir, "dense.safetensors"));
    let report = json(&["rank", &file, "--device", "cpu", "--json", "--uniform", "--target", "0.7", "--out", &factors]);
    done(&["rank", &file, "--device", "cpu", "--uniform", "--target", "0.7", "--dense", "--out", &dense]);
    let (before, pairs, product) = (reopen(&file), reopen(&factors), reopen(&dense));
    let mut factored = 0;
    for f in report["findings"].as_array().expect("findings") {
        let c = &f["Rank"];
        if c["factored"] != true {
            continue;
        }
        factored += 1;
        let stem = c["tensor"].as_str().and_then(|n| n.strip_suffix(".weight")).expect("a weight");
        let u = &pairs.tensors[pairs.find(&format!("{stem}.U.weight")).expect("U")];
        assert_eq!(u.shape[1], c["kept"].as_u64().expect("a rank"));
        assert_eq!(product.tensors[product.find(&format!("{stem}.weight")).expect("dense")].shape, before.tensors[before.find(&format!("{stem}.weight")).expect("there")].shape);
    }
    assert!(factored > 0);
    for rule in [&["--threshold", "0.3"][..], &["--energy", "0.9"], &["--target", "0.4", "--reach", "--min-ratio", "0.1", "--size-aware"]] {
        let mut args = vec!["rank", &file, "--device", "cpu", "--json"];
        args.extend(rule);
        assert_eq!(json(&args)["findings"].as_array().map(Vec::len), Some(6), "{rule:?}");
    }
}

#[test]
fn inputs_are_never_replaced_and_outputs_only_by_force() {
    let dir = model();
    let file = path(&dir, "tiny-llama/model.safetensors");
    let before = std::fs::read(&file).expect("there");
    assert!(refused(&["prune", &file, "--out", &file, "--force"]).contains("input"));
    assert!(refused(&["prune", &file, "--out", &path(&dir, "tiny-llama"), "--force"]).contains("input"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&file, path(&dir, "link.safetensors")).expect("linked");
        assert!(refused(&["prune", &file, "--out", &path(&dir, "link.safetensors"), "--force"]).contains("input"));
    }
    let out = path(&dir, "out.safetensors");
    std::fs::write(&out, b"something of mine").expect("written");
    assert!(refused(&["prune", &file, "--out", &out]).contains("--force"));
    assert_eq!(std::fs::read(&out).expect("there"), b"something of mine");
    done(&["prune", &file, "--device", "cpu", "--out", &out, "--force"]);
    assert!(reopen(&out).tensors.len() == 8);
    assert_eq!(std::fs::read(&file).expect("there"), before);
    // A run that fails leaves no half of a file.
    let gone = path(&dir, "gone.safetensors");
    refused(&["prune", &file, "--sparsity", "7", "--out", &gone]);
    let left: Vec<PathBuf> = std::fs::read_dir(dir.path()).expect("there").flatten().map(|e| e.path()).filter(|p| p.display().to_string().contains("gone")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn shards_are_one_checkpoint() {
    let dir = tempfile::tempdir().expect("a folder");
    let (a, b) = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
    let (first, second) = ("model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight");
    std::fs::write(dir.path().join(a), Builder::new().made_up(first, &[16, 8]).build()).expect("written");
    std::fs::write(dir.path().join(b), Builder::new().made_up(second, &[16, 8]).build()).expect("written");
    let index = serde_json::json!({ "metadata": {}, "weight_map": { first: a, second: b } });
    std::fs::write(dir.path().join("model.safetensors.index.json"), index.to_string()).expect("written");
    let out = path(&dir, "one.safetensors");
    done(&["prune", &path(&dir, a), "--device", "cpu", "--out", &out]);
    assert_eq!(reopen(&out).tensors.len(), 2);
    std::fs::remove_file(dir.path().join(b)).expect("removed");
    assert!(refused(&["spectra", &path(&dir, a)]).contains(b), "the missing shard is named");
}

#[test]
fn what_is_wrong_is_said_in_four_parts() {
    let dir = model();
    let folder = path(&dir, "tiny-llama");
    let pickle = path(&dir, "pytorch_model.bin");
    std::fs::write(&pickle, b"\x80\x02}q\x00.".repeat(30)).expect("written");
    assert!(refused(&["inspect", &pickle]).contains("pickle"));
    refused(&["inspect", &path(&dir, "not-there.safetensors")]);
    assert!(refused(&["prune", &folder, "--scope", "5:4"]).contains("scope"));
    assert!(refused(&["prune", &folder, "--allocation", "fair"]).contains("allocation"));
    assert!(refused(&["spectra", &folder, "--matrix", "nothing"]).contains("nothing"));
    let usage = espalier(&["rank", &folder, "--threshold", "0.1", "--energy", "0.5"]);
    assert_eq!(usage.status.code(), Some(2), "contradicting options are not understood");
}

#[test]
fn methods_lists_the_registry() {
    let cards = json(&["methods", "--json"]);
    let ids: Vec<&str> = cards.as_array().expect("cards").iter().filter_map(|c| c["id"].as_str()).collect();
    for id in ["spectra", "welore", "magnitude"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    let text = done(&["methods"]);
    assert!(ids.iter().all(|id| text.contains(id)));
}

#[test]
fn the_gpu_says_what_the_cpu_says() {
    let dir = model();
    let folder = path(&dir, "tiny-llama");
    let out = espalier(&["spectra", &folder, "--device", "gpu", "--json"]);
    if !out.status.success() {
        let message = text(&out.stderr);
        assert!(message.contains("adapter") || message.contains("GPU"), "{message}");
        assert!(std::env::var_os("CI").is_none(), "no GPU in CI: {message}");
        eprintln!("SKIPPED, {message}");
        return;
    }
    let gpu: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let cpu = json(&["spectra", &folder, "--device", "cpu", "--json"]);
    let values = |v: &Value, i: usize| -> Vec<f64> { v["findings"][i]["Spectrum"]["values"].as_array().expect("values").iter().filter_map(Value::as_f64).collect() };
    for i in 0..6 {
        let (a, b) = (values(&cpu, i), values(&gpu, i));
        assert_eq!(a.len(), b.len());
        // The bar of the issue for the GPU: 1e-5 of the largest.
        assert!(a.iter().zip(&b).all(|(x, y)| (x - y).abs() <= 1e-5 * a[0]), "{i}");
    }
    let pruned = |device: &str| json(&["prune", &folder, "--device", device, "--json", "--sparsity", "0.41"])["findings"].clone();
    assert_eq!(pruned("cpu"), pruned("gpu"));
}
