//! Study: which parts of a model are sensitive, and which text to prune it by.

mod agree;
mod claims;
mod knobs;
mod matrix;
mod rescale;
mod rules;
mod screen;
mod sweep;

pub use matrix::shown;
pub use screen::StudyScreen;
