//! Recent runs: what is kept of them in this browser, how large it is, and how to be rid of it.

use espalier_lab::protocol::Command;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::journal;
use crate::app::runs::{Kept, delete};
use crate::figures::download::save_text;
use crate::plot::number::bytes;

/// Runs listed at once.
const MOST: usize = 12;

/// The panel.
pub fn runs(lab: &Lab) -> Html {
    let all = lab.state.runs.clone();
    let size = |k: &Kept| 2.0 * (k.text.len() + k.id.len()) as f64;
    let total: f64 = all.iter().filter(|k| k.stored).map(size).sum();
    html! {
        <section data-test="runs">
            <h2>{ "Recent runs " }<small class="d">{ if all.is_empty() { "none yet".to_owned() } else { format!("{} in this browser", bytes(total)) } }</small></h2>
            { full(lab) }
            <ul class="store">
                { for all.iter().take(MOST).map(|k| line(lab, k, size(k))) }
            </ul>
            if !lab.state.shown.is_empty() || lab.state.saved.is_some() {
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
        Callback::from(move |_: MouseEvent| delete(&lab, &id))
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

fn save(text: &std::rc::Rc<str>) -> Callback<MouseEvent> {
    let text = text.clone();
    Callback::from(move |_| {
        let name = journal::read(&text).map_or_else(|_| "run".to_owned(), |j| j.name);
        save_text(&text, "application/json", &format!("{name}-record.json"));
    })
}

/// The storage has no room: said once, with the two ways out.
fn full(lab: &Lab) -> Html {
    let why = lab.state.not_stored.clone();
    let Some(newest) = lab.state.runs.iter().find(|k| !k.stored).filter(|_| !why.is_empty()) else { return Html::default() };
    let away = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.act(Action::NotStored(String::new())))
    };
    html! {
        <div class="warnbox" role="status" data-test="storage-full">
            <p><b>{ format!("The run finished, but its record was not stored: {why}.") }</b></p>
            <p>{ "It is held in this tab. Save it as a file, or delete something below." }</p>
            <div class="acts">
                <button type="button" class="btn sm" onclick={save(&newest.text)}>{ "Save the record" }</button>
                <button type="button" class="btn sm plain" onclick={away}>{ "Dismiss" }</button>
            </div>
        </div>
    }
}
