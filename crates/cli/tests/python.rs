//! What is written here, read and recomputed in Python: sparse and factored copies, masks, recipes, and the snippets.
//!
//! Needs `python3`; numpy, safetensors and PyYAML are installed into a folder under `target` where they are missing. The snippets need torch: they run
//! where a `python3` has it (`ESPALIER_TORCH` names one), and the numbers they print are recomputed with numpy in any case.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use espalier_methods::recipe;
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::sources_at;
use serde_json::{Value, json};

const PACKAGES: [&str; 3] = ["numpy", "safetensors", "pyyaml"];
/// The version whose classes the recipes are held against.
const LLM_COMPRESSOR: &str = "llmcompressor==0.14.0.1";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn target() -> PathBuf {
    repository().join("target/python")
}

fn python(program: &str, code: &str, path: &Path, arguments: &[&str]) -> Result<String, String> {
    let out = Command::new(program).arg("-c").arg(code).args(arguments).env("PYTHONPATH", path).output().map_err(|e| e.to_string())?;
    if out.status.success() { Ok(String::from_utf8_lossy(&out.stdout).into_owned()) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned()) }
}

/// A folder in which the packages are, installed once.
fn packages() -> &'static Path {
    static DONE: OnceLock<PathBuf> = OnceLock::new();
    DONE.get_or_init(|| {
        let site = target().join("site");
        if python("python3", "import numpy, safetensors.numpy, yaml", &site, &[]).is_err() {
            let site = site.display().to_string();
            let out = Command::new("python3").args(["-m", "pip", "install", "-q", "--target", &site]).args(PACKAGES).output().expect("python3 is there");
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        }
        site
    })
}

fn run(code: &str, arguments: &[&str]) -> Value {
    let out = python("python3", code, packages(), arguments).unwrap_or_else(|e| panic!("{e}"));
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"))
}

fn espalier(arguments: &[&str]) -> Value {
    let out = Command::new(env!("CARGO_BIN_EXE_espalier")).args(arguments).args(["--device", "cpu", "--json"]).output().expect("it starts");
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

fn bundled(name: &str) -> String {
    repository().join("assets/checkpoints").join(name).display().to_string()
}

/// Zeros by matrix, errors against the original, and shapes of factors, all in numpy.
const READ_BACK: &str = r#"
import json, sys
import numpy as np
from safetensors.numpy import load_file
a, b = load_file(sys.argv[1]), load_file(sys.argv[2])
out = {}
for name in a:
    w = a[name].astype(np.float64)
    stem = name[:-7] if name.endswith(".weight") else name
    if name in b:
        v = b[name].astype(np.float64)
        kept = v[v != 0]
        out[name] = dict(zeros=int((v == 0).sum()), before=int((w == 0).sum()), norm=float(np.linalg.norm(w)), gap=float(np.linalg.norm(w - v)), same=bool((w[v != 0] == kept).all()), dtype=str(b[name].dtype))
    elif stem + ".U.weight" in b:
        v = b[stem + ".U.weight"].astype(np.float64) @ b[stem + ".V.weight"].astype(np.float64)
        out[name] = dict(rank=b[stem + ".U.weight"].shape[1], norm=float(np.linalg.norm(w)), gap=float(np.linalg.norm(w - v)))
print(json.dumps(out))
"#;

#[test]
fn pruned_and_factored_copies_of_both_bundled_models_read_back() {
    let dir = tempfile::tempdir().expect("a folder");
    for model in ["shakespeare-llama", "shakespeare-moe"] {
        let source = format!("{}/model.safetensors", bundled(model));
        let copy = dir.path().join(format!("{model}.safetensors")).display().to_string();
        for extra in [&["--sparsity", "0.6"][..], &["--scope", "2:4"]] {
            let report = espalier(&[&["prune", &source, "--out", &copy, "--force"][..], extra].concat());
            let read = run(READ_BACK, &[&source, &copy]);
            // A fused tensor is the sum of its slices.
            let mut zeros: std::collections::BTreeMap<&str, f64> = Default::default();
            for f in report["findings"].as_array().expect("findings") {
                let p = &f["Pruned"];
                *zeros.entry(p["tensor"].as_str().expect("a name").split('#').next().unwrap_or("")).or_default() += p["zeros"].as_f64().expect("a number");
            }
            assert!(zeros.len() > 20, "{model}");
            for (name, row) in read.as_object().expect("rows") {
                assert_eq!(row["dtype"], "float16", "{name}");
                assert_eq!(row["same"], true, "{name}: what stays keeps its bits");
                let want = zeros.get(name.as_str()).copied().unwrap_or(row["before"].as_f64().expect("a number"));
                assert_eq!(row["zeros"].as_f64(), Some(want), "{model} {name} {extra:?}");
            }
        }
        let report = espalier(&["rank", &source, "--uniform", "--target", "0.6", "--out", &copy, "--force"]);
        let read = run(READ_BACK, &[&source, &copy]);
        let mut factored = 0;
        for f in report["findings"].as_array().expect("findings") {
            let c = &f["Rank"];
            let name = c["tensor"].as_str().expect("a name");
            if c["factored"] == true && !name.contains('#') {
                factored += 1;
                assert_eq!(read[name]["rank"], c["kept"], "{name}");
                let error = read[name]["gap"].as_f64().expect("a number") / read[name]["norm"].as_f64().expect("a number");
                // Each factor is rounded to half precision: 2⁻¹¹ each, over the kept part.
                assert!((error - c["error"].as_f64().expect("a number")).abs() < 2.0 * 2f64.powi(-11), "{name}: {error} {c}");
            }
        }
        assert!(factored > 10, "{model}");
    }
}

#[test]
fn masks_read_back_as_what_pruning_leaves() {
    let dir = tempfile::tempdir().expect("a folder");
    let source = format!("{}/model.safetensors", bundled("shakespeare-moe"));
    let [copy, masks] = ["copy", "masks"].map(|n| dir.path().join(format!("{n}.safetensors")).display().to_string());
    espalier(&["prune", &source, "--sparsity", "0.5", "--scope", "global", "--out", &copy]);
    espalier(&["prune", &source, "--sparsity", "0.5", "--scope", "global", "--masks", "--out", &masks]);
    let code = "
import json, sys
from safetensors.numpy import load_file
a, c, m = (load_file(p) for p in sys.argv[1:])
print(json.dumps(dict(count=len(m), right=all(((a[n] * m[n]) == c[n]).all() and set(map(int, set(m[n].ravel().tolist()))) <= {0, 1} for n in m))))
";
    let read = run(code, &[&source, &copy, &masks]);
    assert!(read["right"] == true && read["count"].as_u64().is_some_and(|n| n > 20), "{read}");
}

/// Every key of every modifier is a field of the class of that name, and of its kind, in llm-compressor's own source.
const SCHEMA: &str = r#"
import ast, json, sys, yaml, zipfile
z = zipfile.ZipFile(sys.argv[1])
classes = {}
for n in z.namelist():
    if n.startswith("llmcompressor/modifiers/") and n.endswith(".py"):
        for node in ast.walk(ast.parse(z.read(n))):
            if isinstance(node, ast.ClassDef):
                fields = {s.target.id: ast.unparse(s.annotation) for s in node.body if isinstance(s, ast.AnnAssign)}
                classes[node.name] = (fields, [ast.unparse(b).split(".")[-1] for b in node.bases])
def fields(name):
    if name not in classes: return {}
    own, bases = classes[name]
    out = {}
    for b in bases: out.update(fields(b))
    out.update(own)
    return out
recipe = yaml.safe_load(open(sys.argv[2]))
out = []
for stage, groups in recipe.items():
    assert stage.endswith("_stage"), stage
    for group, modifiers in groups.items():
        assert group.endswith("_modifiers"), group
        for kind, args in modifiers.items():
            known = fields(kind)
            assert known, kind + " is not a class of llm-compressor"
            for key, value in args.items():
                assert key in known, key + " is not a field of " + kind
                want = known[key]
                if isinstance(value, float): assert "float" in want, (key, want)
                if isinstance(value, str): assert "str" in want, (key, want)
                if isinstance(value, list): assert "list[str]" in want.lower(), (key, want)
            required = [k for k in ("targets",) if k in known]
            assert all(k in args for k in required)
            out.append([kind, args])
print(json.dumps(out))
"#;

#[test]
fn recipes_are_what_the_other_tools_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let wheels = target().join("wheels");
    let wheel = || std::fs::read_dir(&wheels).ok()?.flatten().map(|e| e.path()).find(|p| p.to_string_lossy().contains("llmcompressor-0.14.0.1"));
    if wheel().is_none() {
        let out = Command::new("python3").args(["-m", "pip", "download", "-q", "--no-deps", "-d"]).arg(&wheels).arg(LLM_COMPRESSOR).output().expect("python3 is there");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    let wheel = wheel().expect("it was downloaded").display().to_string();
    let source = format!("{}/model.safetensors", bundled("shakespeare-llama"));
    for modifier in ["magnitude", "wanda", "sparsegpt"] {
        for extra in [&["--allocation", "erk", "--sparsity", "0.5"][..], &["--scope", "2:4"]] {
            let yaml = dir.path().join("recipe.yaml").display().to_string();
            let report = espalier(&[&["prune", &source, "--recipe", &yaml, "--modifier", modifier][..], extra].concat());
            let read = run(SCHEMA, &[&wheel, &yaml]);
            let mut targets = 0;
            for row in read.as_array().expect("modifiers") {
                let (arguments, key) = (&row[1], if modifier == "magnitude" { "final_sparsity" } else { "sparsity" });
                for t in arguments["targets"].as_array().expect("targets") {
                    targets += 1;
                    let name = format!("{}.weight", t.as_str().expect("a name"));
                    let p = report["findings"].as_array().expect("findings").iter().map(|f| &f["Pruned"]).find(|p| p["tensor"] == name.as_str()).expect("pruned here too");
                    let sparsity = p["zeros"].as_f64().expect("a number") / p["elements"].as_f64().expect("a number");
                    // Sparsities are written to a thousandth.
                    assert!((arguments[key].as_f64().expect("a number") - sparsity).abs() <= 0.000_51, "{name}");
                }
            }
            assert_eq!(targets, report["findings"].as_array().map_or(0, Vec::len));
        }
    }
    let script = dir.path().join("ratios.py").display().to_string();
    let report = espalier(&["prune", &source, "--allocation", "erk", "--recipe", &script]);
    let code = "
import json, runpy, sys
g = runpy.run_path(sys.argv[1])
class Model:
    def get_submodule(self, name): return name
print(json.dumps(g['pruning_ratio_dict'](Model())))
";
    let ratios = run(code, &[&script]);
    assert_eq!(ratios.as_object().map(serde_json::Map::len), report["findings"].as_array().map(Vec::len));
    let json_file = dir.path().join("ratios.json").display().to_string();
    espalier(&["prune", &source, "--allocation", "erk", "--recipe", &json_file]);
    let plain: Value = serde_json::from_str(&std::fs::read_to_string(&json_file).expect("written")).expect("JSON");
    assert_eq!(plain["sparsity"], ratios);
}

/// The numbers of a snippet's lines, by the words before them.
fn numbers(text: &str) -> Vec<(String, f64)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).filter_map(|w| Some((w[0].to_owned(), w[1].parse().ok()?))).collect()
}

/// A Python that has torch and safetensors.
fn torch() -> Option<String> {
    let asked = std::env::var("ESPALIER_TORCH").ok();
    asked.into_iter().chain(["python3".into(), "/usr/bin/python3".into()]).find(|p| python(p, "import torch, safetensors.torch", packages(), &[]).is_ok())
}

#[test]
fn snippets_print_the_numbers_that_are_shown() {
    let folder = bundled("shakespeare-llama");
    let file = format!("{folder}/model.safetensors");
    let c = pollster::block_on(Checkpoint::open(sources_at(&[&file]).expect("there"))).expect("opens");
    let name = "model.layers.2.mlp.down_proj.weight";
    let matrix = c.matrices().into_iter().find(|m| m.name == name).expect("there");
    let stats = espalier(&["inspect", &file, "--tensor", name])[0]["stats"].clone();
    let spectrum = espalier(&["spectra", &file, "--matrix", name])["findings"][0]["Spectrum"].clone();
    let pruned = espalier(&["prune", &file, "--matrix", name, "--sparsity", "0.37"])["findings"][0]["Pruned"].clone();
    let first = spectrum["values"][0].clone();
    let cases: [(String, Value); 3] = [
        (recipe::statistics(&file, name), json!({ "min": stats["min"], "max": stats["max"], "mean": stats["mean"], "std": stats["std"], "frobenius": stats["frobenius"], "zeros": stats["zeros"] })),
        (recipe::spectrum(&file, &matrix, 2), json!({ "largest": first, "stable rank": spectrum["stable_rank"], "effective rank": spectrum["effective_rank"] })),
        (recipe::zeros(&file, &matrix, 2, 0.37), json!({ "zeros": pruned["zeros"], "error": pruned["error"] })),
    ];
    // In numpy, written apart from the snippets.
    let code = "
import json, sys
import numpy as np
from safetensors.numpy import load_file
w = load_file(sys.argv[1])[sys.argv[2]].astype(np.float64)
s = np.linalg.svd(w, compute_uv=False); p = s / s.sum()
a = np.abs(w).ravel(); k = int(a.size * 0.37); gone = np.argsort(a, kind='stable')[:k]
print(json.dumps([dict(min=w.min(), max=w.max(), mean=w.mean(), std=w.std(), frobenius=np.linalg.norm(w), zeros=int((w == 0).sum())),
  {'largest': s[0], 'stable rank': (s**2).sum() / s[0]**2, 'effective rank': float(np.exp(-(p * np.log(p)).sum()))},
  dict(zeros=int((w == 0).sum() + (a[gone] != 0).sum()), error=float(np.sqrt((a[gone]**2).sum() / (a**2).sum())))]))
";
    let plain = run(code, &[&file, name]);
    let torch = torch();
    println!("snippets with torch: {}", torch.as_deref().unwrap_or("not run, no python3 here has torch"));
    for (i, (snippet, shown)) in cases.iter().enumerate() {
        for (key, value) in shown.as_object().expect("numbers") {
            let value = value.as_f64().expect("a number");
            // Double precision on both sides, sums in another order; the scale is the largest number of the group.
            let close = |other: f64| (other - value).abs() <= 1e-9 * value.abs().max(1e-3);
            let other = plain[i][key].as_f64().expect("a number");
            assert!(close(other), "{key}: {value} here, {other} in numpy");
            if let Some(torch) = &torch {
                let printed = python(torch, snippet, packages(), &[]).unwrap_or_else(|e| panic!("{snippet}\n{e}"));
                let last = key.rsplit(' ').next().unwrap_or(key);
                let found: Vec<f64> = numbers(&printed).into_iter().filter(|(w, _)| w == last).map(|(_, v)| v).collect();
                let at = usize::from(key == "effective rank");
                assert!(found.get(at).copied().is_some_and(close), "{key}: {value} here, {printed} in torch");
            }
        }
    }
}

/// A condensed copy against its original, in numpy: which layers are dense, and whether their matrices are the experts' with the constant weights in `down_proj`.
const CONDENSED: &str = r#"
import json, sys
import numpy as np
from safetensors.numpy import load_file
a, b, plan = load_file(sys.argv[1]), load_file(sys.argv[2]), json.loads(sys.argv[3])
worst, layers = 0.0, 0
for change in plan["changes"]:
    p, c = f"model.layers.{change['block']}.mlp.", change["change"]["condensed"]
    e = [f"{p}experts.{i}." for i in c["experts"]]
    assert p + "gate.weight" not in b and not any(n.startswith(p + "experts.") for n in b)
    assert all((b[n] == a[n]).all() for n in a if n.startswith(p + "shared_expert"))
    for part in ["gate_proj", "up_proj"]:
        assert (b[p + part + ".weight"] == np.concatenate([a[q + part + ".weight"] for q in e])).all()
    wanted = np.concatenate([w * a[q + "down_proj.weight"].astype(np.float64) for w, q in zip(c["weights"], e)], axis=1)
    worst = max(worst, float(np.abs(b[p + "down_proj.weight"] - wanted).max() / np.abs(wanted).max()))
    layers += 1
print(json.dumps(dict(layers=layers, worst=worst)))
"#;

/// The same copy through transformers: every weight finds its place, and the perplexity is the one that was said.
const TRANSFORMERS: &str = r#"
import json, sys, torch
from transformers import AutoModelForCausalLM
model, info = AutoModelForCausalLM.from_pretrained(sys.argv[1], trust_remote_code=True, dtype=torch.float32, output_loading_info=True)
ids = torch.tensor(json.loads(sys.argv[2]))
with torch.no_grad():
    logits = model(input_ids=ids).logits
loss = torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2).double(), ids[:, 1:], reduction="none")
print(json.dumps(dict(name=type(model).__name__, base=type(model).__bases__[0].__name__, ppl=loss.mean(1).mean().exp().item(), missing=sorted(info["missing_keys"]), unexpected=sorted(info["unexpected_keys"]))))
"#;

#[test]
fn a_condensed_copy_is_read_back_and_loads_in_transformers() {
    let dir = tempfile::tempdir().expect("a folder");
    let source = bundled("shakespeare-moe");
    let texts = repository().join("assets/texts");
    let [calibration, evaluation] = ["plays.txt", "plays-heldout.txt"].map(|f| texts.join(f).display().to_string());
    for variant in ["sr", "s"] {
        let out = dir.path().join(variant).display().to_string();
        let report = espalier(&["condense", &source, "--text", &calibration, "--eval", &evaluation, "--variant", variant, "--layers", "2", "--samples", "4", "--length", "64", "--windows", "4", "--out", &out]);
        let point = report["findings"].as_array().expect("findings").iter().rev().filter_map(|f| f.get("Point")).find(|p| !p["beside"].is_null()).expect("the run's own mark").clone();
        if variant == "sr" {
            let read = run(CONDENSED, &[&format!("{source}/model.safetensors"), &format!("{out}/model.safetensors"), &point["plan"].to_string()]);
            assert_eq!(read["layers"], 2);
            // Half precision rounds each product to 2⁻¹¹ of itself.
            assert!(read["worst"].as_f64().expect("a number") <= 2f64.powi(-11), "{read}");
        }
        agrees_with_transformers(&source, &evaluation, &out, &point, "CondensedForCausalLM");
    }
}

#[test]
fn copies_without_a_block_or_a_mixture_load_in_transformers() {
    let dir = tempfile::tempdir().expect("a folder");
    let source = bundled("shakespeare-moe");
    let evaluation = repository().join("assets/texts/plays-heldout.txt").display().to_string();
    for (what, class) in [("--drop-block", "Qwen2MoeForCausalLM"), ("--drop-mixture", "CondensedForCausalLM")] {
        let out = dir.path().join(what).display().to_string();
        let report = espalier(&["thin", &source, what, "1", "--text", &evaluation, "--windows", "4", "--length", "64", "--out", &out]);
        let point = report["findings"].as_array().expect("findings").iter().filter_map(|f| f.get("Point")).find(|p| !p["beside"].is_null()).expect("the run's own mark").clone();
        assert!(Path::new(&out).join("modeling_condensed.py").exists() == (class == "CondensedForCausalLM"), "{what}");
        agrees_with_transformers(&source, &evaluation, &out, &point, class);
    }
}

/// Where `ESPALIER_TORCH` names a Python with torch and transformers: every weight of the copy finds its place in this class, and its perplexity is the one that was said.
fn agrees_with_transformers(source: &str, evaluation: &str, copy: &str, point: &Value, class: &str) {
    let Some(torch) = std::env::var_os("ESPALIER_TORCH") else { return };
    let tokens = espalier_tokens::Tokens::from_json(&std::fs::read(format!("{source}/tokenizer.json")).expect("a tokenizer")).expect("it is read");
    let ids = tokens.encode(&std::fs::read_to_string(evaluation).expect("a text"), true).expect("it is cut");
    let windows: Vec<&[u32]> = ids.chunks_exact(64).take(4).collect();
    let said = python(&torch.to_string_lossy(), TRANSFORMERS, Path::new(""), &[copy, &json!(windows).to_string()]).unwrap_or_else(|e| panic!("{e}"));
    let said: Value = serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap_or_else(|e| panic!("{e}: {said}"));
    assert_eq!((&said["name"], &said["missing"], &said["unexpected"]), (&json!(class), &json!([]), &json!([])), "{said}");
    assert!(class == "Qwen2MoeForCausalLM" || said["base"] == "Qwen2MoeForCausalLM", "{said}");
    let (got, wanted) = (said["ppl"].as_f64().expect("a number"), point["perplexity"].as_f64().expect("a number"));
    println!("{copy}: transformers {got:.4}, Espalier {wanted:.4}");
    assert!((got.ln() - wanted.ln()).abs() < 1e-3, "{copy}: {got} {wanted}");
}
