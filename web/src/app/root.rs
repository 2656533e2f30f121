//! The application: state, worker, keys and drops, and the frame around the screens.

use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DragEvent, HtmlElement, KeyboardEvent};
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::address::{copy_link, use_address, use_queue};
use crate::app::context::Lab;
use crate::app::journal;
use crate::app::lock::use_locks;
use crate::app::port::use_port;
use crate::app::runs::use_runs;
use crate::app::shell::linked::linked;
use crate::app::shell::{Faults, Keys, Log, Rail, Status, Top};
use crate::app::state::{Place, Sheet, State};
use crate::app::theme::use_applied_theme;
use crate::app::training::{self, use_training};
use crate::app::unfinished::use_unfinished;
use crate::figures::figure::Links;
use crate::figures::look::{Crosshair, Looks};
use crate::screens;
use crate::teach::{reader, strip};

/// The application.
#[component]
pub fn App() -> Html {
    let state = use_reducer(State::begin);
    let port = use_port(state.dispatcher());
    let lab = Lab::new(state.clone(), port);
    use_applied_theme(state.theme);
    use_keys(&lab);
    use_address(&lab);
    use_queue(&lab);
    use_runs(&lab);
    use_unfinished(&lab);
    use_training(&lab);
    use_locks(&lab);
    let over = use_drops(&lab);
    let done = state.tour.as_ref().is_some_and(|t| t.done(&state));
    strip::use_aim(&lab, done);
    reader::use_lit(&lab);
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
                    { linked(&lab) }
                    <Faults {place} />
                    <Crosshair>{ match place {
                        Place::Open => html! { <screens::open::OpenScreen {over} /> },
                        Place::Inspect => html! { <screens::inspect::InspectScreen /> },
                        Place::Rank => html! { <screens::rank::RankScreen /> },
                        Place::Prune => html! { <screens::prune::PruneScreen /> },
                        Place::Experts => html! { <screens::experts::ExpertsScreen /> },
                        Place::Study => html! { <screens::study::StudyScreen /> },
                        Place::Map => html! { <screens::map::MapScreen /> },
                    } }</Crosshair>
                </main>
                { strip::strip(&lab, done) }
                <Status />
                if state.log_open { <Log /> }
                if state.sheet == Sheet::Keys { <Keys /> }
                if state.sheet == Sheet::Shader { { reader::sheet(&lab) } }
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
    Links(use_callback((), move |(), ()| copy_link(&newest.borrow())))
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
        "c" | "C" => copy_link(lab),
        "l" | "L" => lab.act(Action::ToggleLog),
        "?" => lab.act(Action::Sheet(if lab.state.sheet == Sheet::Keys { Sheet::None } else { Sheet::Keys })),
        _ => {}
    }
}

/// A run record that was dropped is done again; other JSON goes the way of all files.
fn taken_as_record(lab: &Lab, file: &web_sys::File) -> bool {
    if !file.name().ends_with(".json") || file.name() == "config.json" || file.size() > journal::LONGEST {
        return false;
    }
    let (lab, name, text) = (lab.clone(), file.name(), file.text());
    spawn_local(async move {
        let text = wasm_bindgen_futures::JsFuture::from(text).await.ok().and_then(|t| t.as_string()).unwrap_or_default();
        lab.replay(&text, &name);
    });
    true
}

/// Files that were dropped or chosen: a run record is done again, a saved run taken up, all else is opened.
pub fn given(lab: &Lab, mut files: Vec<web_sys::File>) {
    let open = {
        let lab = lab.clone();
        move |files: Vec<web_sys::File>| {
            lab.go(Place::Open);
            lab.port.open.emit(files);
        }
    };
    match files.len() {
        0 => {}
        1 if taken_as_record(lab, &files[0]) => {}
        1 => {
            let file = files.remove(0);
            training::taken_up(lab, file.clone(), move || open(vec![file]));
        }
        _ => open(files),
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
                    given(&newest.borrow().clone(), files);
                })),
            ];
            move || drop(listeners)
        });
    }
    *over
}
