//! The top bar: what is open, what runs, on which device.

use std::collections::BTreeSet;

use espalier_lab::protocol::Summary;
use espalier_nets::checkpoint::Family;
use gloo::timers::callback::Interval;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::address::copy_link;
use crate::app::context::{now, use_lab};
use crate::app::state::{Place, Run, Sheet, State, Theme};
use crate::figures::figure::LINK;
use crate::plot::number;

/// A single call into the linear algebra cannot be stopped; past this the page offers to end the worker instead.
const STOP_AFTER_MS: f64 = 200.0;

/// The top bar.
#[component]
pub fn Top() -> Html {
    let lab = use_lab();
    let state = &lab.state;
    let (theme_words, next) = match state.theme {
        Theme::Auto => ("Theme: as the system has it; click for light", Theme::Light),
        Theme::Light => ("Theme: light; click for dark", Theme::Dark),
        Theme::Dark => ("Theme: dark; click for the system's", Theme::Auto),
    };
    let theme = {
        let lab = lab.clone();
        move |_: MouseEvent| lab.act(Action::Theme(next))
    };
    let keys = {
        let lab = lab.clone();
        move |_: MouseEvent| lab.act(Action::Sheet(Sheet::Keys))
    };
    let copy = {
        let lab = lab.clone();
        move |_: MouseEvent| copy_link(&lab)
    };
    let menu = {
        let lab = lab.clone();
        let next = if state.sheet == Sheet::Menu { Sheet::None } else { Sheet::Menu };
        move |_: MouseEvent| lab.act(Action::Sheet(next))
    };
    html! {
        <header class="top">
            if let Some(s) = &state.summary {
                <button type="button" class="ckpt" aria-haspopup="true" aria-expanded={(state.sheet == Sheet::Menu).to_string()} onclick={menu} data-test="checkpoint">
                    <b>{ &s.name }</b><span class="q">{ line(s) }</span>
                </button>
                if state.sheet == Sheet::Menu { <Menu /> }
            } else {
                <span class="ckpt"><b>{ "no checkpoint" }</b><span class="q">{ "the frame is empty" }</span></span>
            }
            <span class="sp"></span>
            if let Some(run) = &state.run { <Running run={run.clone()} /> }
            <Device />
            <div class="icons">
                <button type="button" class="keep" title="Copy a link to this view (C)" aria-label="Copy a link to this view" onclick={copy} data-test="copy-link">
                    <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true"><path d={LINK} fill="none" stroke="currentColor" stroke-width="1.300" /></svg>
                </button>
                <button type="button" class="keep" title={theme_words} aria-label={theme_words} onclick={theme} data-test="theme">
                    <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true"><circle cx="7" cy="7" r="5.5" fill="none" stroke="currentColor" stroke-width="1.3" /><path d="M7 1.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" /></svg>
                </button>
                <button type="button" title="All keys (?)" aria-label="All keys" onclick={keys}>{ "?" }</button>
            </div>
        </header>
    }
}

/// Architecture · parameters · bytes · dtype · tensors.
pub fn line(s: &Summary) -> String {
    let weights: f64 = s.tensors.iter().map(|t| t.elements).sum();
    let dtypes: BTreeSet<&str> = crate::plot::order::gather(s.tensors.iter().map(|t| t.dtype.as_str()));
    let family = match s.family {
        Family::Unknown if !s.architecture.is_empty() => s.architecture.clone(),
        known => known.label().to_owned(),
    };
    let dtypes = dtypes.into_iter().collect::<Vec<_>>().join(", ");
    format!("{family} · {} · {} · {dtypes} · {}", number::params(weights), number::bytes(s.bytes), number::plural(s.tensors.len(), "tensor", "tensors"))
}

/// Details of the checkpoint, and on narrow pages the way to other blocks.
#[component]
fn Menu() -> Html {
    let lab = use_lab();
    let Some(s) = lab.state.summary.clone() else { return Html::default() };
    let close = {
        let lab = lab.clone();
        move |_: MouseEvent| lab.go(Place::Open)
    };
    let row = |(k, v): &(String, String)| html! { <><dt>{ k }</dt><dd>{ v }</dd></> };
    html! {
        <div class="menu below" role="dialog" aria-label="The open checkpoint">
            <dl class="facts">
                { for s.files.iter().map(|(name, bytes)| html! { <><dt>{ "file" }</dt><dd class="m">{ format!("{name} · {}", number::bytes(*bytes)) }</dd></> }) }
                <dt>{ "read to open" }</dt><dd>{ number::bytes(s.header_bytes) }</dd>
                <dt>{ "header hash" }</dt><dd class="m">{ s.header_hash.chars().take(16).collect::<String>() }</dd>
                { for s.config.iter().map(row) }
                { for s.metadata.iter().map(row) }
            </dl>
            { for s.notes.iter().map(|n| html! { <p class="note">{ n }</p> }) }
            <div class="acts"><button type="button" class="btn sm" onclick={close}>{ "Open another" }</button></div>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct RunningProps {
    run: Run,
}

/// Done of total, a bar, the time left, and the way out.
#[component]
fn Running(props: &RunningProps) -> Html {
    let lab = use_lab();
    let tick = use_state(now);
    {
        let tick = tick.setter();
        use_effect_with(props.run.job, move |_| {
            let clock = Interval::new(250, move || tick.set(now()));
            move || drop(clock)
        });
    }
    let run = &props.run;
    let time = f64::max(*tick, run.heard_ms);
    let left = run.seconds_left(time);
    let cancelling = run.cancel_ms;
    let stuck = cancelling.is_some_and(|at| time - at > STOP_AFTER_MS);
    let stop = {
        let lab = lab.clone();
        move |_: MouseEvent| if stuck { lab.port.stop_now.emit(()) } else { lab.cancel() }
    };
    let bytes = run.unit == "bytes";
    let amount = |v: f64| if bytes { number::bytes(v) } else { number::count(v) };
    let words = match (stuck, cancelling) {
        (true, _) => "one step cannot be cut short".to_owned(),
        (false, Some(_)) => "stopping".to_owned(),
        _ => left.map_or_else(String::new, |s| format!("{} left", number::clock(s))),
    };
    html! {
        <div class="run" role="status" data-test="run" title={run.label.clone()}>
            <span>{ run.word() }{ " " }if run.total > 0.0 { <b>{ amount(run.done) }</b>{ format!(" / {}", amount(run.total)) } }</span>
            <svg class="meter" viewBox="0 0 96 4" width="96" height="4" preserveAspectRatio="none" role="progressbar" aria-valuenow={format!("{:.0}", 100.0 * run.share())} aria-valuemin="0" aria-valuemax="100">
                <rect width="96" height="4" fill="var(--well)" /><rect width={format!("{:.1}", 96.0 * run.share())} height="4" fill="var(--leaf)" />
            </svg>
            <span class="d">{ words }</span>
            // An opening reads a header and is over before a click could stop it.
            if run.method != "open" {
                <button type="button" class="btn sm" onclick={stop} data-test="cancel">{ if stuck { "Stop now" } else { "Cancel" } }</button>
            }
        </div>
    }
}

/// The device in use and what the self-test said of it.
#[component]
fn Device() -> Html {
    let lab = use_lab();
    let state: &State = &lab.state;
    let (word, name, title) = match &state.device {
        None => ("…", String::new(), "The worker is starting".to_owned()),
        Some(d) if d.gpu => ("GPU", d.name.clone(), d.detail.clone()),
        Some(d) => {
            let (cause, why) = d.absent.clone().unwrap_or_default();
            ("CPU", cause, why)
        }
    };
    let gpu = state.device.as_ref().is_some_and(|d| d.gpu);
    let parity = match &state.self_test.verdict {
        Some(v) if v.compared && v.failed > 0 => html! { <span class="bad nb">{ format!("{} fail", v.failed) }</span> },
        Some(v) if v.compared => html! { <span class="ok nb" title="Largest difference to the CPU twins, as a share of the scale">{ format!("Δ {}", number::sig(v.largest, 2)) }</span> },
        _ if gpu => html! { <span class="off-parity nb">{ "not checked" }</span> },
        _ => Html::default(),
    };
    html! { <div class="dev" {title} data-test="device"><b>{ word }</b><span class="nm">{ name }</span>{ parity }</div> }
}
