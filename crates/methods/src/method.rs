//! The contract of a method.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use espalier_nets::checkpoint::MatrixRef;
use espalier_nets::{Checkpoint, CheckpointError};
use espalier_tensor::Session;
use serde::Serialize;

use crate::calibration::Corpus;
use crate::pool::Pool;
use crate::report::{Event, Report};
use crate::urban::town::PointFile;

/// A future on one thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What a method is, for its page.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    /// Registry key: `spectra`, `welore`, `magnitude`.
    pub id: &'static str,
    /// Title.
    pub title: &'static str,
    /// Authors of the paper.
    pub authors: &'static str,
    /// Year of the paper.
    pub year: u16,
    /// Link to the paper.
    pub link: &'static str,
    /// One plain paragraph.
    pub paragraph: &'static str,
    /// What it needs: `a checkpoint with matrices`.
    pub needs: &'static str,
    /// Its knobs, in the order of its configuration.
    pub knobs: &'static [Knob],
}

/// One field of a configuration, for screens and for the command line.
#[derive(Clone, Debug, Serialize)]
pub struct Knob {
    /// Key in the configuration.
    pub key: &'static str,
    /// Label, sentence case.
    pub label: &'static str,
    /// One sentence of help.
    pub help: &'static str,
    /// Unit; empty for none.
    pub unit: &'static str,
    /// What may be chosen.
    pub range: Range,
    /// The paper's value as JSON.
    pub paper: &'static str,
}

/// What a knob may be set to.
#[derive(Clone, Debug, Serialize)]
pub enum Range {
    /// Numbers.
    Number {
        /// Least.
        min: f64,
        /// Greatest.
        max: f64,
        /// Step of the arrows.
        step: f64,
    },
    /// One of these keys.
    Choice(&'static [&'static str]),
    /// Yes or no.
    Switch,
    /// Set elsewhere (by hand on the bars, a list of names).
    Elsewhere,
}

/// What a method works on.
#[derive(Clone)]
pub struct Inputs<'a> {
    /// The checkpoint.
    pub checkpoint: &'a Checkpoint,
    /// Which of its matrices; a method may narrow this further and says so.
    pub matrices: Vec<MatrixRef>,
    /// Spectra that are known already (resumed job, or from Inspect), by `name` and slice: not computed again.
    pub known: Vec<crate::report::Spectrum>,
    /// Seed of all randomness.
    pub seed: u64,
    /// Tokenized texts, for methods that run the model.
    pub texts: Vec<Rc<Corpus>>,
    /// Where a pruning with calibration leaves its masks, for a generation or an export to come.
    pub kept: crate::kept::Slot,
    /// Files of points, for methods over cities.
    pub files: Vec<Rc<PointFile>>,
}

/// Where events go, and where a method asks whether it may go on.
pub trait Sink {
    /// Takes an event.
    fn event(&self, event: Event);
    /// To be awaited at least every 50 ms of work: lets the event loop breathe.
    ///
    /// # Errors
    /// [`MethodError::Cancelled`] when the user asked to stop.
    fn breathe(&self) -> LocalFuture<'_, Result<(), MethodError>>;
    /// To be awaited before each step of a loop that a person can hold, until the step may be taken. A breath belongs before it, and between them a look at [`Sink::waits`]: who
    /// is held in the breath is seen before it stands still.
    ///
    /// # Errors
    /// [`MethodError::Cancelled`] when the user asked to stop.
    fn step(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        Box::pin(std::future::ready(Ok(())))
    }
    /// Whether the next step will wait until somebody lets the run go on: the moment to say where it stands.
    fn waits(&self) -> bool {
        false
    }
    /// Whether the user has seen enough of a loop that could go on: what comes after it is still wanted.
    fn enough(&self) -> bool {
        false
    }
    /// Whether the user has asked for the run as it stands: a loop breaks before its next step, hands it over, says [`Sink::given`] and goes on.
    fn wanted(&self) -> bool {
        false
    }
    /// What was [`Sink::wanted`] has been handed over.
    fn given(&self) {}
    /// Ends when the user asks to stop.
    fn cancelled(&self) -> LocalFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
    /// Who helps with work that is independent by matrix.
    fn pool(&self) -> Option<Rc<dyn Pool>> {
        None
    }
}

/// Why a method stopped.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MethodError {
    /// The user asked.
    #[error("cancelled")]
    Cancelled,
    /// A bad configuration value.
    #[error("{key}: {why}")]
    Config {
        /// Which field.
        key: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// The inputs do not hold what the method needs.
    #[error("{0}")]
    Inputs(String),
    /// A file of points is not here, or is none.
    #[error("{file}: {why}")]
    Points {
        /// Name of the file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A tensor could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] espalier_tensor::Error),
}

/// One entry of the registry: a method with its types erased.
pub struct Entry {
    /// What it is.
    pub card: &'static Card,
    /// Runs it with a configuration in JSON; missing fields take their defaults, unknown ones are an error.
    pub run: for<'a> fn(serde_json::Value, Inputs<'a>, &'a Session, &'a dyn Sink) -> LocalFuture<'a, Result<Report, MethodError>>,
}
