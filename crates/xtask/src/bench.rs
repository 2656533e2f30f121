//! `cargo xtask bench`: Espalier's hot paths beside their peers in one Chromium.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{run, step, which};
use crate::{page, setup};

/// Builds what is measured, then hands over to the runner in `tests`.
pub fn run_bench(only: Option<&str>, peers: Option<&str>, rounds: Option<u32>, out: Option<PathBuf>) -> Result<()> {
    // Figures have no peers: whoever asks for them alone waits for nothing else.
    let peers_too = only != Some("figures");
    if peers_too && which("npm").is_none() {
        bail!("the peers come from npm; install Node 20 or newer, then run this again");
    }
    let tools = setup::page_tools()?;
    let browser = setup::browser()?;
    let site = std::path::absolute(page::target().join("bench"))?;
    fs::create_dir_all(&site)?;
    let mut bench = Command::new(runner()?);
    bench.env("ESPALIER_PAGE", &site).env("CHROMIUM", &browser.chromium).env("CHROMEDRIVER", &browser.driver);
    if peers_too {
        ours(&tools, &site)?;
        theirs(&site)?;
    }
    let asked = |item: &str| only.is_none_or(|o| o.split(',').any(|word| item.contains(word.trim())));
    if asked("figures live") {
        figures(&tools, &site)?;
    }
    if asked("startup") {
        let built = std::path::absolute(page::folder())?;
        page::release(&tools, &built)?;
        bench.env("ESPALIER_BUILT_PAGE", built);
    }
    let rounds = rounds.map(|r| r.to_string());
    for (key, value) in [("ESPALIER_BENCH_ONLY", only), ("ESPALIER_BENCH_PEERS", peers), ("ESPALIER_BENCH_ROUNDS", rounds.as_deref())] {
        if let Some(value) = value {
            bench.env(key, value);
        }
    }
    if let Some(out) = out {
        bench.env("ESPALIER_BENCH_OUT", std::path::absolute(out)?);
    }
    run(&mut bench)
}

/// The program that drives the browser. It is built as the tests are, with the whole workspace's features, so that nothing is built twice.
fn runner() -> Result<PathBuf> {
    step("Building the runner", "2 minutes the first time", Command::new("cargo").args(["build", "--workspace", "--bin", "bench"]))?;
    Ok(std::path::absolute(page::target().join("debug/bench"))?.with_extension(std::env::consts::EXE_EXTENSION))
}

fn ours(tools: &setup::Tools, site: &Path) -> Result<()> {
    module(tools, "Building Espalier's module", &["-p", "espalier-bench"], "espalier_bench", &site.join("espalier"), "-O2")
}

/// Builds a program for the browser into a folder: `NAME.js` and `NAME_bg.wasm`.
fn module(tools: &setup::Tools, what: &str, which: &[&str], name: &str, out: &Path, level: &str) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--target", "wasm32-unknown-unknown"]).args(which);
    step(what, "4 minutes the first time", &mut cargo)?;
    let mut bindgen = Command::new("wasm-bindgen");
    bindgen.env("PATH", tools.env_path()).args(["--target", "web", "--out-name", name, "--out-dir"]).arg(out);
    run(bindgen.arg(page::target().join("wasm32-unknown-unknown/release").join(name).with_extension("wasm")))?;
    if let Some(wasm_opt) = &tools.wasm_opt {
        page::optimise(wasm_opt, &out.join(format!("{name}_bg.wasm")), level)?;
    }
    Ok(())
}

/// The program that draws one figure at a time, made as small as the page is and with the page's styles.
fn figures(tools: &setup::Tools, site: &Path) -> Result<()> {
    let out = site.join("figures");
    module(tools, "Building the figures", &["-p", "espalier-web", "--bin", "figures"], "figures", &out, "-Oz")?;
    fs::copy("tests/bench/index.html", site.join("index.html"))?;
    fs::copy("tests/bench/figures.html", site.join("figures.html"))?;
    let mut styles = String::new();
    for name in ["espalier", "states", "experts", "language", "map"] {
        styles += &fs::read_to_string(Path::new("assets/styles").join(name).with_extension("css"))?;
    }
    fs::write(out.join("figures.css"), styles)?;
    let fonts = out.join("assets/fonts");
    fs::create_dir_all(&fonts)?;
    for entry in fs::read_dir("assets/fonts")? {
        let path = entry?.path();
        fs::copy(&path, fonts.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

fn theirs(site: &Path) -> Result<()> {
    let source = Path::new("tests/bench");
    let work = site.with_file_name("bench-peers");
    fs::create_dir_all(work.join("peers"))?;
    fs::create_dir_all(site.join("peers"))?;
    let copy = |to: &Path, files: &[&str]| files.iter().try_for_each(|f| fs::copy(source.join(f), to.join(f)).map(drop).with_context(|| (*f).to_owned()));
    copy(&work, &["package.json", "bundle.mjs", "peers/jax.js", "peers/tfjs.js", "peers/ml-matrix.js", "peers/llama.js"])?;
    copy(site, &["index.html", "startup.html", "worker.js", "peers/espalier.js"])?;
    if !work.join("node_modules/ml-matrix").exists() {
        step("Installing the peers from npm", "20 seconds", Command::new("npm").args(["install", "--no-fund", "--no-audit"]).current_dir(&work))?;
    }
    run(Command::new("node").arg("bundle.mjs").arg(site).current_dir(&work))?;
    // tfjs fetches its wasm by itself.
    let wasm = site.join("npm/@tensorflow/tfjs-backend-wasm/dist");
    fs::create_dir_all(&wasm)?;
    for entry in fs::read_dir(work.join("node_modules/@tensorflow/tfjs-backend-wasm/dist"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "wasm") {
            fs::copy(&path, wasm.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}
