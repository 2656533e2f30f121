//! The side column's knobs: sparsity, how it is shared out, the rule; and Run.

use espalier_methods::magnitude::CARD;
use yew::prelude::*;

use super::model::{pattern, retarget};
use super::view::View;
use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::history::Gesture;
use crate::app::language::Rule;
use crate::app::state::{Allocation, PruneState, Scope};
use crate::plot::number::{fixed, plural};
use crate::screens::cost::Start;
use crate::screens::parts::{Knob, choice, progress, segments};

/// Changes the settings.
pub fn change(lab: &Lab, gesture: Gesture, edit: impl FnOnce(&mut PruneState)) {
    let mut next = lab.state.prune().clone();
    edit(&mut next);
    lab.act(Action::Prune(next, gesture));
}

/// Inside what the smallest are chosen, or by which pattern.
pub fn pattern_knob(lab: &Lab, reads: bool) -> Html {
    let state = lab.state.prune();
    let every = [choice(Scope::Tensor, "matrix"), choice(Scope::Row, "row"), choice(Scope::Global, "global"), choice(Scope::NOfM { n: 2, m: 4 }, "2:4"), choice(Scope::NOfM { n: 4, m: 8 }, "4:8")];
    let [matrix, row, _, two, four] = every.clone();
    let scopes = match state.calibrated.rule {
        Rule::Magnitude => every.to_vec(),
        // SparseGPT chooses over blocks of columns and all rows; there is nothing else to choose.
        Rule::SparseGpt => vec![choice(Scope::Row, "free"), two, four],
        Rule::Wanda => vec![row, matrix, two, four],
    };
    let choose = {
        let lab = lab.clone();
        Callback::from(move |s: Scope| change(&lab, Gesture::Step, |p| p.scope = s))
    };
    html! {
        <div class="knob wideval"><label>{ "Pattern" }</label><span class="val">{ segments("Scope", "prune-scope", &scopes, &state.scope, &choose) }</span>
            if reads && matches!(state.scope, Scope::NOfM { .. }) { <p>{ "Kept of every group of neighbouring inputs." }</p> }</div>
    }
}

/// The sparsity.
pub fn target_knob(lab: &Lab, view: &View) -> Html {
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
                    s.sparsity = espalier_methods::order::gather(view.entries.iter().zip(&scaled).map(|(e, v)| (e.key.clone(), *v)));
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
    let held = pattern(state.scope);
    html! {
        <Knob label="Sparsity" test="prune-target" unit="%" value={fixed(view.target * 100.0, 1)} min={0.0} max={100.0} step={0.5} changed={(state.target - base.target).abs() > 1e-9} track={true}
            disabled={held.is_some()} on_set={set_target} on_slide={Some(slide)} gesture={Some(fresh)} on_reset={Some(reset)} help={if held.is_some() { "The pattern sets it." } else { "Fraction of all weights in the blocks that become zero." }} />
    }
}

/// How the sparsity is shared out.
pub fn allocation_knob(lab: &Lab, view: &View) -> Html {
    let state = lab.state.prune();
    let reads = view.asked.is_some();
    let allocate = {
        let (lab, view) = (lab.clone(), view.clone());
        Callback::from(move |a: Allocation| {
            change(&lab, Gesture::Step, |s| {
                // By hand begins where the bars stand.
                if a == Allocation::ByHand {
                    s.sparsity = espalier_methods::order::gather(view.entries.iter().zip(&*view.now).map(|(e, v)| (e.key.clone(), *v)));
                }
                s.allocation = a;
            });
        })
    };
    let mut ways = vec![choice(Allocation::Uniform, "uniform")];
    if view.all.owl.is_some() || reads {
        ways.push(choice(Allocation::Owl, "OWL"));
    }
    // A pattern can differ by block in OWL's way only.
    if !(reads && view.patterned) {
        ways.push(choice(Allocation::Erk, "ERK"));
        if view.all.spectrum.is_some() {
            ways.push(choice(Allocation::Spectrum, "spectrum"));
        }
        if view.all.measured.is_some() {
            ways.push(choice(Allocation::Measured, "measured"));
        }
        ways.push(choice(Allocation::ByHand, "by hand"));
    }
    html! {
        if view.is_fixed() && !reads {
            <div class="knob wideval"><label>{ "Shared out" }</label><span class="val d">{ if view.patterned { "the same in every group" } else { "by one cut through all" } }</span></div>
        } else {
            <div class="knob wideval"><label>{ "Shared out" }</label><span class="val">{ segments("Shared out", "prune-allocation", &ways, &state.allocation, &allocate) }</span>
                <p>{ help(state.allocation) }</p></div>
        }
    }
}

/// The knobs, the cost line and the button.
pub fn controls(lab: &Lab, view: &View) -> Html {
    if view.asked.is_some() {
        return super::calibrated::controls(lab, view);
    }
    let state = lab.state.prune();
    let exactness = {
        let lab = lab.clone();
        Callback::from(move |official: bool| change(&lab, Gesture::Step, |s| s.official = official))
    };
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
        { pattern_knob(lab, false) }
        { target_knob(lab, view) }
        { allocation_knob(lab, view) }
        <div class="knob wideval"><label>{ "Rule" }</label><span class="val">{ segments("Rule", "prune-rule", &[choice(false, "exact"), choice(true, "official")], &state.official, &exactness) }</span>
            <p>{ if state.official { "As Wanda’s code: everything up to and with the weight at the cut goes, so a little more." } else { "As many as asked for; equal weights go by the lower index." } }</p></div>
        <Start method="magnitude" {ready} {busy} words={if again { "Prune again".into() } else { format!("Prune {}", plural(view.entries.len(), "matrix", "matrices")) }} test="prune-run" go={run}>
            if view.unprofiled > 0 && ready {
                <Start aside={true} method="profile" {busy} words="Error curves" test="prune-profile" go={profile} />
            }
        </Start>
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
        Allocation::Owl => "Blocks where many weights stand out keep more (OWL).",
        Allocation::Measured => "Blocks that the sweep found costly keep more.",
    }
}
