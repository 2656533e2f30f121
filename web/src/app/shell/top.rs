//! The top bar: what is open, what runs, on which device.

use std::collections::BTreeSet;

use espalier_lab::protocol::Summary;
use espalier_nets::checkpoint::Family;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::use_lab;
use crate::app::part::{self, Part};
use crate::app::piece::Piece;
use crate::app::state::{Sheet, State, Theme};
use crate::figures::figure::LINK;
use crate::plot::number;

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
        move |_: MouseEvent| part::copy_link(&lab)
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
                if state.sheet == Sheet::Menu { <Part piece={Piece::Menu} /> }
            } else {
                <span class="ckpt"><b>{ "no checkpoint" }</b><span class="q">{ "the frame is empty" }</span></span>
            }
            <span class="sp"></span>
            if state.run.is_some() { <Part piece={Piece::Running} /> }
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
    let dtypes: BTreeSet<&str> = espalier_methods::order::gather(s.tensors.iter().map(|t| t.dtype.as_str()));
    let family = match s.family {
        Family::Unknown if !s.architecture.is_empty() => s.architecture.clone(),
        known => known.label().to_owned(),
    };
    let dtypes = dtypes.into_iter().collect::<Vec<_>>().join(", ");
    format!("{family} · {} · {} · {dtypes} · {}", number::params(weights), number::bytes(s.bytes), number::plural(s.tensors.len(), "tensor", "tensors"))
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
