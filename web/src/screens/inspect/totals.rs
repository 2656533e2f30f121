//! The strip of headline numbers, and the run of all spectra.

use std::rc::Rc;

use yew::prelude::*;

use super::rows::median;
use crate::app::context::{Lab, use_lab};
use crate::app::state::{Place, key};
use crate::figures::stats::{StatItem, Stats};
use crate::plot::number::{bytes, count, number, params, percent, plural};
use crate::screens::cost::Start;
use crate::teach::strip::buttons;

/// The strip.
#[component]
pub fn Totals() -> Html {
    let lab = use_lab();
    let Some(summary) = lab.state.summary.clone() else { return Html::default() };
    let elements: f64 = summary.tensors.iter().map(|t| t.elements).sum();
    let linears: Vec<_> = summary.matrices.iter().filter(|m| m.prunable).collect();
    let inside: f64 = linears.iter().map(|m| m.shape[0] as f64 * m.shape[1] as f64).sum();
    let ranks: Vec<f64> = lab.state.spectra.values().map(|s| s.stable_rank).collect();
    let (zeros, seen) = lab.state.stats.values().fold((0.0, 0.0), |(z, n), s| (z + s.zeros, n + s.elements));
    let read: f64 = lab.state.stats.values().map(|s| s.read).sum();
    let unread = "…";
    let mut items = vec![
        StatItem::new("parameters", params(elements)).full(count(elements)).test("parameters"),
        StatItem::new("on disk", bytes(summary.bytes)).full(format!("{} bytes in {}", count(summary.bytes), plural(summary.files.len(), "file", "files"))).test("bytes"),
        StatItem::new("blocks", count(f64::from(summary.blocks))).test("blocks"),
        StatItem::new("linears in blocks", count(linears.len() as f64)).of(if elements > 0.0 { percent(inside / elements) } else { String::new() }).test("linears"),
    ];
    items.push(if seen > 0.0 {
        StatItem::new("zeros", percent(zeros / seen)).of(format!("of {} read", params(seen))).test("zeros")
    } else {
        StatItem::new("zeros", unread).test("zeros")
    });
    items.push(if ranks.is_empty() {
        StatItem::new("median stable rank", unread).test("median-stable-rank")
    } else {
        let of = plural(ranks.len(), "matrix", "matrices");
        StatItem::new("median stable rank", number(median(ranks))).of(format!("of {of}")).test("median-stable-rank")
    });
    items.push(StatItem::new("header", "").of(format!("{} read, {} of tensors", bytes(summary.header_bytes), bytes(read))).test("header"));
    html! {
        <>
            <div class="head totals"><h1>{ "Inspect" }</h1><Stats {items} /><RunAll />{ buttons(&lab, Place::Inspect) }</div>
            { notes(&summary.notes) }
        </>
    }
}

/// What the reader should know of the file.
fn notes(notes: &[String]) -> Html {
    if notes.is_empty() {
        return Html::default();
    }
    html! { <ul class="note notes" data-test="notes">{ for notes.iter().map(|n| html! { <li>{ n }</li> }) }</ul> }
}

/// Names of the matrices whose spectra are not known.
pub fn open_matrices(lab: &Lab) -> Vec<String> {
    let Some(summary) = &lab.state.summary else { return Vec::new() };
    let keys = summary.matrices.iter().map(|m| key(&m.name, m.slice));
    keys.filter(|k| !lab.state.spectra.contains_key(k)).map(|k| k.to_string()).collect()
}

/// The button that computes all spectra, with what it costs; known ones are not computed twice.
#[component]
fn RunAll() -> Html {
    let lab = use_lab();
    let Some(summary) = lab.state.summary.clone() else { return Html::default() };
    let open: Rc<[String]> = open_matrices(&lab).into();
    let all = summary.matrices.len();
    let running = lab.state.running("spectra").is_some();
    let run = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| {
            lab.run("spectra", serde_json::json!({}), None);
        })
    };
    if all == 0 {
        return html! { <span class="d">{ "no matrix to decompose" }</span> };
    }
    if open.is_empty() {
        return html! { <span class="d" data-test="spectra-done">{ format!("{} known", plural(all, "spectrum", "spectra")) }</span> };
    }
    let words = if open.len() == all { "Compute spectra".to_owned() } else { format!("Compute the other {}", open.len()) };
    html! {
        <span class="runall">
            <Start method="spectra" busy={running} words={if running { "running".to_owned() } else { words }} test="run-spectra" row={Classes::new()} go={run} />
        </span>
    }
}
