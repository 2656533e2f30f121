//! In another page's frame, with parts hidden and controls held by the link.

use anyhow::{Result, ensure};
use espalier_tests::browser::with_page;
use serde_json::json;

#[test]
fn in_a_sandboxed_frame_without_headers_the_page_works_with_parts_hidden() {
    with_page(async |page| -> Result<()> {
        page.visit("frame.html").await?;
        page.js("document.getElementById('frame').src = './?device=cpu#page=prune&open=shakespeare-llama&embed=1'", json!([])).await?;
        page.driver.enter_frame(0).await?;
        page.find(".app[data-place=prune]", 30).await?;
        page.click("[data-test=prune-run]").await?;
        page.text_until("[data-test=place-prune]", 60, |_| true).await?;
        page.find("[data-test=prune-stat-achieved]", 60).await?;
        let shown = page.js("return ['.rail', '.top', '.status'].filter(s => document.querySelector(s).getClientRects().length)", json!([])).await?;
        ensure!(shown == json!([]), "{shown}");
        ensure!(page.js("return crossOriginIsolated", json!([])).await? == json!(false), "no header was needed");
        Ok(())
    });
}

#[test]
fn a_lesson_holds_its_controls_hides_places_and_says_its_task() {
    with_page(async |page| -> Result<()> {
        page.open("?device=cpu#page=prune&open=shakespeare-llama&lock=prune-target&hide=rank&task=Find%20the%20block%20that%20matters%20most.").await?;
        page.find(".app[data-place=prune]", 30).await?;
        let task = page.text("[data-test=task]").await?;
        ensure!(task == "Find the block that matters most.", "{task}");
        page.find("[data-test=prune-target]", 20).await?;
        page.until("return document.querySelector('[data-test=prune-target]').getAttribute('aria-disabled')", 10).await?;
        let state = page.js("const e = document.querySelector('[data-test=prune-target]'); return [e.readOnly, e.value, document.querySelector('[data-test=prune-target-track]')?.disabled ?? true, document.querySelector('[data-test=place-rank]').getClientRects().length]", json!([])).await?;
        ensure!(state == json!([true, "50.0", true, 0]) || state == json!([true, "50", true, 0]), "held, readable, Rank hidden: {state}");
        Ok(())
    });
}

#[test]
fn query_keys_work_as_before() {
    with_page(async |page| -> Result<()> {
        page.open("?device=cpu&embed=1").await?;
        page.find(".app[data-hide~=top]", 20).await.map(|_| ())
    });
}
