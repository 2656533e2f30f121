//! What the place writes: the thinned copy with what loads it, the plan, the run record.

use espalier_lab::protocol::Edits;
use yew::prelude::*;

use super::View;
use crate::app::context::Lab;
use crate::app::state::Place;
use crate::figures::download::save_text;
use crate::plot::number::{bytes, plural, seconds};
use crate::screens::parts::progress;

/// The section.
pub fn export(lab: &Lab, view: &View) -> Html {
    let state = &lab.state.edit.experts;
    let plan = state.plan(&view.shape);
    let point = lab.state.experts.measured(&plan).and_then(|p| Some((p.clone(), p.beside.clone()?)));
    let [_, left] = view.shape.left(state);
    let busy = lab.state.run.is_some();
    let name = lab.state.summary.as_ref().map(|s| s.name.clone()).unwrap_or_default();
    let why = if plan.changes.is_empty() {
        "Nothing is taken away yet."
    } else if point.is_none() {
        "Measure it first: what loads the copy is made then."
    } else {
        ""
    };
    let save = {
        let (lab, point, name) = (lab.clone(), point.clone(), name.clone());
        Callback::from(move |_: MouseEvent| {
            if let Some((point, beside)) = &point {
                save_text(&beside.config, "application/json", "config.json");
                if let Some(text) = &beside.modeling {
                    save_text(text, "text/x-python", "modeling_condensed.py");
                }
                let plan = serde_json::to_string_pretty(&point.plan).unwrap_or_default();
                save_text(&plan, "application/json", &format!("{name}-plan.json"));
                lab.export(Edits::Thin { plan: point.plan.clone() }, vec![("espalier.method".into(), "condense".into())]);
            }
        })
    };
    let files = point.as_ref().map_or(3, |(_, b)| 3 + usize::from(b.modeling.is_some()));
    let saved = lab.state.saved.as_ref().filter(|s| s.place == Place::Experts && !s.name.is_empty());
    html! {
        <div class="sec exporting" data-test="experts-export">
            <h2>{ "Export" }</h2>
            <p class="d">{ format!("Weights ({}), config.json, the class that loads them where one is needed, and the plan as JSON.", bytes(left)) }</p>
            <div class="acts"><button type="button" class={classes!("btn", (!why.is_empty()).then_some("off"))} onclick={save} disabled={busy || !why.is_empty()} data-test="experts-save">{ format!("Save {}", plural(files, "file", "files")) }</button></div>
            if !why.is_empty() { <p class="d" data-test="experts-why">{ why }</p> }
            if let Some((_, b)) = &point { <p class="note">{ format!("Put the files into one folder. {}.", capital(&b.how)) }</p> }
            { progress(lab, "export") }
            if let Some(s) = saved { <p class="done" data-test="experts-saved">{ format!("{} saved: {}, {} changed, in {}.", s.name, bytes(s.bytes), plural(s.changed as usize, "tensor", "tensors"), seconds(s.seconds)) }</p> }
        </div>
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
