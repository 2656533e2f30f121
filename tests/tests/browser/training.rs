//! A training run on the Map outlives the page: saved, reloaded, gone on with to the same numbers; in links and in records.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use espalier_nets::checkpoint::{header_end, metadata};
use espalier_nets::testing::Builder;
use espalier_tests::browser::Page;
use espalier_tests::browser::with_page;
use serde_json::json;

use super::map::{at_map, city, digits, set};

/// A run as its file holds it.
struct Saved {
    step: u32,
    /// Every loss that was said, as the file writes it: step and value in turn, to the last digit.
    curves: BTreeMap<String, Vec<String>>,
    /// Weights, the optimiser's memory, the best weights.
    values: Vec<u8>,
    bytes: Vec<u8>,
}

/// Saves the run of the page and takes the file away.
async fn save(page: &Page) -> Result<Saved> {
    page.click("[data-test=map-save]").await?;
    let path = page.download(".safetensors", 30).await?;
    let bytes = std::fs::read(&path)?;
    std::fs::remove_file(Path::new(&path))?;
    let about: BTreeMap<String, String> = metadata(&bytes).context("a header with metadata")?.into_iter().collect();
    let end = header_end(&bytes).context("a header")? as usize;
    let lines = about.get("espalier.run.curves").context("curves")?.lines();
    let mut curves: BTreeMap<String, Vec<String>> = lines.filter_map(|l| l.split_once('\t')).map(|(name, rest)| (name.to_owned(), rest.split('\t').map(str::to_owned).collect())).collect();
    // Looks are taken where somebody looked; losses are the run's.
    curves.retain(|series, _| series.contains("loss") || series.contains("chance"));
    Ok(Saved { step: about.get("espalier.run.step").context("a step")?.parse()?, curves, values: bytes[end..].to_vec(), bytes })
}

/// 810 points in batches of 128 over 80 epochs are 560 steps, some seconds; no probes.
async fn settings(page: &Page) -> Result<()> {
    page.click("[data-test=map-settings] summary").await?;
    for (knob, value) in [("map-epochs", "80"), ("map-batch", "128"), ("map-width", "16"), ("map-seeds", "0")] {
        set(page, knob, value).await?;
    }
    Ok(())
}

async fn ended(page: &Page) -> Result<()> {
    page.text_until("[data-test=map-pace]", 240, |t| t.contains("steps taken")).await.map(|_| ())
}

/// Waits until the browser's storage has the run as it was at a step.
async fn stored(page: &Page, step: u32) -> Result<()> {
    let script = "const [step, done] = arguments, word = `\"espalier.run.step\":\"${step}\"`;
        const look = async () => {
            const found = await (await caches.open('kept-by-espalier')).match('./kept-run');
            if (found && (await found.text()).includes(word)) done(1); else setTimeout(look, 50);
        };
        look();";
    page.js_async(script, json!([step])).await.map(|_| ())
}

/// Presses play and makes the run wait; the step that it waits at.
async fn waits(page: &Page) -> Result<u32> {
    page.click("[data-test=map-play]").await?;
    // Some steps have been taken once there is a loss.
    page.text_until("[data-test=map-loss] figcaption", 60, |t| t.contains("better than chance")).await?;
    page.click("[data-test=map-pause]").await?;
    page.text_until("[data-test=map-pace]", 60, |t| t.contains("waits at step")).await?;
    Ok(digits(&page.text("[data-test=map-pace]").await?).parse()?)
}

fn equal(now: &Saved, whole: &Saved) -> Result<()> {
    ensure!(now.step == whole.step && now.curves["loss"].len() == 2 * now.step as usize, "step {} of {}, {:?}", now.step, whole.step, now.curves["loss"]);
    for (series, values) in &whole.curves {
        ensure!(now.curves.get(series) == Some(values), "{series}: {:?} and {values:?}", now.curves.get(series));
    }
    ensure!(now.values == whole.values, "the weights are the same bytes");
    Ok(())
}

#[test]
fn a_run_is_saved_and_gone_on_with_after_a_reload_to_the_same_losses() {
    with_page(async |page| -> Result<()> {
        city(&page, "900").await?;
        settings(&page).await?;
        page.click("[data-test=map-play]").await?;
        ended(&page).await?;
        let whole = save(&page).await?;
        // The same run again, held in its middle, as a file and in the browser's storage.
        let step = waits(&page).await?;
        let half = save(&page).await?;
        ensure!(half.step == step && step > 0 && step < whole.step, "saved at {} of {}, the page says {step}", half.step, whole.step);
        ensure!(page.text("[data-test=map-pace]").await?.contains(&format!("waits at step {step}")), "being saved is no step");
        stored(&page, step).await?;
        page.driver.goto("about:blank").await?;
        page.open("?device=cpu").await?;
        page.click("[data-test=place-map]").await?;
        let offer = page.text_until("[data-test=map-go-on]", 60, |t| t.contains("Go on from step")).await?;
        ensure!(digits(&offer) == format!("{step}{}", whole.step), "{offer}");
        page.until("return document.querySelector('[data-test=map-go-on]').disabled ? null : 1", 60).await?;
        page.click("[data-test=map-go-on]").await?;
        ended(&page).await?;
        equal(&save(&page).await?, &whole)?;
        let figure = "return document.querySelector('[data-test=map-figure]').innerText";
        ensure!(page.js(figure, json!([])).await?.as_str().is_some_and(|t| t.contains("900")), "the run brought its city");
        // What was kept can be forgotten, and the file does the same: chosen on the Map, dropped anywhere.
        page.driver.goto("about:blank").await?;
        page.open("?device=cpu").await?;
        page.click("[data-test=place-map]").await?;
        page.text_until("[data-test=map-go-on]", 60, |t| t.contains("Take up the run")).await?;
        page.click("[data-test=map-forget]").await?;
        page.gone("[data-test=map-go-on]", 10).await?;
        let file = tempfile::Builder::new().suffix(".safetensors").tempfile()?;
        std::fs::write(file.path(), &half.bytes)?;
        page.text_until("[data-test=place-map]", 60, |t| t.contains("20")).await?;
        page.choose("[data-test=map-run-file]", &[file.path().to_path_buf()]).await?;
        page.text_until("[data-test=map-go-on]", 60, |t| digits(t) == format!("{step}{}", whole.step)).await?;
        page.text_until("[data-test=place-map]", 60, |t| t.contains("900")).await?;
        page.click("[data-test=map-go-on]").await?;
        ended(&page).await?;
        equal(&save(&page).await?, &whole)?;
        page.driver.goto("about:blank").await?;
        page.open("?device=cpu").await?;
        page.drop_files(&[("half.safetensors", &half.bytes)]).await?;
        page.find(".app[data-place=map]", 30).await?;
        page.text_until("[data-test=map-go-on]", 60, |t| digits(t) == format!("{step}{}", whole.step)).await?;
        // A model is no run: the Map says so, and dropped it is opened like any other.
        let model = Builder::new().metadata("format", "pt").made_up("model.layers.0.mlp.up_proj.weight", &[8, 6]).build();
        std::fs::write(file.path(), &model)?;
        page.choose("[data-test=map-run-file]", &[file.path().to_path_buf()]).await?;
        page.text_until("[data-test=fault]", 20, |t| t.contains("is no saved run")).await?;
        page.drop_files(&[("small.safetensors", &model)]).await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("small")).await.map(|_| ())
    });
}

/// What the Map says of its figures, once it says something of the probes.
async fn said(page: &Page) -> Result<Vec<String>> {
    page.find("[data-test=map-probes]", 240).await?;
    let mut out = Vec::new();
    for figure in ["map-figure", "map-loss", "map-found", "map-probes"] {
        out.push(page.text(&format!("[data-test={figure}] figcaption")).await?);
    }
    Ok(out)
}

#[test]
fn a_view_of_the_map_comes_back_from_its_link_and_its_record_with_the_same_numbers() {
    with_page(async |page| -> Result<()> {
        city(&page, "600").await?;
        page.click("[data-test=map-settings] summary").await?;
        for (knob, value) in [("map-epochs", "5"), ("map-batch", "96"), ("map-width", "12"), ("map-seeds", "1"), ("map-supervised", "3")] {
            set(&page, knob, value).await?;
        }
        page.click("[data-test=map-play]").await?;
        page.find("[data-test=map-probes]", 240).await?;
        page.click("[data-test=map-modes] [data-choice=clusters]").await?;
        page.click("[data-test=map-clusters] [data-choice='8']").await?;
        page.click("[data-test=zoom-in]").await?;
        let before = said(&page).await?;
        let link = page.link().await?;
        ensure!(link.contains("page=map"), "{link}");
        page.driver.goto("about:blank").await?;
        page.open(&link).await?;
        page.find(".app[data-place=map]", 30).await?;
        let after = said(&page).await?;
        ensure!(before == after, "{before:?}, then {after:?}");
        ensure!(page.driver.find_all(thirtyfour::By::Css("[data-test=link-notes]")).await?.is_empty(), "nothing is amiss");
        let value = page.js("return document.querySelector('[data-test=map-epochs]').value", json!([])).await?;
        ensure!(value == json!("5"), "the settings are the link's: {value}");
        // The address follows the view a moment later.
        ensure!(page.link().await? == link, "the same view has the same address");
        // The page's own record, and the engine's, which `espalier replay` takes too.
        page.click("[data-test=place-open]").await?;
        page.text_until("[data-test=kept]", 20, |t| t.contains("made city 7 · calliper")).await?;
        page.click("[data-test=run-record]").await?;
        let record = std::fs::read_to_string(page.download("espalier-run.json", 30).await?)?;
        page.click("[data-test=reopen]").await?;
        page.js("document.querySelector('[data-test=last-log]').click()", json!([])).await?;
        page.text_until("[data-test=log]", 240, |t| t.contains("calliper again: the same numbers as in the record")).await?;
        page.drop_files(&[("espalier-run.json", record.as_bytes())]).await?;
        page.text_until("[data-test=log]", 240, |t| t.contains("results equal") && t.contains(" 0 different")).await.map(|_| ())
    });
}

#[test]
fn a_long_run_of_a_link_waits_and_a_file_of_the_visitors_own_is_asked_for() {
    const CSV: &str = "lon,lat,description\n-0.10,51.50,A place of cafés\n-0.11,51.51,A place of parks\n-0.12,51.52,A place of parks\n";
    with_page(async |page| -> Result<()> {
        at_map(&page).await?;
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("mine.csv");
        std::fs::write(&file, CSV)?;
        page.choose("[data-test=map-file]", &[file.clone()]).await?;
        page.text_until("[data-test=map-reading]", 30, |t| t.contains("3 rows")).await?;
        let link = page.link().await?;
        page.driver.goto("about:blank").await?;
        page.open(&link).await?;
        let notes = page.text_until("[data-test=link-notes]", 30, |t| !t.is_empty()).await?;
        ensure!(notes.contains("mine.csv"), "{notes}");
        page.choose("[data-test=map-file]", &[file]).await?;
        page.text_until("[data-test=map-reading]", 30, |t| t.contains("3 rows")).await.map(|_| ())
    });
}
