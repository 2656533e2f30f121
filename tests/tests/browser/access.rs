//! WCAG 2.2 AA as far as axe-core can see it, on every place, light and dark.

use anyhow::{Context, Result, ensure};
use espalier_tests::browser::{Page, with_page};
use serde_json::json;

use super::open_bundled;

/// axe-core from the test set-up; it is not part of the page or of the repository.
fn axe() -> Result<String> {
    let path = std::env::var_os("ESPALIER_AXE").context("ESPALIER_AXE is not set; run these through `cargo xtask test browser`")?;
    std::fs::read_to_string(&path).with_context(|| path.to_string_lossy().into_owned())
}

async fn checked(page: &Page, axe: &str, what: &str) -> Result<()> {
    page.js(&format!("if (!window.axe) {{ {axe} }}"), json!([])).await?;
    let script = "const done = arguments[0];
        axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'] }).then(r => done(r.violations.map(v => `${v.id}: ${v.help}: ` + v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' — ' + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? '')).join('; '))), e => done([String(e)]))";
    let found = page.js_async(script, json!([])).await?;
    ensure!(found == json!([]), "{what}: {found:#}");
    Ok(())
}

#[test]
fn every_place_passes_axe_in_light_and_dark() {
    with_page(async |page| -> Result<()> {
        let axe = axe()?;
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=run-spectra]").await?;
        page.find("[data-test=spectra-done]", 120).await?;
        for theme in ["light", "dark"] {
            while page.js("return document.documentElement.dataset.theme", json!([])).await? != json!(theme) {
                page.click("[data-test=theme]").await?;
                tokio::time::sleep(std::time::Duration::from_millis(150)).await;
            }
            for place in ["open", "inspect", "rank", "prune", "study", "map", "experts"] {
                page.click(&format!("[data-test=place-{place}]")).await?;
                page.find(&format!(".app[data-place={place}]"), 5).await?;
                // Colours of buttons move for a tenth of a second.
                tokio::time::sleep(std::time::Duration::from_millis(400)).await;
                checked(&page, &axe, &format!("{place}, {theme}")).await?;
            }
        }
        Ok(())
    });
}

#[test]
fn what_lies_over_the_page_passes_axe_and_has_its_keys() {
    with_page(async |page| -> Result<()> {
        let axe = axe()?;
        page.open("?device=cpu#v=2&page=open&file=orchard.safetensors&size=2200000000&sha=a41f09c2&fold=1").await?;
        page.find("[data-test=waiting]", 20).await?;
        checked(&page, &axe, "a link that waits").await?;
        let press = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0], bubbles: true, cancelable: true }))";
        page.js(press, json!(["?"])).await?;
        page.find("[data-test=keys]", 5).await?;
        checked(&page, &axe, "keys").await?;
        page.js(press, json!(["Escape"])).await?;
        page.gone("[data-test=keys]", 5).await?;
        page.js(press, json!(["l"])).await?;
        page.find("[data-test=log]", 5).await?;
        checked(&page, &axe, "log").await
    });
}

#[test]
fn focus_is_visible_on_every_control() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        let script = "const e = document.activeElement; if (e === document.body) return null; const s = getComputedStyle(e);
            return s.outlineStyle === 'none' || parseFloat(s.outlineWidth) < 1 ? e.outerHTML.slice(0, 90) : null;";
        for place in ["open", "inspect", "rank", "prune", "study", "map", "experts"] {
            page.click(&format!("[data-test=place-{place}]")).await?;
            page.find(&format!(".app[data-place={place}]"), 5).await?;
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            let mut met = std::collections::BTreeSet::new();
            for _ in 0..45 {
                page.driver.action_chain().send_keys(thirtyfour::Key::Tab).perform().await?;
                let bare = page.js(script, json!([])).await?;
                ensure!(bare.is_null(), "{place}: focus cannot be seen on {bare}");
                met.insert(page.js("return document.activeElement.outerHTML.slice(0, 120)", json!([])).await?.to_string());
            }
            ensure!(met.len() >= 15, "{place}: the Tab key meets {} controls", met.len());
        }
        Ok(())
    });
}
