//! The page: state, shell, and the screens Open and Inspect.

pub mod action;
pub mod context;
mod fold;
pub mod history;
pub mod record;
mod reduce;
pub mod state;

pub use action::Action;
pub use context::{Lab, now, use_lab};
pub use history::Gesture;
pub use state::State;
