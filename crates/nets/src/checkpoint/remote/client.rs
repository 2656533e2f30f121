//! Requests that are tried again, wait when they are told to, and go on where they broke off.

use std::ops::Range;
use std::rc::Rc;

use super::fault::{Fault, Problem};
use super::fetch::{Answer, Ask, Fetch, Trouble};

/// Times that one request is tried without a new byte coming.
const TRIES: u32 = 4;
/// First wait between two tries, doubled each time (milliseconds).
const WAIT_MS: u32 = 300;
/// A server that wants a longer pause than this (seconds) is not waited for.
const PATIENCE_S: u64 = 20;
/// A whole answer where a part was asked for is taken up to this size.
pub(super) const WHOLE: u64 = 64 << 20;

/// One server's files.
#[derive(Clone)]
pub(super) struct Client {
    pub fetch: Rc<dyn Fetch>,
    pub host: String,
    pub hub: bool,
}

impl Client {
    pub fn fault(&self, problem: Problem) -> Fault {
        Fault { problem, host: self.host.clone(), hub: self.hub }
    }

    /// An answer that is worth reading: 200, 206, or 416 for the caller to judge. Everything else is tried again where that may help, and
    /// a fault where not.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Box<dyn Answer>, Fault> {
        let mut last = Problem::Unreachable { why: String::new() };
        for attempt in 0..TRIES {
            let mut wait = if attempt == 0 { 0 } else { WAIT_MS << attempt };
            if let Problem::Busy { after: Some(s) } = last {
                wait = wait.max(u32::try_from(s * 1000).unwrap_or(u32::MAX));
            }
            if wait > 0 {
                self.fetch.wait(wait).await;
            }
            last = match self.fetch.ask(ask.clone()).await {
                Ok(answer) => match answer.head().status {
                    200 | 206 | 416 => return Ok(answer),
                    401 => return Err(self.fault(Problem::Private)),
                    403 => return Err(self.fault(Problem::Forbidden)),
                    404 | 410 => return Err(self.fault(Problem::NotFound)),
                    status @ (429 | 503) => match answer.head().retry_after() {
                        Some(s) if s > PATIENCE_S => return Err(self.fault(Problem::Busy { after: Some(s) })),
                        None if status == 503 => Problem::Server { status },
                        after => Problem::Busy { after },
                    },
                    status @ 500.. => Problem::Server { status },
                    status => return Err(self.fault(Problem::Status { status })),
                },
                // Neither of these gets better by asking again.
                Err(Trouble::Offline) => return Err(self.fault(Problem::Offline)),
                Err(Trouble::NoCors) => return Err(self.fault(Problem::NoCors)),
                Err(Trouble::Unreachable(why) | Trouble::Cut(why)) => Problem::Unreachable { why },
            };
        }
        Err(self.fault(last))
    }

    /// The rest of a body into `out`, which has room for `most` bytes in all; more than that is not taken. Says how it ended.
    pub async fn fill(&self, answer: &mut dyn Answer, out: &mut Vec<u8>, most: u64, told: &mut dyn FnMut(u64)) -> Filled {
        loop {
            match answer.piece().await {
                Ok(None) => return Filled::Ended,
                Ok(Some(bytes)) => {
                    let room = most - out.len() as u64;
                    let take = usize::try_from(room).map_or(bytes.len(), |r| r.min(bytes.len()));
                    out.extend_from_slice(&bytes[..take]);
                    told(out.len() as u64);
                    if bytes.len() as u64 > room {
                        return Filled::More;
                    }
                }
                Err(trouble) => return Filled::Broke(trouble),
            }
        }
    }

    /// Exactly the bytes of `range`, appended to `out` behind those of it that are there already: a broken transfer goes on where it broke.
    /// `total` and `stamp` are the file's length and ETag as they were on opening.
    pub async fn exactly(&self, url: &str, range: Range<u64>, same: &Same, out: &mut Vec<u8>, told: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        let wanted = range.end - range.start;
        let mut idle = 0;
        let mut why = String::new();
        while (out.len() as u64) < wanted {
            let before = out.len() as u64;
            if idle >= TRIES {
                return Err(self.fault(Problem::Cut { got: before, wanted, why }).into());
            }
            if idle > 0 {
                self.fetch.wait(WAIT_MS << idle).await;
            }
            let at = range.start + before;
            let mut answer = self.ask(Ask::part(url, at..range.end)).await?;
            let head = answer.head();
            match head.status {
                206 => {}
                416 => return Err(self.fault(Problem::RangeRefused).into()),
                // It gave ranges before; now it does not.
                _ => return Err(self.fault(Problem::NoRanges { size: head.length() }).into()),
            }
            if let Some(how) = same.differs(head) {
                return Err(Failure::Changed(how));
            }
            if let Some((Some(given), _)) = head.content_range()
                && given != at
            {
                return Err(self.fault(Problem::WrongRange { asked: at, given }).into());
            }
            why = match self.fill(&mut *answer, out, wanted, told).await {
                Filled::Broke(Trouble::Offline) => return Err(self.fault(Problem::Offline).into()),
                Filled::Broke(Trouble::Cut(why) | Trouble::Unreachable(why)) => why,
                Filled::Broke(Trouble::NoCors) => return Err(self.fault(Problem::NoCors).into()),
                Filled::More | Filled::Ended => "it ended early".into(),
            };
            idle = if out.len() as u64 > before { 1 } else { idle + 1 };
        }
        Ok(())
    }

    /// A small file whole: configurations, indexes, listings.
    pub async fn text(&self, url: &str, most: u64) -> Result<Vec<u8>, Fault> {
        let mut why = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                self.fetch.wait(WAIT_MS << attempt).await;
            }
            let mut answer = self.ask(Ask::whole(url)).await?;
            if answer.head().status != 200 {
                return Err(self.fault(Problem::Status { status: answer.head().status }));
            }
            if let Some(n) = answer.head().length().filter(|n| *n > most) {
                return Err(self.fault(Problem::NoRanges { size: Some(n) }));
            }
            let mut out = Vec::new();
            why = match self.fill(&mut *answer, &mut out, most, &mut |_| {}).await {
                Filled::Ended => return Ok(out),
                Filled::More => return Err(self.fault(Problem::NoRanges { size: None })),
                Filled::Broke(Trouble::Offline) => return Err(self.fault(Problem::Offline)),
                Filled::Broke(Trouble::NoCors) => return Err(self.fault(Problem::NoCors)),
                Filled::Broke(Trouble::Cut(why) | Trouble::Unreachable(why)) => why,
            };
        }
        Err(self.fault(Problem::Cut { got: 0, wanted: most, why }))
    }
}

/// How a body ended.
pub(super) enum Filled {
    /// It was all.
    Ended,
    /// It had more than there was room for.
    More,
    /// The connection broke.
    Broke(Trouble),
}

/// What tells a file from another under the same address.
#[derive(Clone, Debug, Default)]
pub(super) struct Same {
    pub length: u64,
    pub stamp: Option<String>,
}

impl Same {
    fn differs(&self, head: &super::fetch::Head) -> Option<String> {
        if let Some((_, Some(total))) = head.content_range()
            && total != self.length
        {
            return Some(format!("it was {} bytes long on the server and is now {total}", self.length));
        }
        match (&self.stamp, head.get("etag")) {
            (Some(before), Some(now)) if before != now => Some("the server's mark of its content (ETag) is another one now".into()),
            _ => None,
        }
    }
}

/// Why a range did not come.
pub(super) enum Failure {
    Fault(Fault),
    Changed(String),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
