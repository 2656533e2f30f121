//! The application: state, worker, keys and drops, and the frame around the screens.

use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, HtmlElement, KeyboardEvent};
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::lock::use_locks;
use crate::app::part::{self, Part};
use crate::app::piece::Piece;
use crate::app::port::use_port;
use crate::app::shell::{Rail, Status, Top};
use crate::app::state::{Place, Sheet, State};
use crate::app::theme::use_applied_theme;
use crate::figures::figure::Links;
use crate::figures::look::{Crosshair, Looks};
use crate::screens;

/// The application.
#[component]
pub fn App() -> Html {
    let state = use_reducer(State::begin);
    let port = use_port(state.dispatcher());
    let lab = Lab::new(state.clone(), port);
    use_applied_theme(state.theme);
    use_keys(&lab);
    use_locks(&lab);
    let over = use_drops(&lab);
    let place = state.place;
    let app = classes!("app", state.run.is_some().then_some("has-run"), over.then_some("dropping"), state.tour.is_some().then_some("has-lesson"));
    let looks = use_looks(&lab);
    let links = use_links(&lab);
    html! {
        <ContextProvider<Lab> context={lab.clone()}><ContextProvider<Looks> context={looks}><ContextProvider<Links> context={links}>
            <a class="skip" href="#main">{ "Skip to the figures" }</a>
            <div class={app} data-place={place.slug()} data-hide={state.lesson.hidden()}>
                <Rail />
                <Top />
                <main class="main" id="main" tabindex="-1">
                    if state.has_word() { <Part piece={Piece::Linked} /> }
                    if state.has_fault() { <Part piece={Piece::Faults} /> }
                    <Crosshair>{ match Piece::screen(place) {
                        None => html! { <screens::open::OpenScreen {over} /> },
                        Some(piece) => html! { <Part key={place.slug()} {piece} /> },
                    } }</Crosshair>
                </main>
                <Part piece={Piece::Keeper} />
                if state.tour.is_some() { <Part piece={Piece::Lesson} /> }
                <Status />
                if state.log_open { <Part piece={Piece::Log} /> }
                if state.sheet == Sheet::Keys { <Part piece={Piece::Keys} /> }
                if state.sheet == Sheet::Shader { <Part piece={Piece::Shader} /> }
                <div class="vh" aria-live="polite" data-test="announced">{ &state.announced }</div>
            </div>
        </ContextProvider<Links>></ContextProvider<Looks>></ContextProvider<Lab>>
    }
}

/// What figures keep goes into the state, and so into links.
#[hook]
fn use_looks(lab: &Lab) -> Looks {
    let dispatch = lab.state.dispatcher();
    let keep = use_callback((), move |(name, how): (AttrValue, String), ()| {
        dispatch.dispatch(Action::View(name.as_str().into(), (!how.is_empty()).then(|| how.into())));
    });
    Looks { kept: lab.state.views.clone(), keep }
}

/// Every figure can copy the address of the view it stands in.
#[hook]
fn use_links(lab: &Lab) -> Links {
    let newest = use_mut_ref(|| lab.clone());
    *newest.borrow_mut() = lab.clone();
    Links(use_callback((), move |(), ()| part::copy_link(&newest.borrow())))
}

/// The keys that work everywhere. The listener always sees the newest state.
#[hook]
fn use_keys(lab: &Lab) {
    let newest = use_mut_ref(|| lab.clone());
    *newest.borrow_mut() = lab.clone();
    use_effect_with((), move |()| {
        let listener = gloo::utils::window().unchecked_into::<web_sys::EventTarget>();
        let listener = EventListener::new_with_options(&listener, "keydown", EventListenerOptions::enable_prevent_default(), move |event| {
            let lab = newest.borrow().clone();
            if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
                pressed(&lab, event);
            }
        });
        move || drop(listener)
    });
}

fn pressed(lab: &Lab, event: &KeyboardEvent) {
    let target = event.target().and_then(|t| t.dyn_into::<HtmlElement>().ok());
    let typing = target.as_ref().is_some_and(|e| matches!(e.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"));
    let command = event.ctrl_key() || event.meta_key();
    let key = event.key();
    if key == "Escape" {
        if lab.state.sheet != Sheet::None {
            lab.act(Action::Sheet(Sheet::None));
        } else if lab.state.run.is_some() {
            lab.cancel();
        } else if let (true, Some(e)) = (typing, target) {
            e.blur().ok();
        }
        return;
    }
    // A field being typed in has an undo of its own.
    if command && !(typing && key.len() == 1 && target.as_ref().is_some_and(|e| e.get_attribute("type").as_deref() == Some("text"))) && matches!(key.as_str(), "z" | "Z" | "y" | "Y") {
        event.prevent_default();
        lab.act(if event.shift_key() || key.eq_ignore_ascii_case("y") { Action::Redo } else { Action::Undo });
        return;
    }
    if typing || command || event.alt_key() {
        return;
    }
    match key.as_str() {
        "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" => {
            let i = usize::from(key.as_bytes()[0] - b'1');
            if let Some(place) = Place::ALL.get(i) {
                lab.go(*place);
            }
        }
        "/" => {
            let filter = gloo::utils::document().get_element_by_id("filter").and_then(|e| e.dyn_into::<HtmlElement>().ok());
            if let Some(filter) = filter {
                event.prevent_default();
                filter.focus().ok();
            }
        }
        "c" | "C" => part::copy_link(lab),
        "l" | "L" => lab.act(Action::ToggleLog),
        "?" => lab.act(Action::Sheet(if lab.state.sheet == Sheet::Keys { Sheet::None } else { Sheet::Keys })),
        _ => {}
    }
}

/// The whole window takes dropped files; true while some are held over it.
#[hook]
fn use_drops(lab: &Lab) -> bool {
    let over = use_state_eq(|| false);
    let newest = use_mut_ref(|| lab.clone());
    *newest.borrow_mut() = lab.clone();
    {
        let over = over.clone();
        use_effect_with((), move |()| {
            let document = gloo::utils::document();
            let on = |kind: &'static str, act: Box<dyn Fn(&DragEvent)>| {
                EventListener::new_with_options(&document, kind, EventListenerOptions::enable_prevent_default(), move |event| {
                    // Without this the browser would leave the page for the file.
                    event.prevent_default();
                    if let Some(event) = event.dyn_ref::<DragEvent>() {
                        act(event);
                    }
                })
            };
            let (enter, leave, fall) = (over.setter(), over.setter(), over.setter());
            let listeners = [
                on("dragover", Box::new(move |_| enter.set(true))),
                on("dragleave", Box::new(move |e| {
                    if e.related_target().is_none() {
                        leave.set(false);
                    }
                })),
                on("drop", Box::new(move |e| {
                    fall.set(false);
                    let list = e.data_transfer().and_then(|d| d.files());
                    let files: Vec<_> = list.into_iter().flat_map(|l| (0..l.length()).filter_map(move |i| l.get(i))).collect();
                    part::given(&newest.borrow(), files);
                })),
            ];
            move || drop(listeners)
        });
    }
    *over
}
