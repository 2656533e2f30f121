//! Experts: watch them wake, condense them, take them away.

mod export;
mod grid;
mod hand;
mod knobs;
mod published;
mod reading;
mod say;
mod screen;
mod search;
mod texts;
mod words;

pub use screen::ExpertsScreen;

use std::rc::Rc;

use espalier_methods::experts::Routing;

use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::experts::{ExpertsState, Shape};
use crate::app::history::Gesture;
use crate::figures::Source;

/// What the parts of the screen share.
#[derive(Clone)]
pub struct View {
    /// The mixture that is open.
    pub shape: Rc<Shape>,
    /// Routing of the text, and of the one it is compared with.
    pub routings: Vec<Rc<Routing>>,
    /// The layer that is looked at, by its place.
    pub row: usize,
    /// The token that is looked at.
    pub token: usize,
    /// Where numbers come from.
    pub source: Source,
}

impl View {
    /// The text's routing.
    pub fn routing(&self) -> Option<&Rc<Routing>> {
        self.routings.first()
    }

    /// Number of the layer that is looked at.
    pub fn block(&self) -> u32 {
        self.shape.blocks.get(self.row).copied().unwrap_or(0)
    }
}

/// Changes the settings.
pub fn change(lab: &Lab, gesture: Gesture, edit: impl FnOnce(&mut ExpertsState)) {
    let mut next = (*lab.state.edit.experts).clone();
    edit(&mut next);
    lab.act(Action::Experts(next, gesture));
}
