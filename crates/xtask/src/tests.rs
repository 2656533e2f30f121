//! `cargo xtask test`: every layer in one run, with one closing line.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::{page, setup, shell};

/// Layers of tests, from the fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layer {
    /// Unit, property, twin, gradient and command-line tests of every crate; shaders on the CPU, on the no-op backend and on native Vulkan.
    Unit,
    /// The design's laws over the repository: who may name what, twins, versions.
    Laws,
    /// Conformance with the papers' official code, over the folder ESPALIER_FIXTURES.
    Fixtures,
    /// The built page: its weight.
    Page,
    /// The page in a real Chromium over WebDriver.
    Browser,
}

#[derive(Default)]
struct Count {
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// Runs one layer or all, and fails where a test did.
pub fn run(only: Option<Layer>, filter: Option<&str>) -> Result<()> {
    let start = Instant::now();
    let mut count = Count::default();
    let mut broken = Vec::new();
    for &layer in Layer::value_variants() {
        if only.is_some_and(|o| o != layer) {
            continue;
        }
        let name = layer.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default();
        println!("── {name}");
        let before = count.failed;
        if let Err(error) = one(layer, filter, &mut count) {
            eprintln!("{error:#}");
            // A layer that could not run at all counts as one failure.
            count.failed += u64::from(count.failed == before);
            broken.push(name);
        }
    }
    println!("── all layers in {:.0} s{}", start.elapsed().as_secs_f64(), if broken.is_empty() { String::new() } else { format!(", failing: {}", broken.join(", ")) });
    println!("{} passed, {} failed, {} skipped", count.passed, count.failed, count.ignored);
    if count.failed > 0 {
        bail!("some tests failed");
    }
    if count.passed == 0 {
        bail!("no test ran; is the filter right?");
    }
    Ok(())
}

fn one(layer: Layer, filter: Option<&str>, count: &mut Count) -> Result<()> {
    match layer {
        Layer::Unit => {
            setup::vulkan()?;
            let mut targets = vec!["--lib".to_owned(), "--bins".to_owned()];
            targets.extend(test_targets()?.into_iter().flat_map(|t| ["--test".to_owned(), t]));
            cargo(&targets.iter().map(String::as_str).collect::<Vec<_>>(), &[], filter, count)
        }
        Layer::Laws => cargo(&["--test", "laws"], &[], filter, count),
        Layer::Fixtures => cargo(&["--test", "fixtures"], &[], filter, count),
        Layer::Page => {
            if filter.is_some() {
                return Ok(());
            }
            let out = page::folder();
            page::release(&setup::page_tools()?, &out)?;
            let weight = page::weigh(&out)?;
            println!("{}", weight.text());
            for (what, bytes, _, limit) in weight.parts() {
                let fits = bytes <= limit;
                println!("test page::{what}_within_{}_kb ... {}", limit / 1000, if fits { "ok" } else { "FAILED" });
                *(if fits { &mut count.passed } else { &mut count.failed }) += 1;
            }
            Ok(())
        }
        Layer::Browser => {
            let browser = setup::browser()?;
            let out = page::folder();
            // After the page layer this is a second of looking at time stamps.
            page::release(&setup::page_tools()?, &out)?;
            let page = std::path::absolute(&out)?;
            let text = |p: &std::path::Path| p.to_string_lossy().into_owned();
            let env = [("ESPALIER_PAGE", text(&page)), ("CHROMIUM", text(&browser.chromium)), ("CHROMEDRIVER", text(&browser.driver)), ("ESPALIER_AXE", text(&setup::axe()?))];
            cargo(&["--test", "browser"], &env, filter, count)
        }
    }
}

/// Test targets of every crate but the one whose targets are layers of their own.
fn test_targets() -> Result<Vec<String>> {
    let text = shell::output("cargo", &["metadata", "--format-version", "1", "--no-deps"]).context("cargo metadata failed")?;
    let meta: serde_json::Value = serde_json::from_str(&text)?;
    let packages = meta["packages"].as_array().context("cargo metadata lists no packages")?;
    let others = packages.iter().filter(|p| p["name"] != "espalier-tests");
    let targets = others.flat_map(|p| p["targets"].as_array().into_iter().flatten());
    let tests = targets.filter(|t| t["kind"][0] == "test").filter_map(|t| t["name"].as_str());
    Ok(tests.map(str::to_owned).collect())
}

/// `cargo test` with its output passed on line by line and its closing lines added up.
fn cargo(selection: &[&str], env: &[(&str, String)], filter: Option<&str>, count: &mut Count) -> Result<()> {
    let mut cargo = Command::new("cargo");
    // Always the whole workspace: a narrower selection has other features, and would build every dependency once more.
    cargo.args(["test", "--workspace", "--no-fail-fast"]).args(selection).args(filter.map(|f| ["--", f]).into_iter().flatten());
    cargo.envs(env.iter().map(|(k, v)| (*k, v.as_str())));
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // Mesa's Vulkan driver complains on every start without one.
        cargo.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    }
    let shown = shell::show(&cargo);
    let mut child = cargo.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().with_context(|| format!("could not start `{shown}`"))?;
    let out = child.stdout.take().context("no output")?;
    for line in BufReader::new(out).lines() {
        let line = line?;
        println!("{line}");
        add(count, &line);
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// Adds a runner's closing line (`test result: ok. 3 passed; 0 failed; 1 ignored; …` or `3 passed, 0 failed`).
fn add(count: &mut Count, line: &str) {
    let Some(rest) = line.strip_prefix("test result: ").and_then(|r| r.split_once(". ")).map(|(_, r)| r).or_else(|| line.starts_with(|c: char| c.is_ascii_digit()).then_some(line)) else {
        return;
    };
    let parts: Vec<(u64, &str)> = rest.split([';', ',']).filter_map(|p| p.trim().split_once(' ')).filter_map(|(n, w)| Some((n.parse().ok()?, w))).collect();
    if parts.len() < 2 || parts[0].1 != "passed" {
        return;
    }
    for (n, word) in parts {
        match word {
            "passed" => count.passed += n,
            "failed" => count.failed += n,
            "ignored" | "skipped" => count.ignored += n,
            _ => {}
        }
    }
}

#[cfg(test)]
#[expect(clippy::module_inception, reason = "tests of the command that runs tests")]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_both_kinds_are_added_and_others_are_not() {
        let mut c = Count::default();
        for line in [
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s",
            "7 passed, 1 failed",
            "5 matrices in 3 s",
            "test a ... ok",
        ] {
            add(&mut c, line);
        }
        assert_eq!((c.passed, c.failed, c.ignored), (22, 3, 1));
    }
}
