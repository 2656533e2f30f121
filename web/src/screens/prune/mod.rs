//! Prune: the smallest weights go; a bar a block says how many.

mod after;
pub mod asked;
mod bars;
mod calibrated;
mod closeup;
mod controls;
mod export;
mod judged;
pub mod model;
mod recipe;
mod say;
mod screen;
mod view;
mod words;

pub use calibrated::tune;
pub use screen::PruneScreen;
