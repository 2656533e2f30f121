//! Nothing leaves unless it is asked for, and the page needs no network once it has been seen.

use std::time::Duration;

use anyhow::{Result, ensure};
use espalier_tests::browser::with_page;
use serde_json::json;

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
    with_page(async |page| -> Result<()> {
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
        Ok(())
    });
}
