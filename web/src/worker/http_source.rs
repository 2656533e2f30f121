//! Files on a server, read by HTTP ranges; a server that ignores ranges gives small files whole.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use espalier_nets::checkpoint::{ByteSource, LocalFuture, SourceError};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, RequestInit, Response, WorkerGlobalScope};

use super::blob_source::words;
use super::host::sleep;

/// Bytes of the first request: nearly every header lies in them.
const FIRST: u64 = 256 << 10;
/// A file up to this size is fetched whole once a tensor of it is wanted, instead of one request a tensor.
const SMALL: u64 = 16 << 20;
/// Bytes of one request of a file that is fetched whole.
const PIECE: u64 = 2 << 20;
/// A whole answer (200 instead of 206) up to this size is taken.
const WHOLE: u64 = 64 << 20;
/// Tries of one request.
const TRIES: usize = 3;

/// Told of bytes that have come: file, done, total.
pub type Progress = Rc<dyn Fn(&str, u64, u64)>;

/// A file behind an address.
pub struct HttpSource {
    name: String,
    url: String,
    length: u64,
    /// The bytes from the start that are here already.
    here: RefCell<Vec<u8>>,
    progress: Progress,
}

impl HttpSource {
    /// Asks for the first bytes. `name` is what the file is called.
    ///
    /// # Errors
    /// The network's, the server's status, or a whole answer that is too large.
    pub async fn open(name: String, url: String, progress: Progress) -> Result<Self, SourceError> {
        let fail = |why: String| SourceError { file: name.clone(), start: 0, end: FIRST, why };
        let answer = fetch(&url, 0..FIRST).await.map_err(fail)?;
        let header = |key: &str| answer.headers().get(key).ok().flatten();
        let length = match answer.status() {
            206 => header("content-range").and_then(|r| r.rsplit_once('/').and_then(|(_, n)| n.parse().ok())),
            200 => header("content-length").and_then(|n| n.parse().ok()).filter(|n| *n > WHOLE),
            // A file of no bytes has no first byte to give.
            416 => Some(0),
            status => return Err(fail(format!("the server answered {status} {}", answer.status_text()))),
        };
        if let (200, Some(n)) = (answer.status(), length) {
            return Err(fail(format!("the server gives no ranges, and all {n} bytes at once are too many; download the file and drop it here")));
        }
        let here = if answer.status() == 416 { Vec::new() } else { body(&answer).await.map_err(fail)? };
        let length = match (answer.status(), length) {
            (206, None) => return Err(fail("the server did not say how long the file is".into())),
            (_, Some(n)) => n,
            (_, None) => here.len() as u64,
        };
        Ok(Self { name, url, length, here: RefCell::new(here), progress })
    }

    async fn range(&self, range: Range<u64>) -> Result<Vec<u8>, String> {
        if let Some(bytes) = self.cached(&range) {
            return Ok(bytes);
        }
        if self.length <= SMALL {
            loop {
                let at = self.here.borrow().len() as u64;
                if at >= self.length {
                    break;
                }
                let bytes = exactly(&self.url, at..self.length.min(at + PIECE)).await?;
                let mut here = self.here.borrow_mut();
                // Another read may have fetched the same piece meanwhile.
                if here.len() as u64 == at {
                    here.extend_from_slice(&bytes);
                    (self.progress)(&self.name, here.len() as u64, self.length);
                }
            }
            return self.cached(&range).ok_or_else(|| "past the end of the file".into());
        }
        exactly(&self.url, range).await
    }

    fn cached(&self, range: &Range<u64>) -> Option<Vec<u8>> {
        let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
        self.here.borrow().get(start..end).map(<[u8]>::to_vec)
    }
}

impl ByteSource for HttpSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.length
    }

    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, SourceError>> {
        Box::pin(async move {
            let fail = |why: String| SourceError { file: self.name.clone(), start: range.start, end: range.end, why };
            self.range(range.clone()).await.map_err(fail)
        })
    }
}

/// One range, and nothing but it.
async fn exactly(url: &str, range: Range<u64>) -> Result<Vec<u8>, String> {
    let wanted = range.end - range.start;
    let answer = fetch(url, range).await?;
    if answer.status() != 206 {
        return Err(format!("the server answered {} {} where a range was asked for", answer.status(), answer.status_text()));
    }
    let bytes = body(&answer).await?;
    if bytes.len() as u64 == wanted { Ok(bytes) } else { Err(format!("{} bytes came instead of {wanted}", bytes.len())) }
}

/// Asks for a range; a network failure or a server that is busy is tried again.
async fn fetch(url: &str, range: Range<u64>) -> Result<Response, String> {
    let mut last = String::new();
    for attempt in 0..TRIES {
        if attempt > 0 {
            sleep(300 << attempt).await;
        }
        match once(url, &range).await {
            Ok(answer) if answer.status() >= 500 || answer.status() == 429 => last = format!("the server answered {} {}", answer.status(), answer.status_text()),
            Ok(answer) => return Ok(answer),
            Err(e) => last = words(&e),
        }
    }
    Err(format!("{last} (tried {TRIES} times)"))
}

async fn once(url: &str, range: &Range<u64>) -> Result<Response, JsValue> {
    let request = Request::new_with_str_and_init(url, &RequestInit::new())?;
    request.headers().set("range", &format!("bytes={}-{}", range.start, range.end - 1))?;
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    JsFuture::from(scope.fetch_with_request(&request)).await?.dyn_into()
}

async fn body(answer: &Response) -> Result<Vec<u8>, String> {
    let read = async { JsFuture::from(answer.array_buffer()?).await };
    read.await.map(|b| Uint8Array::new(&b).to_vec()).map_err(|e: JsValue| words(&e))
}
