//! Checkpoints and what is known of the architectures inside them. Nothing here knows a paper.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail by panicking"))]

pub mod checkpoint;
pub mod geo;
pub mod models;
pub mod testing;

pub use checkpoint::{Checkpoint, CheckpointError};
