//! What everyone expects of such a tool: the rows of the "must have" table, each with the tests that show it, and those that no other file shows.

use std::io::{Seek, SeekFrom, Write};

use anyhow::{Context, Result, ensure};
use espalier_nets::checkpoint::{Checkpoint, sources_at};
use espalier_nets::testing::Builder;
use espalier_nets::testing::web::{Served, Server};
use espalier_tests::browser::{Page, with_page};
use espalier_tests::places::repository;
use serde_json::json;

use super::open_bundled;

/// The 22 rows, in their order: what is expected, and the tests of this program that show it. The weight of the shell (22) is checked where it is
/// built, by `cargo xtask test page`; here is shown what it is for.
const MUST_HAVES: [(&str, &[&str]); 22] = [
    ("drop files anywhere or choose; several files, shards + index", &["three_shards_and_their_index_open_together_and_an_odd_file_is_named", "files_are_chosen_together_and_a_stray_one_is_named", "a_dropped_file_opens_with_its_odd_tensors_listed"]),
    ("open by Hub id or URL with range requests; revision; blob links fixed", &["a_gigabyte_by_address_is_listed_with_two_requests_and_one_tensor_read_on_click", "a_link_to_an_address_asks_before_anything_is_fetched"]),
    ("only the header read at first; tensors on click", &["a_local_file_of_four_gigabytes_is_listed_by_its_header", "a_gigabyte_by_address_is_listed_with_two_requests_and_one_tensor_read_on_click"]),
    ("element types decoded, all others listed", &["every_element_type_is_listed_and_the_usual_ones_are_decoded"]),
    ("layer tree + sortable table with totals", &["tree_and_table_agree_with_the_file_and_the_table_sorts"]),
    ("statistics, histogram, heat-map of any tensor, cancellable", &["every_tensor_has_numbers_histogram_and_picture_and_figures_can_be_taken_away", "a_cancelled_job_keeps_what_is_done_and_goes_on_from_there"]),
    ("progress in sum, bytes, time left; cancel everywhere", &["a_cancelled_job_keeps_what_is_done_and_goes_on_from_there", "a_sweep_is_cancelled_goes_on_where_it_was_and_becomes_an_allocation"]),
    ("typed errors with advice and details to copy", &["bad_files_are_refused_with_advice_and_what_was_open_stays"]),
    ("WebGPU panel, CPU instead, lost device mended", &["without_an_adapter_the_cpu_works_and_the_cause_is_said", "a_gpu_lost_in_the_middle_of_a_run_is_mended_twenty_times_and_the_result_is_equal"]),
    ("hover, zoom, log, pin, PNG/SVG/CSV on every chart", &["axes_zoom_and_pin_of_a_figure_come_back_from_its_link", "every_tensor_has_numbers_histogram_and_picture_and_figures_can_be_taken_away"]),
    ("the whole view in the address, seed and all", &["a_link_restores_the_picture_of_every_place"]),
    ("undo and redo of a hundred steps", &["undo_and_redo_by_keys_one_step_a_gesture_and_a_hundred_of_them"]),
    ("play, pause, step for what iterates", &["a_made_city_learns_waits_answers_and_is_judged"]),
    ("examples at once, before any model is loaded", &["the_page_is_alive_before_anything_is_loaded", "without_a_model_the_published_search_is_there_and_one_click_opens_a_mixture"]),
    ("text under the tool and a short guided tour", &["the_lesson_of_open_is_done_by_doing"]),
    ("dark, light, auto; keys on ?; 360 px", &["the_theme_is_switched_and_remembered", "what_lies_over_the_page_passes_axe_and_has_its_keys", "no_screen_is_wider_than_a_phone_and_every_control_has_a_name"]),
    ("safe for colour-blind readers, locked scales", &["every_place_passes_axe_in_light_and_dark", "a_colour_scale_that_is_held_stays_for_the_next_tensor"]),
    ("before and after side by side", &["wanda_reads_a_text_measures_before_and_after_and_both_models_go_on_with_a_prompt", "a_pruned_copy_is_compared_with_its_origin_and_the_record_replays"]),
    ("small models run with their tokenizer, likeliest tokens shown", &["wanda_reads_a_text_measures_before_and_after_and_both_models_go_on_with_a_prompt"]),
    ("map: pan, zoom, pick, export, linked to the embedding", &["a_made_city_learns_waits_answers_and_is_judged", "fifty_thousand_points_are_drawn_while_they_are_dragged"]),
    ("no telemetry, no CDN, a strict policy", &["the_policy_is_strict_and_nothing_breaks_it", "both_bundled_checkpoints_open_and_no_request_leaves_the_origin"]),
    ("a small shell, alive at once", &["the_page_is_alive_before_anything_is_loaded", "after_one_visit_the_page_and_its_checkpoints_open_without_a_network"]),
];

#[test]
fn every_must_have_names_tests_that_there_are() {
    let folder = repository().join("tests/tests/browser");
    let files = std::fs::read_dir(folder).expect("the folder of these tests").flatten().map(|e| std::fs::read_to_string(e.path()).expect("text"));
    let source: String = files.collect();
    for (row, (what, tests)) in MUST_HAVES.iter().enumerate() {
        assert!(!tests.is_empty(), "row {} ({what}) is shown by no test", row + 1);
        for test in *tests {
            assert!(source.contains(&format!("#[test]\nfn {test}()")), "row {} ({what}) names {test}, which is no test", row + 1);
        }
    }
}

/// Shards as a Hub repository has them, and their index.
fn shards() -> Vec<(String, Vec<u8>)> {
    let name = |i: usize| format!("model-{i:05}-of-00003.safetensors");
    let part = |i: usize| Builder::new().made_up(&format!("model.layers.{i}.mlp.up_proj.weight"), &[24, 16]).made_up(&format!("model.layers.{i}.mlp.down_proj.weight"), &[16, 24]);
    let map: serde_json::Map<String, serde_json::Value> =
        (0..3).flat_map(|i| ["up_proj", "down_proj"].map(|p| (format!("model.layers.{i}.mlp.{p}.weight"), json!(name(i + 1))))).collect();
    let index = json!({ "metadata": { "total_size": 6 * 4 * 24 * 16 }, "weight_map": map });
    (0..3).map(|i| (name(i + 1), part(i).build())).chain([("model.safetensors.index.json".to_owned(), index.to_string().into_bytes())]).collect()
}

#[test]
fn three_shards_and_their_index_open_together_and_an_odd_file_is_named() {
    with_page(async |page| -> Result<()> {
        page.open("?device=cpu").await?;
        let mut files = shards();
        files.push(("notes.txt".into(), b"not a checkpoint".to_vec()));
        // In no order, as a file manager may give them.
        files.rotate_left(2);
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
        page.drop_files(&files).await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("6 tensors")).await?;
        page.click("[data-test=checkpoint]").await?;
        let menu = page.text(".menu").await?;
        ensure!((1..4).all(|i| menu.contains(&format!("model-0000{i}-of-00003"))), "all shards are listed: {menu}");
        ensure!(menu.contains("notes.txt"), "the odd one is named: {menu}");
        page.click("[data-test=run-spectra]").await?;
        page.find("[data-test=spectra-done]", 60).await?;
        // Two of three: what is missing is named.
        let files = shards();
        page.drop_files(&[(&files[0].0, &files[0].1), (&files[1].0, &files[1].1), (&files[3].0, &files[3].1)]).await?;
        let fault = page.text_until("[data-test=fault]", 20, |t| !t.is_empty()).await?;
        ensure!(fault.contains("model-00003-of-00003.safetensors"), "{fault}");
        Ok(())
    });
}

/// The head of a file whose tensors would fill so many bytes, in matrices of 64 MiB: header only.
fn head_of(bytes: u64) -> Vec<u8> {
    let each = 64u64 << 20;
    (0..bytes / each).fold(Builder::new(), |b, i| b.entry(&format!("model.layers.{i}.mlp.up_proj.weight"), "F32", &[4096, 4096], [i * each, (i + 1) * each])).build()
}

#[test]
fn a_local_file_of_four_gigabytes_is_listed_by_its_header() {
    with_page(async |page| -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("large.safetensors");
        let (head, tensors) = (head_of(4 << 30), 64);
        // A hole on the disk: its bytes are zeros and take no room.
        let mut file = std::fs::File::create(&path)?;
        file.write_all(&head)?;
        file.set_len(head.len() as u64 + (4 << 30))?;
        file.seek(SeekFrom::Start(head.len() as u64))?;
        page.open("?device=cpu").await?;
        // Where a page's memory can be asked for: all of the page before and after.
        let held = "return performance.memory?.usedJSHeapSize ?? null";
        let before = page.js(held, json!([])).await?.as_f64().unwrap_or(0.0);
        let started = std::time::Instant::now();
        page.choose("[data-test=files]", &[path]).await?;
        page.text_until("[data-test=checkpoint]", 60, |t| t.contains(&format!("{tensors} tensors"))).await?;
        let after = page.js(held, json!([])).await?.as_f64().unwrap_or(0.0);
        println!("4 GiB listed {} ms after it was chosen; the page's heap grew by {:.1} MB", started.elapsed().as_millis(), (after - before) / 1e6);
        let read = page.text("[data-test=header]").await?;
        ensure!(read.contains("kB read"), "a header of kilobytes is all that was read: {read}");
        Ok(())
    });
}

#[test]
fn a_gigabyte_by_address_is_listed_with_two_requests_and_one_tensor_read_on_click() {
    with_page(async |page| -> Result<()> {
        let server = Server::new();
        let head = head_of(1 << 30);
        server.put("/someone/large/resolve/v2/model.safetensors", Served::sparse(&head, head.len() as u64 + (1 << 30)));
        page.open("?device=cpu").await?;
        // As it is copied from a browser: a `blob` link with a revision.
        let address = server.url("/someone/large/blob/v2/model.safetensors");
        page.js("const f = document.querySelector('[data-test=address]'); f.value = arguments[0]; f.form.requestSubmit()", json!([address])).await?;
        page.text_until("[data-test=checkpoint]", 60, |t| t.contains("16 tensors")).await?;
        let seen = server.take();
        let model: Vec<_> = seen.iter().filter(|s| s.path.contains("model.safetensors") && !s.path.contains("index")).collect();
        let sent: u64 = seen.iter().map(|s| s.sent).sum();
        println!("1 GiB by address: {} requests, of them {} to the model, {sent} bytes", seen.len(), model.len());
        ensure!(model.len() <= 2 && sent < 1_000_000, "{seen:?}");
        ensure!(seen.iter().all(|s| s.path.starts_with("/someone/large/resolve/v2/")), "blob became resolve and the revision stayed: {seen:?}");
        // One tensor, after its cost was said.
        let cost = page.text_until("[data-test=fetch-cost]", 20, |t| !t.is_empty()).await?;
        ensure!(cost.contains("67.11"), "{cost}");
        ensure!(server.take().is_empty(), "nothing more was read unasked");
        page.click("[data-test=fetch-tensor]").await?;
        page.text_until("[data-test=std] dd", 60, |t| t.contains('0')).await?;
        let sent: u64 = server.take().iter().map(|s| s.sent).sum();
        ensure!((64 << 20..65 << 20).contains(&sent), "{sent} bytes for a tensor of 64 MiB");
        Ok(())
    });
}

#[test]
fn every_element_type_is_listed_and_the_usual_ones_are_decoded() {
    // −1.5 and 0.25 are exact in all of them.
    let floats: [(&str, Vec<u8>); 6] = [
        ("F64", [-1.5f64, 0.25].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("F32", [-1.5f32, 0.25].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("F16", vec![0x00, 0xbe, 0x00, 0x34]),
        ("BF16", vec![0xc0, 0xbf, 0x80, 0x3e]),
        ("F8_E4M3", vec![0xbc, 0x28]),
        ("F8_E5M2", vec![0xbe, 0x34]),
    ];
    let ints: [(&str, &[u8]); 8] =
        [("I8", &[0xfd, 2]), ("U8", &[3, 2]), ("I16", &[0xfd, 0xff, 2, 0]), ("U16", &[3, 0, 2, 0]), ("I32", &[0xfd, 0xff, 0xff, 0xff, 2, 0, 0, 0]), ("U32", &[3, 0, 0, 0, 2, 0, 0, 0]), ("BOOL", &[1, 0]), ("I64", &[0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0, 0, 0])];
    let mut b = Builder::new();
    for (name, bytes) in &floats {
        b = b.raw(&format!("a.{name}"), name, &[2], bytes);
    }
    for (name, bytes) in ints {
        b = b.raw(&format!("b.{name}"), name, &[2], bytes);
    }
    for (name, bytes) in [("F4", 1), ("F8_E8M0", 2), ("C64", 16)] {
        b = b.raw(&format!("c.{name}"), name, &[2], &vec![0; bytes]);
    }
    let file = b.build();
    with_page(async |page| -> Result<()> {
        page.open("?device=cpu").await?;
        page.drop_files(&[("types.safetensors", &file)]).await?;
        page.text_until("[data-test=checkpoint]", 30, |t| t.contains("17 tensors")).await?;
        page.click("[data-test=as-table]").await?;
        let look = async |name: &str| -> Result<String> {
            page.click(&format!("[data-test=row][data-tensor='{name}']")).await?;
            page.find(&format!("[data-test=details][data-tensor='{name}']"), 10).await?;
            page.text_until("[data-test=details] .stats", 20, |t| !t.contains('…')).await
        };
        for (name, _) in &floats {
            let said = look(&format!("a.{name}")).await?;
            ensure!(said.contains("1.5"), "{name}: {said}");
        }
        for (name, _) in ints {
            let said = look(&format!("b.{name}")).await?;
            ensure!(said.contains(if name == "BOOL" { '1' } else { '3' }), "{name}: {said}");
        }
        for name in ["F4", "F8_E8M0", "C64"] {
            let said = look(&format!("c.{name}")).await?;
            ensure!(said.contains("not decoded") && said.contains(name), "{name}: {said}");
        }
        Ok(())
    });
}

#[test]
fn tree_and_table_agree_with_the_file_and_the_table_sorts() {
    let path = repository().join("assets/checkpoints/shakespeare-llama/model.safetensors");
    let native = pollster::block_on(Checkpoint::open(sources_at(&[path]).expect("it is there"))).expect("it opens");
    let total: u64 = native.tensors.iter().map(|t| t.elements()).sum();
    with_page(async move |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        let digits = |t: String| t.chars().filter(char::is_ascii_digit).collect::<String>();
        let full = page.js("return document.querySelector('[data-test=parameters] dd').title", json!([])).await?;
        ensure!(digits(full.to_string()) == total.to_string(), "{full}, in the file {total}");
        page.click("[data-test=as-table]").await?;
        let rows = "return [...document.querySelectorAll('[data-test=row]')].map(r => [r.dataset.tensor, r.querySelector('td.n[title]').title.replace(/\\D/g, '')])";
        let seen = page.js(rows, json!([])).await?;
        let seen: Vec<(String, u64)> = seen.as_array().context("rows")?.iter().map(|r| (r[0].as_str().unwrap_or_default().to_owned(), r[1].as_str().and_then(|n| n.parse().ok()).unwrap_or(0))).collect();
        let want: Vec<(String, u64)> = native.tensors.iter().map(|t| (t.name.clone(), t.elements())).collect();
        ensure!(seen == want, "{seen:?}");
        page.click("[data-test=sort-params]").await?;
        page.find("[data-test=tensors] th[aria-sort=descending]", 5).await?;
        let sorted = page.js(&rows.replace("[r.dataset.tensor, ", "Number(").replace("'')])", "'')))"), json!([])).await?;
        let mut want: Vec<u64> = native.tensors.iter().map(|t| t.elements()).collect();
        want.sort_unstable_by(|a, b| b.cmp(a));
        ensure!(sorted == json!(want), "{sorted}");
        Ok(())
    });
}

async fn taken(page: &Page, figure: &str, tool: &str, ending: &str) -> Result<Vec<u8>> {
    page.click(&format!("[data-test={figure}] [data-tool={tool}]")).await?;
    Ok(std::fs::read(page.download(ending, 20).await?)?)
}

#[test]
fn every_tensor_has_numbers_histogram_and_picture_and_figures_can_be_taken_away() {
    with_page(async |page| -> Result<()> {
        open_bundled(&page, "?device=cpu", "shakespeare-llama").await?;
        for tensor in ["model.layers.2.mlp.gate_proj.weight", "model.norm.weight", "model.embed_tokens.weight"] {
            page.js("const f = document.getElementById('filter'); f.value = arguments[0]; f.dispatchEvent(new Event('input', { bubbles: true }))", json!([tensor])).await?;
            page.find(&format!("[data-test=row][data-tensor='{tensor}']"), 10).await?;
            page.click(&format!("[data-test=row][data-tensor='{tensor}']")).await?;
            page.find(&format!("[data-test=details][data-tensor='{tensor}']"), 10).await?;
            page.text_until("[data-test=std] dd", 20, |t| t.contains('0')).await?;
            page.find("[data-test=histogram] svg.scene", 10).await?;
            page.find("[data-test=heat-map] canvas.cells", 10).await?;
        }
        let csv = String::from_utf8(taken(&page, "histogram", "CSV", ".csv").await?)?;
        ensure!(csv.lines().count() > 10 && csv.lines().nth(1).is_some_and(|l| l.contains(',')), "{csv}");
        let svg = String::from_utf8(taken(&page, "histogram", "SVG", ".svg").await?)?;
        ensure!(svg.contains("<svg") && svg.contains("shakespeare-llama") && svg.contains("model.embed_tokens.weight"), "a drawing says where it is from");
        let png = taken(&page, "heat-map", "PNG", ".png").await?;
        ensure!(png.starts_with(b"\x89PNG") && png.len() > 2000, "{} bytes", png.len());
        page.click("[data-test=histogram] [data-tool=table]").await?;
        let table = page.text("[data-test=histogram] .figtable").await?;
        ensure!(table.lines().count() > 10, "{table}");
        // Every figure of the place has these tools.
        let bare = page.js("return [...document.querySelectorAll('.main figure.fig:not(.waiting)')].filter(f => ['table', 'CSV', 'SVG', 'PNG', 'link', 'full'].some(t => !f.querySelector(`[data-tool=${t}]`))).map(f => f.dataset.test ?? f.innerText)", json!([])).await?;
        ensure!(bare == json!([]), "{bare}");
        Ok(())
    });
}
