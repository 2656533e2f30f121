//! Language models in the tab: read a text, prune, measure, write, sweep, compare texts.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::sources_at;
use espalier_tests::browser::{Page, with_page};
use serde_json::json;

use super::open_bundled;

pub async fn set(page: &Page, css: &str, value: &str) -> Result<()> {
    page.find(css, 10).await?;
    let script = "const e = document.querySelector(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('change', { bubbles: true })); return true;";
    page.js(script, json!([css, value])).await.map(|_| ())
}

pub async fn shot(page: &Page, name: &str) -> Result<()> {
    match std::env::var_os("ESPALIER_SHOTS") {
        Some(dir) => page.screenshot(&std::path::PathBuf::from(dir).join(format!("{name}.png"))).await,
        None => Ok(()),
    }
}

async fn wanda(page: &Page) -> Result<()> {
    open_bundled(page, "?device=cpu", "shakespeare-llama").await?;
    page.click("[data-test=place-prune]").await?;
    page.click("[data-test=prune-method] [data-choice=wanda]").await
}

/// Perplexities of the first text, before and after.
fn both(text: &str) -> Result<[f64; 2]> {
    let numbers: Vec<f64> = text.split(|c: char| !c.is_ascii_digit() && c != '.').filter_map(|p| p.parse().ok()).collect();
    match numbers[..] {
        [a, b, ..] => Ok([a, b]),
        _ => anyhow::bail!("{text:?} holds no two numbers"),
    }
}

#[test]
fn wanda_reads_a_text_measures_before_and_after_and_both_models_go_on_with_a_prompt() {
    with_page(async |page| -> Result<()> {
        let started = Instant::now();
        wanda(&page).await?;
        page.click("[data-test=prune-run]").await?;
        let text = page.text_until("[data-test=prune-stat-perplexity]", 90, |t| t.contains('→')).await?;
        page.find("[data-test=prune-run]:not([disabled])", 90).await?;
        let took = started.elapsed().as_secs_f64();
        eprintln!("opened, pruned by Wanda and measured on three texts in {took:.1} s");
        let [before, after] = both(text.split('\n').next_back().unwrap_or(&text))?;
        // The bundled model's own figures on held-out plays: about ten and a half before.
        ensure!((9.0..13.0).contains(&before) && after > before && after < 2.0 * before, "{text}");
        ensure!(page.text("[data-test=prune-stat-achieved]").await?.contains("50.0"), "actual sparsity stands beside it");
        ensure!(page.text("[data-test=prune-perplexity]").await?.contains("arithmetic"), "every text has its row");
        page.find("[data-test=prune-output-error] svg.scene", 10).await?;
        // The same prompt, side by side, with the likeliest next tokens.
        page.click("[data-test=words-go]").await?;
        page.find("[data-test=words-pruned] .next li", 90).await?;
        let [dense, pruned] = [page.text("[data-test=words-dense] .text").await?, page.text("[data-test=words-pruned] .text").await?];
        ensure!(dense.starts_with("ROMEO") && dense.len() > 40 && pruned.len() > 40 && dense != pruned, "{dense:?} {pruned:?}");
        shot(&page, "prune-wanda").await?;
        // Undo takes the rule back.
        let undo = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'z', ctrlKey: true, bubbles: true, cancelable: true }))";
        page.js(undo, json!([])).await?;
        page.find("[data-test=prune-method] [data-choice=magnitude][aria-pressed=true]", 5).await.map(|_| ())
    });
}

#[test]
fn outliers_stand_on_the_bars_and_their_copy_is_what_the_page_said() {
    with_page(async |page| -> Result<()> {
        wanda(&page).await?;
        set(&page, "[data-test=calibration-samples]", "8").await?;
        page.click("[data-test=prune-outliers]").await?;
        page.find("[data-ghost=OWL]:not([disabled])", 60).await?;
        page.click("[data-test=prune-allocation] [data-choice=owl]").await?;
        let kept = "return [...document.querySelectorAll('[data-test=prune-bars] .siderow.on, [data-test=prune-bars] .siderow')].map(r => r.querySelector('input').value)";
        let before = page.js(kept, json!([])).await?;
        set(&page, "[data-test=prune-lambda]", "0.2").await?;
        let moved = format!("return JSON.stringify({}) !== {} || null", kept.trim_start_matches("return "), json!(before.to_string()));
        page.until(&moved, 10).await.context("λ moves the bars at once")?;
        page.click("[data-test=prune-run]").await?;
        page.text_until("[data-test=prune-stat-achieved]", 90, |t| t.contains('%')).await?;
        page.find("[data-test=prune-save]:not([disabled])", 90).await?;
        let said = page.text("[data-test=prune-stat-achieved] dd").await?;
        page.click("[data-test=prune-e2]").await?;
        page.click("[data-test=prune-save]").await?;
        let copy = page.download(".safetensors", 60).await?;
        ensure!(copy.to_string_lossy().contains("owl"), "{copy:?}");
        let recipe = std::fs::read_to_string(page.download("-recipe.yaml", 30).await?)?;
        ensure!(recipe.contains("WandaPruningModifier"), "{recipe}");
        let record = std::fs::read_to_string(page.download("espalier-run.json", 30).await?)?;
        ensure!(record.contains("\"method\":\"owl\""), "the record holds the run");
        let copy = pollster::block_on(Checkpoint::open(sources_at(&[copy]).context("it is there")?))?;
        let (mut zeros, mut all) = (0usize, 0usize);
        for m in copy.matrices().iter().filter(|m| m.prunable) {
            let w = pollster::block_on(copy.read_matrix(m))?;
            zeros += w.iter().filter(|v| **v == 0.0).count();
            all += w.len();
        }
        let share = format!("{:.1}", 100.0 * zeros as f64 / all as f64);
        ensure!(said.contains(&share), "the page says {said}, the copy has {share} %");
        shot(&page, "prune-owl").await
    });
}

#[test]
fn a_link_restores_the_knobs_and_runs_it_again_and_own_texts_stay_here() {
    with_page(async |page| -> Result<()> {
        wanda(&page).await?;
        set(&page, "[data-test=calibration-samples]", "4").await?;
        set(&page, "[data-test=calibration-text]", "arithmetic").await?;
        page.click("[data-test=calibration-format] [data-choice=one]").await?;
        page.click("[data-test=prune-run]").await?;
        // Before its end a run counts as the last one.
        let said = page.text_until("[data-test=prune-stat-perplexity]", 90, |t| t.contains('→') && !t.contains("last run")).await?;
        page.find("[data-test=prune-run]:not([disabled])", 90).await?;
        let link = page.link().await?;
        page.driver.goto("about:blank").await?;
        page.open(&link).await?;
        // Before its end a run counts as the last one.
        let again = page.text_until("[data-test=prune-stat-perplexity]", 120, |t| t.contains('→') && !t.contains("last run")).await?;
        ensure!(again == said, "{said} {again}");
        ensure!(page.js("return document.querySelector('[data-test=calibration-text]').value", json!([])).await? == json!("arithmetic"));
        // An own text: too short for a window is said, and nothing of it stands in the address.
        page.click("[data-test=own-write]").await?;
        page.find("[data-test=own-text]", 5).await?;
        page.js("document.querySelector('[data-test=own-text]').value = 'A secret of mine.'", json!([])).await?;
        page.click("[data-test=own-take]").await?;
        page.click("[data-test=prune-run]").await?;
        let fault = page.text_until(".faults", 60, |t| t.contains("longest")).await?;
        ensure!(fault.contains("shorter windows or a longer text"), "{fault}");
        page.link().await?;
        let hash = page.js("return decodeURIComponent(location.hash)", json!([])).await?;
        ensure!(!hash.to_string().contains("secret"));
        ensure!(page.elsewhere().is_empty(), "nothing leaves: {:?}", page.elsewhere());
        Ok(())
    });
}

#[test]
fn a_sweep_is_cancelled_goes_on_where_it_was_and_becomes_an_allocation() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=place-study]").await?;
        set(&page, "[data-test=calibration-samples]", "4").await?;
        set(&page, "[data-test=measure-windows]", "4").await?;
        page.click("[data-test=sweep-run]").await?;
        let count = |t: &str| t.split(' ').next().and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
        page.text_until("[data-test=sweep-count]", 60, |t| count(t) >= 3).await?;
        let asked = Instant::now();
        page.click("[data-test=cancel-here]").await?;
        page.find("[data-test=sweep-run]:not([disabled])", 10).await?;
        eprintln!("cancelled in {} ms, with the driver's own way there and back", asked.elapsed().as_millis());
        let kept = count(&page.text("[data-test=sweep-count]").await?);
        ensure!((3..25).contains(&kept), "{kept} cells are kept");
        ensure!(page.text("[data-test=sweep-run]").await?.contains(&format!("{}", 25 - kept)), "the button says what is left");
        page.click("[data-test=sweep-run]").await?;
        page.text_until("[data-test=sweep-count]", 120, |t| t.starts_with("25")).await?;
        page.find("[data-test=sweep-take]:not([disabled])", 30).await?;
        shot(&page, "study-sweep").await?;
        page.click("[data-test=sweep-take]").await?;
        page.find(".app[data-place=prune]", 5).await?;
        page.find("[data-ghost=measured]:not([disabled])", 5).await?;
        page.find("[data-test=prune-allocation] [data-choice=measured][aria-pressed=true]", 5).await.map(|_| ())
    });
}

#[test]
fn a_study_of_texts_fills_its_matrix_and_judges_the_claims() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=place-study]").await?;
        for (knob, value) in [("calibration-samples", "4"), ("calibration-length", "64"), ("measure-windows", "2")] {
            set(&page, &format!("[data-test={knob}]"), value).await?;
        }
        page.click("[data-test=study-run]").await?;
        page.find("[data-test=study-matrix] svg.scene", 90).await?;
        page.find("[data-test=claims] .v", 400).await?;
        // What was measured is not measured again: the button says so.
        page.text_until("[data-test=study-run]", 60, |t| t == "Measured").await?;
        let claims = page.text("[data-test=claims]").await?;
        ensure!(claims.matches("here").count() + claims.matches("not decided").count() + claims.matches("not run").count() >= 5, "{claims}");
        ensure!(page.text("[data-test=study-removed]").await?.contains("in every run"), "equal sparsity");
        page.find("[data-test=study-agreement] svg.scene", 10).await?;
        page.click("[data-test=tokens] summary").await?;
        page.click("[data-test=token-look]").await?;
        let tokens = page.text_until("[data-test=token-count]", 30, |t| t.contains("tokens")).await?;
        ensure!(tokens.split(' ').next().and_then(|n| n.parse::<u32>().ok()).is_some_and(|n| n > 5 && n < 42), "{tokens}");
        shot(&page, "study").await
    });
}
