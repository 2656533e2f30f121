//! The Experts place: a text watched, experts dropped and brought back, layers condensed and written, the published search.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::sources_at;
use espalier_tests::browser::{Page, with_page};
use serde_json::json;

use super::open_bundled;

async fn at_experts(page: &Page) -> Result<()> {
    open_bundled(page, "?device=cpu", "shakespeare-moe").await?;
    page.click("[data-test=place-experts]").await?;
    page.find("[data-test=experts][data-open=true]", 20).await.map(|_| ())
}

async fn watched(page: &Page) -> Result<()> {
    at_experts(page).await?;
    page.click("[data-test=experts-watch]").await?;
    page.find("[data-test=experts-strip]", 60).await.map(|_| ())
}

#[test]
fn without_a_model_the_published_search_is_there_and_one_click_opens_a_mixture() {
    with_page(async |page| -> Result<()> {
        page.open("?device=cpu").await?;
        page.click("[data-test=place-experts]").await?;
        let said = page.text_until("[data-test=experts-published]", 20, |t| t.contains("Apache-2.0")).await?;
        ensure!(said.contains("only 2 of 27") && said.contains("19 15 22 10 12 6 14 21 26"), "{said}");
        page.click("[data-test=experts-open]").await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("shakespeare-moe")).await?;
        page.click("[data-test=place-experts]").await?;
        page.find("[data-test=experts-watch]", 10).await?;
        // A dense model says what it is.
        page.click("[data-test=place-open]").await?;
        page.click("[data-test=bundled-shakespeare-llama]").await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("shakespeare-llama")).await?;
        page.click("[data-test=place-experts]").await?;
        let said = page.text_until("[data-test=experts-empty]", 10, |t| t.contains("dense")).await?;
        ensure!(said.contains("LlamaForCausalLM") && said.contains("5 blocks") && said.contains("Open a mixture"), "{said}");
        Ok(())
    });
}

#[test]
fn a_text_is_watched_token_by_token_and_two_are_compared() {
    with_page(async |page| -> Result<()> {
        watched(&page).await?;
        // Each token is a box of its own, so the text is asked for without its lines.
        let strip = page.until("const t = document.querySelector('[data-test=experts-strip]')?.textContent; return t?.includes('winter') ? t : null", 10).await?;
        let strip = strip.as_str().unwrap_or_default();
        ensure!(strip.contains("discontent") && strip.contains("buried"), "{strip}");
        let path = page.text_until("[data-test=experts-path]", 10, |t| t.contains("gate weight")).await?;
        ensure!(path.contains("its 4 experts of 16"), "{path}");
        let key = "document.querySelector('[data-test=experts-strip]').dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0], bubbles: true, cancelable: true }))";
        page.js(key, json!(["Home"])).await?;
        page.text_until("[data-test=experts-token]", 5, |t| t == "1").await?;
        page.js(key, json!(["ArrowRight"])).await?;
        page.text_until("[data-test=experts-token]", 5, |t| t == "2").await?;
        page.click("[data-test=experts-look] [data-choice=compare-texts]").await?;
        page.click("[data-test=experts-compare]").await?;
        let said = page.text_until("[data-test=experts-difference]", 60, |t| t.contains("tells them apart most")).await?;
        ensure!(said.contains("Red wakes for the first text"), "{said}");
        Ok(())
    });
}

#[test]
fn experts_are_dropped_by_keys_measured_and_brought_back() {
    with_page(async |page| -> Result<()> {
        watched(&page).await?;
        let whole = page.text_until("[data-test=experts-left]", 10, |t| t.contains("100")).await?;
        let key = "document.querySelector('[data-test=experts-grid] .expertgrid').dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0], bubbles: true, cancelable: true }))";
        for k in ["ArrowRight", "Enter", "ArrowRight", "Enter"] {
            page.js(key, json!([k])).await?;
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
        page.text_until("[data-test=experts-said]", 5, |t| t.contains("2 experts dropped")).await?;
        let left = page.text_until("[data-test=experts-left]", 5, |t| !t.contains("100")).await?;
        ensure!(left != whole, "memory follows at once: {left}");
        page.click("[data-test=experts-measure-now]").await?;
        let ppl = page.text_until("[data-test=experts-perplexity]", 120, |t| t.chars().any(|c| c.is_ascii_digit())).await?;
        ensure!(!ppl.contains('–'), "{ppl}");
        page.click("[data-test=experts-undo]").await?;
        page.text_until("[data-test=experts-said]", 5, |t| t.contains("1 expert dropped")).await.map(|_| ())
    });
}

#[test]
fn layers_are_condensed_taken_over_and_written() {
    with_page(async |page| -> Result<()> {
        at_experts(&page).await?;
        let set = "const e = document.querySelector(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('change', { bubbles: true }))";
        page.js(set, json!(["[data-test=experts-knob-samples]", "4"])).await?;
        page.click("[data-test=experts-rivals] [data-choice=leave-out]").await?;
        // Frames that the page's own thread made long, with what ran in them.
        let watch = "window.long = []; new PerformanceObserver((list) => list.getEntries().forEach((e) => long.push({ at: Math.round(e.startTime), ms: Math.round(e.duration),
            drawing: Math.round(e.startTime + e.duration - e.renderStart), styles: Math.round(e.startTime + e.duration - e.styleAndLayoutStart),
            scripts: e.scripts.map((s) => `${s.invoker} ${Math.round(s.duration)} ms, layout ${Math.round(s.forcedStyleAndLayoutDuration)}`) }))).observe({ type: 'long-animation-frame' })";
        page.js(watch, json!([])).await?;
        page.click("[data-test=experts-search]").await?;
        let steps = page.text_until("[data-test=experts-steps]", 240, |t| t.contains('2') && !t.contains('…')).await?;
        ensure!(steps.contains("whole"), "{steps}");
        // How long is for the reader of this line: a machine that is busy is no fault of the page.
        let long = page.js("return long", json!([])).await?;
        println!("frames over 50 ms while searching: {}{long:#}", long.as_array().context("a list")?.len());
        page.click("[data-test=experts-take]").await?;
        page.text_until("[data-test=experts-said]", 10, |t| t.contains("2 layers condensed")).await?;
        page.find("[data-test=experts-save]:not([disabled])", 20).await?;
        page.click("[data-test=experts-save]").await?;
        let path: PathBuf = page.download(".safetensors", 60).await?;
        let copy = pollster::block_on(Checkpoint::open(sources_at(&[path])?))?;
        let dense = copy.tensors.iter().filter(|t| t.name.ends_with(".mlp.gate_proj.weight")).count();
        ensure!(dense == 2, "{dense} layers are dense in the copy");
        ensure!(copy.tensors.iter().filter(|t| t.name.ends_with(".mlp.gate.weight")).count() == 3, "their routers are gone");
        page.text_until("[data-test=experts-saved]", 20, |t| t.contains("saved")).await.map(|_| ())
    });
}

#[test]
fn a_block_that_a_rival_drops_is_taken_over_measured_and_written() {
    with_page(async |page| -> Result<()> {
        at_experts(&page).await?;
        let set = "const e = document.querySelector(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('change', { bubbles: true }))";
        page.js(set, json!(["[data-test=experts-knob-samples]", "2"])).await?;
        page.click("[data-test=experts-search]").await?;
        page.until("return [...document.querySelectorAll('[data-test=experts-ghost] option')].some((o) => o.value === 'BlockDrop') ? 1 : null", 300).await?;
        page.find("[data-test=experts-search]:not([disabled])", 400).await?;
        page.js(set, json!(["[data-test=experts-ghost]", "BlockDrop"])).await?;
        page.click("[data-test=experts-ghost-take]").await?;
        let said = page.text_until("[data-test=experts-said]", 10, |t| t.contains("dropped")).await?;
        ensure!(said.contains("2 blocks dropped"), "{said}");
        page.click("[data-test=experts-measure-now]").await?;
        page.find("[data-test=experts-save]:not([disabled])", 120).await?;
        page.click("[data-test=experts-save]").await?;
        let copy = pollster::block_on(Checkpoint::open(sources_at(&[page.download(".safetensors", 60).await?])?))?;
        let blocks: std::collections::BTreeSet<u32> = copy.tensors.iter().filter_map(|t| t.block).collect();
        ensure!(blocks == [0, 1, 2].into(), "the blocks that stay are numbered anew: {blocks:?}");
        let config: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(page.download("config.json", 20).await?)?)?;
        ensure!(config["num_hidden_layers"] == json!(3), "{config}");
        Ok(())
    });
}
