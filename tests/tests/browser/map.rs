//! The Map: a made city learns, waits, goes on, answers and is judged; own points are read; fifty thousand points move.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use espalier_methods::urban::made::Made;
use espalier_nets::geo::{read_csv, read_geojson};
use espalier_tests::browser::{Page, with_page};
use serde_json::json;

/// Sets a field as a person does who types and leaves it.
pub(super) async fn set(page: &Page, test: &str, value: &str) -> Result<()> {
    let script = "const e = document.querySelector(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('change', { bubbles: true }))";
    page.find(&format!("[data-test={test}]"), 20).await?;
    page.js(script, json!([format!("[data-test={test}]"), value])).await.map(|_| ())
}

/// Opens the page and goes to the Map, where the made city of 20 000 points is.
pub(super) async fn at_map(page: &Page) -> Result<()> {
    page.open("?device=cpu").await?;
    page.click("[data-test=place-map]").await?;
    page.text_until("[data-test=place-map]", 60, |t| t.contains("20")).await.map(|_| ())
}

/// Opens the Map with a made city of so many points.
pub(super) async fn city(page: &Page, points: &str) -> Result<()> {
    at_map(page).await?;
    set(page, "map-count", points).await?;
    page.until(&format!("return document.querySelector('[data-test=map-figure] .what')?.innerText.replace(/\\D/g, '').startsWith('{points}') || null"), 60).await.map(|_| ())
}

async fn small_settings(page: &Page) -> Result<()> {
    page.click("[data-test=map-settings] summary").await?;
    for (knob, value) in [("map-epochs", "6"), ("map-batch", "128"), ("map-width", "16"), ("map-seeds", "1"), ("map-supervised", "3")] {
        set(page, knob, value).await?;
    }
    Ok(())
}

/// Colours of the points on the screen.
async fn colours(page: &Page) -> Result<u64> {
    let script = "const c = document.querySelector('[data-test=map-ink]'), d = c.getContext('2d').getImageData(0, 60, c.width - 60, c.height - 140).data, s = new Set();
        for (let i = 0; i < d.length; i += 4) if (d[i + 3] === 255) s.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]); return s.size";
    page.js(script, json!([])).await?.as_u64().context("a number")
}

pub(super) async fn shot(page: &Page, name: &str) -> Result<()> {
    if let Some(dir) = std::env::var_os("ESPALIER_SHOTS") {
        page.screenshot(&PathBuf::from(dir).join(name)).await?;
    }
    Ok(())
}

/// Draws around the middle of the map, looks at what was selected, saves it, and looks at hexagons.
async fn drawn_around(page: &Page) -> Result<()> {
    page.click("[data-test=map-modes] [data-choice=embedding]").await?;
    page.click("[data-test=map-lasso]").await?;
    page.until("return document.querySelector('[data-test=map-lasso]').getAttribute('aria-pressed') === 'true' || null", 10).await?;
    let draw = "const s = document.querySelector('[data-test=map-surface]'), r = s.getBoundingClientRect(); s.setPointerCapture = () => {};
        const at = (type, x, y) => s.dispatchEvent(new PointerEvent(type, { pointerId: 5, clientX: r.left + r.width * x, clientY: r.top + r.height * y, bubbles: true }));
        at('pointerdown', 0.35, 0.35); at('pointermove', 0.65, 0.35); at('pointermove', 0.65, 0.65); at('pointermove', 0.35, 0.65); at('pointerup', 0.35, 0.65)";
    page.js(draw, json!([])).await?;
    let said = page.text_until("[data-test=map-selected]", 10, |t| t.contains("points in")).await?;
    let some: usize = digits(said.split(" points").next().unwrap_or_default()).parse()?;
    ensure!((5..800).contains(&some) && said.contains("mean cosine"), "{said}");
    ensure!(page.text("[data-test=map-lasso]").await.is_ok() && page.js("return document.querySelector('[data-test=map-lasso]').getAttribute('aria-pressed')", json!([])).await? == json!("false"), "the lasso is laid down");
    shot(page, "map-selection.png").await?;
    page.js("document.querySelector('[data-test=map-selection]').scrollIntoView()", json!([])).await?;
    page.click("[data-test=selection-csv]").await?;
    let csv = read_csv(&std::fs::read(page.download("selection.csv", 30).await?)?, usize::MAX)?.table;
    ensure!(csv.rows.len() == some, "{} rows of {some}", csv.rows.len());
    page.click("[data-test=map-unselect]").await?;
    page.click("[data-test=map-in-view]").await?;
    page.text_until("[data-test=map-selected]", 10, |t| t.contains("points in")).await?;
    page.click("[data-test=map-unselect]").await?;
    let before = colours(page).await?;
    page.click("[data-test=map-hexagons] [data-choice=hexagons]").await?;
    page.until("return document.querySelector('[data-test=map-figure] figcaption').innerText.includes('Hexagons are') || null", 10).await?;
    let mut cells = before;
    for _ in 0..50 {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        cells = colours(page).await?;
        if cells > 30 && cells != before {
            break;
        }
    }
    ensure!(cells > 30 && cells != before, "{cells} colours of hexagons, {before} of points");
    shot(page, "map-hexagons.png").await?;
    page.click("[data-test=map-hexagons] [data-choice=points]").await
}

pub(super) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[test]
fn a_made_city_learns_waits_answers_and_is_judged() {
    with_page(async |page| -> Result<()> {
        city(&page, "900").await?;
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        ensure!(colours(&page).await? <= 2, "nothing learnt: one grey");
        small_settings(&page).await?;
        page.click("[data-test=map-play]").await?;
        page.click("[data-test=map-pause]").await?;
        let at = page.text_until("[data-test=map-pace]", 60, |t| t.contains("waits at step")).await?;
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        ensure!(page.text("[data-test=map-pace]").await? == at, "a run that was asked to wait waits");
        let step: u32 = digits(&at).parse()?;
        page.click("[data-test=map-step]").await?;
        let next = (step + 1).to_string();
        page.text_until("[data-test=map-pace]", 30, |t| t.contains("waits at step") && digits(t) == next).await?;
        page.click("[data-test=map-resume]").await?;
        page.find("[data-test=map-probes]", 240).await?;
        ensure!(colours(&page).await? > 30, "the embedding is colour");
        // A place finds itself first.
        let press = "const s = document.querySelector('[data-test=map-surface]'); s.focus(); s.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }))";
        page.js(press, json!([])).await?;
        let rows = "return [...document.querySelectorAll('[data-test=map-hits] tr')].map(r => r.innerText)";
        page.until("return document.querySelectorAll('[data-test=map-hits] tr').length === 5 || null", 20).await?;
        let hits = page.js(rows, json!([])).await?;
        ensure!(hits[0].as_str().is_some_and(|t| t.contains("1.000")), "{hits}");
        let script = "const f = document.querySelector('[data-test=map-words]'); f.value = 'A place of foundries, a type of manufacture'; document.querySelector('[data-test=map-ask]').click()";
        page.js(script, json!([])).await?;
        page.until("return document.querySelector('[data-test=map]').innerText.includes('“A place of foundries') || null", 20).await?;
        // The bundled sentence embeddings are the text side; what is no description is taken as the one that is spelt most alike.
        ensure!(page.text("[data-test=map-encoder]").await?.contains("all-MiniLM-L6-v2") && page.text("[data-test=map-words-by]").await?.contains("all-MiniLM-L6-v2"));
        let script = "const f = document.querySelector('[data-test=map-words]'); f.value = 'café'; document.querySelector('[data-test=map-ask]').click()";
        page.js(script, json!([])).await?;
        page.until("return document.querySelector('[data-test=map]').innerText.includes('“cafés”, the description spelt most like “café”') || null", 20).await?;
        drawn_around(&page).await?;
        for (mode, choice) in [("clusters", "4"), ("land-use", "errors")] {
            page.click(&format!("[data-test=map-modes] [data-choice={mode}]")).await?;
            let group = if mode == "clusters" { "map-clusters" } else { "map-truth" };
            page.click(&format!("[data-test={group}] [data-choice='{choice}']")).await?;
        }
        page.until("return document.querySelector('[data-test=map-figure] figcaption').innerText.includes('test places') || null", 20).await?;
        std::fs::remove_file(page.download("selection.csv", 30).await?)?;
        // What was learnt goes into files that can be read again.
        page.click("[data-test=map-csv]").await?;
        let csv = read_csv(&std::fs::read(page.download(".csv", 30).await?)?, usize::MAX)?.table;
        // The same city as natively, to the centimetre that the file has.
        let native = Made::new(7, 900).points;
        for (row, [x, y]) in csv.rows.iter().zip(native) {
            let at = [row[0].parse::<f64>()?, row[1].parse::<f64>()?];
            ensure!((at[0] - x).abs() < 0.011 && (at[1] - y).abs() < 0.011, "{at:?} on the page, ({x}, {y}) natively");
        }
        ensure!(csv.rows.len() == 900 && csv.column("e15").is_ok() && csv.faults.is_empty(), "{} rows of {:?}", csv.rows.len(), csv.names);
        page.click("[data-test=map-geojson]").await?;
        let geo = read_geojson(&std::fs::read(page.download(".geojson", 30).await?)?, usize::MAX)?;
        ensure!(geo.rows.len() == 900 && geo.faults.is_empty());
        Ok(())
    });
}

#[test]
fn own_points_are_read_and_bad_rows_are_listed() {
    const CSV: &str = "name;lon;lat;description\na;-0.10;51.50;A place of cafés, a type of eating\nb;-0.11;51.51;A place of parks, a type of nature\nc;x;51.5;A place of cafés, a type of eating\nd;;51.5;none\ne;-0.12;51.52;A place of parks, a type of nature\n";
    with_page(async |page| -> Result<()> {
        at_map(&page).await?;
        let file = tempfile::Builder::new().suffix(".csv").tempfile()?;
        std::fs::write(file.path(), CSV)?;
        page.choose("[data-test=map-file]", &[file.path().to_path_buf()]).await?;
        let said = page.text_until("[data-test=map-reading]", 30, |t| t.contains("5 rows")).await?;
        ensure!(said.contains("WGS84"), "{said}");
        page.click("[data-test=map-faults] summary").await?;
        let faults = page.text("[data-test=map-faults]").await?;
        ensure!(faults.contains("row 4") && faults.contains("row 5") && !faults.contains("row 6"), "{faults}");
        let taken = page.js("return ['map-x', 'map-y', 'map-text'].map(t => document.querySelector(`[data-test=${t}]`).value)", json!([])).await?;
        ensure!(taken == json!(["lon", "lat", "description"]), "{taken}");
        // Another column for the text is another city.
        set(&page, "map-text", "name").await?;
        page.until("return document.querySelector('[data-test=map-figure] .what')?.innerText.includes('3 kinds') || null", 30).await?;
        // A file without places says so and leaves what was there.
        let empty = tempfile::Builder::new().suffix(".csv").tempfile()?;
        std::fs::write(empty.path(), "only\n1\n")?;
        page.choose("[data-test=map-file]", &[empty.path().to_path_buf()]).await?;
        page.text_until(".faults", 30, |t| t.contains("column")).await?;
        ensure!(page.text("[data-test=map-figure] .what").await?.contains("3 points"));
        Ok(())
    });
}

#[test]
fn fifty_thousand_points_are_drawn_while_they_are_dragged() {
    with_page(async |page| -> Result<()> {
        city(&page, "50000").await?;
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        let script = "const done = arguments[0], s = document.querySelector('[data-test=map-surface]'), r = s.getBoundingClientRect();
            const at = (type, x, y) => s.dispatchEvent(new PointerEvent(type, { pointerId: 7, clientX: r.left + x, clientY: r.top + y, bubbles: true }));
            s.setPointerCapture = () => {};
            at('pointerdown', 300, 200);
            const start = performance.now(); let frames = 0;
            const turn = now => {
                frames += 1;
                at('pointermove', 300 + 60 * Math.sin(frames / 9), 200 + 40 * Math.cos(frames / 7));
                if (now - start < 3000) return requestAnimationFrame(turn);
                at('pointerup', 300, 200);
                done([frames * 1000 / (now - start), Number(document.querySelector('[data-test=map-ink]').dataset.drawMs)]);
            };
            requestAnimationFrame(turn)";
        let found = page.js_async(script, json!([])).await?;
        let (rate, draw) = (found[0].as_f64().context("a rate")?, found[1].as_f64().context("a time")?);
        println!("50 000 points: {rate:.1} frames/s, {draw:.2} ms a drawing");
        // How fast is for the reader of the line above: a machine that is busy is no fault of the page.
        ensure!(rate > 2.0 && draw > 0.0, "{draw} ms a drawing, {rate} frames/s");
        Ok(())
    });
}

/// Pictures of a whole default run, for whoever looks at them: `ESPALIER_SHOTS=DIR`.
#[test]
#[ignore = "pictures of minutes of training, for whoever looks at them"]
fn the_map_can_be_looked_at() {
    with_page(async |page| -> Result<()> {
        at_map(&page).await?;
        tokio::time::sleep(std::time::Duration::from_millis(900)).await;
        shot(&page, "map-before.png").await?;
        let started = std::time::Instant::now();
        page.click("[data-test=map-play]").await?;
        tokio::time::sleep(std::time::Duration::from_secs(25)).await;
        shot(&page, "map-training.png").await?;
        page.text_until("[data-test=map-pace]", 580, |t| t.contains("probe")).await?;
        println!("default run: {:.0} s to the probes", started.elapsed().as_secs_f64());
        page.find("[data-test=map-probes]", 580).await?;
        println!("default run: {:.0} s to the table", started.elapsed().as_secs_f64());
        shot(&page, "map-light.png").await?;
        page.click("[data-test=map-surface]").await?;
        page.find("[data-test=map-hits]", 10).await?;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        shot(&page, "map-similar.png").await?;
        page.click("[data-test=map-modes] [data-choice=land-use]").await?;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        shot(&page, "map-land-use.png").await?;
        page.click("[data-test=map-modes] [data-choice=embedding]").await?;
        while page.js("return document.documentElement.dataset.theme", json!([])).await? != json!("dark") {
            page.click("[data-test=theme]").await?;
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        shot(&page, "map-dark.png").await?;
        page.driver.set_window_rect(0, 0, 500, 900).await?;
        page.js("document.body.style.width = '360px'; document.querySelector('.app').style.width = '360px'", json!([])).await?;
        tokio::time::sleep(std::time::Duration::from_millis(900)).await;
        shot(&page, "map-360.png").await?;
        page.js("document.querySelector('.mapg aside').scrollIntoView()", json!([])).await?;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        shot(&page, "map-360-below.png").await
    });
}
