//! Prune: the smallest weights go; a bar a block says how many.

mod after;
mod bars;
mod controls;
mod export;
pub mod model;
mod recipe;
mod say;
mod screen;
mod view;

pub use screen::PruneScreen;
