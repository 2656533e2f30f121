//! The design's laws over the repository, held by looking at it: who depends on whom, who names what, how long files are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use espalier_tests::places::repository;
use serde_json::Value;

/// The spine: each part may use the parts to its left. `web` and `cli` are two ends.
const SPINE: [&str; 5] = ["espalier-kernels", "espalier-tensor", "espalier-nets", "espalier-methods", "espalier-lab"];

fn metadata() -> Value {
    let out = Command::new(env!("CARGO")).args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).current_dir(repository()).output().expect("cargo runs");
    assert!(out.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("cargo metadata prints JSON")
}

/// Package → its dependencies of one kind (`null` is normal).
fn dependencies(kind: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let meta = metadata();
    let packages = meta["packages"].as_array().expect("packages");
    let names = |p: &Value| p["dependencies"].as_array().expect("dependencies").iter().filter(|d| d["kind"] == *kind).map(|d| d["name"].as_str().expect("name").to_owned()).collect();
    packages.iter().map(|p| (p["name"].as_str().expect("name").to_owned(), names(p))).collect()
}

#[test]
fn the_spine_has_no_arrow_to_the_right() {
    let all = dependencies(&Value::Null);
    for (place, name) in SPINE.iter().enumerate() {
        let own = all.get(*name).unwrap_or_else(|| panic!("{name} is a member of the workspace"));
        for used in own.iter().filter(|d| d.starts_with("espalier-")) {
            let there = SPINE.iter().position(|s| s == used);
            assert!(there.is_some_and(|t| t < place), "{name} uses {used}, which is not to its left on the spine");
        }
    }
}

#[test]
fn each_outside_crate_is_named_only_where_the_design_allows_it() {
    let allowed: [(&str, &[&str]); 10] = [
        ("wgpu", &["espalier-tensor"]),
        ("naga", &[]),
        ("safetensors", &["espalier-nets"]),
        ("yew", &["espalier-web"]),
        ("gloo", &["espalier-web"]),
        ("web-sys", &["espalier-web"]),
        ("js-sys", &["espalier-web"]),
        ("serde-wasm-bindgen", &["espalier-web"]),
        ("wasm-bindgen", &["espalier-web", "espalier-bench"]),
        ("clap", &["espalier-cli", "xtask"]),
    ];
    let all = dependencies(&Value::Null);
    for (outside, by) in allowed {
        for (name, own) in &all {
            assert!(!own.contains(outside) || by.contains(&name.as_str()), "{name} depends on {outside}; only {by:?} may");
        }
    }
}

/// Files under `dir` with this ending, whole tree.
fn files(dir: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for dir in ["crates", "web", "tests"] {
        files(&repository().join(dir), "rs", &mut found);
    }
    assert!(found.len() > 30, "the sources are where this test looks");
    found
}

#[test]
fn wgpu_is_walled_behind_one_module_and_safetensors_behind_another() {
    for (word, home) in [("wgpu::", "crates/tensor/src/gpu"), ("safetensors::", "crates/nets/src/checkpoint")] {
        let mut at_home = false;
        for file in sources() {
            // Its own crate's tests may hold it against the reference implementation.
            let inside = file.starts_with(repository().join(home)) || word == "safetensors::" && file.starts_with(repository().join("crates/nets/tests"));
            let names = fs::read_to_string(&file).expect("text").lines().any(|l| !l.trim_start().starts_with("//") && l.split('"').step_by(2).any(|code| code.contains(word)));
            at_home |= inside && names;
            let this = file.ends_with("tests/laws.rs");
            assert!(inside || this || !names, "{} names {word}; only {home} may", file.display());
        }
        assert!(at_home, "{home} names {word}, or this test looks for the wrong thing");
    }
}

#[test]
fn files_stay_short_and_unfinished_words_stay_out() {
    for file in sources() {
        let text = fs::read_to_string(&file).expect("text");
        assert!(text.lines().count() <= 500, "{} has {} lines; one idea a file", file.display(), text.lines().count());
        if file.ends_with("tests/laws.rs") {
            continue;
        }
        for word in ["todo!(", "unimplemented!(", "FIXME", "XXX"] {
            assert!(!text.contains(word), "{} holds {word}", file.display());
        }
        // A test that is left out says why: a measurement that takes minutes, for instance.
        assert!(!text.contains("#[ignore]"), "{} leaves a test out without a reason", file.display());
    }
}

#[test]
fn every_crate_says_what_it_is_and_takes_the_workspace_lints() {
    for package in metadata()["packages"].as_array().expect("packages") {
        let manifest = package["manifest_path"].as_str().expect("path");
        let text = fs::read_to_string(manifest).expect("text");
        assert!(text.contains("[lints]\nworkspace = true"), "{manifest} takes the workspace's lints");
        for line in text.lines().filter(|l| l.contains("version = \"")) {
            assert!(line.contains("package = \"getrandom\""), "{manifest}: versions are given once, in the workspace: {line}");
        }
    }
}

#[test]
fn the_bundled_checkpoints_are_the_ones_that_may_be_shipped() {
    let dir = repository().join("assets/checkpoints");
    let shipped: BTreeSet<String> = fs::read_dir(&dir).expect("assets/checkpoints").map(|e| e.expect("entry")).filter(|e| e.path().is_dir()).map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(shipped, BTreeSet::from(["shakespeare-llama".into(), "shakespeare-moe".into()]));
    assert!(dir.join("README.md").is_file(), "their source and licence stand beside them");
}
