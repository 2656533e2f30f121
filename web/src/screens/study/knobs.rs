//! The knobs of the study and its button. Texts and windows are those of Prune.

use serde_json::{Value, json};
use yew::prelude::*;

use super::screen::change;
use crate::app::context::Lab;
use crate::app::history::Gesture;
use crate::app::language::Rule;
use crate::app::texts::questions;
use crate::plot::number::{fixed, plural};
use crate::screens::parts::{Knob, choice, progress, segments};
use crate::screens::reading::{Measuring, Reading};

/// Sources: every text that is measured, those told in other ways too, and the controls.
fn sources(lab: &Lab) -> Vec<String> {
    let c = &lab.state.prune().calibrated;
    let mut out: Vec<String> = Vec::new();
    // What stands for C4 comes first: the text that calibrates in Prune.
    for name in std::iter::once(&c.text).chain(&c.domains) {
        if !out.contains(name) {
            out.push(name.clone());
        }
    }
    if lab.state.study().formats {
        let told: Vec<String> = out.iter().filter(|n| questions(n, &lab.state.own)).flat_map(|n| ["single", "in_context", "chain_of_thought"].map(|f| format!("{n}:{f}"))).collect();
        out.extend(told);
    }
    out.extend(["mixture", "random", "repeated"].map(str::to_owned));
    out
}

fn config(lab: &Lab) -> Value {
    let (s, c) = (lab.state.study(), &lab.state.prune().calibrated);
    // Magnitude reads nothing: there is nothing to compare.
    let criterion = if s.rule == Rule::SparseGpt { "sparsegpt" } else { "wanda" };
    json!({
        "criterion": criterion, "sparsity": s.sparsity, "sources": sources(lab).join(","), "domains": c.domains.join(","), "general": c.text, "seeds": s.seeds,
        "samples": c.samples, "length": c.length, "windows": c.windows,
    })
}

/// The knobs.
pub fn knobs(lab: &Lab, ready: bool) -> Html {
    let s = lab.state.study();
    let busy = lab.state.run.is_some();
    let c = &lab.state.prune().calibrated;
    let able = ready && !busy && s.rule != Rule::Magnitude && !c.domains.is_empty();
    let go = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| {
            lab.run("calibration_study", config(&lab), None);
        })
    };
    let sparsity = {
        let lab = lab.clone();
        Callback::from(move |v: f64| change(&lab, Gesture::Step, |s| s.sparsity = v / 100.0))
    };
    let seeds = {
        let lab = lab.clone();
        Callback::from(move |v: f64| change(&lab, Gesture::Step, |s| s.seeds = v as u32))
    };
    let formats = {
        let lab = lab.clone();
        Callback::from(move |f: bool| change(&lab, Gesture::Step, |s| s.formats = f))
    };
    let all = sources(lab);
    let runs = all.len() * s.seeds as usize;
    html! {
        <>
        <h2>{ "Calibration study" }</h2>
        <Knob label="Sparsity" test="study-sparsity" unit="%" value={fixed(s.sparsity * 100.0, 1)} min={0.0} max={100.0} step={5.0} on_set={sparsity} help="Every run removes the same number of weights: remainders are handed out." />
        <Knob label="Seeds" test="study-seeds" value={s.seeds.to_string()} min={1.0} max={20.0} step={1.0} changed={s.seeds < 3} on_set={seeds} help="Draws of windows a source. Fewer than three say nothing about chance." />
        <div class="knob wideval"><label>{ "Ways of telling" }</label><span class="val">{ segments("Ways of telling", "study-formats", &[choice(false, "one way"), choice(true, "all ways")], &s.formats, &formats) }</span>
            <p>{ "Questions are told one by one (padded), many in a window, and with reasons." }</p></div>
        <Reading lab={lab.clone()} />
        <Measuring lab={lab.clone()} />
        <p class="costline"><span><b>{ format!("{} × {}", all.len(), plural(s.seeds as usize, "seed", "seeds")) }</b></span><span>{ "controls: mixture, random tokens, one token repeated" }</span></p>
        <div class="acts"><button type="button" class={classes!("btn", "go", (!able).then_some("off"))} disabled={!able} onclick={go} data-test="study-run">{ format!("Run {runs} prunings") }</button></div>
        if s.rule == Rule::Magnitude { <p class="d">{ "Magnitude reads no text: choose Wanda or SparseGPT for the study." }</p> }
        { progress(lab, "calibration_study") }
        </>
    }
}
