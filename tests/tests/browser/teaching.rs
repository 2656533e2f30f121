//! Lessons are done with the live tool, and the shaders that a place runs can be read beside their twins.

use anyhow::{Result, ensure};
use espalier_tests::browser::{Page, with_page};
use serde_json::json;

/// Waits until the step under way is done, then goes on to the next.
pub async fn done(page: &Page, step: u32) -> Result<()> {
    page.find(&format!("[data-test=lesson][data-step='{step}'][data-done=true]"), 20).await?;
    if page.js("return !!document.querySelector('[data-test=lesson-next]')", json!([])).await? == json!(true) {
        page.click("[data-test=lesson-next]").await?;
    }
    Ok(())
}

/// Points at a tensor by its name, through the filter, as a person would.
async fn point_at(page: &Page, name: &str) -> Result<()> {
    let script = "const f = document.getElementById('filter'); f.value = arguments[0]; f.dispatchEvent(new Event('input', { bubbles: true }));";
    page.js(script, json!([name])).await?;
    page.find(&format!("[data-test=row][data-tensor='{name}']"), 10).await?;
    page.click(&format!("[data-test=row][data-tensor='{name}']")).await
}

#[test]
fn the_lesson_of_open_is_done_by_doing() {
    with_page(async move |page| -> Result<()> {
        page.open("?device=cpu").await?;
        page.click("[data-test=lesson-begin]").await?;
        page.find("[data-test=bundled-shakespeare-llama][data-aim]", 10).await?;
        let undone = page.js("return document.querySelector('[data-test=lesson]').dataset.done", json!([])).await?;
        ensure!(undone == json!("false"), "nothing has been done yet");
        page.click("[data-test=bundled-shakespeare-llama]").await?;
        done(&page, 1).await?;
        point_at(&page, "model.layers.4.mlp.down_proj.weight").await?;
        done(&page, 2).await?;
        point_at(&page, "model.layers.0.self_attn.q_proj.weight").await?;
        done(&page, 3).await?;
        point_at(&page, "model.embed_tokens.weight").await?;
        done(&page, 4).await?;
        page.click("[data-test=place-open]").await?;
        page.click("[data-test=bundled-shakespeare-moe]").await?;
        done(&page, 5).await?;
        let answer = page.js("return [...document.querySelectorAll('[data-test=row]')].map(r => r.dataset.tensor)", json!([])).await?;
        ensure!(answer.as_array().is_some_and(|a| !a.is_empty()), "{answer}");
        point_at(&page, "model.layers.0.mlp.experts.0.down_proj.weight").await?;
        done(&page, 6).await?;
        page.text_until("[data-test=lesson-done]", 5, |t| t.contains("answer")).await?;
        page.click("[data-test=lesson-close]").await?;
        page.gone("[data-test=lesson]", 5).await
    });
}

#[test]
fn a_shader_is_read_beside_its_twin_and_their_lines_find_each_other() {
    with_page(async move |page| -> Result<()> {
        page.open("?device=cpu").await?;
        page.click("[data-test=place-prune]").await?;
        page.click("[data-test=read-shader]").await?;
        page.find("[data-test=reader-0] li", 20).await?;
        let (wgsl, rust) = (page.text("[data-test=reader-0]").await?, page.text("[data-test=reader-1]").await?);
        ensure!(wgsl.contains("@compute") && rust.contains("impl Op for"), "both files are shown");
        let pairs = page.js("return [...document.querySelectorAll('[data-test=reader-0] button')].length", json!([])).await?;
        ensure!(pairs.as_u64().is_some_and(|n| n > 0), "{pairs} pairs");
        page.js("document.querySelector('[data-test=reader-0] button').click()", json!([])).await?;
        page.find("[data-test=reader-0] li.on", 5).await?;
        page.find("[data-test=reader-1] li.on", 5).await?;
        page.click("[data-test=reader-close]").await?;
        page.gone("[data-test=reader]", 5).await
    });
}
