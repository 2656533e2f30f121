//! Training: parameters and what an optimiser remembers of them, one pass over a network, one step, and a run's state to save and go on from.
//!
//! A step records the forward pass on a tape, goes back over it and renews the parameters; nothing is read in between, so that on a GPU a step is one
//! submit. The loss stays a tensor and is read every few steps ([`Ledger`]). A step is a pure function of (state, seed, number of the step, data): random
//! numbers are hashes of those, so a run that was stopped and resumed from its [`Snapshot`] goes on as if it had not been.

mod ledger;
mod parameters;
mod pass;
mod rule;
mod schedule;
mod snapshot;
mod trainer;

pub use ledger::Ledger;
pub use parameters::{Draft, Key, Parameters};
pub use pass::{Mode, Pass};
pub use rule::Rule;
pub use schedule::{Shape, Schedule};
pub use snapshot::{Snapshot, SnapshotError};
pub use trainer::{Settings, Step, Trainer};
