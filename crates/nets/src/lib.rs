//! Checkpoints and what is known of the architectures inside them. Nothing here knows a paper.

pub mod checkpoint;

pub use checkpoint::{Checkpoint, CheckpointError};
