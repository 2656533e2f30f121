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
    /// Where on the network it lies, for files that are fetched.
    fn address(&self) -> Option<&str> {
        None
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
    /// What kind of failure it is, where that is known.
    pub cause: Cause,
}

/// Kinds of failure that have their own message and advice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// Whatever the system said.
    #[default]
    Other,
    /// The file has changed since it was opened: what was read before no longer belongs to it.
    Changed,
    /// The network, or the server at its other end.
    Remote(Box<super::remote::Fault>),
}

impl SourceError {
    /// A failure in the system's words.
    pub fn new(file: impl Into<String>, range: Range<u64>, why: impl Into<String>) -> Self {
        Self { file: file.into(), start: range.start, end: range.end, why: why.into(), cause: Cause::Other }
    }

    /// The file has changed since it was opened; `why` says how that was seen.
    pub fn changed(file: impl Into<String>, range: Range<u64>, why: impl Into<String>) -> Self {
        Self { cause: Cause::Changed, ..Self::new(file, range, why) }
    }

    /// The network's or the server's.
    pub fn remote(file: impl Into<String>, range: Range<u64>, fault: super::remote::Fault) -> Self {
        Self { cause: Cause::Remote(Box::new(fault.clone())), ..Self::new(file, range, fault.why()) }
    }
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
        let error = SourceError::new(&self.name, range, "past the end of the file");
        Box::pin(async move { out.ok_or(error) })
    }
}
