//! What the Rank screen writes: factors or dense matrices, ranks by matrix, the run record.

use espalier_lab::protocol::Edits;
use serde_json::{Value, json};
use yew::prelude::*;

use super::controls::change;
use super::model::{config, file_bytes};
use super::say;
use super::view::View;
use crate::app::context::Lab;
use crate::app::history::Gesture;
use crate::app::state::{ExportForm, Place};
use crate::figures::download::save_text;
use crate::plot::number::{bytes, mib, plural, seconds};
use crate::screens::parts::{choice, export_line, progress, segments};

/// Ranks by matrix.
fn ranks(view: &View) -> Value {
    let all: serde_json::Map<String, Value> = espalier_methods::order::gather(view
        .plan
        .choices
        .iter()
        .map(|c| (c.tensor.clone(), json!({ "rank": c.kept, "full": c.full, "attempted": c.attempted, "factored": c.factored, "error": c.error }))));
    Value::Object(all)
}

/// Everything that is needed to do it again.
fn record(lab: &Lab, view: &View) -> Value {
    let summary = lab.state.summary.as_ref();
    json!({
        "method": "welore",
        "checkpoint": view.basis.name.as_str(),
        "header_sha256": summary.map(|s| s.header_hash.clone()),
        "config": serde_json::to_value(config(lab.state.rank())).unwrap_or_default(),
        "seed": lab.state.seed,
        "device": lab.state.device.as_ref().map(|d| d.name.clone()),
        "spectra": view.basis.spectra.first().map(|s| s.route.clone()),
        "threshold": view.plan.threshold,
        "attempted_reduction": view.plan.attempted,
        "effective_reduction": view.plan.effective,
        "parameters": [view.plan.dense_params, view.plan.compressed_params],
        "error": view.plan.error,
        "uniform_error": view.plan.uniform_error,
        "ranks": ranks(view),
    })
}

/// Properties of [`Export`].
#[derive(Properties)]
pub struct ExportProps {
    /// The laboratory.
    pub lab: Lab,
    /// What is shown.
    pub view: View,
}

impl PartialEq for ExportProps {
    fn eq(&self, other: &Self) -> bool {
        self.lab == other.lab && std::rc::Rc::ptr_eq(&self.view.plan, &other.view.plan)
    }
}

/// Cost line, buttons, list of files.
#[component]
pub fn Export(props: &ExportProps) -> Html {
    let (lab, view) = (&props.lab, &props.view);
    let wanted = use_state_eq(|| [true, true, true]);
    let form = lab.state.rank().form;
    let factors = form == ExportForm::Factors;
    let choices = view.choices();
    let factored = view.plan.factored().count();
    let summary = lab.state.summary.as_ref().filter(|_| !view.basis.example);
    let before = summary.map_or(0.0, |s| s.bytes);
    let after = file_bytes(before, &view.basis.entries, &choices, factors);
    let reads: f64 = view.basis.entries.iter().filter(|e| choices.get(&*e.key).is_some_and(|c| c.factored)).map(|e| e.elements() * e.width).sum();
    // A matrix and its factors in single precision, and the same in double for the decomposition.
    let peak = view.basis.entries.iter().map(crate::screens::matrices::Entry::elements).fold(0.0, f64::max) * (4.0 + 8.0 * 2.0);
    let toggle = |i: usize| {
        let wanted = wanted.clone();
        Callback::from(move |()| {
            let mut w = *wanted;
            w[i] = !w[i];
            wanted.set(w);
        })
    };
    let busy = lab.state.run.is_some();
    let ready = summary.is_some() && factored > 0 && !busy;
    let stem = view.basis.name.to_string();
    let save = {
        let (lab, view, wanted, stem) = (lab.clone(), view.clone(), *wanted, stem.clone());
        Callback::from(move |_: MouseEvent| {
            let pretty = |v: &Value| serde_json::to_string_pretty(v).unwrap_or_default();
            if wanted[1] {
                save_text(&pretty(&ranks(&view)), "application/json", &format!("{stem}-ranks.json"));
            }
            if wanted[2] {
                save_text(&pretty(&record(&lab, &view)), "application/json", &format!("{stem}-rank-record.json"));
            }
            if wanted[0] {
                let ranks = espalier_methods::order::gather(view.plan.factored().map(|c| (c.tensor.clone(), c.kept)));
                let config = serde_json::to_string(&config(lab.state.rank())).unwrap_or_default();
                lab.export(Edits::Rank { ranks, factors }, vec![("espalier.method".into(), "welore".into()), ("espalier.config".into(), config)]);
            }
        })
    };
    let choose = {
        let lab = lab.clone();
        Callback::from(move |f: ExportForm| change(&lab, Gesture::Step, |s| s.form = f))
    };
    let files = wanted.iter().filter(|w| **w).count();
    let why = if summary.is_none() {
        "This is the finished example. Open a checkpoint to write one."
    } else if factored == 0 {
        "Nothing is factored: there is nothing to write."
    } else {
        ""
    };
    let saved = lab.state.saved.as_ref().filter(|s| s.place == Place::Rank && !s.name.is_empty());
    html! {
        <>
        if summary.is_some() {
            <div class="cost" data-test="rank-cost">
                <span>{ "reads " }<b>{ bytes(reads) }</b></span>
                <span>{ "memory " }<b>{ mib(peak) }</b></span>
                <span>{ "writes " }<b>{ bytes(after) }</b></span>
            </div>
        }
        <div class="sec exporting">
            <div class="headrow"><h2>{ "Export" }</h2>{ segments("Form", "rank-form", &[choice(ExportForm::Factors, "factor pairs"), choice(ExportForm::Dense, "dense")], &form, &choose) }</div>
            <ul class="exp">
                { export_line("rank-e1", if factors { "U and V, safetensors" } else { "U S Vᵀ, safetensors" }, &if summary.is_some() { format!("about {}", bytes(after)) } else { "–".into() }, wanted[0], &toggle(0)) }
                { export_line("rank-e2", "Ranks by matrix", "JSON", wanted[1], &toggle(1)) }
                { export_line("rank-e3", "Run record", "JSON", wanted[2], &toggle(2)) }
            </ul>
            <div class="acts">
                <button type="button" class={classes!("btn", "go", (!ready).then_some("off"))} disabled={!ready || files == 0} onclick={save} data-test="rank-save">
                    { if wanted[0] { format!("Factor {} and save {}", plural(factored, "matrix", "matrices"), plural(files, "file", "files")) } else { format!("Save {}", plural(files, "file", "files")) } }
                </button>
            </div>
            { progress(lab, "export") }
            if !why.is_empty() { <p class="d" data-test="rank-why">{ why }</p> }
            if let Some(s) = saved {
                <p class="done" data-test="rank-saved">{ format!("{} saved: {}, {} changed, in {}.", s.name, bytes(s.bytes), plural(s.changed as usize, "tensor", "tensors"), seconds(s.seconds)) }</p>
            }
            if summary.is_some() && factored > 0 { <p class="note" data-test="rank-size-note">{ say::size(before, after, factors) }</p> }
        </div>
        </>
    }
}
