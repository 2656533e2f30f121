//! Copies that are written by the page: right when read elsewhere, and open again in the page.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::sources_at;
use espalier_tests::browser::{Page, with_page};

use super::open_bundled;

fn open(path: &Path) -> Result<Checkpoint> {
    let sources = sources_at(&[path.to_path_buf()]).context("the download is there")?;
    Ok(pollster::block_on(Checkpoint::open(sources))?)
}

/// Opens a written copy in the page that wrote it.
async fn reopen(page: &Page, path: &Path) -> Result<()> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    page.click("[data-test=place-open]").await?;
    page.choose("[data-test=files]", &[path.to_path_buf()]).await?;
    page.text_until("[data-test=checkpoint]", 30, |t| t.contains(&name)).await.map(|_| ())
}

#[test]
fn a_pruned_copy_has_exactly_the_zeros_that_were_asked_for_and_opens_again() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=place-prune]").await?;
        page.click("[data-test=prune-run]").await?;
        page.text_until("[data-test=place-prune]", 60, |t| t.contains("50.0")).await?;
        page.click("[data-test=prune-save]").await?;
        let path = page.download(".safetensors", 60).await?;
        let copy = open(&path)?;
        let mut pruned = 0;
        for m in copy.matrices() {
            let zeros = pollster::block_on(copy.read_matrix(&m))?.iter().filter(|w| **w == 0.0).count();
            let wanted = m.elements() as usize / 2;
            ensure!(!m.prunable || zeros == wanted, "{}: {zeros} zeros, {wanted} asked for", m.name);
            pruned += usize::from(m.prunable);
        }
        ensure!(pruned == 35, "{pruned} matrices were pruned");
        ensure!(copy.metadata.keys().any(|k| k.starts_with("espalier")), "the copy says where it comes from: {:?}", copy.metadata);
        // The worker that wrote it is not the one that pruned: the record holds both, and the opening once.
        page.click("[data-test=place-open]").await?;
        page.click("[data-test=run-record]").await?;
        let record = std::fs::read_to_string(page.download("espalier-run.json", 30).await?)?;
        let mut steps: Vec<&str> = record.lines().filter_map(|l| l.strip_prefix(r#"{"step":""#)?.split('"').next()).collect();
        // Error curves are run before the pruning.
        steps.dedup();
        ensure!(steps == ["open", "run", "export"] && record.contains(r#""method":"magnitude""#), "{record}");
        reopen(&page, &path).await
    });
}

#[test]
fn a_factored_copy_is_smaller_holds_its_pairs_and_opens_again() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        let whole = open(&espalier_tests::places::repository().join("assets/checkpoints/shakespeare-llama/model.safetensors"))?;
        page.click("[data-test=place-rank]").await?;
        page.click("[data-test=rank-compute]").await?;
        page.find("[data-test=rank-save]:not([disabled])", 60).await?;
        page.click("[data-test=rank-save]").await?;
        let path = page.download(".safetensors", 60).await?;
        let copy = open(&path)?;
        let pairs = copy.tensors.iter().filter(|t| t.name.ends_with(".U.weight")).count();
        ensure!(pairs > 0 && pairs == copy.tensors.iter().filter(|t| t.name.ends_with(".V.weight")).count(), "{pairs} pairs");
        ensure!(copy.tensors.len() == whole.tensors.len() + pairs, "every pair takes the place of one matrix");
        let weights = |c: &Checkpoint| c.tensors.iter().map(|t| t.elements()).sum::<u64>();
        ensure!(weights(&copy) < weights(&whole), "the copy holds fewer numbers");
        reopen(&page, &path).await
    });
}
