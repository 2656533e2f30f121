//! The page: state, shell, and what its screens share.

pub mod action;
pub mod address;
pub mod bundled;
pub mod choices;
pub mod context;
mod ended;
pub mod experts;
#[cfg(not(target_arch = "wasm32"))]
pub mod first_paint;
mod fold;
mod follow;
mod given;
pub mod happenings;
pub mod history;
pub mod journal;
pub mod keeper;
pub mod language;
pub mod late;
pub mod link;
pub mod lock;
pub mod part;
pub mod piece;
pub mod port;
pub mod prune_state;
pub mod record;
pub(crate) mod reduce;
pub mod roles;
pub mod root;
pub mod runs;
pub mod shell;
pub mod state;
pub mod texts;
pub mod theme;
pub mod town;
pub mod training;

pub mod tree;
pub mod unfinished;

pub use action::Action;
pub use context::{Lab, now, use_lab};
pub use history::Gesture;
pub use state::State;
