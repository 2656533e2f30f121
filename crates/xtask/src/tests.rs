//! `cargo xtask test`: every layer in one run, with one closing line.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
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

/// What goes from layer to layer.
struct Run<'a> {
    filter: Option<&'a str>,
    count: Count,
    /// True until the installation begins that a run of every layer has go on beside tests of crates, which leave a third of two cores idle.
    early: bool,
    /// That installation.
    ahead: Option<JoinHandle<()>>,
}

/// Runs one layer or all, and fails where a test did.
pub fn run(only: Option<Layer>, filter: Option<&str>) -> Result<()> {
    let start = Instant::now();
    let mut run = Run { filter, count: Count::default(), early: only.is_none() && filter.is_none(), ahead: None };
    let mut broken = Vec::new();
    for &layer in Layer::value_variants() {
        if only.is_some_and(|o| o != layer) {
            continue;
        }
        let name = layer.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default();
        println!("── {name}");
        let before = run.count.failed;
        if let Err(error) = run.layer(layer) {
            eprintln!("{error:#}");
            // A layer that could not run at all counts as one failure.
            run.count.failed += u64::from(run.count.failed == before);
            broken.push(name);
        }
    }
    let count = run.count;
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

impl Run<'_> {
    fn layer(&mut self, layer: Layer) -> Result<()> {
        if matches!(layer, Layer::Page | Layer::Browser)
            && let Some(ahead) = self.ahead.take()
        {
            ahead.join().ok();
        }
        match layer {
            Layer::Unit => {
                setup::vulkan()?;
                let targets = test_targets()?;
                self.cargo(&targets.iter().map(String::as_str).collect::<Vec<_>>(), &[])
            }
            Layer::Laws => self.cargo(&["--test", "laws"], &[]),
            Layer::Fixtures => self.cargo(&["--test", "fixtures"], &[]),
            Layer::Page => {
                if self.filter.is_some() {
                    return Ok(());
                }
                let out = page::folder();
                page::release(&setup::page_tools()?, &out)?;
                let weight = page::weigh(&out)?;
                println!("{}", weight.text());
                for (what, bytes, _, limit) in weight.parts() {
                    let fits = bytes <= limit;
                    println!("test page::{what}_within_{}_kb ... {}", limit / 1000, if fits { "ok" } else { "FAILED" });
                    *(if fits { &mut self.count.passed } else { &mut self.count.failed }) += 1;
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
                self.cargo(&["--test", "browser"], &env)
            }
        }
    }

    /// `cargo test` with its output passed on line by line and its closing lines added up.
    fn cargo(&mut self, selection: &[&str], env: &[(&str, String)]) -> Result<()> {
        let mut cargo = Command::new("cargo");
        // Always the whole workspace: a narrower selection has other features, and would build every dependency once more.
        cargo.args(["test", "--workspace", "--no-fail-fast"]).args(selection).args(self.filter.map(|f| ["--", f]).into_iter().flatten());
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
            // The first line is the first test program's: nothing is compiled any more.
            if std::mem::take(&mut self.early) {
                self.ahead = Some(setup::ahead());
            }
            println!("{line}");
            add(&mut self.count, &line);
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("`{shown}` ended with {status}");
        }
        Ok(())
    }
}

/// What selects the libraries, and the programs and test programs that hold tests, but for those that are layers of their own.
fn test_targets() -> Result<Vec<String>> {
    let text = shell::output("cargo", &["metadata", "--format-version", "1", "--no-deps"]).context("cargo metadata failed")?;
    let meta: serde_json::Value = serde_json::from_str(&text)?;
    let packages = meta["packages"].as_array().context("cargo metadata lists no packages")?;
    let mut selection = vec!["--lib".to_owned()];
    for package in packages {
        for target in package["targets"].as_array().into_iter().flatten().filter(|t| t["test"] == true) {
            let flag = match target["kind"][0].as_str() {
                Some("bin") => "--bin",
                Some("test") if package["name"] != "espalier-tests" => "--test",
                _ => continue,
            };
            selection.extend([flag.to_owned(), target["name"].as_str().unwrap_or_default().to_owned()]);
        }
    }
    Ok(selection)
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
