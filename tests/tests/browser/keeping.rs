//! Records: kept, saved, done again; storage that is full, shared, or not there.

use anyhow::{Context, Result, ensure};
use espalier_tests::browser::{Page, with_page};
use serde_json::{Value, json};

use super::open_bundled;

/// Pictures for whoever looks at them: `ESPALIER_SHOTS=DIR`.
async fn shot(page: &Page, name: &str) -> Result<()> {
    match std::env::var_os("ESPALIER_SHOTS") {
        Some(dir) => page.screenshot(&std::path::PathBuf::from(dir).join(format!("{name}.png"))).await,
        None => Ok(()),
    }
}

/// Prunes the bundled checkpoint and waits for the record of it.
async fn prune(page: &Page, query: &str) -> Result<()> {
    open_bundled(page, query, "shakespeare-llama").await?;
    page.click("[data-test=place-prune]").await?;
    page.click("[data-test=prune-run]").await?;
    page.text_until("[data-test=place-prune]", 60, |t| t.contains("50.0")).await?;
    page.click("[data-test=place-open]").await?;
    page.text_until("[data-test=kept]", 20, |t| t.contains("magnitude")).await.map(|_| ())
}

#[test]
fn a_record_is_kept_saved_replayed_to_the_same_numbers_and_deleted() {
    with_page(async |page| -> Result<()> {
        prune(&page, "?device=cpu").await?;
        page.click("[data-test=save-record]").await?;
        let path = page.download("record.json", 20).await?;
        let text = std::fs::read_to_string(path)?;
        let record: Value = serde_json::from_str(&text)?;
        let steps = record["steps"].as_array().context("steps")?;
        ensure!(steps.iter().any(|s| s["method"] == "magnitude"), "{record}");
        // It outlives the page.
        page.driver.goto("about:blank").await?;
        page.open("?device=cpu").await?;
        page.text_until("[data-test=kept]", 20, |t| t.contains("shakespeare-llama")).await?;
        page.click("[data-test=reopen]").await?;
        page.text_until("[data-test=place-prune]", 60, |t| t.contains("50.0")).await?;
        // The downloaded file does the same, in a page that has nothing open.
        page.driver.goto("about:blank").await?;
        page.open("?device=cpu").await?;
        page.find("[data-test=frame]", 20).await?;
        page.drop_files(&[("mine-record.json", text.as_bytes())]).await?;
        page.text_until("[data-test=place-prune]", 60, |t| t.contains("50.0")).await?;
        page.js("document.querySelector('[data-test=last-log]').click()", json!([])).await?;
        page.text_until("[data-test=log]", 20, |t| t.contains("the same numbers as in the record")).await?;
        // By hand: another number is told, a broken step is refused.
        let edited = text.replacen("50.0", "49.0", 1);
        if edited != text {
            page.drop_files(&[("edited.json", edited.as_bytes())]).await?;
            page.text_until("[data-test=link-notes]", 60, |t| t.contains("other numbers")).await?;
        }
        page.drop_files(&[("broken.json", text.replacen("\"method\":\"", "\"method\":3,\"x\":\"", 1).as_bytes())]).await?;
        let fault = page.text_until("[data-test=fault]", 20, |t| !t.is_empty()).await?;
        ensure!(fault.contains("broken.json") && fault.contains("names no method"), "{fault}");
        page.click("[data-test=place-open]").await?;
        while !page.driver.find_all(thirtyfour::By::Css("[data-test=kept]")).await?.is_empty() {
            page.click("[data-test=forget]").await?;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        ensure!(page.js("return Object.keys(localStorage).filter(k => k.startsWith('espalier.run'))", json!([])).await? == json!([]));
        Ok(())
    });
}

#[test]
fn a_full_storage_is_told_and_the_record_is_held() {
    with_page(async |page| -> Result<()> {
        // A record of an earlier visit, twice, so that there is room once they go.
        prune(&page, "?device=cpu").await?;
        page.js("const k = Object.keys(localStorage).find(k => k.startsWith('espalier.run')); localStorage.setItem('espalier.run.0000000000000-0001-1', localStorage[k])", json!([])).await?;
        page.driver.goto("about:blank").await?;
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        // Filled to the last character, as other pages of the origin may do.
        page.js("for (let n = 1 << 20; n >= 1; n >>= 1) try { for (let i = 0; ; i++) localStorage.setItem(`other.${n}.${i}`, 'x'.repeat(n)); } catch {}", json!([])).await?;
        page.click("[data-test=place-prune]").await?;
        page.click("[data-test=prune-run]").await?;
        page.text_until("[data-test=place-prune]", 60, |t| t.contains("50.0")).await?;
        page.click("[data-test=place-open]").await?;
        let told = page.text_until("[data-test=storage-full]", 20, |t| !t.is_empty()).await?;
        ensure!(told.contains("not stored") && told.contains("held in this tab"), "{told}");
        ensure!(told.contains("granted by the browser") && told.contains("full") && told.contains("runs") && told.contains("other pages of this address"), "what fills it is drawn and named: {told}");
        page.find("[data-test=kept][data-stored=false]", 5).await?;
        shot(&page, "storage-full").await?;
        page.click("[data-test=save-record]").await?;
        page.download("record.json", 20).await?;
        // Room is made, and what was held is stored.
        page.click("[data-test=forget-all]").await?;
        page.gone("[data-test=storage-full]", 10).await?;
        page.until("return document.querySelectorAll('[data-test=kept]').length === 1 && document.querySelector('[data-test=kept][data-stored=true]') ? 1 : null", 10).await.map(|_| ())
    });
}

#[test]
fn two_tabs_share_one_storage_and_lose_nothing() {
    with_page(async |page| -> Result<()> {
        let first = page.driver.window().await?;
        prune(&page, "?device=cpu").await?;
        let second = page.driver.new_tab().await?;
        page.driver.switch_to_window(second).await?;
        prune(&page, "?device=cpu").await?;
        // What neither of them wrote is left alone.
        page.js("localStorage.setItem('espalier.run.broken', '{'); localStorage.setItem('else', '1')", json!([])).await?;
        page.driver.switch_to_window(first).await?;
        page.until("return document.querySelectorAll('[data-test=kept]').length === 2 ? 1 : null", 20).await?;
        // Deleted in one, gone in the other; the rest stays.
        page.click("[data-test=forget]").await?;
        page.until("return document.querySelectorAll('[data-test=kept]').length === 1 ? 1 : null", 20).await?;
        let keys = page.js("return Object.keys(localStorage).filter(k => k.startsWith('espalier.run') || k === 'else').length", json!([])).await?;
        ensure!(keys == json!(3), "one record, and two that are not ours: {keys}");
        Ok(())
    });
}
