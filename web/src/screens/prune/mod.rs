//! Prune: drawn in the commit that follows.

use yew::prelude::*;

/// The screen's head, until its body lands.
#[component]
pub fn PruneScreen() -> Html {
    html! { <div class="head"><h1>{ "Prune" }</h1></div> }
}
