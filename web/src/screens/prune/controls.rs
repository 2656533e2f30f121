//! The side column's knobs: sparsity, how it is shared out, the rule; and Run.

use espalier_methods::magnitude::CARD;
use yew::prelude::*;

use super::model::{pattern, retarget};
use super::view::View;
use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::history::Gesture;
use crate::app::state::{Allocation, PruneState};
use crate::plot::number::{fixed, plural};
use crate::screens::cost::Cost;
use crate::screens::parts::{Knob, choice, progress, segments};

/// Changes the settings.
pub fn change(lab: &Lab, gesture: Gesture, edit: impl FnOnce(&mut PruneState)) {
    let mut next = lab.state.prune().clone();
    edit(&mut next);
    lab.act(Action::Prune(next, gesture));
}

/// The knobs, the cost line and the button.
pub fn controls(lab: &Lab, view: &View) -> Html {
    let state = lab.state.prune();
    let base = PruneState::default();
    let aim = {
        let (lab, view) = (lab.clone(), view.clone());
        Callback::from(move |(percent, gesture): (f64, Gesture)| {
            let target = percent / 100.0;
            let scaled = retarget(&view.now, &view.sizes, &view.locked, target);
            change(&lab, gesture, |s| {
                s.target = target;
                if s.allocation == Allocation::ByHand {
                    s.sparsity = crate::plot::order::gather(view.entries.iter().zip(&scaled).map(|(e, v)| (e.key.clone(), *v)));
                }
            });
        })
    };
    let set_target = aim.reform(|percent: f64| (percent, Gesture::Step));
    let slide = aim.reform(|(percent, id): (f64, u32)| (percent, Gesture::Drag(id)));
    let fresh = {
        let port = lab.port.clone();
        Callback::from(move |()| port.number())
    };
    let reset = set_target.reform(move |()| PruneState::default().target * 100.0);
    let allocate = {
        let (lab, view) = (lab.clone(), view.clone());
        Callback::from(move |a: Allocation| {
            change(&lab, Gesture::Step, |s| {
                // By hand begins where the bars stand.
                if a == Allocation::ByHand {
                    s.sparsity = crate::plot::order::gather(view.entries.iter().zip(&*view.now).map(|(e, v)| (e.key.clone(), *v)));
                }
                s.allocation = a;
            });
        })
    };
    let exactness = {
        let lab = lab.clone();
        Callback::from(move |official: bool| change(&lab, Gesture::Step, |s| s.official = official))
    };
    let mut ways = vec![choice(Allocation::Uniform, "uniform"), choice(Allocation::Erk, "ERK")];
    if view.all.spectrum.is_some() {
        ways.push(choice(Allocation::Spectrum, "spectrum"));
    }
    ways.push(choice(Allocation::ByHand, "by hand"));
    let held = pattern(state.scope);
    let busy = lab.state.run.is_some();
    let ready = !view.example && !view.entries.is_empty();
    let run = {
        let (lab, view) = (lab.clone(), view.clone());
        Callback::from(move |_: MouseEvent| {
            if let Ok(config) = serde_json::to_value(&*view.config) {
                lab.run("magnitude", config, None);
            }
        })
    };
    let profile = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| {
            lab.run("profile", serde_json::json!({}), None);
        })
    };
    let again = lab.state.reports.contains_key("magnitude");
    html! {
        <>
        <h2>{ CARD.title }</h2>
        <p class="say lead">{ "Removes the weights that are nearest to zero." }</p>
        <Knob label="Sparsity" test="prune-target" unit="%" value={fixed(view.target * 100.0, 1)} min={0.0} max={100.0} step={0.5} changed={(state.target - base.target).abs() > 1e-9} track={true}
            disabled={held.is_some()} on_set={set_target} on_slide={Some(slide)} gesture={Some(fresh)} on_reset={Some(reset)} help={if held.is_some() { "The pattern sets it." } else { "Fraction of all weights in the blocks that become zero." }} />
        if view.is_fixed() {
            <div class="knob wideval"><label>{ "Shared out" }</label><span class="val d">{ if held.is_some() { "the same in every group" } else { "by one cut through all" } }</span></div>
        } else {
            <div class="knob wideval"><label>{ "Shared out" }</label><span class="val">{ segments("Shared out", "prune-allocation", &ways, &state.allocation, &allocate) }</span>
                <p>{ help(state.allocation) }</p></div>
        }
        <div class="knob wideval"><label>{ "Rule" }</label><span class="val">{ segments("Rule", "prune-rule", &[choice(false, "exact"), choice(true, "official")], &state.official, &exactness) }</span>
            <p>{ if state.official { "As Wanda’s code: everything up to and with the weight at the cut goes, so a little more." } else { "As many as asked for; equal weights go by the lower index." } }</p></div>
        <Cost method="magnitude" />
        <div class="acts">
            <button type="button" class={classes!("btn", "go", (!ready || busy).then_some("off"))} disabled={!ready || busy} onclick={run} data-test="prune-run">
                { if again { "Prune again".into() } else { format!("Prune {}", plural(view.entries.len(), "matrix", "matrices")) } }</button>
            if view.unprofiled > 0 && ready {
                <button type="button" class="btn" disabled={busy} onclick={profile} data-test="prune-profile">{ "Error curves" }</button>
            }
        </div>
        { progress(lab, "magnitude") }
        { progress(lab, "profile") }
        if view.unprofiled > 0 && ready && lab.state.running("profile").is_none() {
            <p class="d">{ format!("{} of {} matrices have no error curve yet: with them the error follows the bars while they are dragged.", view.unprofiled, view.entries.len()) }</p>
        }
        </>
    }
}

fn help(a: Allocation) -> &'static str {
    match a {
        Allocation::Uniform => "Every matrix loses the same share.",
        Allocation::Erk => "Erdős–Rényi: small and thin matrices keep more.",
        Allocation::Spectrum => "Heavy tails keep more (AlphaPruning, spread 0.2, one exponent a matrix).",
        Allocation::ByHand => "As the bars stand. Drag, type, or use the arrows.",
    }
}
