//! Each kind of figure alone on a page, redrawn on request: what `cargo xtask bench --only figures` times. No part of the page.
//!
//! `window.stage(kind, turn)` draws the figure of that number with the data of that turn; the root element's `data-turn` follows when it has
//! been drawn. `document.documentElement.dataset.kinds` lists the names.

mod kinds;

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use yew::prelude::*;

use kinds::KINDS;

/// What is drawn.
#[derive(Properties, PartialEq, Clone)]
struct StageProps {
    kind: usize,
    turn: u32,
}

#[component]
fn Stage(props: &StageProps) -> Html {
    use_effect_with(props.clone(), |p| {
        root().set_attribute("data-turn", &format!("{} {}", p.kind, p.turn)).ok();
    });
    let figure = KINDS.get(props.kind).map(|(_, draw)| draw(f64::from(props.turn)));
    html! { <div key={props.kind}>{ figure }</div> }
}

fn root() -> web_sys::Element {
    gloo::utils::document_element()
}

fn main() {
    console_error_panic_hook::set_once();
    let names: Vec<&str> = KINDS.iter().map(|k| k.0).collect();
    let app = Rc::new(RefCell::new(yew::Renderer::<Stage>::with_props(StageProps { kind: 0, turn: 0 }).render()));
    let stage = Closure::<dyn Fn(u32, u32)>::new(move |kind: u32, turn| app.borrow_mut().update(StageProps { kind: kind as usize, turn }));
    // The window takes any property.
    let _ = js_sys::Reflect::set(&gloo::utils::window(), &"stage".into(), stage.into_js_value().unchecked_ref());
    root().set_attribute("data-kinds", &names.join("|")).ok();
}
