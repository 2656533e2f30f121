//! The address bar: reads the link that the page was opened with, and keeps it up to date.

use std::rc::Rc;

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use js_sys::{Array, Function, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, ReadableWritablePair, Response};
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::journal::Journal;
use crate::app::late;
use crate::app::link::{self, Link, Target, base64, packed};
use crate::app::state::{Place, State};

/// The address is written this long after the last change: some browsers allow a hundred changes in half a minute.
const QUIET_MS: u32 = 350;
/// Longer texts are deflated.
const PLAIN: usize = 300;
/// Longest packed part that is inflated: a link is made by anyone.
const PACKED: usize = 1 << 16;

/// The hash of the address.
pub fn hash() -> String {
    gloo::utils::window().location().hash().unwrap_or_default()
}

/// Bytes through a stream of the browser's own: `CompressionStream` or `DecompressionStream`.
async fn through(bytes: &[u8], class: &str) -> Result<Vec<u8>, JsValue> {
    let class = Reflect::get(&js_sys::global(), &class.into())?.dyn_into::<Function>()?;
    let stream = Reflect::construct(&class, &Array::of1(&"deflate-raw".into()))?;
    let parts = Array::of1(&Uint8Array::from(bytes));
    let blob = Blob::new_with_u8_array_sequence(&parts)?;
    let piped = blob.stream().pipe_through(stream.unchecked_ref::<ReadableWritablePair>());
    let buffer = JsFuture::from(Response::new_with_opt_readable_stream(Some(&piped))?.array_buffer()?).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// Whether the query asks for the bare place: `?embed=1`, for those who cannot set a hash.
fn embedded() -> bool {
    let query = gloo::utils::window().location().search().unwrap_or_default();
    query.trim_start_matches('?').split('&').any(|pair| pair == "embed=1" || pair == "embed")
}

/// Reads a link with all that is packed in it.
pub async fn read(hash: &str) -> Link {
    let mut link = Link::read(hash);
    link.lesson.embed |= embedded();
    let deflated = link.packed.as_deref().and_then(|p| p.strip_prefix('d')).filter(|p| p.len() <= PACKED).and_then(base64::decode);
    let inflated = async { through(&deflated?, "DecompressionStream").await.ok() };
    link.rest = inflated.await.and_then(|b| String::from_utf8(b).ok()).filter(|t| t.len() <= packed::LONGEST);
    if link.packed.is_some() && link.rest.is_none() && !link.unpack_plain() {
        link.notes.push("The packed part of this link cannot be read here. What its plain keys say is shown.".into());
    }
    link
}

/// The hash for a state: deflated where that is shorter and can be done.
pub async fn write(state: &State) -> String {
    if state.waiting.is_some() {
        // A view that waits for its file keeps asking for it.
        return hash().trim_start_matches('#').to_owned();
    }
    let rest = packed::write(state);
    if rest.len() > PLAIN {
        if let Ok(bytes) = through(rest.as_bytes(), "CompressionStream").await {
            return link::write(state, 'd', &bytes);
        }
    }
    link::write(state, 'j', rest.as_bytes())
}

/// What makes a new entry for the back button: another place or another checkpoint.
type Entry = (Place, Option<Target>);

/// Marks the entries of this visit, so that going back to one is told from a link that was pasted.
fn mark() -> JsValue {
    gloo::utils::window().performance().map_or(JsValue::TRUE, |p| p.time_origin().into())
}

fn put(text: &str, push: bool) {
    let Ok(history) = gloo::utils::window().history() else { return };
    let url = format!("#{text}");
    // A browser that refuses (too many changes, a sandbox) keeps the older address.
    if push { history.push_state_with_url(&mark(), "", Some(&url)).ok() } else { history.replace_state_with_url(&mark(), "", Some(&url)).ok() };
}

/// Keeps address and state together.
#[hook]
pub fn use_address(lab: &Lab) {
    let newest = use_mut_ref(|| lab.clone());
    *newest.borrow_mut() = lab.clone();
    // Nothing is written before the link has been read.
    let ready = use_state_eq(|| false);
    let entry = use_mut_ref(|| None::<Entry>);
    {
        let (ready, newest, heard) = (ready.clone(), newest.clone(), newest.clone());
        use_effect_with((), move |()| {
            let follow = move |navigate: bool| {
                let (ready, newest) = (ready.clone(), newest.clone());
                spawn_local(async move {
                    let link = read(&hash()).await;
                    let lab = newest.borrow().clone();
                    if !link.is_empty() {
                        followed(&lab, link, navigate);
                    }
                    ready.set(true);
                });
            };
            follow(false);
            let newer = {
                let newest = heard;
                EventListener::new(&gloo::utils::window(), "espalier-update", move |_| newest.borrow().act(Action::Newer(true)))
            };
            let back = EventListener::new(&gloo::utils::window(), "popstate", move |e| {
                let state = Reflect::get(e, &"state".into()).unwrap_or_default();
                follow(state == mark());
            });
            move || drop((back, newer))
        });
    }
    let state = lab.state.clone();
    use_effect_with((*ready, lab.state.revision), move |(ready, _)| {
        let timer = ready.then(|| {
            Timeout::new(QUIET_MS, move || {
                spawn_local(async move {
                    let text = write(&state).await;
                    if hash().trim_start_matches('#') != text {
                        let now: Entry = (state.place, state.source.clone());
                        let push = entry.borrow().as_ref().is_some_and(|before| *before != now);
                        put(&text, push);
                        *entry.borrow_mut() = Some(now);
                    }
                });
            })
        });
        move || drop(timer)
    });
}

/// Follows a link; a checkpoint that comes with the page is opened for it. Others are asked for: nothing is fetched that was not wanted.
pub fn followed(lab: &Lab, link: Link, navigate: bool) {
    let open = wanted(lab, &link);
    lab.act(late::follow(Rc::new(link), navigate));
    open_bundled(lab, open);
}

/// The bundled checkpoint that must be opened for a link.
fn wanted(lab: &Lab, link: &Link) -> Option<String> {
    match (&link.target, &lab.state.source) {
        (Some(Target::Bundled(name)), now) if *now != Some(Target::Bundled(name.clone())) => Some(name.clone()),
        _ => None,
    }
}

fn open_bundled(lab: &Lab, name: Option<String>) {
    if let Some(name) = name.filter(|n| crate::app::bundled::BUNDLED.iter().any(|b| b.name == n)) {
        lab.port.bundled.emit(name);
    }
}

/// Does a record again: its view, then its runs, whose numbers are compared with the recorded ones.
pub fn replay(lab: &Lab, journal: Journal) {
    let lab = lab.clone();
    spawn_local(async move {
        let mut link = read(&journal.link).await;
        link.runs = Some(journal.steps.iter().map(|s| s.asked.clone()).collect());
        let open = wanted(&lab, &link);
        lab.act(late::replay(Rc::new(link), Rc::new(journal.steps)));
        open_bundled(&lab, open);
    });
}

/// Copies a link to what is on the screen now.
pub fn copy_link(lab: &Lab) {
    let lab = lab.clone();
    spawn_local(async move {
        put(&write(&lab.state).await, false);
        let href = gloo::utils::window().location().href().unwrap_or_default();
        crate::app::shell::log::copy_text(&href);
        let text = format!("link copied, {} characters", href.len());
        lab.act(Action::Log(crate::app::state::LogLine { at_ms: crate::app::now(), kind: crate::app::state::LogKind::Note, text }));
    });
}

/// Begins the runs of a link or a record, one after the other.
#[hook]
pub fn use_queue(lab: &Lab) {
    let lab2 = lab.clone();
    let free = lab.state.run.is_none() && !lab.state.queue_held && lab.state.device.is_some();
    use_effect_with((free, lab.state.queue.len()), move |(free, _)| {
        if let (true, Some(next)) = (*free, lab2.state.queue.first().cloned()) {
            lab2.act(Action::Begun);
            lab2.again(next);
        }
    });
}
