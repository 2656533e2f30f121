//! Rank: one line through every spectrum; the directions above it stay.

mod controls;
mod export;
pub mod model;
mod say;
mod screen;
mod view;

pub use screen::RankScreen;
