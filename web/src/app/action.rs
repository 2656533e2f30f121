//! Everything that can change the page's state.

use std::rc::Rc;

use espalier_lab::protocol::{DeviceChoice, Fault};

use crate::app::history::Gesture;
use crate::app::late::Late;
use crate::app::language::{OwnText, StudyState, Tokenizer};
use crate::app::link::Target;
use crate::app::runs::Kept;
use crate::app::town::TownAct;
use crate::teach::lessons::Tour;
use crate::teach::reader::Reading;
use crate::app::state::{LogLine, Place, PruneState, RankState, Run, Selection, Sheet, Theme};

/// A change. Times are milliseconds since 1970, given by whoever dispatches.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Go to a place.
    Go(Place),
    /// Point at a tensor or block.
    Select(Selection),
    /// Point at a block; the selected tensor moves to the one of the same role there, if there is one.
    SelectBlock(u32),
    /// A checkpoint of this origin is being opened.
    Asked(Option<Target>),
    /// Put away what a link could not do.
    DismissLink,
    /// The first run of the queue has been begun.
    Begun,
    /// A newer version of the page has been fetched, or is put off.
    Newer(bool),
    /// Records that are kept.
    Runs(Rc<Vec<Kept>>),
    /// Why the last record was not stored; empty where it was.
    NotStored(String),
    /// Let the queue run, or empty it.
    Queue(bool),
    /// Look at a figure or list in this way; `None` as it comes.
    View(Rc<str>, Option<Rc<str>>),
    /// Change the Rank screen.
    Rank(RankState, Gesture),
    /// Change the Prune screen.
    Prune(PruneState, Gesture),
    /// Change the Study screen.
    Study(StudyState, Gesture),
    /// A text of the visitor's own.
    Own(OwnText),
    /// The tokenizer that the texts go through.
    Tokenizer(Option<Tokenizer>),
    /// Change what the Map does.
    Town(TownAct),
    /// Change what is taken away of the experts, or the knobs of their search.
    Experts(crate::app::experts::ExpertsState, Gesture),
    /// The texts that experts are watched with, word by word.
    Words(Vec<Rc<crate::app::experts::Words>>),
    /// One step back.
    Undo,
    /// One step forward.
    Redo,
    /// A run was asked for.
    Started(Run),
    /// Cancelling was asked for.
    Cancelling {
        /// Now.
        now: f64,
    },
    /// A change that brings its code along: what the worker answered, what a link says.
    Late(Late),
    /// A run ended before the worker had it: with a failure, or because it was cancelled.
    Ended {
        /// Job.
        job: u32,
        /// What failed.
        fault: Option<Fault>,
        /// Now.
        now: f64,
    },
    /// An exported file has come.
    FileSaved {
        /// Job.
        job: u32,
        /// File name.
        name: String,
    },
    /// The worker ended.
    Crashed {
        /// What it said last.
        why: String,
        /// Now.
        now: f64,
    },
    /// A fresh worker is there.
    Restarted {
        /// Now.
        now: f64,
    },
    /// The worker with every method is there, in the place of the small one.
    Grown {
        /// Now.
        now: f64,
    },
    /// Something failed on the page itself.
    Fault {
        /// Where it is told.
        place: Place,
        /// What.
        fault: Fault,
        /// Now.
        now: f64,
    },
    /// Put a failure away.
    Dismiss(u32),
    /// Put the note about a stopped run away.
    DismissStopped,
    /// A device was asked for.
    Choose(DeviceChoice),
    /// Theme.
    Theme(Theme),
    /// Seed.
    Seed(u64),
    /// A line for the log.
    Log(LogLine),
    /// Open or close the log drawer.
    ToggleLog,
    /// Show a sheet, or none.
    Sheet(Sheet),
    /// Begin a lesson, go to one of its steps, or end it.
    Tour(Option<Tour>),
    /// Read a shader; answers about another one than is read now are late and left aside.
    Reading(Option<Reading>),
}
