//! Open: the frame that takes a checkpoint, the bundled ones, this computer, and a finished example.

mod compare;
mod computer;
mod example;
mod parity;
mod runs;

use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::app::bundled::{BUNDLED, Bundled};
use crate::app::part::{self, Part};
use crate::app::piece::Piece;
use crate::app::tree::Tree;
use crate::app::state::Place;
use crate::app::{Lab, use_lab};
use crate::figures::hooks::use_size;
use crate::teach::strip::buttons;
pub use compare::Compare;
pub use computer::Computer;
pub use example::Example;
pub use runs::Runs;

/// Properties of [`OpenScreen`].
#[derive(Clone, PartialEq, Properties)]
pub struct OpenProps {
    /// Files are held over the window.
    pub over: bool,
}

/// The screen.
#[component]
pub fn OpenScreen(props: &OpenProps) -> Html {
    let lab = use_lab();
    html! {
        <>
            <div class="head"><h1>{ "Open" }</h1><p class="say">{ "A checkpoint is read where it lies: the header first, a tensor when you ask for it." }</p>{ buttons(&lab, Place::Open) }</div>
            <div class="opening">
                <div class="work">
                    if lab.state.waiting.is_some() { <Part piece={Piece::Waiting} /> }
                    <Frame over={props.over} />
                    if lab.state.summary.is_some() { <Part piece={Piece::Compare} /> }
                    <div class="bundled">{ for BUNDLED.iter().map(card) }</div>
                </div>
                <aside class="side" aria-label="Example and computer">
                    <Part piece={Piece::Example} />
                    <Part piece={Piece::Runs} />
                    <Part piece={Piece::Computer} />
                </aside>
            </div>
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct FrameProps {
    over: bool,
}

/// The empty frame of wires: drop here, or choose.
#[component]
fn Frame(props: &FrameProps) -> Html {
    let lab = use_lab();
    let input = use_node_ref();
    let choose = {
        let input = input.clone();
        move |_: MouseEvent| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                input.click();
            }
        }
    };
    let chosen = {
        let lab = lab.clone();
        move |e: Event| {
            let Some(input) = e.target().and_then(|t| t.dyn_into::<HtmlInputElement>().ok()) else { return };
            let files: Vec<_> = input.files().into_iter().flat_map(|l| (0..l.length()).filter_map(move |i| l.get(i))).collect();
            // The same file may be chosen again after it was changed.
            input.set_value("");
            part::given(&lab, files);
        }
    };
    html! {
        <section class={classes!("frame", props.over.then_some("over"))} aria-label="Open files" data-test="frame">
            <div class="inv">
                <h2>{ if props.over { "Let go to open" } else { "Drop a checkpoint on the frame" } }</h2>
                <p class="q">{ ".safetensors, one file or all its shards with the index; config.json beside it names the parts" }</p>
                <button type="button" class="btn go" onclick={choose} data-test="choose">{ "Choose files" }</button>
                <input ref={input} class="vh" type="file" multiple=true onchange={chosen} data-test="files" aria-label="Checkpoint files" tabindex="-1" />
                { elsewhere(&lab) }
                <p class="d">{ "Stays on this computer; nothing is uploaded." }</p>
            </div>
            <svg class="sapling" width="60" height="64" viewBox="0 0 60 64" aria-hidden="true">
                <path d="M28.5 64 29.6 4h.8l1.1 60z" fill="var(--leaf)" />
                <path d="M30 30q0-8-8-8H4M30 30q0-8 8-8h14" fill="none" stroke="var(--leaf)" stroke-width="3" />
            </svg>
        </section>
    }
}

/// A Hub id or an address; nothing is asked of anyone before the button.
fn elsewhere(lab: &Lab) -> Html {
    let address = lab.port.address.clone();
    let onsubmit = move |e: SubmitEvent| {
        e.prevent_default();
        let field = e.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()).and_then(|f| f.query_selector("input").ok().flatten());
        let text = field.and_then(|f| f.dyn_into::<HtmlInputElement>().ok()).map(|f| f.value().trim().to_owned()).unwrap_or_default();
        if !text.is_empty() {
            address.emit(text);
        }
    };
    html! {
        <form class="away" {onsubmit}>
            <input class="in" type="text" name="address" placeholder="owner/name or https://…" aria-label="Hub id or address" data-test="address" autocomplete="off" spellcheck="false" />
            <button type="submit" class="btn" data-test="open-address">{ "Read" }</button>
        </form>
    }
}

/// One bundled checkpoint with its portrait.
fn card(b: &'static Bundled) -> Html {
    html! { <Card name={b.name} key={b.name} /> }
}

#[derive(Clone, PartialEq, Properties)]
struct CardProps {
    name: AttrValue,
}

#[component]
fn Card(props: &CardProps) -> Html {
    let lab = use_lab();
    let pic = use_node_ref();
    let size = use_size(&pic);
    let Some(b) = BUNDLED.iter().find(|b| b.name == props.name.as_str()) else { return Html::default() };
    let open = {
        let (bundled, name) = (lab.port.bundled.clone(), b.name.to_owned());
        move |_: MouseEvent| bundled.emit(name.clone())
    };
    html! {
        <button type="button" onclick={open} data-test={format!("bundled-{}", b.name)}>
            <div class="pic" ref={pic}>if size[0] > 0.0 { <Tree tiers={b.tiers()} {size} label={format!("{} as a tree", b.name)} /> }</div>
            <code>{ b.name }</code>
            <span>{ b.architecture }</span>
            <span class="q">{ b.size }</span>
        </button>
    }
}
