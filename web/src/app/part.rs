//! Parts of the page whose code is a file of its own: fetched when one is first asked for, or once the page has come to rest.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;

use espalier_lab::protocol::{Fault, FaultKind};
use futures::channel::oneshot::{Sender, channel};
use gloo::timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;
use web_sys::File;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::{Lab, now};
use crate::app::late::Hands;
use crate::app::piece::{self, Piece};
use crate::teach::reader::Name;

/// After this the page is taken to be at rest, whatever its worker does.
const REST_MS: u32 = 3000;

/// Draws a piece whose code is there.
pub type Draw = fn() -> Html;

/// A piece could not be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing;

#[cfg(target_arch = "wasm32")]
impl From<wasm_split_helpers::SplitLoaderError> for Missing {
    fn from(_: wasm_split_helpers::SplitLoaderError) -> Self {
        // The browser's console has the cause; there is one thing to do about any.
        Self
    }
}

/// Code on its way.
pub type Coming<T> = Pin<Box<dyn Future<Output = Result<T, Missing>>>>;

/// Who fetches code.
#[derive(Clone, Copy)]
pub struct Source {
    /// A piece's.
    pub piece: fn(Piece) -> Coming<Draw>,
    /// That of the hands.
    pub hands: fn() -> Coming<Hands>,
}

thread_local! {
    static SOURCE: Cell<Option<Source>> = const { Cell::new(None) };
    static AT_REST: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<Vec<Sender<()>>> = const { RefCell::new(Vec::new()) };
    static THERE: Cell<[Option<Draw>; Piece::ALL.len()]> = const { Cell::new([None; Piece::ALL.len()]) };
}

/// Says who fetches code; the program does so before it draws.
pub fn supply(source: Source) {
    SOURCE.set(Some(source));
    piece::keep_painted();
    Timeout::new(REST_MS, at_rest).forget();
}

/// What the first file calls of later ones.
///
/// # Errors
/// It cannot be fetched now.
pub async fn hands() -> Result<Hands, Missing> {
    (SOURCE.get().ok_or(Missing)?.hands)().await
}

/// Files that were dropped or chosen.
pub fn given(lab: &Lab, files: Vec<File>) {
    with_hands(lab, |lab, hands| (hands.given)(lab, files));
}

/// Copies a link to what is on the screen.
pub fn copy_link(lab: &Lab) {
    with_hands(lab, |lab, hands| (hands.copy_link)(lab));
}

/// Opens the sheet with a kernel and its twin.
pub fn read_shader(lab: &Lab, name: Name) {
    with_hands(lab, move |lab, hands| (hands.read_shader)(lab, name));
}

fn with_hands(lab: &Lab, act: impl FnOnce(&Lab, Hands) + 'static) {
    let lab = lab.clone();
    spawn_local(async move {
        match hands().await {
            Ok(hands) => act(&lab, hands),
            Err(Missing) => lab.act(Action::Fault { place: lab.state.place, fault: missing("what it takes to do this", "Try it again once the connection is back."), now: now() }),
        }
    });
}

/// A file of the page did not come.
pub fn missing(what: &str, advice: &str) -> Fault {
    Fault {
        kind: FaultKind::Source,
        what: "A part of the page could not be fetched.".into(),
        why: format!("The server that this page came from did not send {what}."),
        advice: advice.into(),
        details: String::new(),
        room: None,
    }
}

fn there(piece: Piece) -> Option<Draw> {
    THERE.get()[piece as usize]
}

/// Comes when the page is at rest.
async fn rest() {
    if !AT_REST.get() {
        let (sender, comes) = channel();
        WAITING.with_borrow_mut(|w| w.push(sender));
        // A sender is kept until it has sent.
        comes.await.unwrap_or_default();
    }
}

async fn fetched(piece: Piece) -> Result<(), Missing> {
    if there(piece).is_none() {
        let draw = (SOURCE.get().ok_or(Missing)?.piece)(piece).await?;
        let mut all = THERE.get();
        all[piece as usize] = Some(draw);
        THERE.set(all);
    }
    Ok(())
}

/// The page has come to rest: its worker has multiplied, or will not soon. What waited for that is fetched, then every other piece, one after the
/// other, so that none is waited for later. What cannot be had now is asked for again when it is needed.
pub fn at_rest() {
    if AT_REST.replace(true) {
        return;
    }
    // Who has gone meanwhile waits no longer.
    WAITING.take().into_iter().for_each(|w| w.send(()).unwrap_or_default());
    spawn_local(async {
        for piece in Piece::ALL {
            fetched(piece).await.ok();
        }
    });
}

/// Properties of [`Part`].
#[derive(Clone, PartialEq, Properties)]
pub struct PartProps {
    /// Which piece.
    pub piece: Piece,
}

/// A piece, as soon as its code is there. Where that cannot be fetched, it says so and asks again at a press.
#[component]
pub fn Part(props: &PartProps) -> Html {
    let piece = props.piece;
    let attempt = use_state(|| 0u32);
    let missing = use_state_eq(|| false);
    let redraw = use_force_update();
    {
        let missing = missing.setter();
        use_effect_with(*attempt, move |_| {
            if there(piece).is_none() {
                missing.set(false);
                spawn_local(async move {
                    if piece.can_wait() {
                        rest().await;
                    }
                    match fetched(piece).await {
                        Ok(()) => redraw.force_update(),
                        Err(Missing) => missing.set(true),
                    }
                });
            }
        });
    }
    if let Some(draw) = there(piece) {
        return draw();
    }
    if !*missing {
        return piece.waiting();
    }
    let again = {
        let attempt = attempt.clone();
        Callback::from(move |_: MouseEvent| attempt.set(*attempt + 1))
    };
    html! {
        <div class="warnbox" role="alert" data-test="part-missing">
            <p><b>{ format!("{} could not be fetched.", piece.word()) }</b></p>
            <p>{ "It is a file of its own, and the server that this page came from did not send it. What is open stays open; ask for it again once the connection is back." }</p>
            <div class="acts"><button type="button" class="btn sm" onclick={again} data-test="part-again">{ "Fetch it again" }</button></div>
        </div>
    }
}
