//! Links: the same picture for whoever follows one, and a word where that cannot be.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use espalier_nets::testing::Builder;
use espalier_tests::browser::{Page, with_page};
use serde_json::json;

use super::open_bundled;

/// The hash of every drawing and number of the screen, once it no longer changes.
async fn picture(page: &Page) -> Result<String> {
    let script = "const done = arguments[0]; const of = () => [...document.querySelectorAll('.main svg, .main [data-test^=rank-stat], .main [data-test^=prune-stat], .main output')].map(e => e.outerHTML).join('');
        (async () => { let before; for (let i = 0; i < 60; i++) { const now = of(); if (now === before && now.length > 1000) break; before = now; await new Promise(r => setTimeout(r, 250)); }
        const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(before)); done(`${before.length} ${[...new Uint8Array(bytes)].map(b => b.toString(16).padStart(2, '0')).join('')}`); })()";
    Ok(page.js_async(script, json!([])).await?.as_str().unwrap_or_default().to_owned())
}

/// Leaves the page and comes back by this link, as someone else would.
async fn follow(page: &Page, link: &str) -> Result<()> {
    page.driver.goto("about:blank").await?;
    page.open(link).await
}

async fn key(page: &Page, element: &str, key: &str, times: usize) -> Result<()> {
    let script = "const e = document.querySelector(arguments[0]); e.focus(); for (let i = 0; i < arguments[2]; i++) e.dispatchEvent(new KeyboardEvent('keydown', { key: arguments[1], bubbles: true, cancelable: true }));";
    page.js(script, json!([element, key, times])).await.map(|_| ())
}

#[test]
fn a_link_restores_the_picture_of_every_place() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=run-spectra]").await?;
        page.find("[data-test=spectra-done]", 120).await?;
        // Rank: by hand, one bar moved.
        page.click("[data-test=place-rank]").await?;
        page.click("[data-choice=by-hand]").await?;
        key(&page, ".rank [role=slider]", "ArrowLeft", 5).await?;
        // Prune: bars by hand, and a run over them.
        page.click("[data-test=place-prune]").await?;
        key(&page, ".main [role=slider]", "ArrowLeft", 3).await?;
        page.click("[data-test=prune-run]").await?;
        page.text_until("[data-test=place-prune]", 60, |t| t.contains('%')).await?;
        for place in ["inspect", "rank", "prune"] {
            page.click(&format!("[data-test=place-{place}]")).await?;
            page.find(&format!(".app[data-place={place}]"), 5).await?;
            let before = picture(&page).await?;
            let link = page.link().await?;
            ensure!(link.contains(&format!("page={place}")) && link.contains("open=shakespeare-llama") && link.contains("device=cpu"), "{link}");
            follow(&page, &link).await?;
            page.find(&format!(".app[data-place={place}]"), 30).await?;
            page.text_until("[data-test=place-prune]", 120, |t| t.contains('%')).await?;
            ensure!(page.driver.find_all(thirtyfour::By::Css("[data-test=link-notes]")).await?.is_empty(), "nothing is amiss");
            let after = picture(&page).await?;
            ensure!(before == after, "{place} by {link}: {before}, then {after}");
        }
        Ok(())
    });
}

#[test]
fn back_and_forward_go_between_places_and_keep_what_was_edited() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.link().await?;
        page.click("[data-test=place-rank]").await?;
        page.link().await?;
        page.click("[data-test=place-prune]").await?;
        page.click("[data-test=prune-scope] [data-choice=row]").await?;
        page.link().await?;
        page.driver.back().await?;
        page.find(".app[data-place=rank]", 5).await?;
        page.driver.back().await?;
        page.find(".app[data-place=inspect]", 5).await?;
        for place in ["rank", "prune"] {
            page.driver.forward().await?;
            page.find(&format!(".app[data-place={place}]"), 5).await?;
        }
        page.find("[data-test=prune-scope] [data-choice=row][aria-pressed=true]", 5).await?;
        // A place that is left at once has its entry, too; and what is changed after going back is no step of its own, before which the way forward would be lost.
        for place in ["study", "map"] {
            page.click(&format!("[data-test=place-{place}]")).await?;
        }
        page.link().await?;
        page.driver.back().await?;
        page.find(".app[data-place=study]", 5).await?;
        page.click("[data-test=sweep-part] [data-choice=linear]").await?;
        ensure!(page.link().await?.contains("page=study"));
        page.driver.forward().await?;
        page.find(".app[data-place=map]", 5).await.map(|_| ())
    });
}

#[test]
fn cut_newer_and_broken_links_are_told_and_the_rest_is_kept() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=place-rank]").await?;
        let link = page.link().await?;
        for (link, words) in [
            (link[..link.len() - 3].to_owned(), "cut"),
            (link.replace("v=1", "v=2").replace("&seed", "&fold=1&tint=2&seed"), "newer version"),
            (format!("{link}&colour=red"), "colour"),
            (link.replace("seed=7", "seed=seven"), "seed=seven"),
        ] {
            follow(&page, &link).await?;
            let said = page.text_until("[data-test=link-notes]", 30, |t| !t.is_empty()).await?;
            ensure!(said.contains(words), "{link}: {said}");
            page.find(".app[data-place=rank]", 30).await.with_context(|| link.clone())?;
            page.text_until("[data-test=checkpoint]", 30, |t| t.contains("shakespeare-llama")).await?;
        }
        follow(&page, "#open=orchard-1b&page=rank").await?;
        page.text_until("[data-test=link-notes]", 30, |t| t.contains("orchard-1b")).await.map(|_| ())
    });
}

#[test]
fn a_link_to_a_local_file_waits_for_it_and_knows_another() {
    with_page(async |page| -> Result<()> {
        let mine = Builder::new().made_up("model.layers.0.mlp.up_proj.weight", &[24, 40]).made_up("model.layers.1.mlp.up_proj.weight", &[24, 40]).build();
        let other = Builder::new().made_up("w", &[8, 8]).build();
        page.open("?device=cpu").await?;
        page.drop_files(&[("mine.safetensors", &mine)]).await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("mine")).await?;
        page.click("[data-test=run-spectra]").await?;
        page.find("[data-test=spectra-done]", 60).await?;
        let link = page.link().await?;
        ensure!(link.contains("file=mine") && link.contains(&format!("size={}", mine.len())), "{link}");
        let sha = link.split("sha=").nth(1).and_then(|s| s.split('&').next()).unwrap_or_default().to_owned();
        ensure!(sha.len() == 64, "{link}");
        let before = picture(&page).await?;

        follow(&page, &link).await?;
        let waits = page.text("[data-test=waiting]").await?;
        ensure!(waits.contains("waits for the file") && waits.contains("mine") && waits.contains(&sha[..4]), "{waits}");
        ensure!(page.link().await? == link, "while it waits the address stays");
        page.drop_files(&[("quince.safetensors", &other)]).await?;
        let stranger = page.text_until("[data-test=stranger]", 20, |t| !t.is_empty()).await?;
        ensure!(stranger.contains("quince") && stranger.contains("another file"), "{stranger}");
        page.drop_files(&[("renamed.safetensors", &mine)]).await?;
        page.find("[data-test=spectra-done]", 60).await?;
        let after = picture(&page).await?;
        ensure!(before == after, "{before}, then {after}");

        // The other way out: the stranger without the view.
        follow(&page, &link).await?;
        page.find("[data-test=waiting]", 20).await?;
        page.drop_files(&[("quince.safetensors", &other)]).await?;
        page.click("[data-test=take-stranger]").await?;
        page.text_until("[data-test=checkpoint]", 20, |t| t.contains("quince")).await?;
        ensure!(page.link().await?.contains("file=quince"));
        Ok(())
    });
}

#[test]
fn a_link_to_an_address_asks_before_anything_is_fetched() {
    with_page(async |page| -> Result<()> {
        page.open("?device=cpu#page=rank&from=owner/name@main").await?;
        let waits = page.text("[data-test=waiting]").await?;
        ensure!(waits.contains("owner/name@main"), "{waits}");
        tokio::time::sleep(Duration::from_millis(500)).await;
        ensure!(page.elsewhere().is_empty(), "{:?}", page.elsewhere());
        page.click("[data-test=fetch-linked]").await?;
        page.find("[data-test=fault]", 60).await?;
        ensure!(page.elsewhere().iter().all(|l| l.contains("huggingface.co")) && !page.elsewhere().is_empty(), "{:?}", page.elsewhere());
        Ok(())
    });
}

#[test]
fn undo_and_redo_by_keys_one_step_a_gesture_and_a_hundred_of_them() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=place-prune]").await?;
        page.find(".main [role=slider]", 20).await?;
        let value = "return document.querySelector('.main [role=slider]').getAttribute('aria-valuenow')";
        let command = |key: &'static str, meta: bool, shift: bool| json!([key, meta, shift]);
        let press = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0], ctrlKey: !arguments[1], metaKey: arguments[1], shiftKey: arguments[2], bubbles: true, cancelable: true }))";
        let first = page.js(value, json!([])).await?;
        // Each key that is let go and pressed again is a gesture of its own.
        let taps = "const e = document.querySelector('.main [role=slider]'); e.focus(); const n = arguments[0], done = arguments[1];
            (async () => { for (let i = 0; i < n; i++) { for (const t of ['keydown', 'keyup']) e.dispatchEvent(new KeyboardEvent(t, { key: i % 2 ? 'ArrowLeft' : 'ArrowRight', bubbles: true, cancelable: true })); await new Promise(requestAnimationFrame); } done(1); })()";
        page.js_async(taps, json!([3])).await?;
        let third = page.js(value, json!([])).await?;
        ensure!(first != third, "{first}");
        let now = |same: &str| format!("return ({}) {same} {third} || null", value.trim_start_matches("return "));
        page.js(press, command("z", false, false)).await?;
        page.until(&now("!="), 20).await?;
        page.js(press, command("z", true, true)).await?;
        page.until(&now("=="), 20).await.context("Cmd Shift Z brings it back")?;
        page.js_async(taps, json!([120])).await?;
        page.text_until(".status", 10, |t| t.contains("undo 100")).await?;
        for _ in 0..100 {
            page.js(press, command("z", false, false)).await?;
        }
        page.text_until(".status", 10, |t| !t.contains("undo")).await?;
        for _ in 0..100 {
            page.js(press, command("y", false, false)).await?;
        }
        page.text_until(".status", 10, |t| t.contains("undo 100")).await.map(|_| ())
    });
}
