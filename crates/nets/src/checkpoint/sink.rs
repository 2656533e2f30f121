//! Places to write to, and the pauses in between.

use super::source::LocalFuture;

/// Where written bytes go.
pub trait ByteSink {
    /// Appends bytes.
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, Result<(), SinkError>>;
    /// Everything has been written: gives the file its name, or makes the blob. Without it the file does not come to be.
    fn finish(&mut self) -> LocalFuture<'_, Result<(), SinkError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Bytes could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file} could not be written at byte {at}: {why}")]
pub struct SinkError {
    /// File name.
    pub file: String,
    /// Bytes that were written before.
    pub at: u64,
    /// The system's words.
    pub why: String,
}

/// The person asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// Asked after every piece: shows progress, lets the event loop breathe, and may stop the writing.
pub trait Pace {
    /// `done` of `total` bytes are written.
    ///
    /// # Errors
    /// [`Stopped`] when the person asked to stop.
    fn pace(&self, done: u64, total: u64) -> LocalFuture<'_, Result<(), Stopped>>;
}

/// Writes without a pause.
pub struct NoPause;

impl Pace for NoPause {
    fn pace(&self, _done: u64, _total: u64) -> LocalFuture<'_, Result<(), Stopped>> {
        Box::pin(async { Ok(()) })
    }
}

/// Bytes kept in memory, for tests and small exports.
#[derive(Default)]
pub struct MemorySink {
    /// What was written.
    pub bytes: Vec<u8>,
    /// Whether [`ByteSink::finish`] was called.
    pub finished: bool,
}

impl ByteSink for MemorySink {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, Result<(), SinkError>> {
        self.bytes.extend_from_slice(bytes);
        Box::pin(async { Ok(()) })
    }
    fn finish(&mut self) -> LocalFuture<'_, Result<(), SinkError>> {
        self.finished = true;
        Box::pin(async { Ok(()) })
    }
}
