//! The status line: the last thing that was said, and what is worth a glance.

use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::use_lab;

/// The status line.
#[component]
pub fn Status() -> Html {
    let lab = use_lab();
    let state = &lab.state;
    let last = state.log.last().map_or_else(String::new, |l| l.text.clone());
    let open = {
        let lab = lab.clone();
        move |_: MouseEvent| lab.act(Action::ToggleLog)
    };
    let undo = state.history.depth();
    html! {
        <footer class="status">
            <span><button type="button" onclick={open} title="Open the log (L)" data-test="last-log">{ last }</button></span>
            <span class="sp"></span>
            if undo > 0 { <span><b>{ "undo" }</b>{ format!(" {undo}") }</span> }
            <span>{ "seed " }{ state.seed }</span>
        </footer>
    }
}
