//! What goes wrong, and that it is said well and loses nothing.

use anyhow::{Result, ensure};
use espalier_nets::testing::Builder;
use espalier_tests::browser::{Page, with_browser, with_page};
use serde_json::json;

use super::language::set;
use super::open_bundled;

/// Drops a bad file over an open checkpoint: a message that names it and says what to do, and what was open stays open.
async fn refused(page: &Page, name: &str, bytes: &[u8], words: &[&str]) -> Result<()> {
    page.drop_files(&[(name, bytes)]).await?;
    let fault = page.text_until("[data-test=fault]", 20, |t| !t.is_empty()).await?;
    ensure!(fault.contains(name), "{name} is named: {fault}");
    ensure!(fault.contains("Copy details"), "its details can be copied: {fault}");
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
        // Its header was read once more; in what order that and the device are logged is left to both.
        page.click("[data-test=last-log]").await?;
        page.text_until("[data-test=log] ol", 20, |t| t.matches("header of").count() == 2).await?;
        page.click("[data-test=last-log]").await?;
        page.click("[data-test=run-spectra]").await?;
        page.find("[data-test=spectra-done]", 60).await?;
        ensure!(page.js("return workers.length", json!([])).await? == json!(2), "one worker was replaced by one");
        Ok(())
    });
}

/// Forty matrices: enough for a run to be in the middle of. They are small, because a software adapter takes its time for each launch,
/// and there are some for each column.
fn many() -> Vec<u8> {
    (0..40).fold(Builder::new(), |b, i| b.made_up(&format!("m{i}.weight"), &[8, 8])).build()
}

#[test]
fn a_gpu_lost_in_the_middle_of_a_run_is_mended_twenty_times_and_the_result_is_equal() {
    with_page(async |page| -> Result<()> {
        let ranks = "return [...document.querySelectorAll('[data-test=stable-rank]')].map(e => e.innerText).join(' ')";
        let open = async |page: &Page| -> Result<()> {
            page.open("hooked.html?device=gpu").await?;
            page.drop_files(&[("many.safetensors", &many())]).await?;
            page.text_until("[data-test=checkpoint]", 30, |t| t.contains("many")).await
                .map(|_| ())
        };
        open(&page).await?;
        page.click("[data-test=run-spectra]").await?;
        page.find("[data-test=spectra-done]", 240).await?;
        let whole = page.js(ranks, json!([])).await?;
        open(&page).await?;
        page.click("[data-test=run-spectra]").await?;
        let mut losses = 0;
        while losses < 20 {
            // A few more matrices, then the device goes.
            let before = page.js("return document.querySelectorAll('[data-test=stable-rank]').length", json!([])).await?.as_u64().unwrap_or(0);
            page.until(&format!("return document.querySelectorAll('[data-test=stable-rank]').length > {before} || document.querySelector('[data-test=spectra-done]') ? 1 : null"), 60).await?;
            page.js("lose.postMessage(1)", json!([])).await?;
            losses += 1;
            let next = page.until("const f = document.querySelector('[data-test=fault]'); return f ? f.dataset.kind + f.dataset.again : document.querySelector('[data-test=spectra-done]') ? 'done' : null", 60).await?;
            match next.as_str().unwrap_or_default() {
                "Losttrue" => page.click("[data-test=dismiss]").await?,
                "Lostfalse" => page.click("[data-test=try-gpu]").await?,
                "done" => {
                    // All were done: the loss is found by the next run.
                    open(&page).await?;
                    page.click("[data-test=run-spectra]").await?;
                }
                other => anyhow::bail!("after loss {losses}: {other}"),
            }
        }
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(240);
        while page.driver.find_all(thirtyfour::By::Css("[data-test=spectra-done]")).await?.is_empty() {
            page.js("document.querySelector('[data-test=try-gpu]')?.click()", json!([])).await?;
            ensure!(std::time::Instant::now() < deadline, "the run did not end");
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        ensure!(page.js(ranks, json!([])).await? == whole, "the numbers are those of the undisturbed run");
        Ok(())
    });
}

/// One matrix of 2 MiB, pruned row by row on a GPU that refuses its buffer so many times.
async fn pruned_short_of_memory(page: &Page, times: u32) -> Result<()> {
    let file = Builder::new().made_up("model.layers.0.mlp.up_proj.weight", &[1024, 512]).build();
    page.open("hooked.html?device=gpu").await?;
    page.drop_files(&[("wide.safetensors", &file)]).await?;
    page.text_until("[data-test=checkpoint]", 30, |t| t.contains("wide")).await?;
    page.click("[data-test=place-prune]").await?;
    page.click("[data-choice=row]").await?;
    page.text_until("[data-test=cost]", 60, |t| t.contains("about")).await?;
    page.js("lose.postMessage({ above: 1 << 20, times: arguments[0] })", json!([times])).await?;
    page.click("[data-test=prune-run]").await
}

#[test]
fn without_room_on_the_gpu_smaller_tiles_are_tried_and_the_run_ends_well() {
    with_page(async |page| -> Result<()> {
        pruned_short_of_memory(&page, 2).await?;
        let told = page.text_until("[data-test=fault][data-kind=Tight]", 60, |t| !t.is_empty()).await?;
        ensure!(told.contains("more than the device gave") && told.contains("quarter") && told.contains("refused"), "{told}");
        page.text_until("[data-test=place-prune]", 60, |t| t.contains("50.0")).await?;
        ensure!(page.driver.find_all(thirtyfour::By::Css("[data-test=fault][data-kind=Memory]")).await?.is_empty(), "nothing failed");
        Ok(())
    });
}

#[test]
fn where_smaller_tiles_do_not_help_the_lack_is_drawn_and_the_cpu_goes_on() {
    with_page(async |page| -> Result<()> {
        pruned_short_of_memory(&page, 1000).await?;
        let told = page.text_until("[data-test=fault][data-kind=Memory]", 60, |t| !t.is_empty()).await?;
        ensure!(told.contains("MiB more than the device gave") && told.contains("refused") && told.contains("held") && told.contains("Copy details"), "{told}");
        page.find("[data-test=fault] svg.cutwire", 5).await?;
        page.gone("[data-test=fault][data-kind=Tight]", 5).await?;
        if let Some(dir) = std::env::var_os("ESPALIER_SHOTS") {
            page.screenshot(&std::path::PathBuf::from(dir).join("memory.png")).await?;
        }
        page.click("[data-test=use-cpu]").await?;
        page.text_until("[data-test=place-prune]", 60, |t| t.contains("50.0")).await?;
        page.gone("[data-test=fault]", 10).await
    });
}

#[test]
fn where_a_text_finds_no_room_fewer_windows_go_on() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "hooked.html?device=gpu", "shakespeare-llama").await?;
        page.click("[data-test=place-prune]").await?;
        page.click("[data-test=prune-method] [data-choice=wanda]").await?;
        for (knob, value) in [("calibration-samples", "64"), ("calibration-length", "16"), ("measure-windows", "1")] {
            set(&page, &format!("[data-test={knob}]"), value).await?;
        }
        page.text_until("[data-test=cost]", 60, |t| t.contains("about")).await?;
        // Whatever holds a text's activations is refused, in tiles of any size: by the worker with every method, which the run starts, from its first word on.
        page.js("window.refusing = setInterval(() => lose.postMessage({ above: 1 << 20, times: 100000 }), 20)", json!([])).await?;
        page.click("[data-test=prune-run]").await?;
        page.text_until("[data-test=fault][data-kind=Memory] [data-test=use-fewer]", 120, |t| t == "Use 16 windows").await?;
        // One refusal is left, of a buffer that nobody asks for: the GPU has room again.
        page.js("clearInterval(refusing); lose.postMessage({ above: 2 ** 50, times: 1 })", json!([])).await?;
        page.click("[data-test=use-fewer]").await?;
        page.text_until("[data-test=prune-stat-perplexity]", 180, |t| t.contains('→')).await?;
        page.gone("[data-test=fault]", 10).await?;
        // The text is measured before the run has ended.
        page.text_until("[data-test=last-log]", 60, |t| t.contains("16 windows of 16 tokens")).await.map(|_| ())
    });
}

#[test]
fn a_worker_that_is_killed_leaves_the_results_on_the_page() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "hooked.html?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=run-spectra]").await?;
        page.find("[data-test=spectra-done]", 120).await?;
        // Killed for good, as a browser short of memory does it; then the page is told.
        page.js("const w = workers.at(-1); w.terminate(); w.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }));", json!([])).await?;
        page.find("[data-test=fault][data-kind=Worker]", 10).await?;
        page.find("[data-test=spectra-done]", 5).await?;
        page.click("[data-test=place-prune]").await?;
        page.click("[data-test=prune-run]").await?;
        page.text_until("[data-test=place-prune]", 60, |t| t.contains("50.0")).await.map(|_| ())
    });
}

#[test]
fn a_file_that_changes_on_disk_is_noticed() {
    with_page(async |page| -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("moving.safetensors");
        std::fs::write(&path, Builder::new().made_up("a.weight", &[400, 400]).made_up("b.weight", &[400, 400]).build())?;
        page.open("?device=cpu").await?;
        page.choose("[data-test=files]", &[path.clone()]).await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("moving")).await?;
        std::fs::write(&path, Builder::new().made_up("a.weight", &[300, 300]).made_up("b.weight", &[300, 300]).build())?;
        page.click("[data-test=run-spectra]").await?;
        let fault = page.text_until("[data-test=fault]", 30, |t| !t.is_empty()).await?;
        ensure!(fault.contains("moving") && fault.contains("changed"), "{fault}");
        let open = page.text("[data-test=checkpoint]").await?;
        ensure!(open.contains("moving"), "what was open stays open");
        Ok(())
    });
}

#[test]
fn a_run_goes_on_while_its_tab_is_hidden() {
    with_page(async |page| -> Result<()> {
        page.open("?device=cpu").await?;
        page.drop_files(&[("many.safetensors", &many())]).await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("many")).await?;
        let first = page.driver.window().await?;
        page.click("[data-test=run-spectra]").await?;
        let second = page.driver.new_tab().await?;
        page.driver.switch_to_window(second).await?;
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        page.driver.switch_to_window(first).await?;
        page.find("[data-test=spectra-done]", 60).await.map(|_| ())
    });
}

#[test]
fn a_browser_that_gives_no_storage_is_no_obstacle() {
    with_page(async |page| -> Result<()> {
        // As in a frame whose cookies are blocked: the very property throws.
        page.open("nostorage.html?device=cpu").await?;
        page.click("[data-test=bundled-shakespeare-llama]").await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("shakespeare-llama")).await?;
        page.click("[data-test=place-prune]").await?;
        page.click("[data-test=prune-run]").await?;
        page.text_until("[data-test=place-prune]", 60, |t| t.contains("50.0")).await?;
        page.click("[data-test=place-open]").await?;
        let told = page.text_until("[data-test=storage-full]", 20, |t| !t.is_empty()).await?;
        ensure!(told.contains("gives this page none"), "{told}");
        Ok(())
    });
}
