//! The four places, and what Rank and Prune share.

pub mod cost;
pub mod experts;
pub mod inspect;
pub mod map;
pub mod matrices;
pub mod open;
pub mod parts;
pub mod prune;
mod published;
pub mod rank;
pub mod reading;
pub mod study;
pub mod tokens;
