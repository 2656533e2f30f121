//! Nothing leaves unless it is asked for, and the page needs no network once it has been seen.

use std::time::Duration;

use anyhow::{Result, ensure};
use espalier_tests::browser::{with_page, with_site};
use serde_json::json;

use super::map::{city, set};
use super::open_bundled;

#[test]
fn the_policy_is_strict_and_nothing_breaks_it() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        for place in ["open", "inspect", "rank", "prune"] {
            page.click(&format!("[data-test=place-{place}]")).await?;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let policy = page.js("return document.querySelector('meta[http-equiv=Content-Security-Policy]')?.content ?? ''", json!([])).await?;
        let policy = policy.as_str().unwrap_or_default().to_owned();
        ensure!(policy.starts_with("default-src 'self'; script-src 'self' 'wasm-unsafe-eval';") && !policy.contains("unsafe-inline"), "{policy}");
        let inline = page.js("return [...document.scripts].filter(s => !s.src).length + document.querySelectorAll('[style], [onclick]').length", json!([])).await?;
        ensure!(inline == json!(0), "{inline} scripts or styles inside the page");
        // The policy is alive: a script inside the page does not run, another host is not asked.
        let tried = page.js_async(
            "const done = arguments[0]; const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.head.append(s);
            fetch('https://example.org/').then(() => done('asked'), () => done(window.ran ? 'ran' : 'refused'));",
            json!([]),
        ).await?;
        ensure!(tried == json!("refused"), "{tried}");
        ensure!(page.elsewhere().is_empty(), "asked for {:?}", page.elsewhere());
        let console = page.console().await;
        let refused = console.matches("Content Security Policy").count();
        // The two that were tried here, and none of the page's own.
        ensure!(refused <= 3 && !console.contains("app-"), "{console}");
        Ok(())
    });
}

#[test]
fn after_one_visit_the_page_and_its_checkpoints_open_without_a_network() {
    let copy = copied();
    with_site(copy.path(), async |page| -> Result<()> {
        page.open("").await?;
        page.until("return document.documentElement.dataset.offline ?? null", 60).await?;
        ensure!(page.js("return document.documentElement.dataset.offline", json!([])).await? == json!("ready"));
        page.cut_network();
        let gone = page.js_async("const done = arguments[0]; fetch('./not-kept').then(r => done(r.status), () => done(0))", json!([])).await?;
        ensure!(gone == json!(502), "the network is cut: {gone}");
        for (query, name) in [("?device=cpu", "shakespeare-llama"), ("index.html", "shakespeare-moe")] {
            open_bundled(&page, query, name).await?;
        }
        page.click("[data-test=run-spectra]").await?;
        page.find("[data-test=spectra-done]", 120).await?;
        // The Map, with the worker that has everything and the table of its descriptions: in a fresh visit that has nothing of them yet.
        page.driver.goto("about:blank").await?;
        city(&page, "500").await?;
        ensure!(page.text("[data-test=map-encoder]").await?.contains("all-MiniLM-L6-v2"), "the bundled sentence embeddings are the page's own");
        page.click("[data-test=map-settings] summary").await?;
        for (knob, value) in [("map-epochs", "2"), ("map-batch", "128"), ("map-width", "8"), ("map-seeds", "1"), ("map-supervised", "2")] {
            set(&page, knob, value).await?;
        }
        page.click("[data-test=map-play]").await?;
        page.find("[data-test=map-probes]", 240).await?;
        Ok(())
    });
}

#[test]
fn a_newer_version_is_told_and_taken_with_the_view() {
    let copy = copied();
    with_site(copy.path(), async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=place-prune]").await?;
        page.until("return document.documentElement.dataset.offline ?? null", 60).await?;
        page.link().await?;
        let sw = copy.path().join("sw.js");
        let text = std::fs::read_to_string(&sw)?.replacen("const VERSION = '", "const VERSION = 'next-", 1);
        std::fs::write(&sw, text)?;
        page.js("navigator.serviceWorker.getRegistration().then(r => r.update())", json!([])).await?;
        page.text_until("[data-test=newer]", 60, |t| t.contains("newer version")).await?;
        page.js("document.querySelector('[data-test=newer] button').click()", json!([])).await?;
        page.until("return document.documentElement.dataset.update ? null : 1", 30).await?;
        page.find(".app[data-place=prune]", 30).await?;
        // A kept run of the Map, which has a name of its own, stays.
        let names = page.js_async("const done = arguments[0]; caches.keys().then(k => done(k.filter(n => n.startsWith('espalier-'))))", json!([])).await?;
        ensure!(names.as_array().is_some_and(|n| n.len() == 1 && n[0].as_str().is_some_and(|s| s.contains("next-"))), "{names}");
        Ok(())
    });
}

/// A file of the page that does not come is said where it is missing, and asked for again at a press; the rest of the page works.
#[test]
fn a_screen_that_does_not_come_is_asked_for_again() {
    let copy = copied();
    let missing: Vec<_> = walk(copy.path()).into_iter().filter(|f| f.file_name().is_some_and(|n| n.to_string_lossy().starts_with("split_map"))).collect();
    assert_eq!(missing.len(), 1, "the Map is a file of its own: {missing:?}");
    let away = copy.path().join("away");
    std::fs::rename(&missing[0], &away).expect("a file can be moved");
    with_site(copy.path(), async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=place-map]").await?;
        page.text_until("[data-test=part-missing]", 30, |t| t.contains("Map could not be fetched")).await?;
        page.click("[data-test=place-prune]").await?;
        page.find("[data-test=prune-run]", 30).await?;
        page.click("[data-test=place-map]").await?;
        page.find("[data-test=part-again]", 30).await?;
        std::fs::rename(&away, &missing[0])?;
        page.click("[data-test=part-again]").await?;
        page.find("[data-test=map]", 30).await?;
        Ok(())
    });
}

/// The built page in a folder of its own, to be changed.
fn copied() -> tempfile::TempDir {
    let built = std::path::PathBuf::from(std::env::var_os("ESPALIER_PAGE").expect("set by `cargo xtask test browser`"));
    let copy = tempfile::tempdir().expect("a folder");
    for entry in walk(&built) {
        let to = copy.path().join(entry.strip_prefix(&built).expect("inside"));
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        std::fs::copy(&entry, &to).expect("a copy");
    }
    copy
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a folder").flatten().map(|e| e.path());
    entries.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] }).collect()
}
