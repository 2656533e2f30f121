//! The side column's knobs: threshold, target, search, the test for factoring.

use yew::prelude::*;

use super::model::{PAPER, point};
use super::view::View;
use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::history::Gesture;
use crate::app::state::{FactorIf, Lead, RankRule, RankState, Search};
use crate::figures::{Source, ThresholdSlider};
use crate::plot::number::{fixed, plural};
use crate::screens::parts::{Knob, choice, segments};

/// Changes the settings.
pub fn change(lab: &Lab, gesture: Gesture, edit: impl FnOnce(&mut RankState)) {
    let mut next = lab.state.rank().clone();
    edit(&mut next);
    lab.act(Action::Rank(next, gesture));
}

/// A callback that changes the settings in a step of its own.
fn step<T: 'static>(lab: &Lab, edit: impl Fn(&mut RankState, T) + 'static) -> Callback<T> {
    let lab = lab.clone();
    Callback::from(move |v: T| change(&lab, Gesture::Step, |s| edit(s, v)))
}

/// The slider and the knobs.
pub fn controls(lab: &Lab, view: &View, source: &Source) -> Html {
    let state = lab.state.rank();
    let base = RankState::default();
    let threshold = view.plan.threshold.unwrap_or(state.threshold);
    let now = point(&view.plan, threshold);
    let welore = state.rule == RankRule::Welore;
    let gesture = {
        let port = lab.port.clone();
        Callback::from(move |()| port.number())
    };
    let on_set = {
        let lab = lab.clone();
        Callback::from(move |(k, id): (f64, u32)| {
            change(&lab, Gesture::Drag(id), |s| {
                s.rule = RankRule::Welore;
                s.lead = Lead::Threshold;
                s.threshold = k;
            });
        })
    };
    let hold = |lead: Lead| {
        let lab = lab.clone();
        Callback::from(move |()| change(&lab, Gesture::Step, |s| {
            if lead == Lead::Threshold {
                s.threshold = threshold;
            }
            s.lead = lead;
        }))
    };
    let slide_tau = {
        let lab = lab.clone();
        Callback::from(move |(percent, id): (f64, u32)| change(&lab, Gesture::Drag(id), |s| s.tau = percent / 100.0))
    };
    let by_hand = state.by_hand.len();
    html! {
        <>
        <ThresholdSlider title="Reduction over threshold" test="rank-threshold" curve={view.curve.clone()} {now} gesture={gesture.clone()} {on_set} source={source.clone()}
            target={(welore && state.lead == Lead::Target).then_some(state.target)} paper={PAPER.to_vec()}
            sentence="Drag the line. Ghost ticks are the thresholds that WeLore’s code gives for LLaMA-2-7B." />
        if welore {
            <Knob label="Threshold k" test="rank-k" value={fixed(threshold, 3)} min={0.005} max={1.0} step={0.005} changed={state.lead == Lead::Threshold}
                on_set={step(lab, |s, k: f64| { s.threshold = k; s.lead = Lead::Threshold; })}
                on_reset={Some(step(lab, |s, ()| s.lead = Lead::Target))} lock={Some((state.lead == Lead::Threshold, hold(Lead::Threshold)))} />
        }
        if matches!(state.rule, RankRule::Welore | RankRule::Uniform) {
            <Knob label="Target" test="rank-target" unit="% of ranks" value={fixed(state.target * 100.0, 1)} min={0.0} max={100.0} step={0.5} changed={(state.target - base.target).abs() > 1e-9}
                on_set={step(lab, |s, t: f64| { s.target = t / 100.0; s.lead = Lead::Target; })}
                on_reset={Some(step(lab, move |s, ()| s.target = RankState::default().target))} lock={welore.then(|| (state.lead == Lead::Target, hold(Lead::Target)))}
                help={if welore && !view.plan.reached { "No threshold of the grid reaches this target." } else { "" }} />
        }
        if state.rule == RankRule::Energy {
            <Knob label="Energy kept" test="rank-tau" unit="% of Σσ²" value={fixed(state.tau * 100.0, 1)} min={1.0} max={100.0} step={0.5} changed={(state.tau - base.tau).abs() > 1e-9} track={true}
                on_set={step(lab, |s, t: f64| s.tau = t / 100.0)} on_slide={Some(slide_tau)} gesture={Some(gesture)} on_reset={Some(step(lab, move |s, ()| s.tau = RankState::default().tau))}
                help="The smallest rank that holds this share of each matrix’s energy." />
        }
        if welore && state.lead == Lead::Target {
            <div class="knob wideval"><label>{ "Search, step 0.005" }</label><span class="val">
                { segments("Search", "rank-search", &[choice(Search::Nearest, "nearest"), choice(Search::Reach, "reach")], &state.search, &step(lab, |s, v| s.search = v)) }
            </span></div>
        }
        <div class="knob wideval"><label>{ "Factor if it" }</label><span class="val">
            { segments("Factor if it", "rank-factor-if", &[choice(FactorIf::Half, "loses half"), choice(FactorIf::Shrinks, "shrinks"), choice(FactorIf::Always, "loses any")], &state.factor_if, &step(lab, |s, v| s.factor_if = v)) }
            </span>
            <p>{ "Loses half: the paper’s test, over 0.4999. Shrinks: r below mn / (m + n). Others stay dense." }</p>
        </div>
        if by_hand > 0 {
            <p class="hands"><span>{ format!("{} by hand", plural(by_hand, "rank", "ranks")) }</span>
                <button type="button" class="btn sm" data-test="rank-clear-hand" onclick={step(lab, |s, _: MouseEvent| s.by_hand.clear())}>{ "Follow the rule again" }</button></p>
        }
        </>
    }
}
