//! Failures and interruptions, where they belong: what, why, what to do.

use espalier_lab::protocol::{Command, DeviceChoice, FaultKind};
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::{Lab, use_lab};
use crate::app::shell::log::copy_text;
use crate::app::state::{Asked, Lost, PlacedFault, Stopped};
use crate::plot::number;

/// The failures of the place that is shown.
#[component]
pub fn Faults() -> Html {
    let lab = use_lab();
    let place = lab.state.place;
    let stopped = lab.state.stopped.as_ref().filter(|s| s.place == place);
    html! {
        <div class="faults">
            { for stopped.map(|s| interrupted(&lab, s)) }
            { for lab.state.faults_at(place).map(|f| failed(&lab, f)) }
        </div>
    }
}

/// A wire from nothing to all of it: the part that was done, the cut where it ended, and what that was.
fn cut(done: f64, total: f64, words: &str) -> Html {
    if total <= 0.0 {
        return Html::default();
    }
    let x = 320.0 * (done / total).clamp(0.0, 1.0);
    let at = |dx: f64| format!("{:.1}", x + dx);
    html! {
        <svg class="cutwire" viewBox="0 0 328 26" width="328" height="26" role="img" aria-label={words.to_owned()}>
            <line class="wire" x1="0" x2="320" y1="10.5" y2="10.5" />
            <rect width={at(0.0)} y="8" height="5" fill="var(--leaf)" />
            <path d={format!("M{} 19l6-18", at(-2.5))} stroke="var(--cut)" stroke-width="2.4" stroke-linecap="round" />
            <text x={at(if x > 160.0 { -10.0 } else { 8.0 })} y="25" text-anchor={if x > 160.0 { "end" } else { "start" }}>{ words.to_owned() }</text>
        </svg>
    }
}

/// The GPU was lost in the middle of a run: it is back and the run goes on, or, the second time within a minute, the visitor chooses.
fn lost(lab: &Lab, placed: &PlacedFault, l: &Lost) -> Html {
    let choose = |device: Option<DeviceChoice>| {
        let (lab, asked, id) = (lab.clone(), l.asked.clone(), placed.id);
        Callback::from(move |_: MouseEvent| {
            lab.act(Action::Dismiss(id));
            if let Some(device) = device {
                lab.port.command.emit(Command::Device(device));
            }
            lab.again((*asked).clone());
        })
    };
    let dismiss = {
        let (lab, id) = (lab.clone(), placed.id);
        move |_: MouseEvent| lab.act(Action::Dismiss(id))
    };
    let of = format!("{} of {}", number::count(l.done[0]), number::count(l.done[1]));
    html! {
        <div class={if l.again { "goodbox" } else { "warnbox" }} role={if l.again { "status" } else { "alert" }} data-test="fault" data-kind="Lost" data-again={l.again.to_string()} key={placed.id}>
            { cut(l.done[0], l.done[1], &format!("lost at {of}")) }
            <p><b>{ if l.again { "The GPU was lost; a fresh session goes on with the run." } else { "The GPU was lost a second time within a minute." } }</b></p>
            <p>{ if l.again { "What was found before is kept; tensors are read again from the file when they are needed." } else { "The driver may not bear this work. What was found before is kept. The CPU can do the rest." } }</p>
            <div class="acts">
                if !l.again {
                    <button type="button" class="btn sm" onclick={choose(Some(DeviceChoice::Cpu))} data-test="finish-cpu">{ "Finish on the CPU" }</button>
                    <button type="button" class="btn sm" onclick={choose(None)} data-test="try-gpu">{ "Try the GPU again" }</button>
                }
                <button type="button" class="btn sm plain" onclick={dismiss} data-test="dismiss">{ "Dismiss" }</button>
            </div>
        </div>
    }
}

/// What was held against what was refused, on one wire: held in ink, refused behind the mark of what was given, crossed out.
fn given([held, more]: [u64; 2]) -> Html {
    let (held, more) = (held as f64, more as f64);
    let x = 320.0 * held / (held + more).max(1.0);
    let crosses: String = (0..).map(|i| x + 2.0 + 4.0 * f64::from(i)).take_while(|at| *at < 316.0).map(|at| format!("M{at:.1} 30l4-8")).collect();
    let words = format!("{} held, {} more refused", number::mib(held), number::mib(more));
    // Each word stands where its part has the room for it.
    let (at, anchor) = if x > 160.0 { (x - 4.0, "end") } else { (x + 4.0, "start") };
    html! {
        <svg class="cutwire" viewBox="0 0 328 48" width="328" height="48" role="img" aria-label={words}>
            <rect y="22" width={format!("{x:.1}")} height="8" fill="var(--ink-2)" />
            <path d={crosses} stroke="var(--cut)" stroke-width="1.4" />
            <path d={format!("M{x:.1} 17v18")} stroke="var(--ink)" stroke-width="2" />
            <line class="axis" x1="0" x2="320" y1="30.5" y2="30.5" />
            <text x="320" y="13" text-anchor="end" class="ik b">{ format!("+ {} refused", number::mib(more)) }</text>
            <text x={format!("{at:.1}")} y="45" text-anchor={anchor}>{ format!("{} held", number::mib(held)) }</text>
        </svg>
    }
}

/// A quarter of the windows that a run reads, where it reads any.
fn fewer(asked: &Asked) -> Option<(u64, Asked)> {
    let samples = asked.config.get("samples")?.as_u64().filter(|n| *n >= 4)? / 4;
    let mut asked = asked.clone();
    asked.config["samples"] = samples.into();
    Some((samples, asked))
}

/// The ways out of a run that found no room.
fn ways(lab: &Lab, placed: &PlacedFault) -> Html {
    let Some(asked) = placed.asked.as_deref().filter(|_| placed.fault.kind == FaultKind::Memory) else { return Html::default() };
    let again = |device: Option<DeviceChoice>, asked: Asked| {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(device) = device {
                lab.port.command.emit(Command::Device(device));
            }
            lab.again(asked.clone());
        })
    };
    let gpu = lab.state.device.as_ref().is_some_and(|d| d.gpu);
    html! {
        <>
            if let Some((n, less)) = fewer(asked) { <button type="button" class="btn sm" onclick={again(None, less)} data-test="use-fewer">{ format!("Use {}", number::plural(n as usize, "window", "windows")) }</button> }
            if gpu { <button type="button" class="btn sm" onclick={again(Some(DeviceChoice::Cpu), asked.clone())} data-test="use-cpu">{ "Use the CPU" }</button> }
        </>
    }
}

fn failed(lab: &Lab, placed: &PlacedFault) -> Html {
    if let (FaultKind::Lost, Some(l)) = (placed.fault.kind, lab.state.lost.as_ref().filter(|l| l.asked.method == placed.method)) {
        return lost(lab, placed, l);
    }
    let fault = placed.fault.clone();
    // Red is for what was not done; what goes on otherwise is a warning.
    let class = if matches!(fault.kind, FaultKind::NoGpu | FaultKind::Worker | FaultKind::Tight) { "warnbox" } else { "err" };
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
            { for fault.room.map(given) }
            <p><b>{ &fault.what }</b></p>
            <p>{ &fault.why }{ " " }{ &fault.advice }</p>
            <div class="acts">
                { ways(lab, placed) }
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
            { cut(s.done, s.total, &format!("stopped at {}", amount(s.done))) }
            <p><b>{ format!("Stopped after {} at {} of {} {}.", number::seconds(s.after), amount(s.done), amount(s.total), s.unit) }</b></p>
            <p>{ format!("What was done is kept. It took {} ms to stop.", number::count(s.took_ms)) }</p>
            <div class="acts">
                if resumable { <button type="button" class="btn sm" onclick={again} data-test="resume">{ format!("Go on from {}", amount(s.done)) }</button> }
                <button type="button" class="btn sm plain" onclick={dismiss}>{ "Dismiss" }</button>
            </div>
        </div>
    }
}
