//! The Study place by doing: its lesson, the change that changes nothing, studies of several sparsities that stop and go on, the model's own text, and both devices.

use anyhow::{Context, Result, ensure};
use espalier_nets::testing::Builder;
use espalier_tests::browser::{Page, with_page};
use serde_json::json;

use super::language::{set, shot};
use super::open_bundled;
use super::teaching::done;

/// Opens Study on the small Llama with as little to read and to measure as makes sense.
async fn study(page: &Page) -> Result<()> {
    open_bundled(page, "?device=cpu", "shakespeare-llama").await?;
    page.click("[data-test=place-study]").await?;
    small(page).await
}

async fn small(page: &Page) -> Result<()> {
    for (knob, value) in [("calibration-samples", "2"), ("calibration-length", "32"), ("measure-windows", "2")] {
        set(page, &format!("[data-test={knob}]"), value).await?;
    }
    Ok(())
}

async fn slide(page: &Page, css: &str, value: &str) -> Result<()> {
    let script = "const e = document.querySelector(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('input', { bubbles: true })); return true;";
    page.js(script, json!([css, value])).await.map(|_| ())
}

#[test]
fn the_lesson_of_study_is_done_by_doing() {
    with_page(async |page| -> Result<()> {
        study(&page).await?;
        page.click("[data-test=lesson-begin]").await?;
        page.find("[data-test=sweep-run][data-aim]", 10).await?;
        page.click("[data-test=sweep-run]").await?;
        page.text_until("[data-test=sweep-count]", 120, |t| t.starts_with("25")).await?;
        done(&page, 1).await?;
        page.click("[data-test=sweep-shown] [data-choice=output-error]").await?;
        done(&page, 2).await?;
        page.find("[data-test=sweep-take]:not([disabled])", 30).await?;
        page.click("[data-test=sweep-take]").await?;
        done(&page, 3).await?;
        page.click("[data-test=place-study]").await?;
        page.click("[data-test=rescale-run]").await?;
        page.find("[data-test=study-rescale] svg.scene", 180).await?;
        page.find("[data-test=rescale-run]:not([disabled])", 60).await?;
        done(&page, 4).await?;
        slide(&page, "[data-test=rescale-gain]", "6").await?;
        done(&page, 5).await?;
        set(&page, "[data-test=study-sparsity]", "50, 70").await?;
        done(&page, 6).await?;
        for knob in ["domain-plays-heldout", "study-seeds"] {
            page.find(&format!("[data-test={knob}]"), 5).await?;
        }
        set(&page, "[data-test=study-seeds]", "1").await?;
        page.click("[data-test=study-formats] [data-choice=one-way]").await?;
        page.click("[data-test=study-run]").await?;
        page.find("[data-test=claims] .v", 240).await?;
        done(&page, 7).await?;
        // The question is not answered by looking at the first sparsity.
        let choose = "const e = document.querySelector('[data-test=study-at]'); e.selectedIndex = 1; e.dispatchEvent(new Event('change', { bubbles: true })); return e.options.length;";
        ensure!(page.js(choose, json!([])).await? == json!(2), "two sparsities can be shown");
        let answers = page.js("return document.querySelector('[data-test=study-domain]').options.length - 1", json!([])).await?.as_u64().context("domains")?;
        let mut right = 0;
        for i in 1..=answers {
            let pick = "const e = document.querySelector('[data-test=study-domain]'); e.selectedIndex = arguments[0]; e.dispatchEvent(new Event('change', { bubbles: true })); return true;";
            page.js(pick, json!([i])).await?;
            let read = "await new Promise(r => setTimeout(r, 200)); return document.querySelector('[data-test=lesson]').dataset.done";
            let script = format!("const back = arguments[arguments.length - 1]; (async () => {{ {read} }})().then(back)");
            right += u32::from(page.js_async(&script, json!([])).await? == json!("true"));
        }
        ensure!(right == 1, "{right} of {answers} domains are the answer");
        shot(&page, "study-lesson").await?;
        page.click("[data-test=read-shader]").await?;
        page.find("[data-test=reader-0] li", 20).await?;
        ensure!(page.text("[data-test=reader-1]").await?.contains("impl Op for"));
        Ok(())
    });
}

#[test]
fn a_change_that_changes_nothing_moves_one_mask_and_not_the_other() {
    with_page(async |page| -> Result<()> {
        study(&page).await?;
        page.click("[data-test=rescale-run]").await?;
        page.find("[data-test=study-rescale] svg.scene", 180).await?;
        page.find("[data-test=rescale-run]:not([disabled])", 60).await?;
        slide(&page, "[data-test=rescale-gain]", "0").await?;
        page.text_until("[data-test=rescale-gain-value]", 5, |t| t == "× 1").await?;
        let first = page.text("[data-test=study-rescale]").await?;
        ensure!(first.contains("Nothing is rescaled yet"), "{first}");
        slide(&page, "[data-test=rescale-gain]", "5").await?;
        page.text_until("[data-test=rescale-gain-value]", 5, |t| t == "× 32").await?;
        let said = page.text("[data-test=study-rescale]").await?;
        ensure!(said.contains("equal to the last bit") && said.contains("Wanda replaces 0 and loses 0.000"), "{said}");
        let replaced = said.split("Magnitude replaces ").nth(1).and_then(|t| t.split(" weights").next()).unwrap_or_default();
        let replaced: u32 = replaced.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0);
        ensure!(replaced > 0, "{said}");
        shot(&page, "study-rescale").await
    });
}

#[test]
fn rules_are_compared_side_by_side_with_their_spread() {
    with_page(async |page| -> Result<()> {
        study(&page).await?;
        set(&page, "[data-test=study-seeds]", "2").await?;
        // Three rules, each alone and with OWL, at one sparsity and two patterns: magnitude alone needs no second draw.
        ensure!(page.text("[data-test=rules-run]").await?.contains("Run 33 prunings"));
        // The sweep, the rules, the rescaling and the study have a cost line each, on one screen.
        page.until("return document.querySelectorAll('.study [data-test=cost]').length === 4 || null", 30).await?;
        page.click("[data-test=rules-run]").await?;
        page.find("[data-test=rules-table] table, [data-test=rules-table] .fig", 60).await?;
        page.find("[data-test=rules-run]:not([disabled])", 240).await?;
        let table = page.text("[data-test=rules-table]").await?;
        ensure!(table.contains("OWL + SparseGPT") && table.contains("better in") && table.contains("±"), "{table}");
        ensure!(table.matches("50.00 %").count() >= 4, "equal numbers were removed: {table}");
        shot(&page, "study-rules").await
    });
}

fn count(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_digit()).find_map(|n| n.parse().ok()).unwrap_or(0)
}

#[test]
fn a_study_of_two_sparsities_goes_on_after_a_cancel_and_after_a_reload() {
    with_page(async |page| -> Result<()> {
        study(&page).await?;
        // Enough work that it can be stopped in the middle.
        for (knob, value) in [("calibration-samples", "8"), ("calibration-length", "64"), ("measure-windows", "4"), ("study-sparsity", "50 70"), ("study-seeds", "2")] {
            set(&page, &format!("[data-test={knob}]"), value).await?;
        }
        page.click("[data-test=study-formats] [data-choice=one-way]").await?;
        // Three texts and the calibrating one, the model's own, three controls; two seeds, two sparsities.
        let all = count(&page.text_until("[data-test=study-run]", 5, |t| t.contains("Run 32")).await?);
        page.find("[data-test=cost]", 30).await?;
        page.click("[data-test=study-run]").await?;
        page.text_until("[data-test=study-runs] dd", 120, |t| count(t) >= 3).await?;
        page.click("[data-test=cancel-here]").await?;
        let left = count(&page.text_until("[data-test=study-run]", 20, |t| t.contains("to go")).await?);
        ensure!((1..=all - 3).contains(&left), "{left} of {all} are left");
        page.click("[data-test=study-run]").await?;
        page.text_until("[data-test=study-runs] dd", 120, |t| count(t) >= all - left + 2).await?;
        // A reload in the middle of it: the address has the settings, the browser's storage what was measured.
        let link = page.link().await?;
        page.driver.goto("about:blank").await?;
        page.open(&link).await?;
        let after = count(&page.text_until("[data-test=study-run]", 60, |t| t.contains("to go")).await?);
        ensure!((1..left).contains(&after), "{after} are left after the reload, {left} before");
        page.find("[data-test=study-run]:not([disabled])", 30).await?;
        page.click("[data-test=study-run]").await?;
        page.find("[data-test=claims] .v", 400).await?;
        page.text_until("[data-test=study-run]", 30, |t| t == "Measured").await?;
        let shown = page.text("[data-test=study-runs] dd").await?;
        ensure!(count(&shown) == 16, "of one sparsity: {shown}");
        let low = page.text("[data-test=study-matrix] .say, [data-test=study-matrix]").await?;
        let other = "const e = document.querySelector('[data-test=study-at]'); e.selectedIndex = 1; e.dispatchEvent(new Event('change', { bubbles: true })); return true;";
        page.js(other, json!([])).await?;
        page.text_until("[data-test=study-removed]", 5, |t| t.contains("70.0")).await?;
        ensure!(page.text("[data-test=study-matrix]").await? != low, "another sparsity, another matrix");
        let claims = page.js("return document.querySelectorAll('[data-test=claims] li').length", json!([])).await?;
        ensure!(claims == json!(5), "five claims, of the sparsity that is shown: {claims}");
        page.find("[data-test=published-kept] svg.scene", 10).await?;
        shot(&page, "study-two").await
    });
}

#[test]
fn the_models_own_text_calibrates_and_published_numbers_stand_apart() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=place-prune]").await?;
        page.click("[data-test=prune-method] [data-choice=wanda]").await?;
        small(&page).await?;
        set(&page, "[data-test=calibration-text]", "model-text").await?;
        let reading = page.text("[data-test=reading]").await?;
        ensure!(reading.contains("own text") && reading.contains("judge itself"), "{reading}");
        let cost = page.text_until("[data-test=cost]", 60, |t| t.contains("memory") && t.contains("about")).await?;
        ensure!(!cost.contains("NaN"), "{cost}");
        page.click("[data-test=prune-run]").await?;
        let said = page.text_until("[data-test=prune-stat-perplexity]", 120, |t| t.contains('→')).await?;
        page.find("[data-test=published-perplexity] svg.scene", 10).await?;
        let published = page.text("[data-test=published-perplexity]").await?;
        ensure!(published.contains("LLaMA-7B on WikiText-2") && published.contains("compare orders, not values") && published.contains("arXiv 2310.05175"), "{published}");
        ensure!(!page.text("[data-test=prune-perplexity]").await?.contains("LLaMA"), "what was measured stands alone");
        shot(&page, "prune-own-text").await?;
        // Written anew from the link it is the same text, so the same numbers.
        let link = page.link().await?;
        page.driver.goto("about:blank").await?;
        page.open(&link).await?;
        page.text_until("[data-test=prune-stat-perplexity]", 120, |t| t == said).await?;
        ensure!(page.elsewhere().is_empty(), "nothing leaves: {:?}", page.elsewhere());
        Ok(())
    });
}

/// A Llama of one block whose words are bytes.
fn bytes_llama(context: u32) -> (Vec<u8>, Vec<u8>) {
    let mut b = Builder::new().made_up("model.embed_tokens.weight", &[256, 16]);
    for (name, shape) in [("self_attn.q_proj", [16, 16]), ("self_attn.k_proj", [8, 16]), ("self_attn.v_proj", [8, 16]), ("self_attn.o_proj", [16, 16]), ("mlp.gate_proj", [24, 16]), ("mlp.up_proj", [24, 16]), ("mlp.down_proj", [16, 24])] {
        b = b.made_up(&format!("model.layers.0.{name}.weight"), &shape);
    }
    for name in ["layers.0.input_layernorm", "layers.0.post_attention_layernorm", "norm"] {
        b = b.made_up(&format!("model.{name}.weight"), &[16]);
    }
    let config = json!({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 256, "max_position_embeddings": context, "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": true, "rope_theta": 10000.0});
    (b.build(), config.to_string().into_bytes())
}

/// Perplexities of all texts, the sparsity, and what each linear lost, as the page writes them.
async fn pruned_on(page: &Page, query: &str, rule: &str) -> Result<(Vec<f64>, String)> {
    let (weights, config) = bytes_llama(32);
    page.open(query).await?;
    page.drop_files(&[("tiny.safetensors", &weights), ("config.json", &config)]).await?;
    page.text_until("[data-test=checkpoint]", 30, |t| t.contains("tiny")).await?;
    page.click("[data-test=place-prune]").await?;
    page.click(&format!("[data-test=prune-method] [data-choice={rule}]")).await?;
    for (knob, value) in [("calibration-samples", "2"), ("calibration-length", "16"), ("measure-windows", "1")] {
        set(page, &format!("[data-test={knob}]"), value).await?;
    }
    page.click("[data-test=prune-run]").await?;
    page.text_until("[data-test=prune-stat-perplexity]", 180, |t| t.contains('→')).await?;
    page.find("[data-test=prune-run]:not([disabled])", 60).await?;
    let text = page.text("[data-test=prune-perplexity]").await?;
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.').filter_map(|n| n.parse().ok()).collect();
    Ok((numbers, page.text("[data-test=prune-stat-achieved] dd").await?))
}

#[test]
fn a_run_that_does_not_fit_cannot_be_started_and_what_is_said_to_fit_fits() {
    with_page(async |page| -> Result<()> {
        let (weights, config) = bytes_llama(1 << 17);
        page.open("?device=cpu").await?;
        page.drop_files(&[("tiny.safetensors", &weights), ("config.json", &config)]).await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("tiny")).await?;
        page.click("[data-test=place-prune]").await?;
        page.click("[data-test=prune-method] [data-choice=wanda]").await?;
        page.find("[data-test=prune-run]:not([disabled])", 30).await?;
        set(&page, "[data-test=calibration-length]", "131072").await?;
        set(&page, "[data-test=calibration-samples]", "4096").await?;
        // 4096 × 131 072 tokens of 64 bytes are 32 GiB.
        let words = page.text_until("[data-test=prune-run]", 30, |t| t.contains("MiB short")).await?;
        ensure!(words.starts_with("Prune 7 matrices"), "{words}");
        page.find("[data-test=prune-run][disabled][aria-describedby=prune-run-short]", 5).await?;
        let why = page.text("#prune-run-short").await?;
        ensure!(why.contains("tokens a window") && why.contains("command line"), "{why}");
        shot(&page, "prune-short").await?;
        let before = why.split(" calibration windows").next().and_then(|t| t.rsplit(' ').next()).unwrap_or_default();
        let most: u32 = before.parse().with_context(|| why.clone())?;
        set(&page, "[data-test=calibration-samples]", &most.to_string()).await?;
        // The last answer stands until that to the new settings has come.
        page.until("return (document.querySelector('[data-test=cost]') && !document.querySelector('[data-test=short]')) || null", 30).await?;
        page.find("[data-test=prune-run]:not([disabled])", 5).await?;
        set(&page, "[data-test=calibration-samples]", &(most + 1).to_string()).await?;
        page.text_until("[data-test=prune-run][disabled]", 30, |t| t.contains("short")).await?;
        // The same settings are asked for elsewhere; the rules are measured on one text only.
        set(&page, "[data-test=calibration-samples]", "4096").await?;
        page.click("[data-test=place-study]").await?;
        page.text_until("[data-test=rules-run][disabled]", 30, |t| t.contains("short")).await?;
        Ok(())
    });
}

#[test]
fn what_reads_a_text_says_on_the_gpu_what_it_says_on_the_cpu() {
    with_page(async |page| -> Result<()> {
        for rule in ["wanda", "sparsegpt"] {
            let (cpu, removed) = pruned_on(&page, "?device=cpu", rule).await?;
            let (gpu, too) = pruned_on(&page, "?device=gpu", rule).await?;
            let device = page.text("[data-test=device]").await?;
            ensure!(device.contains("GPU"), "the second run was on the GPU: {device}");
            ensure!(removed == too, "{rule}: {removed} and {too} removed");
            ensure!(cpu.len() >= 6 && cpu.len() == gpu.len(), "{cpu:?} {gpu:?}");
            // Written with two decimals: each is half a hundredth off at most, and single precision leaves a perplexity of hundreds its first five digits.
            for (a, b) in cpu.iter().zip(&gpu) {
                ensure!((a - b).abs() <= 0.011 + 1e-4 * a.abs(), "{rule}: {a} on the CPU, {b} on the GPU");
            }
        }
        Ok(())
    });
}

#[test]
fn a_pruned_matrix_is_looked_at_closely_with_its_row_its_cut_and_its_update() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        page.click("[data-test=place-prune]").await?;
        for (rule, word) in [("wanda", "smallest of"), ("sparsegpt", "no one cut")] {
            page.click(&format!("[data-test=prune-method] [data-choice={rule}]")).await?;
            small(&page).await?;
            page.click("[data-test=prune-run]").await?;
            page.find("[data-test=closeup-go]:not([disabled])", 120).await?;
            page.click("[data-test=closeup-go]").await?;
            page.find("[data-test=closeup-metric] canvas", 60).await?;
            let row = page.text_until("[data-test=closeup-row]", 10, |t| t.contains("Row 0")).await?;
            ensure!(row.contains(word), "{rule}: {row}");
            let update = page.js("return !!document.querySelector('[data-test=closeup-delta] canvas')", json!([])).await?;
            ensure!(update == json!(rule == "sparsegpt"), "{rule}: {update}");
            shot(&page, &format!("prune-closeup-{rule}")).await?;
        }
        Ok(())
    });
}
