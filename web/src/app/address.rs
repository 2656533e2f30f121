//! The address bar: reads the link that the page was opened with, and keeps it up to date.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::mem::replace;
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
/// Changes that do not end, such as those of a run's progress, do not put it off for longer.
const PATIENCE_MS: f64 = 2000.0;
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

fn entry(state: &State) -> Entry {
    (state.place, state.source.clone())
}

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

/// Says in the document whether the address is that of what is shown, for whoever reads it from outside.
fn tell(kept: bool) {
    if let Some(root) = gloo::utils::document().document_element() {
        root.set_attribute("data-address", if kept { "kept" } else { "due" }).ok();
    }
}

/// Writes states into the address one after the other: packing takes a moment, and a place that was left within it still gets its entry.
#[derive(Default)]
struct Keeper {
    line: VecDeque<State>,
    writing: bool,
    /// What the entry of the history that we are at shows; none where it was not written by us.
    at: Option<Entry>,
    /// What the newest state shows.
    seen: Option<Entry>,
    /// Time of the oldest change that is not written.
    since: Option<f64>,
    /// Counts the addresses that came from outside, over which nothing older is written.
    followed: u32,
    /// One of them is being read.
    reading: bool,
}

impl Keeper {
    /// How long to wait with the newest state; another place or checkpoint is written at once.
    fn patience(&mut self, state: &State, now_ms: f64) -> u32 {
        let shown = entry(state);
        let moved = self.seen.as_ref().is_some_and(|s| *s != shown);
        self.seen = Some(shown);
        let since = *self.since.get_or_insert(now_ms);
        if moved || now_ms - since > PATIENCE_MS { 0 } else { QUIET_MS }
    }

    fn follow(&mut self) {
        self.line.clear();
        self.at = None;
        self.followed += 1;
        self.reading = true;
    }
}

fn keep(keeper: &Rc<RefCell<Keeper>>, state: State) {
    {
        let mut keeper = keeper.borrow_mut();
        if keeper.reading {
            return;
        }
        keeper.since = None;
        keeper.line.push_back(state);
        if replace(&mut keeper.writing, true) {
            return;
        }
    }
    let keeper = keeper.clone();
    spawn_local(async move {
        loop {
            let (state, followed) = {
                let mut keeper = keeper.borrow_mut();
                let Some(state) = keeper.line.pop_front() else {
                    keeper.writing = false;
                    break;
                };
                (state, keeper.followed)
            };
            let text = write(&state).await;
            let mut keeper = keeper.borrow_mut();
            if keeper.followed == followed {
                let now = entry(&state);
                if hash().trim_start_matches('#') != text {
                    put(&text, keeper.at.as_ref().is_some_and(|at| *at != now));
                }
                // A view that waits for its file is not there yet: its coming is no step to go back from.
                keeper.at = state.waiting.is_none().then_some(now);
            }
        }
        tell(keeper.borrow().since.is_none());
    });
}

/// Keeps address and state together.
#[hook]
pub fn use_address(lab: &Lab) {
    let newest = use_mut_ref(|| lab.clone());
    *newest.borrow_mut() = lab.clone();
    // Nothing is written before the link has been read.
    let ready = use_state_eq(|| false);
    let keeper = use_mut_ref(Keeper::default);
    {
        let (ready, newest, heard, keeper) = (ready.clone(), newest.clone(), newest.clone(), keeper.clone());
        use_effect_with((), move |()| {
            let follow = move |navigate: bool| {
                let (ready, newest, keeper) = (ready.clone(), newest.clone(), keeper.clone());
                keeper.borrow_mut().follow();
                spawn_local(async move {
                    let link = read(&hash()).await;
                    let lab = newest.borrow().clone();
                    keeper.borrow_mut().reading = false;
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
        let timer = ready.then(move || {
            tell(false);
            let wait = keeper.borrow_mut().patience(&state, crate::app::now());
            if wait > 0 {
                return Some(Timeout::new(wait, move || keep(&keeper, (*state).clone())));
            }
            keep(&keeper, (*state).clone());
            None
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
