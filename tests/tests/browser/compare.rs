//! Two checkpoints side by side, the engine's own record, and what a run would cost.

use anyhow::{Result, ensure};
use espalier_tests::browser::with_page;

use super::open_bundled;

#[test]
fn a_pruned_copy_is_compared_with_its_origin_and_the_record_replays() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=place-prune]").await?;
        let cost = page.text_until("[data-test=cost]", 60, |t| t.contains("about")).await?;
        ensure!(cost.contains("reads") && cost.contains("memory"), "{cost}");
        page.click("[data-test=prune-run]").await?;
        page.text_until("[data-test=place-prune]", 60, |t| t.contains("50.0")).await?;
        page.click("[data-test=prune-save]").await?;
        let copy = page.download(".safetensors", 60).await?;
        page.click("[data-test=place-open]").await?;
        page.choose("[data-test=second-files]", &[copy]).await?;
        page.click("[data-test=diff-run]").await?;
        let summary = page.text_until("[data-test=diff-summary]", 60, |t| !t.is_empty()).await?;
        ensure!(summary.contains("35"), "35 matrices were pruned: {summary}");
        let table = page.text(".compare table").await?;
        ensure!(table.contains("down_proj"), "{table}");
        // The engine's own record of all this: saved, and done again to the last bit.
        page.click("[data-test=run-record]").await?;
        let path = page.download("espalier-run.json", 20).await?;
        let text = std::fs::read_to_string(&path)?;
        ensure!(text.contains("digest") && text.contains("magnitude"), "{}", &text[..200.min(text.len())]);
        page.drop_files(&[("espalier-run.json", text.as_bytes())]).await?;
        page.click("[data-test=last-log]").await?;
        page.text_until("[data-test=log]", 120, |t| t.contains("done again") && t.contains("0 different")).await?;
        Ok(())
    });
}
