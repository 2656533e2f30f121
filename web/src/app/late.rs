//! Changes of the state whose code arrives after the page.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use espalier_lab::protocol::Reply;
use web_sys::File;

use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::journal::Step;
use crate::app::link::Link;
use crate::app::state::State;
use crate::app::{address, given};
use crate::figures::download::save_text;
use crate::teach::reader;
use crate::worker::wire::Sealed;

type Change = Box<dyn FnOnce(&mut State)>;

/// A change that is done once, by code that the reducer does not know: so that what understands the worker's answers need not be in the page from the start.
#[derive(Clone)]
pub struct Late(Rc<RefCell<Option<Change>>>);

impl Late {
    /// To be done once.
    pub fn new(change: impl FnOnce(&mut State) + 'static) -> Self {
        Self(Rc::new(RefCell::new(Some(Box::new(change)))))
    }

    pub(super) fn apply(&self, state: &mut State) {
        if let Some(change) = self.0.take() {
            change(state);
        }
    }
}

impl PartialEq for Late {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Late")
    }
}

/// Does what a link says; `navigate`: only where to be, for the browser's back and forward.
pub fn follow(link: Rc<Link>, navigate: bool) -> Action {
    Action::Late(Late::new(move |state| state.follow(link, navigate)))
}

/// Does a record again, over its checkpoint.
pub fn replay(link: Rc<Link>, steps: Rc<Vec<Step>>) -> Action {
    Action::Late(Late::new(move |state| {
        state.expected = steps;
        state.follow(link, false);
    }))
}

/// Shows the checkpoint that came for a link and is another one, without the link's view.
pub fn take_stranger() -> Action {
    Action::Late(Late::new(State::take_stranger))
}

/// What the page's first file calls of those that come later.
#[derive(Clone, Copy)]
pub struct Hands {
    /// Folds answers of the worker, oldest first, into the state.
    pub fold: fn(Vec<Sealed<Reply>>, f64) -> Action,
    /// Takes files that were dropped or chosen.
    pub given: fn(&Lab, Vec<File>),
    /// Copies a link to what is on the screen.
    pub copy_link: fn(&Lab),
    /// Opens the sheet with a kernel and its twin.
    pub read_shader: fn(&Lab, reader::Name),
}

/// The [`Hands`] of the page.
pub const HANDS: Hands = Hands { fold: answers, given: given::given, copy_link: address::copy_link, read_shader: reader::open };

/// Answers of the worker, oldest first, as a change. A record that was asked for is saved at once.
fn answers(sealed: Vec<Sealed<Reply>>, now: f64) -> Action {
    let open = |s: &Sealed<Reply>| s.open().expect("page and worker are built together and speak one protocol");
    replies(
        sealed
            .iter()
            .filter_map(|s| match open(s) {
                Reply::Record { text, .. } => {
                    save_text(&text, "application/json", "espalier-run.json");
                    None
                }
                reply => Some(reply),
            })
            .collect(),
        now,
    )
}

/// Answers, oldest first, as a change.
pub fn replies(list: Vec<Reply>, now: f64) -> Action {
    Action::Late(Late::new(move |state| list.into_iter().for_each(|r| state.fold(r, now))))
}
