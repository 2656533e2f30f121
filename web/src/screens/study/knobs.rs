//! The knobs of the study and its button. Texts and windows are those of Prune.

use espalier_methods::calibration::OWN;
use serde_json::{Value, json};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::screen::change;
use crate::app::context::Lab;
use crate::app::history::Gesture;
use crate::app::language::Rule;
use crate::app::texts::questions;
use crate::app::state::Asked;
use crate::app::unfinished;
use crate::plot::number::{plural, sig};
use crate::screens::cost::Start;
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
    out.retain(|n| n != OWN);
    // The model’s own text is measured in any case, behind the texts that people chose.
    out.extend([OWN, "mixture", "random", "repeated"].map(str::to_owned));
    out
}

fn config(lab: &Lab) -> Value {
    let (s, c) = (lab.state.study(), &lab.state.prune().calibrated);
    // Magnitude reads nothing: there is nothing to compare.
    let criterion = if s.rule == Rule::SparseGpt { "sparsegpt" } else { "wanda" };
    let mut config = json!({
        "criterion": criterion, "sparsity": s.sparsity, "sources": sources(lab).join(","), "domains": c.domains.join(","), "general": c.text, "seeds": s.seeds,
        "samples": c.samples, "length": c.length, "windows": c.windows,
    });
    // One is written as it always was, so that old links and new ones ask for the same run.
    if !s.sparsities.is_empty() {
        config["sparsities"] = s.sparsities.iter().map(f64::to_string).collect::<Vec<_>>().join(",").into();
    }
    config
}

/// Prunings that need not be done again: of this study, stopped before.
fn done(lab: &Lab, config: &Value) -> usize {
    let asked = Asked { method: "calibration_study".into(), config: config.clone(), matrices: None, seed: lab.state.seed };
    let count = |known: Value| known.as_object().map_or(0, serde_json::Map::len);
    match count(lab.state.language.known(&asked)) {
        0 => count(unfinished::known(&lab.state, &asked)),
        n => n,
    }
}

/// Percentages, separated by anything.
fn percents(text: &str) -> Vec<f64> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.').filter_map(|w| w.parse::<f64>().ok()).map(|p| p / 100.0).collect()
}

/// The knobs.
pub fn knobs(lab: &Lab, ready: bool) -> Html {
    let s = lab.state.study();
    let busy = lab.state.run.is_some();
    let c = &lab.state.prune().calibrated;
    let measured = ready && done(lab, &config(lab)) >= sources(lab).len() * s.seeds as usize * s.ladder_of_study().len();
    let able = ready && !measured && s.rule != Rule::Magnitude && !c.domains.is_empty();
    let go = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| {
            lab.run("calibration_study", config(&lab), None);
        })
    };
    let sparsity = {
        let lab = lab.clone();
        Callback::from(move |e: Event| {
            if let Some(i) = e.target_dyn_into::<HtmlInputElement>() {
                let next = lab.state.study().clone().with(&percents(&i.value()));
                change(&lab, Gesture::Step, |s| *s = next);
            }
        })
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
    let ladder = s.ladder_of_study();
    let written = ladder.iter().map(|v| sig(v * 100.0, 4)).collect::<Vec<_>>().join(", ");
    let runs = all.len() * s.seeds as usize * ladder.len();
    let known = if ready { done(lab, &config(lab)).min(runs) } else { 0 };
    let word = match known {
        0 => format!("Run {runs} prunings"),
        k if k == runs => "Measured".to_owned(),
        k => format!("Go on, {} to go", plural(runs - k, "pruning", "prunings")),
    };
    html! {
        <>
        <h2>{ "Calibration study" }</h2>
        <div class="knob wideval"><label for="study-sparsity">{ "Sparsities, %" }</label><span class="val"><input class="in" type="text" inputmode="decimal" id="study-sparsity" data-test="study-sparsity" value={written} onchange={sparsity} /></span>
            <p>{ "One or several, as 50, 60, 70. Runs of one sparsity remove the same number of weights: remainders are handed out." }</p></div>
        <Knob label="Seeds" test="study-seeds" value={s.seeds.to_string()} min={1.0} max={20.0} step={1.0} changed={s.seeds < 3} on_set={seeds} help="Draws of windows a source. Fewer than three say nothing about chance." />
        <div class="knob wideval"><label>{ "Ways of telling" }</label><span class="val">{ segments("Ways of telling", "study-formats", &[choice(false, "one way"), choice(true, "all ways")], &s.formats, &formats) }</span>
            <p>{ "Questions are told one by one (padded), many in a window, and with reasons." }</p></div>
        <Reading lab={lab.clone()} />
        <Measuring lab={lab.clone()} />
        <p class="costline"><span><b>{ format!("{} × {} × {}", all.len(), plural(s.seeds as usize, "seed", "seeds"), plural(ladder.len(), "sparsity", "sparsities")) }</b></span><span>{ "with the model’s own text, and controls: mixture, random tokens, one token repeated" }</span></p>
        <Start method="calibration_study" config={config(lab)} ready={able} {busy} words={word} test="study-run" {go} />
        if s.rule == Rule::Magnitude { <p class="d">{ "Magnitude reads no text: choose Wanda or SparseGPT for the study." }</p> }
        { progress(lab, "calibration_study") }
        </>
    }
}
