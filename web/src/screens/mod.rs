//! The four places.

pub mod inspect;
pub mod open;
pub mod prune;
pub mod rank;
