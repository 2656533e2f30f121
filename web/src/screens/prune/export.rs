//! What the Prune screen writes: the sparse copy, the decision for other tools, the run record.

use espalier_lab::protocol::{Command, Edits};
use yew::prelude::*;

use super::model::pattern;
use super::recipe::{dict, ratios, recipe, record};
use super::say;
use super::view::View;
use crate::app::context::Lab;
use crate::app::state::{Asked, Place};
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
    let wanted = use_state_eq(|| [true, false, false, true, false, false]);
    let masks_next = use_state_eq(|| false);
    let calibrated = view.asked.is_some();
    let total = lab.state.summary.as_ref().map_or(0.0, |s| s.bytes);
    let ready = !view.example && !view.entries.is_empty() && lab.state.run.is_none();
    let files = wanted.iter().take(if calibrated { 6 } else { 4 }).filter(|w| **w).count();
    let toggle = |i: usize| {
        let wanted = wanted.clone();
        Callback::from(move |()| {
            let mut w = *wanted;
            w[i] = !w[i];
            wanted.set(w);
        })
    };
    let save = {
        let (lab, view, wanted, next) = (lab.clone(), view.clone(), *wanted, masks_next.clone());
        Callback::from(move |_: MouseEvent| {
            let stem = view.name.to_string();
            let scope = lab.state.prune().scope;
            let pretty = |v: &serde_json::Value| serde_json::to_string_pretty(v).unwrap_or_default();
            let rule = lab.state.prune().calibrated.rule;
            if wanted[1] {
                save_text(&recipe(&view.entries, &view.now, scope, rule), "application/yaml", &format!("{stem}-recipe.yaml"));
            }
            if wanted[2] {
                save_text(&pretty(&ratios(&view.entries, &view.now)), "application/json", &format!("{stem}-ratios.json"));
            }
            if let Some(asked) = &view.asked {
                if wanted[5] {
                    save_text(&dict(&view.entries, &view.now), "text/x-python", &format!("{stem}-ratios.py"));
                }
                if wanted[3] {
                    // The engine's own record: page and command line do it again and compare.
                    lab.port.command.emit(Command::Record);
                }
                match (wanted[0], wanted[4]) {
                    (true, masks) => {
                        lab.export(copy(asked, false), from(asked));
                        next.set(masks);
                    }
                    (false, true) => {
                        lab.export(copy(asked, true), from(asked));
                    }
                    (false, false) => {}
                }
                return;
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
    {
        // One export at a time: the masks come after the copy.
        let (lab, next, asked) = (lab.clone(), masks_next.clone(), view.asked.clone());
        use_effect_with((*masks_next, lab.state.run.is_none(), lab.state.saved.as_ref().is_some_and(|s| s.bytes > 0.0)), move |(wanted, free, written)| {
            if let (true, true, true, Some(asked)) = (*wanted, *free, *written, &asked) {
                next.set(false);
                lab.export(copy(asked, true), from(asked));
            }
        });
    }
    let saved = lab.state.saved.as_ref().filter(|s| s.place == Place::Prune && !s.name.is_empty());
    html! {
        <div class="sec exporting">
            <h2>{ "Export" }</h2>
            <ul class="exp">
                { export_line("prune-e1", "Pruned safetensors", &if view.example { "–".into() } else { bytes(total) }, wanted[0], &toggle(0)) }
                { export_line("prune-e2", "Recipe, llm-compressor", "YAML", wanted[1], &toggle(1)) }
                { export_line("prune-e3", "Ratios by module", "JSON", wanted[2], &toggle(2)) }
                { export_line("prune-e4", "Run record", "JSON", wanted[3], &toggle(3)) }
                if calibrated {
                    { export_line("prune-e5", "Masks", "1 = kept", wanted[4], &toggle(4)) }
                    { export_line("prune-e6", "Ratios, Torch-Pruning", "dict", wanted[5], &toggle(5)) }
                }
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

/// What an export of a calibrated pruning writes.
fn copy(asked: &Asked, masks: bool) -> Edits {
    let Asked { method, config, matrices, seed } = asked.clone();
    Edits::Calibrated { method, config, matrices, seed, masks }
}

/// Where it comes from, for its metadata.
fn from(asked: &Asked) -> Vec<(String, String)> {
    vec![("espalier.method".into(), asked.method.clone()), ("espalier.config".into(), asked.config.to_string())]
}
