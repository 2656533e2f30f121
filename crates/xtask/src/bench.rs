//! `cargo xtask bench`: Espalier's hot paths beside their peers in one Chromium.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{run, step, which};
use crate::{page, setup};

/// Builds what is measured, then hands over to the runner in `tests`.
pub fn run_bench(only: Option<&str>, peers: Option<&str>, out: Option<PathBuf>) -> Result<()> {
    if which("npm").is_none() {
        bail!("the peers come from npm; install Node 20 or newer, then run this again");
    }
    let tools = setup::page_tools()?;
    let browser = setup::browser()?;
    let site = std::path::absolute(page::folder().with_file_name("bench"))?;
    std::fs::create_dir_all(&site)?;
    ours(&tools, &site)?;
    theirs(&site)?;
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--release", "-p", "espalier-tests", "--bin", "bench"]);
    cargo.env("ESPALIER_PAGE", &site).env("CHROMIUM", &browser.chromium).env("CHROMEDRIVER", &browser.driver);
    for (key, value) in [("ESPALIER_BENCH_ONLY", only), ("ESPALIER_BENCH_PEERS", peers)] {
        if let Some(value) = value {
            cargo.env(key, value);
        }
    }
    if let Some(out) = out {
        cargo.env("ESPALIER_BENCH_OUT", std::path::absolute(out)?);
    }
    run(&mut cargo)
}

fn ours(tools: &setup::Tools, site: &Path) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--target", "wasm32-unknown-unknown", "-p", "espalier-bench"]);
    step("Building Espalier's module", "1 minute", &mut cargo)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let wasm = target.join("wasm32-unknown-unknown/release/espalier_bench.wasm");
    let mut bindgen = Command::new("wasm-bindgen");
    bindgen.env("PATH", tools.env_path()).args(["--target", "web", "--out-name", "espalier_bench", "--out-dir"]).arg(site.join("espalier"));
    run(bindgen.arg(&wasm))?;
    if let Some(wasm_opt) = &tools.wasm_opt {
        page::optimise(wasm_opt, &site.join("espalier/espalier_bench_bg.wasm"))?;
    }
    Ok(())
}

fn theirs(site: &Path) -> Result<()> {
    let source = Path::new("tests/bench");
    let work = site.with_file_name("bench-peers");
    std::fs::create_dir_all(work.join("peers"))?;
    std::fs::create_dir_all(site.join("peers"))?;
    for file in ["package.json", "bundle.mjs", "peers/jax.js", "peers/tfjs.js", "peers/ml-matrix.js"] {
        std::fs::copy(source.join(file), work.join(file)).with_context(|| file.to_owned())?;
    }
    for file in ["index.html", "worker.js", "peers/espalier.js"] {
        std::fs::copy(source.join(file), site.join(file)).with_context(|| file.to_owned())?;
    }
    if !work.join("node_modules/ml-matrix").exists() {
        step("Installing the peers from npm", "20 seconds", Command::new("npm").args(["install", "--no-fund", "--no-audit"]).current_dir(&work))?;
    }
    run(Command::new("node").arg("bundle.mjs").arg(site).current_dir(&work))?;
    // tfjs fetches its wasm by itself.
    let wasm = site.join("npm/@tensorflow/tfjs-backend-wasm/dist");
    std::fs::create_dir_all(&wasm)?;
    for entry in std::fs::read_dir(work.join("node_modules/@tensorflow/tfjs-backend-wasm/dist"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "wasm") {
            std::fs::copy(&path, wasm.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}
