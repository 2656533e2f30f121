//! Light and dark: the system's wish, or the visitor's.

use gloo::events::EventListener;
use yew::prelude::*;

use crate::app::state::Theme;

const KEY: &str = "espalier.theme";

/// What the visitor chose on an earlier visit.
pub fn remembered() -> Theme {
    // Written as JSON by earlier versions, so with quotes.
    let kept = crate::app::runs::storage().and_then(|s| s.get_item(KEY).ok().flatten()).unwrap_or_default();
    match kept.trim_matches('"') {
        "light" => Theme::Light,
        "dark" => Theme::Dark,
        _ => Theme::Auto,
    }
}

/// Writes the theme on the root element, follows the system where the visitor leaves it to it, and remembers the choice.
#[hook]
pub fn use_applied_theme(theme: Theme) {
    use_effect_with(theme, move |&theme| {
        let word = match theme {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        };
        // A browser that keeps nothing (private window) still has the theme for this visit.
        if let Some(s) = crate::app::runs::storage() {
            s.set_item(KEY, word).ok();
        }
        let query = gloo::utils::window().match_media("(prefers-color-scheme: dark)").ok().flatten();
        let apply = {
            let query = query.clone();
            move || {
                let dark = theme == Theme::Dark || theme == Theme::Auto && query.as_ref().is_some_and(web_sys::MediaQueryList::matches);
                if let Some(root) = gloo::utils::document().document_element() {
                    root.set_attribute("data-theme", if dark { "dark" } else { "light" }).ok();
                }
            }
        };
        apply();
        let listener = query.map(|q| EventListener::new(&q, "change", move |_| apply()));
        move || drop(listener)
    });
}
