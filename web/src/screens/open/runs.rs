//! Recent runs: what is kept of them in this browser, how large it is, and how to be rid of it.

use std::rc::Rc;

use espalier_lab::protocol::Command;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::{Lab, use_lab};
use crate::app::journal;
use crate::app::runs::{Kept, delete, used};
use crate::app::shell::log::copy_text;
use crate::figures::download::save_text;
use crate::plot::number::{bytes, plural};

/// Runs listed at once.
const MOST: usize = 12;

/// The panel.
#[component]
pub fn Runs() -> Html {
    let lab = &use_lab();
    let all = lab.state.runs.clone();
    let size = |k: &Kept| 2.0 * (k.text.len() + k.id.len()) as f64;
    let total: f64 = all.iter().filter(|k| k.stored).map(size).sum();
    html! {
        <section data-test="runs">
            <h2>{ "Recent runs " }<small class="d">{ if all.is_empty() { "none yet".to_owned() } else { format!("{} in this browser", bytes(total)) } }</small></h2>
            <Full />
            <ul class="store">
                { for all.iter().take(MOST).map(|k| line(lab, k, size(k))) }
            </ul>
            if !lab.state.shown.is_empty() || lab.state.saved.is_some() || lab.state.town.ran.is_some() {
                <div class="acts"><button type="button" class="btn sm" onclick={record(lab)} title="Every step with its settings and the digests of its results; espalier replay does it again" data-test="run-record">{ "Save this visit's run record" }</button></div>
            }
            if all.len() > MOST { <p class="d">{ format!("and {} older ones", all.len() - MOST) }</p> }
        </section>
    }
}

fn line(lab: &Lab, kept: &Kept, size: f64) -> Html {
    let again = {
        let (lab, text) = (lab.clone(), kept.text.clone());
        Callback::from(move |_: MouseEvent| lab.replay(&text, "this record"))
    };
    let forget = {
        let (lab, id) = (lab.clone(), kept.id.clone());
        Callback::from(move |_: MouseEvent| delete(&lab, &[id.clone()]))
    };
    html! {
        <li key={kept.id.clone()} data-test="kept" data-stored={kept.stored.to_string()}>
            <span>{ &kept.title }if !kept.stored { <small class="d">{ " only in this tab" }</small> }</span>
            <span class="n d">{ bytes(size) }</span>
            <button type="button" class="btn sm" onclick={again} aria-label={format!("Reopen {}", kept.title)} data-test="reopen">{ "Reopen" }</button>
            <button type="button" class="btn sm plain" onclick={save(&kept.text)} aria-label={format!("Save the record of {}", kept.title)} data-test="save-record">{ "Save" }</button>
            <button type="button" class="btn sm plain" onclick={forget} aria-label={format!("Delete {}", kept.title)} data-test="forget">{ "Delete" }</button>
        </li>
    }
}

fn record(lab: &Lab) -> Callback<MouseEvent> {
    let command = lab.port.command.clone();
    Callback::from(move |_| command.emit(Command::Record))
}

fn save(text: &Rc<str>) -> Callback<MouseEvent> {
    let text = text.clone();
    Callback::from(move |_| {
        let name = journal::read(&text).map_or_else(|_| "run".to_owned(), |j| j.name);
        save_text(&text, "application/json", &format!("{name}-record.json"));
    })
}

/// The storage has no room: what fills it, said once, with the ways out.
#[component]
fn Full() -> Html {
    let lab = use_lab();
    let why = lab.state.not_stored.clone();
    let newest = lab.state.runs.iter().find(|k| !k.stored).filter(|_| !why.is_empty()).cloned();
    // Reading all of a full storage takes a while: once for each list of runs.
    let of = use_memo((newest.is_some(), Rc::as_ptr(&lab.state.runs) as usize), |(wanted, _)| if *wanted { used() } else { [0.0; 2] });
    let Some(newest) = newest else { return Html::default() };
    let stored: Vec<String> = lab.state.runs.iter().filter(|k| k.stored).map(|k| k.id.clone()).collect();
    let away = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.act(Action::NotStored(String::new())))
    };
    let (n, [ours, others]) = (stored.len(), *of);
    let forget = Callback::from(move |_: MouseEvent| delete(&lab, &stored));
    let told = format!("The run finished, but its record was not stored: {why}.");
    html! {
        <div class="warnbox" role="status" data-test="storage-full">
            if ours + others > 0.0 {
                { wire(ours, others) }
                <ul class="store kinds">
                    <li><i class="c3"></i><span>{ plural(n, "run", "runs") }</span><span class="n">{ bytes(ours) }</span>
                        <button type="button" class="btn sm" onclick={forget} disabled={n == 0} data-test="forget-all">{ "Delete all" }</button></li>
                    <li><i class="c1"></i><span>{ "other pages of this address" }</span><span class="n">{ bytes(others) }</span><span class="d">{ "not ours" }</span></li>
                </ul>
            }
            <p><b>{ &told }</b></p>
            <p>{ "It is held in this tab. Save it as a file, or delete something here; what is held is stored as soon as it fits." }</p>
            <div class="acts">
                <button type="button" class="btn sm" onclick={save(&newest.text)}>{ "Save the record" }</button>
                <button type="button" class="btn sm plain" onclick={let told = told.clone(); move |_: MouseEvent| copy_text(&format!("{told}\n{ours} bytes of runs, {others} bytes of others"))}>{ "Copy details" }</button>
                <button type="button" class="btn sm plain" onclick={away}>{ "Dismiss" }</button>
            </div>
        </div>
    }
}

/// All that the browser grants, by kind.
fn wire(ours: f64, others: f64) -> Html {
    let x = 320.0 * ours / (ours + others).max(1.0);
    let words = format!("{} granted by the browser, all of it used", bytes(ours + others));
    html! {
        <svg class="cutwire" viewBox="0 0 328 34" width="328" height="34" role="img" aria-label={words}>
            <text y="10">{ format!("{} granted by the browser", bytes(ours + others)) }</text>
            <text x="320" y="10" text-anchor="end" class="ik b">{ "full" }</text>
            <rect y="18" width={format!("{:.1}", x.max(1.0))} height="9" fill="var(--c3)" />
            <rect x={format!("{:.1}", x + 1.0)} y="18" width={format!("{:.1}", (319.0 - x).max(0.0))} height="9" fill="var(--c1)" />
            <line class="axis" x1="0" x2="320" y1="27.5" y2="27.5" />
            <path d="M319.5 14v17" stroke="var(--ink)" stroke-width="2" />
        </svg>
    }
}
