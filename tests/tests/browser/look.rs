//! What must be true of every screen at every width.

use anyhow::{Result, ensure};
use espalier_tests::browser::with_page;
use serde_json::json;

use super::open_bundled;

#[test]
fn no_screen_is_wider_than_a_phone_and_every_control_has_a_name() {
    with_page(async |page| -> Result<()> {
        page.driver.set_window_rect(0, 0, 500, 900).await?;
        open_bundled(&page, "", "shakespeare-llama").await?;
        // Windows cannot be 360 px wide everywhere; the page is put into a frame that is.
        for place in ["open", "inspect", "rank", "prune", "study", "map", "experts"] {
            page.click(&format!("[data-test=place-{place}]")).await?;
            page.find(&format!(".app[data-place={place}]"), 5).await?;
            let script = "document.body.style.width = '360px'; document.querySelector('.app').style.width = '360px';
                const wide = [...document.querySelectorAll('.main *')].filter(e => !e.closest('.scroll, svg, .vh') && e.getBoundingClientRect().right > 361);
                return wide.slice(0, 3).map(e => `${e.tagName}.${e.className}`);";
            let wide = page.js(script, json!([])).await?;
            ensure!(wide == json!([]), "{place}: {wide}");
            let nameless = page.js("return [...document.querySelectorAll('button, input, [role=slider]')].filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.title || e.labels?.length || e.getAttribute('aria-labelledby'))).map(e => e.outerHTML.slice(0, 90))", json!([])).await?;
            ensure!(nameless == json!([]), "{place}: {nameless}");
        }
        Ok(())
    });
}

#[test]
fn another_place_is_seen_from_its_top() {
    with_page(async |page| -> Result<()> {
        page.driver.set_window_rect(0, 0, 500, 900).await?;
        open_bundled(&page, "", "shakespeare-llama").await?;
        page.click("[data-test=place-study]").await?;
        page.find(".app[data-place=study]", 5).await?;
        page.until("scrollTo(0, 400); return scrollY > 300 || null", 20).await?;
        page.click("[data-test=place-prune]").await?;
        page.find(".app[data-place=prune]", 5).await?;
        page.until("return scrollY === 0 || null", 10).await.map(|_| ())
    });
}

#[test]
fn the_theme_is_switched_and_remembered() {
    with_page(async |page| -> Result<()> {
        page.open("").await?;
        page.find("[data-test=theme]", 10).await?;
        let theme = "return document.documentElement.dataset.theme";
        let before = page.js(theme, json!([])).await?;
        // The button goes through auto, light and dark.
        for _ in 0..3 {
            page.click("[data-test=theme]").await?;
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            if page.js(theme, json!([])).await? != before {
                break;
            }
        }
        ensure!(page.js(theme, json!([])).await? != before, "the theme changes");
        let chosen = page.js(theme, json!([])).await?;
        page.driver.refresh().await?;
        page.find("[data-test=theme]", 10).await?;
        ensure!(page.js(theme, json!([])).await? == chosen, "the choice is remembered");
        Ok(())
    });
}
