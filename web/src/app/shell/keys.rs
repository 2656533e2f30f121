//! The sheet of keys.

use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::use_lab;
use crate::app::state::Sheet;

const KEYS: [(&str, &str); 12] = [
    ("1 – 7", "Open, Inspect, Rank, Prune, Study, Map, Experts"),
    ("/", "filter the tensors"),
    ("Esc", "cancel what runs; unpin; leave a field"),
    ("Ctrl Z", "undo (Cmd Z on a Mac)"),
    ("Ctrl Shift Z", "redo (also Ctrl Y)"),
    ("C", "copy a link to this view"),
    ("L", "log"),
    ("T", "the focused figure as a table"),
    ("↑ ↓", "a handle, one step"),
    ("Page ↑ ↓", "a handle, a large step"),
    ("Shift", "with a drag or an arrow: fine"),
    ("?", "this sheet"),
];

/// All keys.
#[component]
pub fn Keys() -> Html {
    let lab = use_lab();
    let close = move |_: MouseEvent| lab.act(Action::Sheet(Sheet::None));
    html! {
        <div class="sheetback" onclick={close.clone()}>
            <section role="dialog" aria-modal="true" aria-label="Keys" data-test="keys" onclick={|e: MouseEvent| e.stop_propagation()}>
                <h1>{ "Keys" }</h1>
                <dl class="keys">{ for KEYS.map(|(k, v)| html! { <div><dt><kbd>{ k }</kbd></dt><dd>{ v }</dd></div> }) }</dl>
                <div class="acts"><button type="button" class="btn" onclick={close}>{ "Close" }</button></div>
            </section>
        </div>
    }
}
