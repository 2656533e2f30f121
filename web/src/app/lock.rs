//! Controls that a lesson's link holds: they can be read, not changed.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

use crate::app::context::Lab;

/// Holds the controls that the link names, again after each drawing: Yew knows nothing of it and leaves what it did not change.
#[hook]
pub fn use_locks(lab: &Lab) {
    let lesson = lab.state.lesson.clone();
    use_effect(move || {
        for name in lesson.lock.iter().filter(|n| n.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')) {
            let each = ["", "-track"].map(|end| format!("[data-test='{name}{end}'],[data-test='{name}{end}'] :is(button,input,select,[role=slider])")).join(",");
            let Ok(found) = gloo::utils::document().query_selector_all(&each) else { continue };
            (0..found.length()).filter_map(|i| found.get(i)?.dyn_into::<Element>().ok()).for_each(|e| hold(&e));
        }
    });
}

fn hold(e: &Element) {
    // Attributes of known names are always taken.
    let set = |name: &str, value: &str| e.set_attribute(name, value).ok();
    e.class_list().add_1("held").ok();
    set("aria-disabled", "true");
    match e.dyn_ref::<HtmlInputElement>() {
        // A number stays readable and can be copied.
        Some(input) if matches!(input.type_().as_str(), "number" | "text") => input.set_read_only(true),
        _ if matches!(e.tag_name().as_str(), "INPUT" | "BUTTON" | "SELECT") => drop(set("disabled", "")),
        _ if e.get_attribute("role").as_deref() == Some("slider") => drop(set("tabindex", "-1")),
        _ => {}
    }
}
