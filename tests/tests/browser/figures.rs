//! Figures in the hand: how one is looked at stays, travels in links, and is seen by its neighbours.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use espalier_tests::browser::{Page, with_page};
use serde_json::json;

use super::open_bundled;

async fn key(page: &Page, element: &str, key: &str) -> Result<()> {
    let script = "const e = document.querySelector(arguments[0]); e.focus(); e.dispatchEvent(new KeyboardEvent('keydown', { key: arguments[1], bubbles: true, cancelable: true }));";
    page.js(script, json!([element, key])).await.map(|_| ())
}

async fn inspect(page: &Page) -> Result<()> {
    open_bundled(page, "?device=cpu", "shakespeare-llama").await?;
    page.click("[data-test=run-spectra]").await?;
    page.find("[data-test=spectra-done]", 120).await.map(|_| ())
}

const PLOT: &str = "[data-test=spectrum-chart] .plot";

#[test]
fn axes_zoom_and_pin_of_a_figure_come_back_from_its_link() {
    with_page(async |page| -> Result<()> {
        inspect(&page).await?;
        page.click("[data-test=spectrum-chart] [data-mode=lin]").await?;
        for _ in 0..3 {
            key(&page, PLOT, "ArrowRight").await?;
        }
        // The wheel over a figure with the focus looks closer.
        let wheel = "const e = document.querySelector(arguments[0]), r = e.getBoundingClientRect(); e.dispatchEvent(new WheelEvent('wheel', { deltaY: -100, clientX: r.left + r.width / 2, clientY: r.top + r.height / 2, bubbles: true, cancelable: true }));";
        page.js(wheel, json!([PLOT])).await?;
        let seen = "return [...document.querySelectorAll('[data-test=spectrum-chart] .plot svg text')].map(e => e.textContent).join(' ') + ' | ' + document.querySelector('[data-test=spectrum-chart] .readout.pinned')?.innerText";
        page.until(&format!("{}?.includes('rank 4') ? 1 : null", seen.replace("return ", "return (").to_owned() + ")"), 5).await?;
        let before = page.js(seen, json!([])).await?;
        let link = page.link().await?;
        page.driver.goto("about:blank").await?;
        page.open(&link).await?;
        page.find("[data-test=spectrum-chart] [data-mode=lin][aria-pressed=true]", 60).await?;
        page.find("[data-test=spectrum-chart] .readout.pinned", 10).await?;
        let after = page.js(seen, json!([])).await?;
        ensure!(before == after, "{before} then {after}");
        // Escape gives the whole curve back.
        key(&page, PLOT, "Escape").await?;
        page.gone("[data-test=spectrum-chart] .readout.pinned", 5).await
    });
}

#[test]
fn figures_that_share_an_axis_mark_the_same_place() {
    with_page(async |page| -> Result<()> {
        inspect(&page).await?;
        let dotted = "return document.querySelectorAll('.panels svg [stroke-dasharray]').length";
        let rest = page.js(dotted, json!([])).await?.as_u64().unwrap_or(0);
        let moved = "const e = document.querySelector(arguments[0]), r = e.getBoundingClientRect(); e.dispatchEvent(new PointerEvent('pointermove', { clientX: r.left + r.width / 2, clientY: r.top + r.height / 2, bubbles: true }));";
        page.js(moved, json!([PLOT])).await?;
        page.until(&format!("{dotted} > {rest} ? 1 : null"), 5).await?;
        page.js("document.querySelector(arguments[0]).dispatchEvent(new PointerEvent('pointerleave'))", json!([PLOT])).await?;
        page.until(&format!("{dotted} === {rest} ? 1 : null"), 5).await.map(|_| ())
    });
}

#[test]
fn a_colour_scale_that_is_held_stays_for_the_next_tensor() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        let ends = "return [...document.querySelectorAll('.heatmap svg text')].map(e => e.textContent).filter(t => /^[−-]?[\\d.]+$/.test(t)).join(' ')";
        let hold = "[data-tool=hold]";
        page.find(hold, 20).await?;
        page.click(hold).await?;
        page.find("[data-tool=hold][aria-pressed=true]", 5).await?;
        let before = page.js(ends, json!([])).await?;
        let other = "const name = document.querySelector('[data-test=row].on').dataset.tensor; [...document.querySelectorAll('[data-test=row]')].find(r => r.dataset.tensor.includes('o_proj') && r.dataset.tensor !== name).click()";
        page.js(other, json!([])).await?;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        page.find("[data-tool=hold][aria-pressed=true]", 10).await?;
        let held = page.js(ends, json!([])).await?;
        page.click(hold).await?;
        page.find("[data-tool=hold][aria-pressed=false]", 5).await?;
        ensure!(before == held, "{before}, held {held}");
        page.until(&format!("return ({}) !== {held} || null", ends.trim_start_matches("return ")), 20).await.context("what is let go has its own ends")?;
        Ok(())
    });
}

#[test]
fn a_stroke_over_the_rank_bars_paints_every_bar_it_crosses_and_is_one_step() {
    with_page(async |page| -> Result<()> {
        page.open("?device=cpu").await?;
        page.click("[data-test=place-rank]").await?;
        page.find("[data-test=rank-bars] [data-column='0']", 20).await?;
        // From the first row to the last in one move, at a share that is far from the first row's cut.
        let script = "const limbs = document.querySelector('[data-test=rank-bars] .limbs'), bars = [...limbs.querySelectorAll(`[data-column='0']`)].map((h) => { const r = h.getBoundingClientRect();
                return { x: r.left + r.width / 2, y: r.top + r.height / 2, share: h.ariaValueNow / h.ariaValueMax }; });
            const two = bars.find((b) => b.share !== bars[0].share), slope = (two.x - bars[0].x) / (two.share - bars[0].share), share = bars[0].share > 0.5 ? 0.25 : 0.75;
            const x = bars[0].x + (share - bars[0].share) * slope, last = bars.at(-1);
            const at = (type, y) => limbs.dispatchEvent(new PointerEvent(type, { pointerId: 9, pointerType: 'mouse', clientX: x, clientY: y, bubbles: true }));
            at('pointerdown', bars[0].y); at('pointermove', last.y); at('pointerup', last.y); return [bars.length, share]";
        let drawn = page.js(script, json!([])).await?;
        let (rows, share) = (drawn[0].as_u64().unwrap_or(0), drawn[1].as_f64().unwrap_or(0.0));
        ensure!(rows >= 5, "{drawn}");
        page.text_until(".status", 5, |t| t.contains("undo 1")).await?;
        let shares = page.js("return [...document.querySelectorAll(`[data-test=rank-bars] [data-column='0']`)].map((h) => h.ariaValueNow / h.ariaValueMax)", json!([])).await?;
        for s in shares.as_array().into_iter().flatten().filter_map(serde_json::Value::as_f64) {
            // A pixel and a whole rank.
            ensure!((s - share).abs() < 0.03, "{shares} for {share}");
        }
        // Back in one step.
        page.js("document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'z', ctrlKey: true, bubbles: true, cancelable: true }))", json!([])).await?;
        page.text_until(".status", 5, |t| !t.contains("undo")).await.map(|_| ())
    });
}
