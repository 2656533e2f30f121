//! What is asked of whoever can speak HTTP.

use std::ops::Range;

use crate::checkpoint::LocalFuture;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Whole address.
    pub url: &'a str,
    /// `Range: bytes=START-(END-1)`; never empty.
    pub range: Option<Range<u64>>,
    /// HEAD instead of GET.
    pub head: bool,
}

impl<'a> Ask<'a> {
    /// The whole file.
    pub fn whole(url: &'a str) -> Self {
        Self { url, range: None, head: false }
    }

    /// A part of it.
    pub fn part(url: &'a str, range: Range<u64>) -> Self {
        Self { url, range: Some(range), head: false }
    }

    /// Value of the range header, where there is one.
    pub fn range_header(&self) -> Option<String> {
        self.range.as_ref().map(|r| format!("bytes={}-{}", r.start, r.end.saturating_sub(1)))
    }
}

/// Status and headers of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Status.
    pub status: u16,
    /// Header names in lower case, and values. A browser shows those of another origin only as far as the server exposes them.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// A header's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(k, _)| k == name).map(|(_, v)| v.trim())
    }

    /// `Content-Length`. Of a body that came compressed it is not the file's.
    pub fn length(&self) -> Option<u64> {
        let plain = self.get("content-encoding").is_none_or(|e| e == "identity");
        self.get("content-length").filter(|_| plain)?.parse().ok()
    }

    /// `Content-Range: bytes 0-99/1234` as (first byte, total); the total is `None` where the server says `*`.
    pub fn content_range(&self) -> Option<(Option<u64>, Option<u64>)> {
        let (span, total) = self.get("content-range")?.strip_prefix("bytes")?.trim().split_once('/')?;
        Some((span.split_once('-').and_then(|(a, _)| a.trim().parse().ok()), total.trim().parse().ok()))
    }

    /// Seconds of `Retry-After`, where it gives seconds.
    pub fn retry_after(&self) -> Option<u64> {
        self.get("retry-after")?.parse().ok()
    }
}

/// Why no answer came, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The machine has no network.
    Offline,
    /// The server answers, but does not let pages of other origins read its files.
    NoCors,
    /// No answer.
    Unreachable(String),
    /// The connection broke while the body came.
    Cut(String),
}

/// Speaks HTTP: a browser's `fetch`, a socket in tests.
pub trait Fetch {
    /// Sends a request; the answer is there when its headers are. Redirects are followed.
    fn ask<'a>(&'a self, ask: Ask<'a>) -> LocalFuture<'a, Result<Box<dyn Answer>, Trouble>>;

    /// Waits so many milliseconds.
    fn wait(&self, ms: u32) -> LocalFuture<'_, ()>;
}

/// An answer whose body comes piece by piece. Dropped, it stops the transfer.
pub trait Answer {
    /// Status and headers.
    fn head(&self) -> &Head;

    /// The next bytes of the body; `None` at its end.
    fn piece(&mut self) -> LocalFuture<'_, Result<Option<Vec<u8>>, Trouble>>;
}
