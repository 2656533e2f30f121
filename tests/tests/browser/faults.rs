//! What goes wrong, and that it is said well and loses nothing.

use anyhow::{Result, ensure};
use espalier_nets::testing::Builder;
use espalier_tests::browser::{Page, with_browser, with_page};
use serde_json::json;

use super::open_bundled;

/// Drops a bad file over an open checkpoint: a message that names it and says what to do, and what was open stays open.
async fn refused(page: &Page, name: &str, bytes: &[u8], words: &[&str]) -> Result<()> {
    page.drop_files(&[(name, bytes)]).await?;
    let fault = page.text_until("[data-test=fault]", 20, |t| !t.is_empty()).await?;
    ensure!(fault.contains(name), "{name} is named: {fault}");
    for word in words {
        ensure!(fault.contains(word), "{name}: {word:?} is said: {fault}");
    }
    let open = page.text("[data-test=checkpoint]").await?;
    ensure!(open.contains("shakespeare-llama"), "what was open stays open: {open}");
    page.click("[data-test=dismiss]").await?;
    page.gone("[data-test=fault]", 5).await
}

#[test]
fn bad_files_are_refused_with_advice_and_what_was_open_stays() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "", "shakespeare-llama").await?;
        let good = Builder::new().made_up("w", &[8, 8]).build();
        refused(&page, "cut.safetensors", &good[..20], &[]).await?;
        refused(&page, "short.safetensors", &good[..good.len() - 4], &[]).await?;
        refused(&page, "long.safetensors", &[&(1u64 << 40).to_le_bytes()[..], b"{}"].concat(), &[]).await?;
        refused(&page, "model.pt", b"PK\x03\x04 archive/data.pkl and more of it to be longer than eight bytes", &["pickle", "safetensors"]).await?;
        refused(&page, "model.gguf", b"GGUF\x03\0\0\0 and more of it", &["GGUF"]).await?;
        refused(&page, "page.safetensors", b"<!doctype html><html><head><title>Not found</title></head></html>", &["web page"]).await?;
        let lie = Builder::new().entry("w", "F32", &[1 << 40], [0, 16]).data(&[0; 16]).build();
        refused(&page, "lie.safetensors", &lie, &["w"]).await?;
        let dtype = Builder::new().raw("w", "F33", &[1], &[0; 4]).build();
        refused(&page, "dtype.safetensors", &dtype, &["F33"]).await?;
        Ok(())
    });
}

#[test]
fn without_an_adapter_the_cpu_works_and_the_cause_is_said() {
    with_browser(false, async |page| -> Result<()> {
        page.open("").await?;
        let why = page.text_until("[data-test=no-gpu]", 20, |t| !t.is_empty()).await?;
        ensure!(why.to_lowercase().contains("adapter") || why.contains("WebGPU"), "{why}");
        open_bundled(&page, "", "shakespeare-llama").await
    });
}

#[test]
fn on_an_insecure_page_the_cause_is_said_and_is_another_one() {
    with_page(async |page| -> Result<()> {
        page.open_insecure().await?;
        let insecure = page.text_until("[data-test=no-gpu]", 20, |t| !t.is_empty()).await?;
        ensure!(insecure.contains("http"), "{insecure}");
        page.open("").await?;
        let software = page.text_until("[data-test=no-gpu]", 20, |t| !t.is_empty()).await?;
        ensure!(software != insecure && software.contains("software"), "a software adapter is not chosen by itself, and that is said: {software}");
        Ok(())
    });
}

#[test]
fn a_crashed_worker_is_started_again_and_the_checkpoint_is_open_again() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "hooked.html", "shakespeare-llama").await?;
        page.js("workers.at(-1).dispatchEvent(new ErrorEvent('error', { message: 'ended by the test' }));", json!([])).await?;
        let fault = page.text_until("[data-test=fault][data-kind=Worker]", 10, |t| !t.is_empty()).await?;
        ensure!(fault.contains("started again"), "{fault}");
        // The page keeps the checkpoint, and the fresh worker can work on it as soon as it has it open again.
        page.click("[data-test=place-inspect]").await?;
        page.text_until("[data-test=log] ol, [data-test=last-log]", 20, |t| t.contains("header") || t.contains("open again")).await?;
        page.click("[data-test=run-spectra]").await?;
        page.find("[data-test=spectra-done]", 60).await?;
        ensure!(page.js("return workers.length", json!([])).await? == json!(2), "one worker was replaced by one");
        Ok(())
    });
}
