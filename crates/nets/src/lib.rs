//! Checkpoints and what is known of the architectures inside them. Nothing here knows a paper.

pub mod checkpoint;
pub mod testing;

pub use checkpoint::{Checkpoint, CheckpointError};
