//! Where bytes come from.

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;

/// A future on one thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A file that is read by ranges: memory, a native file, a browser blob, HTTP ranges.
pub trait ByteSource {
    /// File name, for matching shards with their index and for messages.
    fn name(&self) -> &str;
    /// Length in bytes.
    fn len(&self) -> u64;
    /// True for a file of no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Exactly the bytes of `range`, which lies inside the file.
    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, SourceError>>;
}

/// Bytes could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: bytes {start}..{end} could not be read: {why}")]
pub struct SourceError {
    /// File name.
    pub file: String,
    /// First byte asked for.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// The system's words.
    pub why: String,
}

/// A file in memory.
pub struct MemorySource {
    name: String,
    bytes: std::rc::Rc<[u8]>,
}

impl MemorySource {
    /// Takes the bytes.
    pub fn new(name: impl Into<String>, bytes: impl Into<std::rc::Rc<[u8]>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }
}

impl ByteSource for MemorySource {
    fn name(&self) -> &str {
        &self.name
    }
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, SourceError>> {
        let out = match (usize::try_from(range.start), usize::try_from(range.end)) {
            (Ok(a), Ok(b)) => self.bytes.get(a..b).map(<[u8]>::to_vec),
            _ => None,
        };
        let error = SourceError { file: self.name.clone(), start: range.start, end: range.end, why: "past the end of the file".into() };
        Box::pin(async move { out.ok_or(error) })
    }
}
