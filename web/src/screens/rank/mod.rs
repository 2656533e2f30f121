//! Rank: drawn in the commit that follows.

use yew::prelude::*;

/// The screen's head, until its body lands.
#[component]
pub fn RankScreen() -> Html {
    html! { <div class="head"><h1>{ "Rank" }</h1></div> }
}
