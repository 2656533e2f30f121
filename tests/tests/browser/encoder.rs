//! Descriptions and questions by a sentence encoder that the visitor has opened: the button, the table that comes of it, and what can be asked then.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use espalier_tests::browser::{Page, with_page};
use serde_json::{Value, json};

use super::map::{city, set};

/// A tokenizer of whole words for the small BERT of the golden files, whose vocabulary holds 20.
fn tokenizer() -> String {
    let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "place", "of", "type", ",", "parks", "pubs", "foundries", "green", "work", "and", "drinking", "eating", "steel", "trees", "beer"];
    let vocab: Value = words.iter().enumerate().map(|(i, w)| ((*w).to_owned(), json!(i))).collect::<serde_json::Map<_, _>>().into();
    let special = |i: usize| json!({ "id": i, "content": words[i], "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true });
    let mark = |i: usize| json!({ "SpecialToken": { "id": words[i], "type_id": 0 } });
    let own = |i: usize| json!({ "id": words[i], "ids": [i], "tokens": [words[i]] });
    let text = |id: &str| json!({ "Sequence": { "id": id, "type_id": 0 } });
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [special(0), special(1), special(2), special(3)],
        "normalizer": { "type": "Lowercase" }, "pre_tokenizer": { "type": "Whitespace" }, "decoder": null,
        "post_processor": { "type": "TemplateProcessing", "single": [mark(2), text("A"), mark(3)], "pair": [mark(2), text("A"), mark(3), text("B"), mark(3)], "special_tokens": { "[CLS]": own(2), "[SEP]": own(3) } },
        "model": { "type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]" },
    })
    .to_string()
}

fn golden() -> Result<(Vec<u8>, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/models");
    let cases: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("cases.json"))?)?;
    let case = cases.as_array().and_then(|all| all.iter().find(|c| c["name"] == "bert")).context("a BERT among the golden models")?;
    Ok((std::fs::read(folder.join("bert.safetensors"))?, case["config"].to_string()))
}

/// Asks in words and gives what the Map says that it was asked, and the five hits.
async fn ask(page: &Page, words: &str) -> Result<(String, Vec<String>)> {
    page.js("document.querySelector('[data-test=map-words]').value = arguments[0]; document.querySelector('[data-test=map-ask]').click()", json!([words])).await?;
    let asked = format!("most like “{words}”");
    // Until the model has answered, the words are taken as the description that is spelt most alike: that is another sentence.
    page.until(&format!("return [...document.querySelectorAll('[data-test=map] aside p')].some(p => p.innerText.startsWith({})) || null", json!(asked)), 60).await?;
    let rows = page.js("return [...document.querySelectorAll('[data-test=map-hits] tr')].map(r => r.innerText)", json!([])).await?;
    let said = page.js("return [...document.querySelectorAll('[data-test=map] aside p')].map(p => p.innerText).find(t => t.startsWith('most like'))", json!([])).await?;
    Ok((said.as_str().unwrap_or_default().to_owned(), serde_json::from_value(rows)?))
}

async fn trained(page: &Page) -> Result<()> {
    page.click("[data-test=map-play]").await?;
    page.text_until("[data-test=map-pace]", 240, |t| t.contains("steps taken")).await.map(|_| ())
}

#[test]
fn own_descriptions_are_embedded_by_an_open_bert_and_asked_in_any_words() {
    let kinds = ["A place of parks, a type of green", "A place of pubs, a type of eating and drinking", "A place of foundries, a type of work"];
    let rows: String = (0..90).map(|i| format!("-0.1{:02},51.5{:02},\"{}\"\n", i % 10, i / 10, kinds[(i % 10) / 4])).collect();
    with_page(async |page| -> Result<()> {
        let (weights, config) = golden()?;
        page.open("?device=cpu").await?;
        page.drop_files(&[("model.safetensors", &weights), ("config.json", config.as_bytes()), ("tokenizer.json", tokenizer().as_bytes())]).await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("model")).await?;
        page.click("[data-test=place-map]").await?;
        page.text_until("[data-test=place-map]", 60, |t| t.contains("20")).await?;
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("mine.csv");
        std::fs::write(&file, format!("lon,lat,description\n{rows}"))?;
        page.choose("[data-test=map-file]", &[file]).await?;
        page.text_until("[data-test=map-reading]", 30, |t| t.contains("90 rows")).await?;
        ensure!(page.text("[data-test=map-encoder]").await?.contains("letter groups"));
        let word = page.text_until("[data-test=map-embed]", 20, |t| !t.is_empty()).await?;
        ensure!(word == "Embed 3 descriptions with model", "{word}");
        page.click("[data-test=map-embed]").await?;
        page.text_until("[data-test=map-encoder]", 120, |t| t.contains("embedded by model")).await?;
        ensure!(page.text("[data-test=map-words-by]").await?.contains("which is open"));
        page.click("[data-test=map-settings] summary").await?;
        for (knob, value) in [("map-epochs", "30"), ("map-batch", "32"), ("map-width", "8"), ("map-seeds", "0"), ("map-fine", "100")] {
            set(&page, knob, value).await?;
        }
        trained(&page).await?;
        // A description as a question is its own row: the answer is that of the places that it describes.
        let (said, described) = ask(&page, kinds[0]).await?;
        ensure!(described.len() == 5 && !said.contains("spelt most like"), "{said}: {described:?}");
        // Words that no description has are embedded by the model, not taken as the description that is spelt most alike.
        let (said, hits) = ask(&page, "steel beer trees").await?;
        ensure!(hits.len() == 5 && !said.contains("spelt most like") && hits != described, "{said}: {hits:?}, {described:?}");
        // The table is the city's: a click on letter groups and back finds it here.
        page.click("[data-test=map-grams]").await?;
        page.text_until("[data-test=map-encoder]", 30, |t| t.contains("letter groups")).await.map(|_| ())
    });
}

/// With all-MiniLM-L6-v2 at hand (`ESPALIER_MINILM`, its folder), words are understood by what they mean.
#[test]
fn minilm_finds_what_is_meant() {
    let Some(folder) = std::env::var_os("ESPALIER_MINILM").map(PathBuf::from) else {
        println!("ESPALIER_MINILM names no folder of all-MiniLM-L6-v2: the button is pressed over a small BERT only, by the test beside this one");
        return;
    };
    with_page(async |page| -> Result<()> {
        city(&page, "4000").await?;
        page.click("[data-test=place-open]").await?;
        let files: Vec<PathBuf> = ["model.safetensors", "config.json", "tokenizer.json"].iter().map(|f| folder.join(f)).filter(|f| f.is_file()).collect();
        page.choose("[data-test=files]", &files).await?;
        page.text_until("[data-test=checkpoint]", 120, |t| t.contains("BertModel") || t.contains("model")).await?;
        page.click("[data-test=place-map]").await?;
        let word = page.text_until("[data-test=map-embed]", 60, |t| t.contains("descriptions")).await?;
        ensure!(word.contains("all-MiniLM-L6-v2"), "{word}");
        page.click("[data-test=map-embed]").await?;
        // The bundled rows are this model's, too: what tells that its own have come is that nothing runs any more.
        page.find(".app.has-run", 30).await?;
        page.gone(".app.has-run", 400).await?;
        page.text_until("[data-test=map-words-by]", 300, |t| t.contains("which is open")).await?;
        page.click("[data-test=map-settings] summary").await?;
        for (knob, value) in [("map-epochs", "12"), ("map-seeds", "0")] {
            set(&page, knob, value).await?;
        }
        trained(&page).await?;
        let (said, hits) = ask(&page, "somewhere to swim or play ball").await?;
        ensure!(!said.contains("spelt most like") && hits.len() == 5, "{said}: {hits:?}");
        println!("somewhere to swim or play ball: {hits:?}");
        Ok(())
    });
}
