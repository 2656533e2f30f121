//! What figures must know of the page: whether it is light or dark, and where the pointer is.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, MutationObserver, MutationObserverInit};
use yew::prelude::*;

pub use super::sizes::use_size;
use crate::plot::theme::Theme;

/// The theme now.
pub fn theme_now() -> Theme {
    let root = web_sys::window().and_then(|w| w.document()).and_then(|d| d.document_element());
    let named = root.and_then(|r| r.get_attribute("data-theme"));
    match named.as_deref() {
        Some("dark") => Theme::Dark,
        Some("light") => Theme::Light,
        _ => {
            let dark = web_sys::window().and_then(|w| w.match_media("(prefers-color-scheme: dark)").ok().flatten());
            if dark.is_some_and(|m| m.matches()) { Theme::Dark } else { Theme::Light }
        }
    }
}

/// The theme, followed while `data-theme` changes on the root element.
#[hook]
pub fn use_theme() -> Theme {
    let theme = use_state_eq(theme_now);
    {
        let theme = theme.clone();
        use_effect_with((), move |()| {
            let root = web_sys::window().and_then(|w| w.document()).and_then(|d| d.document_element());
            let hear = Closure::<dyn FnMut()>::new(move || theme.set(theme_now()));
            let observer = MutationObserver::new(hear.as_ref().unchecked_ref()).ok();
            if let (Some(o), Some(root)) = (&observer, &root) {
                let what = MutationObserverInit::new();
                what.set_attributes(true);
                what.set_attribute_filter(&[wasm_bindgen::JsValue::from_str("data-theme")].iter().collect::<js_sys::Array>());
                // An element of this document can always be observed.
                let _ = o.observe_with_options(root, &what);
            }
            move || {
                if let Some(o) = observer {
                    o.disconnect();
                }
                drop(hear);
            }
        });
    }
    *theme
}

/// Calls `turned` with the pointer's place and the turn of the wheel (positive: away) when it is turned over an element with Ctrl or Cmd held, or
/// while the element has the focus; otherwise the page scrolls as ever.
#[hook]
pub fn use_wheel(node: &NodeRef, turned: Callback<([f64; 2], f64)>) {
    let newest = use_mut_ref(|| turned.clone());
    *newest.borrow_mut() = turned;
    let node = node.clone();
    use_effect_with((), move |()| {
        let kept = node.cast::<Element>().map(|element| {
            let options = gloo::events::EventListenerOptions::enable_prevent_default();
            gloo::events::EventListener::new_with_options(&element.clone(), "wheel", options, move |event| {
                let Some(e) = event.dyn_ref::<web_sys::WheelEvent>() else { return };
                let focused = element.owner_document().and_then(|d| d.active_element()).is_some_and(|a| element.contains(Some(&a)));
                if e.ctrl_key() || e.meta_key() || focused {
                    event.prevent_default();
                    if let Some(p) = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]) {
                        let turned = newest.borrow().clone();
                        turned.emit((p, -e.delta_y()));
                    }
                }
            })
        });
        move || drop(kept)
    });
}

/// Where a pointer or mouse event happened, in pixels of an element's box.
pub fn place_in(node: &NodeRef, client: [f64; 2]) -> Option<[f64; 2]> {
    let r = node.cast::<Element>()?.get_bounding_client_rect();
    Some([client[0] - r.left(), client[1] - r.top()])
}
