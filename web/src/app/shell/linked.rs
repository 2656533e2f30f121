//! What a link has to say: what it could not do, which file it waits for, which runs it brings, and the task of a lesson.

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::{Lab, use_lab};
use crate::app::late;
use crate::app::link::target::{Target, short};
use crate::app::link::{Link, packed};
use crate::plot::number;

/// Everything that a link has to say here.
#[component]
pub fn Linked() -> Html {
    let lab = &use_lab();
    let state = &lab.state;
    html! {
        <>
            if !state.lesson.task.is_empty() { <p class="task say" data-test="task">{ &state.lesson.task }</p> }
            { newer(lab) }
            { notes(lab) }
            { held(lab) }
        </>
    }
}

fn act(lab: &Lab, action: impl Fn() -> Action + 'static) -> Callback<MouseEvent> {
    let lab = lab.clone();
    Callback::from(move |_| lab.act(action()))
}

/// A newer version has been fetched in the background. It is used from the next visit on, or at once.
fn newer(lab: &Lab) -> Html {
    if !lab.state.newer {
        return Html::default();
    }
    let take = |_: MouseEvent| {
        if let Ok(event) = web_sys::Event::new("espalier-take-over") {
            // The start script listens; it reloads the page, whose address holds the view.
            gloo::utils::window().dispatch_event(&event).ok();
        }
    };
    html! {
        <div class="warnbox" role="status" data-test="newer">
            <p><b>{ "A newer version of this page is there." }</b></p>
            <p>{ "It is used from the next visit on. The address keeps this view." }</p>
            <div class="acts">
                <button type="button" class="btn sm" onclick={take}>{ "Use it now" }</button>
                <button type="button" class="btn sm plain" onclick={act(lab, || Action::Newer(false))}>{ "Later" }</button>
            </div>
        </div>
    }
}

fn notes(lab: &Lab) -> Html {
    let notes = lab.state.link_notes.clone();
    if notes.is_empty() {
        return Html::default();
    }
    html! {
        <div class="warnbox" role="status" data-test="link-notes">
            { for notes.iter().map(|n| html! { <p>{ n }</p> }) }
            <div class="acts"><button type="button" class="btn sm plain" onclick={act(lab, || Action::DismissLink)}>{ "Dismiss" }</button></div>
        </div>
    }
}

/// Runs over a large checkpoint wait for a word.
fn held(lab: &Lab) -> Html {
    let queue = lab.state.queue.clone();
    if queue.is_empty() || !lab.state.queue_held {
        return Html::default();
    }
    let names = queue.iter().map(|a| a.method.as_str()).collect::<Vec<_>>().join(", ");
    html! {
        <div class="warnbox" role="status" data-test="link-runs">
            <p><b>{ format!("This view shows the results of {}: {names}.", number::plural(queue.len(), "run", "runs")) }</b></p>
            <p>{ "They take a while, so they wait for your word." }</p>
            <div class="acts">
                <button type="button" class="btn sm" onclick={act(lab, || Action::Queue(true))} data-test="link-run">{ "Run them" }</button>
                <button type="button" class="btn sm plain" onclick={act(lab, || Action::Queue(false))}>{ "Look without them" }</button>
            </div>
        </div>
    }
}

/// What the page shows while a link's checkpoint is not open.
#[component]
pub fn Waiting() -> Html {
    let lab = &use_lab();
    let Some(link) = lab.state.waiting.clone() else { return Html::default() };
    let Some(target) = link.target.clone().filter(|t| !matches!(t, Target::Bundled(_))) else { return Html::default() };
    let (title, facts) = match &target {
        Target::Local { name, size, sha } => ("This view waits for the file it was made with", vec![("made with", name.clone()), ("size, header", format!("{}, {}", number::bytes(*size), short(sha)))]),
        _ => ("This view was made with a file from elsewhere", vec![("address", target.name().to_owned())]),
    };
    let way = match &target {
        Target::Remote { address, .. } => {
            let (port, address) = (lab.port.clone(), address.clone());
            let fetch = Callback::from(move |_: MouseEvent| port.address.emit(address.clone()));
            html! { <><button type="button" class="btn go" onclick={fetch} data-test="fetch-linked">{ "Read it from there" }</button><span class="d">{ "first its header; tensors when you ask for them" }</span></> }
        }
        _ => html! { <><button type="button" class="btn go" onclick={choose()} data-test="choose-linked">{ "Choose the file" }</button><span class="d">{ "or drop it anywhere" }</span></> },
    };
    html! {
        <section class="waits" data-test="waiting">
            <div class="frame"><div class="inv"><h2>{ title }</h2><p class="acts">{ way }</p></div></div>
            <dl class="facts">
                { for facts.into_iter().map(|(k, v)| html! { <><dt>{ k }</dt><dd class="m">{ v }</dd></> }) }
                <dt>{ "shows" }</dt><dd>{ shows(lab, &link) }</dd>
            </dl>
            { stranger(lab) }
        </section>
    }
}

fn choose() -> Callback<MouseEvent> {
    Callback::from(|_| {
        let input = gloo::utils::document().query_selector("[data-test=files]").ok().flatten().and_then(|e| e.dyn_into::<HtmlElement>().ok());
        if let Some(input) = input {
            input.click();
        }
    })
}

/// `Prune, magnitude, model.layers.3, seed 7`.
fn shows(lab: &Lab, link: &Link) -> String {
    let runs = link.rest.as_deref().and_then(|t| packed::read(t, &lab.state).ok()).map(|r| r.runs).unwrap_or_default();
    let place = link.place.map(|p| p.word().to_owned());
    let last = runs.last().map(|r| r.method.clone());
    let seed = link.seed.map(|s| format!("seed {s}"));
    [place, last, link.tensor.clone(), seed].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn stranger(lab: &Lab) -> Html {
    let Some(other) = lab.state.stranger.clone() else { return Html::default() };
    html! {
        <div class="err" role="alert" data-test="stranger">
            <p><b>{ format!("{} is another file.", other.name) }</b></p>
            <p>{ format!("{}, header {}. The view stays waiting.", number::bytes(other.bytes), short(&other.header_hash)) }</p>
            <div class="acts">
                <button type="button" class="btn sm" onclick={choose()}>{ "Choose again" }</button>
                <button type="button" class="btn sm" onclick={act(lab, late::take_stranger)} data-test="take-stranger">{ "Open it without the view" }</button>
            </div>
        </div>
    }
}
