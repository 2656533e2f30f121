//! The log drawer.

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;
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
    let drawer = use_node_ref();
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
        <section class="log" aria-label="Log" data-test="log" ref={drawer.clone()}>
            <Grip {drawer} />
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

/// Heights that the drawer may have, and the one that it begins with, in pixels.
const HEIGHT: [f64; 3] = [96.0, 240.0, 720.0];

/// Properties of [`Grip`].
#[derive(PartialEq, Properties)]
struct GripProps {
    drawer: NodeRef,
}

/// The drawer's upper edge: dragged, or moved by the arrow keys.
#[component]
fn Grip(props: &GripProps) -> Html {
    let height = use_state_eq(|| HEIGHT[1]);
    let held = use_state_eq(|| false);
    {
        let drawer = props.drawer.clone();
        use_effect_with(*height, move |h| {
            if let Some(drawer) = drawer.cast::<HtmlElement>() {
                // A known property with a length is always taken.
                drawer.style().set_property("height", &format!("{h}px")).ok();
            }
        });
    }
    let to = |height: &UseStateHandle<f64>, h: f64| height.set(h.clamp(HEIGHT[0], HEIGHT[2]));
    let onpointerdown = {
        let held = held.clone();
        move |e: PointerEvent| {
            if let Some(grip) = e.target_dyn_into::<HtmlElement>() {
                // Fails only for a pointer that has gone already.
                grip.set_pointer_capture(e.pointer_id()).ok();
            }
            held.set(true);
        }
    };
    let onpointermove = {
        let (height, held, drawer) = (height.clone(), held.clone(), props.drawer.clone());
        move |e: PointerEvent| {
            if let (true, Some(drawer)) = (*held, drawer.cast::<HtmlElement>()) {
                to(&height, drawer.get_bounding_client_rect().bottom() - f64::from(e.client_y()));
            }
        }
    };
    let onpointerup = move |_: PointerEvent| held.set(false);
    let onkeydown = {
        let height = height.clone();
        move |e: KeyboardEvent| {
            let by = match e.key().as_str() {
                "ArrowUp" => 24.0,
                "ArrowDown" => -24.0,
                _ => return,
            };
            e.prevent_default();
            to(&height, *height + by);
        }
    };
    html! {
        <div class="grip" role="separator" aria-orientation="horizontal" aria-label="Height of the log" aria-valuenow={format!("{:.0}", *height)} tabindex="0"
            {onpointerdown} {onpointermove} {onpointerup} {onkeydown}></div>
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

/// Puts text on the clipboard. Pages on plain http have no clipboard to write to; there the older way through a hidden field is taken.
pub fn copy_text(text: &str) {
    let navigator = gloo::utils::window().navigator();
    let offered = js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|c| c.is_object());
    if !offered {
        copy_by_field(text);
        return;
    }
    let promise = navigator.clipboard().write_text(text);
    let text = text.to_owned();
    wasm_bindgen_futures::spawn_local(async move {
        if JsFuture::from(promise).await.is_err() {
            copy_by_field(&text);
        }
    });
}

/// Selects the text in a field that nobody sees and copies the selection; a browser that refuses this too leaves the clipboard as it was.
fn copy_by_field(text: &str) {
    let document = gloo::utils::document();
    let Ok(Ok(field)) = document.create_element("textarea").map(|e| e.dyn_into::<web_sys::HtmlTextAreaElement>()) else { return };
    field.set_value(text);
    field.set_class_name("vh");
    if gloo::utils::body().append_child(&field).is_ok() {
        field.select();
        if let Ok(copy) = js_sys::Reflect::get(&document, &"execCommand".into()).and_then(|f| f.dyn_into::<js_sys::Function>()) {
            copy.call1(&document, &"copy".into()).ok();
        }
        field.remove();
    }
}
