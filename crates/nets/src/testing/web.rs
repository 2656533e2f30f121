//! A small HTTP server on this machine that serves files well or badly, and a client for it: the remote sources' tests need no network.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::checkpoint::LocalFuture;
use crate::checkpoint::remote::{Answer, Ask, Fetch, Head, Trouble};

/// Bytes of a file: by range, so that a file larger than memory can be served.
pub type Content = Arc<dyn Fn(Range<u64>) -> Vec<u8> + Send + Sync>;

/// How a file is served.
#[derive(Clone)]
pub struct Served {
    /// Its length.
    pub length: u64,
    /// Its bytes.
    pub content: Content,
    /// What is done wrong.
    pub manner: Manner,
}

/// What a server does with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Ignores `Range` and answers 200 with the whole.
    pub whole: bool,
    /// Does not say a length, nor a total in `Content-Range`.
    pub secret: bool,
    /// Answers with these statuses first, each once.
    pub statuses: Vec<u16>,
    /// `Retry-After` of those.
    pub retry_after: Option<u32>,
    /// Closes the connection after so many bytes of a body, so many times.
    pub cuts: Option<(u64, usize)>,
    /// Gives bytes from another place than asked for.
    pub shifted: u64,
    /// The ETag.
    pub etag: Option<String>,
    /// From this request on (counted from 0) the ETag is another one.
    pub changes_at: Option<usize>,
}

impl Served {
    /// Bytes in memory.
    pub fn bytes(bytes: &[u8]) -> Self {
        let bytes: Arc<[u8]> = bytes.into();
        let length = bytes.len() as u64;
        Self { length, content: Arc::new(move |r| bytes[r.start as usize..r.end as usize].to_vec()), manner: Manner::default() }
    }

    /// A file that begins with `front` and goes on with zeros up to `length`: as large as one likes.
    pub fn sparse(front: &[u8], length: u64) -> Self {
        let front: Arc<[u8]> = front.into();
        let content = move |r: Range<u64>| (r.start..r.end).map(|i| front.get(i as usize).copied().unwrap_or(0)).collect();
        Self { length, content: Arc::new(content), manner: Manner::default() }
    }

    /// The same, served in that manner.
    #[must_use]
    pub fn manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }
}

/// One request as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Path with its query.
    pub path: String,
    /// Range asked for.
    pub range: Option<(u64, u64)>,
    /// HEAD.
    pub head: bool,
    /// Bytes of the body that were sent.
    pub sent: u64,
}

#[derive(Default)]
struct Shared {
    files: HashMap<String, Served>,
    seen: Vec<Seen>,
    cuts: HashMap<String, usize>,
    asked: HashMap<String, usize>,
}

/// A server on a port of its own; it ends when it is dropped.
pub struct Server {
    shared: Arc<Mutex<Shared>>,
    ended: Arc<AtomicBool>,
    port: u16,
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// Starts.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared: Arc<Mutex<Shared>> = Arc::default();
        let ended = Arc::new(AtomicBool::new(false));
        let (state, end) = (shared.clone(), ended.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let state = state.clone();
                // A client that goes away in the middle is what some tests are about.
                std::thread::spawn(move || drop(serve(&state, stream)));
            }
        });
        Self { shared, ended, port }
    }

    /// Serves a file under a path that begins with `/`.
    pub fn put(&self, path: &str, file: Served) {
        self.lock().files.insert(path.into(), file);
    }

    /// `http://127.0.0.1:PORT` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requests so far, which are forgotten.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.lock().seen)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().expect("no test panics while it holds the lock")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the listener up.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn serve(shared: &Mutex<Shared>, mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (head, path) = (words.next() == Some("HEAD"), words.next().unwrap_or("/").to_owned());
    let mut range = None;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("range: bytes=")
            && let Some((a, b)) = value.trim().split_once('-')
        {
            range = a.parse().ok().zip(b.parse().ok());
        }
    }
    let (answer, body, file) = {
        let mut state = shared.lock().expect("no test panics while it holds the lock");
        let asked = state.asked.entry(path.clone()).or_default();
        let turn = *asked;
        *asked += 1;
        let plain = path.split('?').next().unwrap_or(&path).to_owned();
        let file = state.files.get(&path).or_else(|| state.files.get(&plain)).cloned();
        state.seen.push(Seen { path: path.clone(), range, head, sent: 0 });
        let (answer, body) = answer(file.as_ref(), turn, range);
        (answer, if head { 0..0 } else { body }, file)
    };
    stream.write_all(answer.as_bytes())?;
    let Some(file) = file else { return Ok(()) };
    let mut at = body.start;
    let mut room = u64::MAX;
    if let Some((bytes, times)) = file.manner.cuts {
        let mut state = shared.lock().expect("no test panics while it holds the lock");
        let done = state.cuts.entry(path.clone()).or_default();
        if *done < times && body.end - body.start > bytes {
            *done += 1;
            room = bytes;
        }
    }
    while at < body.end && room > 0 {
        let end = body.end.min(at + (64 << 10)).min(at.saturating_add(room));
        let shift = file.manner.shifted;
        stream.write_all(&(file.content)(at + shift..end + shift))?;
        let mut state = shared.lock().expect("no test panics while it holds the lock");
        if let Some(seen) = state.seen.iter_mut().rev().find(|s| s.path == path && s.range == range) {
            seen.sent += end - at;
        }
        room -= end - at;
        at = end;
    }
    Ok(())
}

/// Status line and headers, and what of the file follows.
fn answer(file: Option<&Served>, turn: usize, range: Option<(u64, u64)>) -> (String, Range<u64>) {
    let line = |status: u16, more: String| format!("HTTP/1.1 {status} x\r\nConnection: close\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: Content-Range, ETag, Retry-After\r\n{more}\r\n");
    let Some(file) = file else { return (line(404, "Content-Length: 0\r\n".into()), 0..0) };
    let m = &file.manner;
    if let Some(status) = m.statuses.get(turn) {
        let wait = m.retry_after.map_or_else(String::new, |s| format!("Retry-After: {s}\r\n"));
        return (line(*status, format!("{wait}Content-Length: 0\r\n")), 0..0);
    }
    let changed = if m.changes_at.is_some_and(|t| turn >= t) { "2" } else { "" };
    let etag = m.etag.as_ref().map_or_else(String::new, |e| format!("ETag: \"{e}{changed}\"\r\n"));
    let n = file.length;
    match range.filter(|_| !m.whole) {
        Some((a, _)) if a >= n => (line(416, format!("Content-Range: bytes */{n}\r\nContent-Length: 0\r\n")), 0..0),
        Some((a, b)) => {
            let end = n.min(b + 1);
            let total = if m.secret { "*".into() } else { n.to_string() };
            let shift = a + m.shifted;
            (line(206, format!("{etag}Content-Range: bytes {shift}-{}/{total}\r\nContent-Length: {}\r\n", end - 1 + m.shifted, end - a)), a..end)
        }
        None if m.secret => (line(200, etag), 0..n),
        None => (line(200, format!("{etag}Content-Length: {n}\r\n")), 0..n),
    }
}

/// A client for addresses that begin with `http://`; it waits by noting that it would.
#[derive(Default)]
pub struct PlainFetch {
    /// Milliseconds that were to be waited.
    pub waits: RefCell<Vec<u32>>,
    /// Every request fails so, as often as there are entries.
    pub troubles: RefCell<Vec<Trouble>>,
}

impl Fetch for PlainFetch {
    fn ask<'a>(&'a self, ask: Ask<'a>) -> LocalFuture<'a, Result<Box<dyn Answer>, Trouble>> {
        if let Some(trouble) = self.troubles.borrow_mut().pop() {
            return Box::pin(async move { Err(trouble) });
        }
        let answer = send(&ask).map(|a| Box::new(a) as Box<dyn Answer>).map_err(|e| Trouble::Unreachable(e.to_string()));
        Box::pin(async move { answer })
    }

    fn wait(&self, ms: u32) -> LocalFuture<'_, ()> {
        self.waits.borrow_mut().push(ms);
        Box::pin(async {})
    }
}

fn send(ask: &Ask<'_>) -> std::io::Result<PlainAnswer> {
    let rest = ask.url.strip_prefix("http://").ok_or_else(|| std::io::Error::other("only http here"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host)?;
    let verb = if ask.head { "HEAD" } else { "GET" };
    let range = ask.range_header().map_or_else(String::new, |r| format!("Range: {r}\r\n"));
    stream.write_all(format!("{verb} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{range}\r\n").as_bytes())?;
    let mut body = BufReader::new(stream);
    let mut line = String::new();
    body.read_line(&mut line)?;
    let status = line.split_whitespace().nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| std::io::Error::other("no status"))?;
    let mut head = Head { status, headers: Vec::new() };
    loop {
        line.clear();
        if body.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((k, v)) = line.split_once(':') {
            head.headers.push((k.trim().to_ascii_lowercase(), v.trim().to_owned()));
        }
    }
    let left = if ask.head { Some(0) } else { head.length() };
    Ok(PlainAnswer { head, body, left })
}

struct PlainAnswer {
    head: Head,
    body: BufReader<TcpStream>,
    left: Option<u64>,
}

impl Answer for PlainAnswer {
    fn head(&self) -> &Head {
        &self.head
    }

    fn piece(&mut self) -> LocalFuture<'_, Result<Option<Vec<u8>>, Trouble>> {
        let mut buffer = vec![0; 32 << 10];
        let read = match self.left {
            Some(0) => Ok(0),
            _ => self.body.read(&mut buffer),
        };
        let out = match (read, self.left) {
            (Ok(0), Some(left)) if left > 0 => Err(Trouble::Cut("the other side closed it".into())),
            (Ok(0), _) => Ok(None),
            (Ok(n), left) => {
                self.left = left.map(|l| l.saturating_sub(n as u64));
                buffer.truncate(n);
                Ok(Some(buffer))
            }
            (Err(e), _) => Err(Trouble::Cut(e.to_string())),
        };
        Box::pin(async move { out })
    }
}
