//! What the page is for: spectra on both devices, cancel and resume.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use espalier_nets::Checkpoint;
use espalier_nets::testing::Builder;
use espalier_tensor::linalg::singular::singular_values_cpu;
use espalier_tests::browser::{Page, with_page};
use serde_json::json;

/// Three small matrices: square, tall, wide.
fn small() -> Vec<u8> {
    Builder::new().made_up("square.weight", &[33, 33]).made_up("tall.weight", &[64, 16]).made_up("wide.weight", &[24, 40]).build()
}

/// Stable rank by tensor, as the table shows it.
async fn stable_ranks(page: &Page) -> Result<BTreeMap<String, f64>> {
    let script = "return [...document.querySelectorAll('[data-test=row]')].map(r => [r.dataset.tensor, r.querySelector('[data-test=stable-rank]')?.innerText ?? ''])";
    let rows = page.js(script, json!([])).await?;
    let rows = rows.as_array().cloned().unwrap_or_default();
    Ok(rows.iter().filter_map(|r| Some((r[0].as_str()?.to_owned(), r[1].as_str()?.replace(['\u{a0}', '\u{2009}', '\u{202f}'], "").parse().ok()?))).collect())
}

/// Opens the small file on a device and computes all its spectra.
async fn spectra_on(page: &Page, query: &str) -> Result<BTreeMap<String, f64>> {
    page.open(query).await?;
    page.drop_files(&[("small.safetensors", &small())]).await?;
    page.text_until("[data-test=checkpoint]", 30, |t| t.contains("small")).await?;
    page.click("[data-test=run-spectra]").await?;
    page.find("[data-test=spectra-done]", 120).await?;
    stable_ranks(page).await
}

#[test]
fn spectra_agree_between_page_cpu_page_gpu_and_native() {
    let checkpoint = pollster::block_on(Checkpoint::from_bytes("small.safetensors", small())).expect("it opens");
    let native: BTreeMap<String, f64> = checkpoint
        .matrices()
        .iter()
        .map(|m| {
            let a = pollster::block_on(checkpoint.read_matrix(m)).expect("it reads");
            let s = singular_values_cpu(a.view()).expect("it converges").values;
            (m.name.clone(), s.iter().map(|v| v * v).sum::<f64>() / (s[0] * s[0]))
        })
        .collect();
    with_page(async move |page| -> Result<()> {
        let cpu = spectra_on(&page, "?device=cpu").await?;
        let gpu = spectra_on(&page, "?device=gpu").await?;
        let device = page.text("[data-test=device]").await?;
        ensure!(device.contains("GPU"), "the second run was on the GPU: {device}");
        ensure!(native.len() == 3);
        for (name, want) in &native {
            // The table shows three significant digits: half a unit of the third is at most 0.5 %.
            for (device, got) in [("CPU", &cpu), ("GPU", &gpu)] {
                let got = got.get(name).with_context(|| format!("{name} has no stable rank on the {device}"))?;
                ensure!((got - want).abs() <= 0.005 * want, "{name} on the {device}: {got}, natively {want}");
            }
        }
        Ok(())
    });
}

#[test]
fn a_cancelled_job_keeps_what_is_done_and_goes_on_from_there() {
    const MATRICES: usize = 60;
    let big = (0..MATRICES).fold(Builder::new(), |b, i| b.made_up(&format!("m{i}.weight"), &[320, 320])).build();
    with_page(async move |page| -> Result<()> {
        page.open("?device=cpu").await?;
        page.drop_files(&[("big.safetensors", &big)]).await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("big")).await?;
        page.click("[data-test=run-spectra]").await?;
        page.find("[data-test=stable-rank]", 60).await?;
        page.click("[data-test=cancel]").await?;
        let stopped = page.text_until("[data-test=stopped]", 10, |t| !t.is_empty()).await?;
        ensure!(stopped.contains(&format!("of {MATRICES}")), "{stopped}");
        let kept = stable_ranks(&page).await?.len();
        ensure!(kept > 0 && kept < MATRICES, "{kept} kept");
        page.click("[data-test=resume]").await?;
        page.find("[data-test=spectra-done]", 120).await?;
        ensure!(stable_ranks(&page).await?.len() == MATRICES);
        Ok(())
    });
}

#[test]
fn the_self_test_gives_a_report_that_names_every_operation() {
    with_page(async |page| -> Result<()> {
        page.open("?device=gpu").await?;
        page.text_until("[data-test=runs-on]", 30, |t| t.contains("GPU")).await?;
        page.click("[data-test=self-test]").await?;
        page.find("[data-test=save-report]", 300).await?;
        page.click("[data-test=save-report]").await?;
        let path = page.download("self-test.json", 20).await?;
        let report: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
        let rows = report["operations"].as_array().context("operations")?;
        ensure!(report["compared"] == json!(true) && report["failed"] == json!(0), "{report}");
        ensure!(rows.len() > 20 && rows.iter().all(|r| r["samples"].as_u64() > Some(0)), "{} operations", rows.len());
        let badge = page.text("[data-test=device]").await?;
        ensure!(badge.contains('Δ'), "{badge}");
        Ok(())
    });
}
