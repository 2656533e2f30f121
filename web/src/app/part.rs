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
use crate::app::state::Place;
use crate::teach::reader::Name;

/// After this the page is taken to be at rest, whatever its worker does.
const REST_MS: u32 = 3000;

/// What can arrive later than the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Screen.
    Inspect,
    /// Screen.
    Rank,
    /// Screen.
    Prune,
    /// Screen.
    Study,
    /// Screen.
    Experts,
    /// Screen.
    Map,
    /// Address, records, studies and training runs are kept by it; it draws nothing.
    Keeper,
    /// What a link has to say.
    Linked,
    /// On Open: the view of a link waits for its file.
    Waiting,
    /// What failed or was stopped.
    Faults,
    /// On Open: the finished example.
    Example,
    /// Details of the open checkpoint.
    Menu,
    /// How far a run is.
    Running,
    /// On Open: device, parity, limits.
    Computer,
    /// On Open: recent runs.
    Runs,
    /// On Open: two checkpoints side by side.
    Compare,
    /// The strip of a lesson under way.
    Lesson,
    /// The sheet with a kernel and its twin.
    Shader,
    /// The sheet of keys.
    Keys,
    /// The log drawer.
    Log,
}

impl Piece {
    /// All, in the order in which they are fetched ahead.
    pub const ALL: [Self; 20] = [
        Self::Example,
        Self::Menu,
        Self::Running,
        Self::Keeper,
        Self::Linked,
        Self::Waiting,
        Self::Faults,
        Self::Computer,
        Self::Runs,
        Self::Inspect,
        Self::Rank,
        Self::Prune,
        Self::Compare,
        Self::Lesson,
        Self::Shader,
        Self::Keys,
        Self::Log,
        Self::Study,
        Self::Experts,
        Self::Map,
    ];

    /// The screen of a place; Open is in the page from the start.
    pub fn screen(place: Place) -> Option<Self> {
        Some(match place {
            Place::Open => return None,
            Place::Inspect => Self::Inspect,
            Place::Rank => Self::Rank,
            Place::Prune => Self::Prune,
            Place::Study => Self::Study,
            Place::Experts => Self::Experts,
            Place::Map => Self::Map,
        })
    }

    /// Its name to the visitor.
    fn word(self) -> &'static str {
        match self {
            Self::Inspect => "Inspect",
            Self::Rank => "Rank",
            Self::Prune => "Prune",
            Self::Study => "Study",
            Self::Experts => "Experts",
            Self::Map => "Map",
            Self::Keeper => "What keeps your work",
            Self::Linked | Self::Waiting => "What the link says",
            Self::Faults => "What failed",
            Self::Example => "Finished example",
            Self::Menu => "What is open",
            Self::Running => "The run",
            Self::Computer => "This computer",
            Self::Runs => "Recent runs",
            Self::Compare => "Compare",
            Self::Lesson => "The lesson",
            Self::Shader => "Read the shader",
            Self::Keys => "Keys",
            Self::Log => "The log",
        }
    }

    /// Whether the start of the worker goes before it: nobody has asked for it, and nothing is lost until it comes.
    fn can_wait(self) -> bool {
        match self {
            Self::Example | Self::Computer | Self::Runs => true,
            // A link is followed at once.
            Self::Keeper => gloo::utils::window().location().hash().unwrap_or_default().len() < 2,
            _ => false,
        }
    }

    /// What stands in its place meanwhile, so that nothing moves when it comes.
    fn waiting(self) -> Html {
        match self {
            Self::Example => example(),
            Self::Computer => html! { <section><h2>{ self.word() }</h2><p class="q">{ "The worker is starting." }</p></section> },
            Self::Runs => html! { <section><h2>{ self.word() }{ " " }<small class="d">{ "none yet" }</small></h2></section> },
            Self::Inspect | Self::Rank | Self::Prune | Self::Study | Self::Experts | Self::Map => html! { <div class="head" aria-busy="true"><h1>{ self.word() }</h1></div> },
            _ => Html::default(),
        }
    }
}

/// Draws a piece whose code is there.
pub type Draw = fn() -> Html;

/// A piece could not be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing;

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
    static EXAMPLE: RefCell<String> = const { RefCell::new(String::new()) };
    static HANDS: Cell<Option<Hands>> = const { Cell::new(None) };
    static THERE: Cell<[Option<Draw>; Piece::ALL.len()]> = const { Cell::new([None; Piece::ALL.len()]) };
}

/// Says who fetches code; the program does so before it draws.
pub fn supply(source: Source) {
    SOURCE.set(Some(source));
    let painted = gloo::utils::document().query_selector("[data-test=example]").ok().flatten();
    EXAMPLE.set(painted.map(|e| e.outer_html()).unwrap_or_default());
    Timeout::new(REST_MS, at_rest).forget();
}

/// The example as the first paint has it: it stays where it is until the code comes that draws the same.
#[cfg(target_arch = "wasm32")]
fn example() -> Html {
    EXAMPLE.with_borrow(|painted| Html::from_html_unchecked(painted.clone().into()))
}

/// What the first paint has: it is drawn here.
#[cfg(not(target_arch = "wasm32"))]
fn example() -> Html {
    html! { <crate::screens::open::Example /> }
}

/// What the first file calls of later ones.
///
/// # Errors
/// It cannot be fetched now.
pub async fn hands() -> Result<Hands, Missing> {
    if let Some(hands) = HANDS.get() {
        return Ok(hands);
    }
    let hands = (SOURCE.get().ok_or(Missing)?.hands)().await?;
    HANDS.set(Some(hands));
    Ok(hands)
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
