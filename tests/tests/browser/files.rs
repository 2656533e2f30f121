//! Opening: bundled, chosen, dropped; and nothing leaves.

use anyhow::{Result, ensure};
use espalier_nets::testing::Builder;
use espalier_tests::browser::with_page;
use espalier_tests::places::repository;

use super::open_bundled;

#[test]
fn both_bundled_checkpoints_open_and_no_request_leaves_the_origin() {
    with_page(async |page| -> Result<()> {
        for (name, architecture, tensors) in [("shakespeare-llama", "Llama", 48), ("shakespeare-moe", "Qwen2", 0)] {
            open_bundled(&page, "", name).await?;
            let line = page.text("[data-test=checkpoint]").await?;
            ensure!(line.contains(architecture), "{line}");
            ensure!(tensors == 0 || line.contains(&format!("{tensors} tensors")), "{line}");
            page.find("[data-test=row]", 10).await?;
        }
        let elsewhere = page.elsewhere();
        ensure!(elsewhere.is_empty(), "asked for {elsewhere:?}");
        Ok(())
    });
}

#[test]
fn the_page_is_alive_before_anything_is_loaded() {
    with_page(async |page| -> Result<()> {
        page.open("").await?;
        let sentence = page.text("[data-test=example] figcaption").await?;
        ensure!(sentence.contains('%'), "{sentence}");
        Ok(())
    });
}

#[test]
fn files_are_chosen_together_and_a_stray_one_is_named() {
    with_page(async |page| -> Result<()> {
        page.open("").await?;
        let folder = repository().join("assets/checkpoints/shakespeare-llama");
        let stray = tempfile::tempdir()?;
        let pickle = stray.path().join("optimizer.pt");
        std::fs::write(&pickle, b"PK\x03\x04 archive/data.pkl")?;
        page.choose("[data-test=files]", &[folder.join("model.safetensors"), folder.join("config.json"), pickle]).await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("Llama")).await?;
        page.click("[data-test=checkpoint]").await?;
        let menu = page.text(".menu").await?;
        ensure!(menu.contains("optimizer.pt"), "the stray file is named: {menu}");
        Ok(())
    });
}

#[test]
fn a_dropped_file_opens_with_its_odd_tensors_listed() {
    with_page(async |page| -> Result<()> {
        page.open("").await?;
        let bytes = Builder::new()
            .made_up("blocks.weight", &[24, 40])
            .raw("scalar", "F32", &[], &1f32.to_le_bytes())
            .raw("empty", "F32", &[0, 7], &[])
            .made_up("five", &[2, 1, 3, 1, 2])
            .build();
        page.drop_files(&[("odd.safetensors", &bytes)]).await?;
        let line = page.text_until("[data-test=checkpoint]", 30, |t| t.contains("odd")).await?;
        ensure!(line.contains("4 tensors"), "{line}");
        let list = page.text("[data-test=tensors]").await?;
        for name in ["scalar", "empty", "five"] {
            ensure!(list.contains(name), "{name} is listed: {list}");
        }
        Ok(())
    });
}
