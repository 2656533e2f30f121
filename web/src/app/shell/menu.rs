//! Below the name of the open checkpoint: what is known of it.

use yew::prelude::*;

use crate::app::context::use_lab;
use crate::app::state::Place;
use crate::plot::number;

/// Details of the checkpoint, and on narrow pages the way to other blocks.
#[component]
pub fn Menu() -> Html {
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
