//! What the Prune screen writes: the sparse copy, the decision for other tools, the run record.

use espalier_lab::protocol::Edits;
use yew::prelude::*;

use super::model::pattern;
use super::recipe::{ratios, recipe, record};
use super::say;
use super::view::View;
use crate::app::context::Lab;
use crate::app::state::Place;
use crate::figures::download::save_text;
use crate::plot::number::{bytes, plural, seconds};
use crate::screens::parts::{export_line, progress};

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
        self.lab == other.lab
    }
}

/// List of files, button, what came of it.
#[component]
pub fn Export(props: &ExportProps) -> Html {
    let (lab, view) = (&props.lab, &props.view);
    let wanted = use_state_eq(|| [true, false, false, true]);
    let total = lab.state.summary.as_ref().map_or(0.0, |s| s.bytes);
    let ready = !view.example && !view.entries.is_empty() && lab.state.run.is_none();
    let files = wanted.iter().filter(|w| **w).count();
    let toggle = |i: usize| {
        let wanted = wanted.clone();
        Callback::from(move |()| {
            let mut w = *wanted;
            w[i] = !w[i];
            wanted.set(w);
        })
    };
    let save = {
        let (lab, view, wanted) = (lab.clone(), view.clone(), *wanted);
        Callback::from(move |_: MouseEvent| {
            let stem = view.name.to_string();
            let scope = lab.state.prune().scope;
            let pretty = |v: &serde_json::Value| serde_json::to_string_pretty(v).unwrap_or_default();
            if wanted[1] {
                save_text(&recipe(&view.entries, &view.now, scope), "application/yaml", &format!("{stem}-recipe.yaml"));
            }
            if wanted[2] {
                save_text(&pretty(&ratios(&view.entries, &view.now)), "application/json", &format!("{stem}-ratios.json"));
            }
            if wanted[3] {
                save_text(&pretty(&record(&lab, &view)), "application/json", &format!("{stem}-prune-record.json"));
            }
            if let (true, Ok(config)) = (wanted[0], serde_json::to_value(&*view.config)) {
                let text = config.to_string();
                lab.export(Edits::Magnitude { config, matrices: None }, vec![("espalier.method".into(), "magnitude".into()), ("espalier.config".into(), text)]);
            }
        })
    };
    let saved = lab.state.saved.as_ref().filter(|s| s.place == Place::Prune && !s.name.is_empty());
    html! {
        <div class="sec exporting">
            <h2>{ "Export" }</h2>
            <ul class="exp">
                { export_line("prune-e1", "Pruned safetensors", &if view.example { "–".into() } else { bytes(total) }, wanted[0], &toggle(0)) }
                { export_line("prune-e2", "Recipe, llm-compressor", "YAML", wanted[1], &toggle(1)) }
                { export_line("prune-e3", "Ratios by module", "JSON", wanted[2], &toggle(2)) }
                { export_line("prune-e4", "Run record", "JSON", wanted[3], &toggle(3)) }
            </ul>
            <div class="acts">
                <button type="button" class={classes!("btn", (!ready).then_some("off"))} disabled={!ready || files == 0} onclick={save} data-test="prune-save">{ format!("Save {}", plural(files, "file", "files")) }</button>
            </div>
            { progress(lab, "export") }
            if view.example { <p class="d">{ "This is the finished example. Open a checkpoint to write one." }</p> }
            if let Some(s) = saved {
                <p class="done" data-test="prune-saved">{ format!("{} saved: {}, {} changed, in {}.", s.name, bytes(s.bytes), plural(s.changed as usize, "tensor", "tensors"), seconds(s.seconds)) }</p>
            }
            if !view.example { <p class="note" data-test="prune-size-note">{ say::size(total, pattern(lab.state.prune().scope).is_some()) }</p> }
        </div>
    }
}
