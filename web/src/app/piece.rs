//! What of the page can arrive later than the page, and what stands in its place meanwhile.

use std::cell::RefCell;

use yew::prelude::*;

use crate::app::state::Place;

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
    pub(super) fn word(self) -> &'static str {
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
    pub(super) fn can_wait(self) -> bool {
        match self {
            Self::Example | Self::Computer | Self::Runs => true,
            // A link is followed at once.
            Self::Keeper => gloo::utils::window().location().hash().unwrap_or_default().len() < 2,
            _ => false,
        }
    }

    /// What stands in its place meanwhile, so that nothing moves when it comes.
    pub(super) fn waiting(self) -> Html {
        match self {
            Self::Example => example(),
            Self::Computer => html! { <section><h2>{ self.word() }</h2><p class="q">{ "The worker is starting." }</p></section> },
            Self::Runs => html! { <section><h2>{ self.word() }{ " " }<small class="d">{ "none yet" }</small></h2></section> },
            Self::Inspect | Self::Rank | Self::Prune | Self::Study | Self::Experts | Self::Map => html! { <div class="head" aria-busy="true"><h1>{ self.word() }</h1></div> },
            _ => Html::default(),
        }
    }
}

thread_local!(static EXAMPLE: RefCell<String> = const { RefCell::new(String::new()) });

/// Keeps the example as the first paint has it, before the application draws over it.
pub(super) fn keep_painted() {
    let painted = gloo::utils::document().query_selector("[data-test=example]").ok().flatten();
    EXAMPLE.set(painted.map(|e| e.outer_html()).unwrap_or_default());
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
