//! Regions with shares of classes: those of the made city, whose truth is known, and a visitor's own file.

use anyhow::{Context, Result, ensure};
use espalier_tests::browser::{Page, with_page};
use serde_json::json;

use super::map::{at_map, city, set, shot};

async fn figcaption(page: &Page, part: &str) -> Result<String> {
    page.until(&format!("return document.querySelector('[data-test=map-figure] figcaption').innerText.includes('{part}') || null"), 30).await?;
    page.text("[data-test=map-figure] figcaption").await
}

async fn small(page: &Page) -> Result<()> {
    page.click("[data-test=map-settings] summary").await?;
    for (knob, value) in [("map-epochs", "4"), ("map-batch", "96"), ("map-width", "12"), ("map-seeds", "2"), ("map-supervised", "3")] {
        set(page, knob, value).await?;
    }
    Ok(())
}

/// The numbers of the figure's rows: names and `random · blocks`.
async fn rows(page: &Page) -> Result<Vec<String>> {
    let script = "return [...document.querySelectorAll('[data-test=map-areas] svg text')].map(t => t.textContent)";
    Ok(serde_json::from_value(page.js(script, json!([])).await?)?)
}

#[test]
fn the_made_citys_regions_are_seen_told_and_judged() {
    with_page(async |page| -> Result<()> {
        city(&page, "900").await?;
        page.text_until("[data-test=map-areas-wait]", 20, |t| t.contains("16 regions") && t.contains("9 classes")).await?;
        page.click("[data-test=map-modes] [data-choice=regions]").await?;
        figcaption(&page, "share of managers in 16 regions").await?;
        page.js("const s = document.querySelector('[data-test=map-class]'); s.selectedIndex = 8; s.dispatchEvent(new Event('change', { bubbles: true }))", json!([])).await?;
        figcaption(&page, "share of students in 16 regions").await?;
        small(&page).await?;
        page.click("[data-test=map-play]").await?;
        page.find("[data-test=map-areas]", 240).await?;
        let words = rows(&page).await?;
        for row in ["CaLLiPer, last step", "CaLLiPer, mean of the region’s points", "TF-IDF of the region", "untrained encoder", "mean of what was learnt from", "L1"] {
            ensure!(words.iter().any(|w| w == row), "{row} is missing in {words:?}");
        }
        let numbers: Vec<&String> = words.iter().filter(|w| w.contains(" · ")).collect();
        ensure!(numbers.len() >= 10 && numbers.iter().all(|n| n.split(" · ").all(|v| v.parse::<f64>().is_ok_and(|v| v > 0.0 && v < 2.0))), "{numbers:?}");
        page.click("[data-test=map-truth] [data-choice=told]").await?;
        figcaption(&page, "4 test regions").await?;
        page.click("[data-test=map-truth] [data-choice=errors]").await?;
        figcaption(&page, "summed over the classes").await?;
        page.click("[data-test=map-hexagons] [data-choice=regions]").await?;
        figcaption(&page, "Marks stand at the places of the regions").await?;
        shot(&page, "map-regions.png").await?;
        page.click("[data-test=map-modes] [data-choice=embedding]").await?;
        figcaption(&page, "the mean place on the plane").await.map(|_| ())
    });
}

#[test]
fn own_regions_are_read_with_their_classes_and_told() {
    let kinds = ["A place of cafés", "A place of parks", "A place of foundries"];
    // 30 × 20 points; what stands at them, and who lives there, changes from west to east.
    let points: String = (0..600).map(|i| format!("{},{},{}\n", 530_000 + 100 * (i % 30), 180_000 + 100 * (i / 30), kinds[(i % 30) / 10])).collect();
    let regions: String = (0..24).map(|i| {
        let (x, y) = (i % 6, i / 6);
        format!("E0{i},{},{},{},{},7\n", 530_250 + 500 * x, 180_250 + 500 * y, 10 + 12 * x, 90 - 12 * x)
    }).collect();
    with_page(async |page| -> Result<()> {
        at_map(&page).await?;
        let dir = tempfile::tempdir()?;
        let file = |name: &str, text: String| -> Result<std::path::PathBuf> {
            let path = dir.path().join(name);
            std::fs::write(&path, text)?;
            Ok(path)
        };
        page.choose("[data-test=map-file]", &[file("points.csv", format!("easting,northing,description\n{points}"))?]).await?;
        page.text_until("[data-test=map-reading]", 30, |t| t.contains("600 rows")).await?;
        // A file without classes says which columns it has; what was there stays.
        page.choose("[data-test=map-regions]", &[file("none.csv", "easting,northing,name\n530000,180000,a\n".into())?]).await?;
        page.text_until("[data-test=fault]", 30, |t| t.contains("shares") && t.contains("easting, northing, name")).await?;
        ensure!(page.text("[data-test=map-figure] .what").await?.contains("600 points"));
        page.choose("[data-test=map-regions]", &[file("regions.csv", format!("code,easting,northing,class_1,class_2,population\n{regions}"))?]).await?;
        page.text_until("[data-test=map-regions-read]", 30, |t| t.contains("24 regions") && t.contains("2 classes")).await?;
        let taken = page.js("return document.querySelector('[data-test=map-shares]').value", json!([])).await?;
        ensure!(taken == json!("class_1, class_2"), "{taken}");
        set(&page, "map-shares", "class_1, class_2, population").await?;
        page.text_until("[data-test=map-regions-read]", 30, |t| t.contains("3 classes")).await?;
        set(&page, "map-shares", "class_1, class_2").await?;
        page.text_until("[data-test=map-regions-read]", 30, |t| t.contains("2 classes")).await?;
        small(&page).await?;
        page.click("[data-test=map-play]").await?;
        page.find("[data-test=map-areas]", 240).await?;
        let words = rows(&page).await?;
        let at = words.iter().position(|w| w == "raw coordinates").context("its row")?;
        // Behind its name stand its numbers. The shares change from west to east: the coordinates tell them better than their mean does.
        let number = |i: usize| words[i + 1].split(" · ").next().and_then(|v| v.parse::<f64>().ok()).context("a number");
        let mean = words.iter().position(|w| w == "mean of what was learnt from").context("its row")?;
        ensure!(number(at)? < number(mean)?, "{words:?}");
        page.click("[data-test=map-modes] [data-choice=regions]").await?;
        figcaption(&page, "share of class_1 in 24 regions").await.map(|_| ())
    });
}
