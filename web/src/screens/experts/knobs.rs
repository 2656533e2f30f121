//! The search's knobs, Run, and what to do with what it found.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::{View, change};
use crate::app::context::Lab;
use crate::app::experts::ExpertsState;
use crate::app::history::Gesture;
use crate::app::texts::BUNDLED;
use crate::plot::number::plural;
use crate::screens::parts::{Knob, choice, segments};

/// Tokens a window, and windows that measure.
const LENGTH: u32 = 128;
const WINDOWS: u32 = 32;

/// The texts that calibrate and measure at first.
pub const TEXTS: [(&str, &str, &str); 2] = [("experts-calibration", "plays", "Calibration text"), ("experts-evaluation", "plays-heldout", "Evaluation text")];

/// The name of the text that a select holds.
pub fn text(lab: &Lab, i: usize) -> String {
    lab.state.view(TEXTS[i].0).map_or_else(|| TEXTS[i].1.to_owned(), |t| t.to_string())
}

fn step<T: 'static>(lab: &Lab, edit: impl Fn(&mut ExpertsState, T) + 'static) -> Callback<T> {
    let lab = lab.clone();
    Callback::from(move |v: T| change(&lab, Gesture::Step, |s| edit(s, v)))
}

/// The search's configuration.
pub fn config(lab: &Lab) -> serde_json::Value {
    let s = &lab.state.edit.experts;
    serde_json::json!({ "variant": s.variant, "layers": s.layers, "experts": s.keep, "metric": s.metric, "samples": s.samples, "length": LENGTH,
        "windows": WINDOWS, "rivals": s.rivals, "calibration": text(lab, 0), "evaluation": text(lab, 1) })
}

fn select(lab: &Lab, i: usize) -> Html {
    let (key, _, label) = TEXTS[i];
    let onchange = {
        let lab = lab.clone();
        Callback::from(move |e: Event| {
            if let Some(s) = e.target_dyn_into::<HtmlSelectElement>() {
                lab.view(key, &s.value());
            }
        })
    };
    let now = text(lab, i);
    html! {
        <div class="knob wideval"><label for={key}>{ label }</label><span class="val"><select id={key} class="in" {onchange} data-test={key}>
            { for BUNDLED.iter().map(|b| html! { <option value={b.name} selected={b.name == now} title={b.what}>{ b.name }</option> }) }
        </select></span></div>
    }
}

/// All knobs.
pub fn knobs(lab: &Lab, view: &View) -> Html {
    let (s, base, shape) = (&lab.state.edit.experts, ExpertsState::default(), &view.shape);
    let mixtures = shape.blocks.len();
    let third = ((mixtures as f64 / 3.0).round() as u32).max(1);
    let layers = if s.layers == 0 { third } else { s.layers };
    let keep = if s.keep == 0 { shape.per_token as u32 } else { s.keep };
    let busy = lab.state.run.is_some();
    let searching = lab.state.running("condense").is_some();
    let go = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| {
            lab.view("experts", "Condense");
            lab.run("condense", config(&lab), None);
        })
    };
    let found = lab.state.experts.so_far();
    let over = {
        let (lab, shape, found) = (lab.clone(), shape.clone(), found.clone());
        Callback::from(move |_: MouseEvent| change(&lab, Gesture::Step, |s| s.take(&found, &shape)))
    };
    html! {
        <div class="sec condense">
            <h2>{ "Condense" }</h2>
            <div class="knob wideval"><label>{ "Keeps" }</label><span class="val">{ segments("Keeps", "experts-variant", &[choice("sr", "shared and some"), choice("s", "shared only")], &s.variant, &step(lab, |s, v| s.variant = v)) }</span></div>
            <Knob label="Layers to condense" test="experts-knob-layers" unit={format!("of {mixtures}")} value={layers.to_string()} min={1.0} max={mixtures as f64} step={1.0} changed={s.layers != base.layers}
                on_set={step(lab, |s, v: f64| s.layers = v as u32)} on_reset={Some(step(lab, |s, ()| s.layers = 0))} track={true} paper={Some(f64::from(third))} help="The paper condensed a third: 9 of 27." />
            if s.variant == "sr" {
                <Knob label="Experts kept" test="experts-knob-keep" unit={format!("of {}", shape.experts)} value={keep.to_string()} min={1.0} max={shape.experts as f64} step={1.0} changed={s.keep != base.keep}
                    on_set={step(lab, |s, v: f64| s.keep = v as u32)} on_reset={Some(step(lab, |s, ()| s.keep = 0))} track={true} paper={Some(shape.per_token as f64)} help="A condensed layer runs all of these for every token." />
            }
            <div class="knob wideval"><label>{ "Measure" }</label><span class="val">{ segments("Measure", "experts-metric", &[choice("js", "JS"), choice("cosine", "cosine"), choice("mse", "MSE")], &s.metric, &step(lab, |s, v| s.metric = v)) }</span></div>
            <Knob label="Calibration" test="experts-knob-samples" unit={format!("× {LENGTH} tokens")} value={s.samples.to_string()} min={1.0} max={512.0} step={1.0} changed={s.samples != base.samples}
                on_set={step(lab, |s, v: f64| s.samples = v as u32)} on_reset={Some(step(lab, move |s, ()| s.samples = ExpertsState::default().samples))} />
            { select(lab, 0) }{ select(lab, 1) }
            <div class="knob wideval"><label>{ "Rivals" }</label><span class="val">{ segments("Rivals", "experts-rivals", &[choice(true, "measure"), choice(false, "leave out")], &s.rivals, &step(lab, |s, v| s.rivals = v)) }</span>
                <p>{ "LayerDrop, BlockDrop, most used, largest norm, least used out, REAP, and twenty random choices." }</p></div>
            <div class="acts">
                <button type="button" class="btn go" onclick={go} disabled={busy} data-test="experts-search">{ "Search" }</button>
                <button type="button" class="btn" onclick={over} disabled={found.changes.is_empty()} data-test="experts-take">{ if searching { "Keep what is found" } else { "Take over" } }</button>
            </div>
            <p class="d">{ if found.changes.is_empty() { "What a search finds can be taken over, changed by hand and written.".to_owned() } else { format!("{} found so far; taking it over puts it in the grid.", plural(found.changes.len(), "condensed layer", "condensed layers")) } }</p>
        </div>
    }
}
