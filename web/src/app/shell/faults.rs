//! Failures and interruptions, where they belong: what, why, what to do.

use espalier_lab::protocol::FaultKind;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::{Lab, use_lab};
use crate::app::shell::log::copy_text;
use crate::app::state::{Place, PlacedFault, Stopped};
use crate::plot::number;

/// Properties of [`Faults`].
#[derive(Clone, PartialEq, Properties)]
pub struct FaultsProps {
    /// Which place's.
    pub place: Place,
}

/// The failures of a place.
#[component]
pub fn Faults(props: &FaultsProps) -> Html {
    let lab = use_lab();
    let stopped = lab.state.stopped.as_ref().filter(|s| s.place == props.place);
    html! {
        <div class="faults">
            { for stopped.map(|s| interrupted(&lab, s)) }
            { for lab.state.faults_at(props.place).map(|f| failed(&lab, f)) }
        </div>
    }
}

fn failed(lab: &Lab, placed: &PlacedFault) -> Html {
    let fault = placed.fault.clone();
    // Red is for what was not done; what goes on otherwise is a warning.
    let class = if matches!(fault.kind, FaultKind::NoGpu | FaultKind::Worker) { "warnbox" } else { "err" };
    let dismiss = {
        let (lab, id) = (lab.clone(), placed.id);
        move |_: MouseEvent| lab.act(Action::Dismiss(id))
    };
    let copy = {
        let fault = fault.clone();
        move |_: MouseEvent| copy_text(&format!("{}\n{}\n{}\n\n{}", fault.what, fault.why, fault.advice, fault.details))
    };
    html! {
        <div {class} role="alert" data-test="fault" data-kind={format!("{:?}", fault.kind)} key={placed.id}>
            <p><b>{ &fault.what }</b></p>
            <p>{ &fault.why }{ " " }{ &fault.advice }</p>
            <div class="acts">
                <button type="button" class="btn sm" onclick={copy}>{ "Copy details" }</button>
                <button type="button" class="btn sm plain" onclick={dismiss} data-test="dismiss">{ "Dismiss" }</button>
            </div>
        </div>
    }
}

fn interrupted(lab: &Lab, s: &Stopped) -> Html {
    let dismiss = {
        let lab = lab.clone();
        move |_: MouseEvent| lab.act(Action::DismissStopped)
    };
    let amount = |v: f64| if s.unit == "bytes" { number::bytes(v) } else { number::count(v) };
    let resumable = s.method == "spectra" && s.done < s.total;
    let again = {
        let lab = lab.clone();
        move |_: MouseEvent| {
            lab.run("spectra", serde_json::json!({}), None);
        }
    };
    html! {
        <div class="warnbox" role="status" data-test="stopped">
            <p><b>{ format!("Stopped after {} at {} of {} {}.", number::seconds(s.after), amount(s.done), amount(s.total), s.unit) }</b></p>
            <p>{ format!("What was done is kept. It took {} ms to stop.", number::count(s.took_ms)) }</p>
            <div class="acts">
                if resumable { <button type="button" class="btn sm" onclick={again} data-test="resume">{ format!("Go on from {}", amount(s.done)) }</button> }
                <button type="button" class="btn sm plain" onclick={dismiss}>{ "Dismiss" }</button>
            </div>
        </div>
    }
}
