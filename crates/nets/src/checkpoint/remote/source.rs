//! One remote file as a source of bytes.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use super::client::{Client, Failure, Filled, Same, WHOLE};
use super::fault::{Fault, Problem};
use super::fetch::{Ask, Fetch, Head, Trouble};
use crate::checkpoint::{ByteSource, LocalFuture, SourceError};

/// Bytes of the first request of a single file: the header of a checkpoint of four thousand tensors lies in them.
pub const FIRST: u64 = 512 << 10;
/// A file up to this size is fetched whole once a tensor of it is wanted, instead of one request a tensor.
pub const SMALL: u64 = 16 << 20;
/// Bytes of one request of a file that is fetched whole.
const PIECE: u64 = 2 << 20;
/// Bytes from the start that are kept once they have come.
const KEPT: u64 = 8 << 20;
/// Reads from this size on tell their progress.
const TELL: u64 = 1 << 20;

/// Told of bytes that have come: file, done, total.
pub type Told = Rc<dyn Fn(&str, u64, u64)>;

/// A file behind an address. Opening it costs one request; a read costs one more, unless its bytes are here already.
pub struct RemoteSource {
    client: Client,
    name: String,
    url: String,
    /// What a link to it says: the Hub id or the address, where it was found by one.
    address: Option<String>,
    same: Same,
    /// The bytes from the start that are here already.
    here: RefCell<Vec<u8>>,
    told: Told,
}

/// What a source is opened with.
#[derive(Clone)]
pub(super) struct Place {
    pub name: String,
    pub url: String,
    pub address: Option<String>,
}

impl RemoteSource {
    /// Asks for the first bytes and learns the length from the answer. `name` is what the file is called.
    ///
    /// # Errors
    /// The network's and the server's, each its own [`Problem`]; a whole answer that is larger than 64 MiB is stopped before it comes.
    pub async fn open(fetch: Rc<dyn Fetch>, name: impl Into<String>, url: impl Into<String>, told: Told) -> Result<Self, SourceError> {
        let (name, url) = (name.into(), url.into());
        let client = Client { fetch, host: super::address::host(&url).to_owned(), hub: false };
        let place = Place { name, address: None, url };
        Self::open_at(client, place, FIRST, told).await
    }

    pub(super) async fn open_at(client: Client, place: Place, first: u64, told: Told) -> Result<Self, SourceError> {
        let fail = |fault: Fault| SourceError::remote(&place.name, 0..first, fault);
        let mut answer = client.ask(Ask::part(&place.url, 0..first)).await.map_err(fail)?;
        let head = answer.head().clone();
        let mut here = Vec::new();
        let length = match head.status {
            206 => {
                if let Some((Some(given), _)) = head.content_range()
                    && given != 0
                {
                    return Err(fail(client.fault(Problem::WrongRange { asked: 0, given })));
                }
                match head.content_range() {
                    Some((_, Some(total))) => total,
                    // Not said, or kept from this page: HEAD gives a length that browsers always show.
                    _ => length_by_head(&client, &place.url).await.map_err(fail)?,
                }
            }
            // A file of no bytes has no first byte to give.
            416 if head.content_range().is_none_or(|(_, total)| total.is_none_or(|n| n == 0)) => 0,
            416 => return Err(fail(client.fault(Problem::RangeRefused))),
            _ => {
                if let Some(n) = head.length().filter(|n| *n > WHOLE) {
                    return Err(fail(client.fault(Problem::NoRanges { size: Some(n) })));
                }
                let total = head.length();
                let name = place.name.clone();
                let mut tell = |n: u64| told(&name, n, total.unwrap_or(n));
                match client.fill(&mut *answer, &mut here, WHOLE, &mut tell).await {
                    Filled::Ended if total.is_none_or(|n| n == here.len() as u64) => here.len() as u64,
                    Filled::More => return Err(fail(client.fault(Problem::NoRanges { size: None }))),
                    Filled::Ended => return Err(fail(cut(&client, &here, total, "it ended early"))),
                    Filled::Broke(trouble) => return Err(fail(broken(&client, &here, total, trouble))),
                }
            }
        };
        let same = Same { length, stamp: head.get("etag").map(str::to_owned) };
        if head.status == 206 {
            // What breaks off here goes on by ranges.
            let upto = first.min(length);
            if let Filled::Broke(Trouble::Offline) = client.fill(&mut *answer, &mut here, upto, &mut |_| {}).await {
                return Err(fail(client.fault(Problem::Offline)));
            }
            drop(answer);
            client.exactly(&place.url, 0..upto, &same, &mut here, &mut |_| {}).await.map_err(|e| error(&place.name, 0..upto, e))?;
        }
        Ok(Self { client, name: place.name, url: place.url, address: place.address, same, here: RefCell::new(here), told })
    }

    async fn range(&self, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        if let Some(bytes) = self.cached(&range) {
            return Ok(bytes);
        }
        if range.end > self.same.length || range.start > range.end {
            return Err(SourceError::new(&self.name, range, "past the end of the file"));
        }
        if self.same.length <= SMALL {
            self.all().await?;
            return self.cached(&range).ok_or_else(|| SourceError::new(&self.name, range, "past the end of the file"));
        }
        let wanted = range.end - range.start;
        let mut out = self.begun(&range);
        let room = usize::try_from(wanted).ok().and_then(|n| out.try_reserve_exact(n.saturating_sub(out.len())).ok());
        room.ok_or_else(|| SourceError::new(&self.name, range.clone(), format!("there is no memory for {wanted} bytes")))?;
        let mut tell = |n: u64| {
            if wanted >= TELL {
                (self.told)(&self.name, n, wanted);
            }
        };
        self.client.exactly(&self.url, range.clone(), &self.same, &mut out, &mut tell).await.map_err(|e| error(&self.name, range.clone(), e))?;
        let mut here = self.here.borrow_mut();
        let known = here.len() as u64;
        // A header is read once to list the tensors and once to mark the file.
        if (range.start..range.end).contains(&known) && range.end <= KEPT {
            let new = (known - range.start) as usize;
            here.extend_from_slice(&out[new..]);
        }
        drop(here);
        Ok(out)
    }

    /// What of a range is here already, from its start on.
    fn begun(&self, range: &Range<u64>) -> Vec<u8> {
        let here = self.here.borrow();
        let end = here.len().min(usize::try_from(range.end).unwrap_or(usize::MAX));
        usize::try_from(range.start).ok().and_then(|start| here.get(start..end)).unwrap_or_default().to_vec()
    }

    /// Fetches what is missing of a small file.
    async fn all(&self) -> Result<(), SourceError> {
        loop {
            let at = self.here.borrow().len() as u64;
            if at >= self.same.length {
                return Ok(());
            }
            let part = at..self.same.length.min(at + PIECE);
            let mut bytes = Vec::new();
            self.client.exactly(&self.url, part.clone(), &self.same, &mut bytes, &mut |_| {}).await.map_err(|e| error(&self.name, part, e))?;
            let mut here = self.here.borrow_mut();
            // Another read may have fetched the same piece meanwhile.
            if here.len() as u64 == at {
                here.extend_from_slice(&bytes);
                (self.told)(&self.name, here.len() as u64, self.same.length);
            }
        }
    }

    fn cached(&self, range: &Range<u64>) -> Option<Vec<u8>> {
        let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
        self.here.borrow().get(start..end).map(<[u8]>::to_vec)
    }
}

impl ByteSource for RemoteSource {
    fn name(&self) -> &str {
        &self.name
    }
    fn len(&self) -> u64 {
        self.same.length
    }
    fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }
    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, SourceError>> {
        Box::pin(self.range(range))
    }
}

async fn length_by_head(client: &Client, url: &str) -> Result<u64, Fault> {
    let answer = client.ask(Ask { url, range: None, head: true }).await?;
    let length = |h: &Head| if h.status == 200 { h.length() } else { None };
    length(answer.head()).ok_or_else(|| client.fault(Problem::NoLength))
}

fn cut(client: &Client, here: &[u8], total: Option<u64>, why: &str) -> Fault {
    client.fault(Problem::Cut { got: here.len() as u64, wanted: total.unwrap_or(WHOLE), why: why.into() })
}

fn broken(client: &Client, here: &[u8], total: Option<u64>, trouble: Trouble) -> Fault {
    match trouble {
        Trouble::Offline => client.fault(Problem::Offline),
        Trouble::NoCors => client.fault(Problem::NoCors),
        Trouble::Unreachable(why) | Trouble::Cut(why) => cut(client, here, total, &why),
    }
}

fn error(name: &str, range: Range<u64>, failure: Failure) -> SourceError {
    match failure {
        Failure::Fault(fault) => SourceError::remote(name, range, fault),
        Failure::Changed(how) => SourceError::changed(name, range, how),
    }
}
