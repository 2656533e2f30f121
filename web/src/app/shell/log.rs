//! The log drawer.

use wasm_bindgen_futures::JsFuture;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::use_lab;
use crate::app::state::{LogKind, LogLine};

/// The log, newest last.
#[component]
pub fn Log() -> Html {
    let lab = use_lab();
    let only = use_state_eq(|| None::<LogKind>);
    let lines = lab.state.log.clone();
    let close = {
        let lab = lab.clone();
        move |_: MouseEvent| lab.act(Action::ToggleLog)
    };
    let copy = {
        let lines = lines.clone();
        move |_: MouseEvent| copy_text(&lines.iter().map(text).collect::<Vec<_>>().join("\n"))
    };
    let end = use_node_ref();
    {
        let end = end.clone();
        use_effect_with(lines.len(), move |_| {
            if let Some(list) = end.cast::<web_sys::Element>() {
                list.set_scroll_top(list.scroll_height());
            }
        });
    }
    let chip = |kind: Option<LogKind>, word: &'static str| {
        let only_now = only.clone();
        let n = lines.iter().filter(|l| kind.is_none_or(|k| l.kind == k)).count();
        html! { <button type="button" aria-pressed={(*only == kind).to_string()} onclick={move |_| only_now.set(kind)}>{ format!("{word} {n}") }</button> }
    };
    html! {
        <section class="log" aria-label="Log" data-test="log">
            <header>
                <h2>{ "Log" }</h2>
                <div class="seg">{ chip(None, "all") }{ chip(Some(LogKind::Warn), "warnings") }{ chip(Some(LogKind::Error), "errors") }</div>
                <span class="sp"></span>
                <button type="button" class="btn sm" onclick={copy}>{ "Copy all" }</button>
                <button type="button" class="btn sm" onclick={close}>{ "Close" }</button>
            </header>
            <ol ref={end}>
                { for lines.iter().filter(|l| only.is_none_or(|k| l.kind == k)).map(|l| html! {
                    <li class={l.kind.word()}><span class="d">{ time(l.at_ms) }</span><span class="d">{ l.kind.word() }</span><span>{ &l.text }</span></li>
                }) }
            </ol>
        </section>
    }
}

fn text(l: &LogLine) -> String {
    format!("{} {} {}", time(l.at_ms), l.kind.word(), l.text)
}

/// Time of day, as the visitor's clock has it.
fn time(at_ms: f64) -> String {
    let date = js_sys::Date::new(&at_ms.into());
    format!("{:02}:{:02}:{:02}", date.get_hours(), date.get_minutes(), date.get_seconds())
}

/// Puts text on the clipboard; where the browser refuses, nothing is lost but the convenience.
pub fn copy_text(text: &str) {
    let promise = gloo::utils::window().navigator().clipboard().write_text(text);
    wasm_bindgen_futures::spawn_local(async move {
        JsFuture::from(promise).await.ok();
    });
}
