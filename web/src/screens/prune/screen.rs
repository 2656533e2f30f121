//! The Prune screen.

use yew::prelude::*;

use super::after::after;
use super::bars::Bars;
use super::calibrated::take_rule;
use super::closeup::closeup;
use super::controls::controls;
use super::export::Export;
use super::judged::judged;
use super::view::{LAST, View, use_view};
use super::words::Words;
use crate::app::context::{Lab, use_lab};
use crate::app::language::Rule;
use crate::app::state::{Place, Scope};
use crate::figures::{BudgetStrip, StatItem, Stats};
use crate::plot::number::{count, fixed, params, percent};
use crate::plot::scene::Paint;
use crate::screens::parts::{choice, segments};
use crate::teach::strip::buttons;

/// Models up to this many prunable weights get their error curves without being asked: a second or two.
const SMALL: f64 = 2e7;

/// The Prune screen.
#[component]
pub fn PruneScreen() -> Html {
    let lab = use_lab();
    let view = use_view(&lab);
    use_curves(&lab, &view);
    use_stats(&lab, &view);
    let state = lab.state.prune();
    let rules = [choice(Rule::Magnitude, "Magnitude"), choice(Rule::Wanda, "Wanda"), choice(Rule::SparseGpt, "SparseGPT")];
    let choose = {
        let lab = lab.clone();
        Callback::from(move |r: Rule| take_rule(&lab, r))
    };
    let sentence = match state.scope {
        Scope::Global if view.unprofiled > 0 => "One cut through all weights; how it falls on the blocks is known with the error curves.",
        Scope::Global => "One cut through all weights: blocks of small weights lose more.",
        Scope::NOfM { .. } => "The largest of every few neighbours stay, in every row of every matrix.",
        _ => "Drag a branch to its cut; the others give way so that the budget stays.",
    };
    html! {
        <>
        <div class="head"><h1>{ "Prune" }</h1><p class="say">{ sentence }</p>{ segments("Method", "prune-method", &rules, &state.calibrated.rule, &choose) }{ buttons(&lab, Place::Prune) }</div>
        <div class="prune" data-test="prune" data-example={view.example.to_string()}>
            <div class="work">
                { standing(&lab, &view) }
                { budget(&lab, &view) }
                if !view.entries.is_empty() { <Bars lab={lab.clone()} view={view.clone()} /> }
                if view.asked.is_some() { { judged(&lab, &view) } { closeup(&lab, &view) } <Words lab={lab.clone()} /> } else { { after(&lab, &view) } }
            </div>
            <aside class="knobs" aria-label="Knobs">
                { controls(&lab, &view) }
                <Export lab={lab.clone()} view={view.clone()} />
            </aside>
        </div>
        </>
    }
}

/// Asks for the error curves of a small model once, when nothing else runs.
#[hook]
fn use_curves(lab: &Lab, view: &View) {
    let asked = use_mut_ref(|| None::<u32>);
    let wanted = !view.example && view.asked.is_none() && view.unprofiled > 0 && view.weights() <= SMALL && lab.state.run.is_none() && lab.state.stopped.as_ref().is_none_or(|s| s.method != "profile");
    let (lab, opened) = (lab.clone(), lab.state.opened);
    use_effect_with((wanted, opened), move |(wanted, opened)| {
        if *wanted && *asked.borrow() != Some(*opened) {
            *asked.borrow_mut() = Some(*opened);
            lab.run("profile", serde_json::json!({}), None);
        }
    });
}

/// Asks for the statistics of the chosen matrix, for its histogram.
#[hook]
fn use_stats(lab: &Lab, view: &View) {
    let tensor = view.selected(lab).and_then(|i| view.entries[i].tensor).filter(|t| !view.example && !lab.state.stats.contains_key(t));
    let lab = lab.clone();
    // What the last worker was asked went with it.
    use_effect_with((tensor, lab.state.reopening), move |(tensor, reopening)| {
        if let (Some(t), false) = (*tensor, *reopening) {
            lab.stats(t);
        }
    });
}

fn standing(lab: &Lab, view: &View) -> Html {
    let go = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.go(Place::Open))
    };
    if view.example {
        return html! {
            <div class="standing" data-test="prune-example">
                <p class="say">{ format!("No checkpoint is open: these are the blocks of {}. The bars and the suggestions work; errors, masks and files need a checkpoint.", view.name) }</p>
                <button type="button" class="btn" onclick={go}>{ "Open a checkpoint" }</button>
            </div>
        };
    }
    if view.entries.is_empty() {
        return html! { <div class="standing"><p class="say">{ "This checkpoint holds no linear layer or convolution inside its blocks, so there is nothing to prune." }</p></div> };
    }
    Html::default()
}

fn budget(lab: &Lab, view: &View) -> Html {
    let all = view.weights();
    let mut items = vec![
        StatItem::new("target sparsity", percent(view.target)).test("prune-stat-target"),
        StatItem::new("planned", percent(view.planned)).test("prune-stat-planned"),
        StatItem::new("weights removed", params(view.planned * all)).of(format!("of {}", params(all))).full(count(view.planned * all)).test("prune-stat-removed"),
    ];
    if view.asked.is_none() {
        items.push(StatItem::new("error", view.error.map_or_else(|| "…".into(), percent)).of("of ‖W‖").test("prune-stat-error"));
    }
    let done: Vec<_> = view.entries.iter().filter_map(|e| lab.state.pruned.get(&e.key)).collect();
    if !done.is_empty() {
        let (zeros, of) = done.iter().fold((0.0, 0.0), |(z, n), p| (z + p.zeros, n + p.elements));
        items.push(StatItem::new(view.dated("achieved"), percent(if of > 0.0 { zeros / of } else { 0.0 })).of(format!("{} zeros", params(zeros))).full(count(zeros)).test("prune-stat-achieved"));
    }
    // What a text said is said once: no more of it comes while the run goes on.
    if let Some(l) = lab.state.language.likelihoods.first().filter(|_| view.asked.is_some()) {
        let [before, after] = l.nats.map(|n| fixed(n.exp(), 2));
        items.push(StatItem::new(format!("perplexity, {}", l.text), format!("{before} → {after}")).of(if view.stale == LAST { LAST } else { "" }).test("prune-stat-perplexity"));
    }
    let parts = view
        .grid
        .columns
        .iter()
        .enumerate()
        .map(|(j, c)| {
            let cut: f64 = view.grid.cells.iter().flat_map(|r| &r[j]).map(|&i| view.now[i] * view.sizes[i]).sum();
            (AttrValue::from(c.name.clone()), Paint::Token(c.token), if all > 0.0 { cut / all } else { 0.0 })
        })
        .collect::<Vec<_>>();
    html! {
        <div class="budget"><Stats {items} /><BudgetStrip title="removed, % of linear weights" {parts} target={view.target} test="prune-strip" /></div>
    }
}
