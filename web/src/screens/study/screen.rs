//! The Study screen.

use yew::prelude::*;

use super::agree::agreement;
use super::claims::claims;
use super::knobs::knobs;
use super::matrix::{self, Matrix};
use super::rescale::Rescale;
use super::rules::rules as side_by_side;
use super::sweep::sweep;
use crate::app::action::Action;
use crate::app::context::{Lab, use_lab};
use crate::app::history::Gesture;
use crate::app::language::{Rule, StudyState, cannot_run};
use crate::app::state::Place;
use crate::figures::{StatItem, Stats};
use crate::plot::number::{fixed, percent, seconds};
use crate::screens::parts::{choice, segments};
use crate::screens::published;
use crate::teach::strip::buttons;

/// Changes the knobs of the study.
pub fn change(lab: &Lab, gesture: Gesture, edit: impl FnOnce(&mut StudyState)) {
    let mut next = lab.state.study().clone();
    edit(&mut next);
    lab.act(Action::Study(next, gesture));
}

/// The Study screen.
#[component]
pub fn StudyScreen() -> Html {
    let lab = use_lab();
    let state = lab.state.study();
    let rules = [choice(Rule::Wanda, "Wanda"), choice(Rule::SparseGpt, "SparseGPT"), choice(Rule::Magnitude, "Magnitude")];
    let choose = {
        let lab = lab.clone();
        Callback::from(move |r: Rule| change(&lab, Gesture::Step, |s| s.rule = r))
    };
    let cannot = match &lab.state.summary {
        None => Some("No checkpoint is open. Open a language model; the bundled ones take seconds.".to_owned()),
        Some(s) => cannot_run(s),
    };
    let go = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.go(Place::Open))
    };
    let ready = cannot.is_none();
    html! {
        <>
        <div class="head"><h1>{ "Study" }</h1><p class="say">{ "Which parts can spare weights, and which text to prune by: measured, with seeds." }</p>{ segments("Method", "study-rule", &rules, &state.rule, &choose) }{ buttons(&lab, Place::Study) }</div>
        <div class="study" data-test="study">
            <div class="work">
                if let Some(why) = cannot {
                    <div class="standing" data-test="study-cannot"><p class="say">{ why }</p>
                        if lab.state.summary.is_none() { <button type="button" class="btn" onclick={go}>{ "Open a checkpoint" }</button> }</div>
                }
                { numbers(&lab) }
                { sweep(&lab, ready) }
                <Matrix lab={lab.clone()} />
                { agreement(&lab) }
                if !lab.state.language.study.is_empty() { { published::capabilities(&lab) } }
                { side_by_side(&lab, ready) }
                <Rescale lab={lab.clone()} {ready} />
            </div>
            <aside class="knobs" aria-label="Claims and knobs">
                { claims(&lab) }
                { knobs(&lab, ready) }
            </aside>
        </div>
        </>
    }
}

fn numbers(lab: &Lab) -> Html {
    let runs = matrix::runs(&lab.state);
    if runs.is_empty() {
        return Html::default();
    }
    let (low, high) = runs.iter().fold((1.0f64, 0.0f64), |(a, b), r| (a.min(r.sparsity), b.max(r.sparsity)));
    let mut seeds: Vec<u64> = runs.iter().map(|r| r.seed).collect();
    seeds.dedup();
    let distinct: std::collections::BTreeSet<u64> = seeds.into_iter().collect();
    let removed = if high - low < 5e-5 { (percent(high), "in every run".to_owned()) } else { (percent(low), format!("to {}", percent(high))) };
    let c = &lab.state.prune().calibrated;
    let items = vec![
        StatItem::new("runs", runs.len().to_string()).test("study-runs"),
        StatItem::new("asked", percent(matrix::shown(&lab.state))),
        StatItem::new("removed", removed.0).of(removed.1).test("study-removed"),
        StatItem::new("windows", c.samples.to_string()).of(format!("× {} tokens", c.length)),
        StatItem::new("seeds", distinct.len().to_string()).of(distinct.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
        StatItem::new("dense loss", fixed(runs[0].dense.first().copied().unwrap_or(0.0), 3)).of(format!("nats, {}", runs[0].domains.first().map_or("", String::as_str))),
    ];
    let took = lab.state.run.as_ref().filter(|r| r.method == "calibration_study").map(|r| seconds((r.heard_ms - r.started_ms) / 1e3));
    html! { <div class="budget"><Stats {items} />if let Some(t) = took { <span class="d">{ t }</span> }</div> }
}
