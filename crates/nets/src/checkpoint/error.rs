//! What can be wrong with a checkpoint; each message says what, where, why and what to do.

use super::source::SourceError;

/// A checkpoint that cannot be used, or a tensor that cannot be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CheckpointError {
    /// Bytes could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
}
