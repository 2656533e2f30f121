//! A run record done again, step by step, each result held against the recorded one.

use std::collections::HashMap;
use std::rc::Rc;

use espalier_methods::method::{LocalFuture, MethodError, Sink};
use espalier_methods::report::{Event, Finding, Report, Spectrum};
use espalier_nets::checkpoint::remote::{self, Address, HUB};
use espalier_nets::checkpoint::{ByteSink, SinkError};
use sha2::{Digest, Sha256};

use crate::engine::{over, End, Engine, Open, open};
use crate::jobs::JobSink;
use crate::protocol::{Fault, Reply, Slot};
use crate::record::{Check, Named, Outcome, Record, Step, Where, compare, hex, label};

/// A sink that keeps nothing but a digest.
pub(crate) struct Digesting {
    inner: Option<Box<dyn ByteSink>>,
    hash: Rc<std::cell::RefCell<Sha256>>,
}

impl Digesting {
    /// Over another sink, or over nothing.
    pub fn over(inner: Option<Box<dyn ByteSink>>) -> (Self, Rc<std::cell::RefCell<Sha256>>) {
        let hash: Rc<std::cell::RefCell<Sha256>> = Rc::default();
        (Self { inner, hash: hash.clone() }, hash)
    }
}

/// The digest so far, in hex.
pub(crate) fn digest(hash: &std::cell::RefCell<Sha256>) -> String {
    hex(hash.borrow().clone().finalize().as_slice())
}

impl ByteSink for Digesting {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, Result<(), SinkError>> {
        self.hash.borrow_mut().update(bytes);
        match &mut self.inner {
            Some(inner) => inner.write(bytes),
            None => Box::pin(async { Ok(()) }),
        }
    }
    fn finish(&mut self) -> LocalFuture<'_, Result<(), SinkError>> {
        match &mut self.inner {
            Some(inner) => inner.finish(),
            None => Box::pin(async { Ok(()) }),
        }
    }
}

/// Passes progress on; findings of a repetition must not take the place of those on the screen.
struct Muted<'a>(&'a JobSink);

impl Sink for Muted<'_> {
    fn event(&self, event: Event) {
        if matches!(event, Event::Progress { .. }) {
            self.0.event(event);
        }
    }
    fn breathe(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        self.0.breathe()
    }
}

impl Engine {
    pub(crate) async fn replay(&self, text: &str, sink: &JobSink) -> Result<Reply, End> {
        let record = Record::read(text).map_err(|e| Fault::from(&e))?;
        let started = self.host().now_ms();
        let mut places = [self.opened().ok(), self.second().ok()];
        let mut source: Option<String> = None;
        let mut spectra: HashMap<String, Spectrum> = HashMap::new();
        let here = std::env::consts::ARCH;
        let (mut same, mut close, mut different) = (0, 0, 0);
        for (index, step) in record.steps.iter().enumerate() {
            let (title, check) = match step {
                Step::Open { slot, checkpoint } => {
                    places[*slot as usize] = Some(self.reopen(*slot, checkpoint, &places).await?);
                    if *slot == Slot::First {
                        source = Some(checkpoint.name.clone());
                    }
                    (format!("open {}", checkpoint.name), Check::Opened)
                }
                Step::Run { method, config, matrices, known, seed, device, result } => {
                    let open = over(method, first(&places)).await?;
                    let (session, now) = self.session_and_place(sink).await?;
                    let known = known.iter().filter_map(|n| spectra.get(n).cloned()).collect();
                    let report = self.report(&open, method, config.clone(), matrices.clone(), known, *seed, &session, &Muted(sink)).await?;
                    keep(&mut spectra, &report);
                    (format!("run {method}"), compare(result, &Outcome::of(&report), exact(&record, device, &now, here)))
                }
                Step::Diff { config, device, result } => {
                    let (a, b) = (first(&places)?, places[1].clone().ok_or_else(Fault::nothing_second)?);
                    let (session, now) = self.session_and_place(sink).await?;
                    let report = espalier_methods::diff::run(config.clone(), &a.checkpoint, &b.checkpoint, &session, &Muted(sink)).await?;
                    ("compare".into(), compare(result, &Outcome::of(&report), exact(&record, device, &now, here)))
                }
                Step::Export { edits, provenance, bytes, sha256, .. } => {
                    let open = first(&places)?;
                    let (session, _) = self.session_and_place(sink).await?;
                    let kept = self.kept_for(&open, edits, &session, sink).await?;
                    let (mut nowhere, hash) = Digesting::over(None);
                    // The same files may have been opened under another name.
                    let provenance = provenance.iter().cloned().chain(source.iter().map(|name| (crate::export::SOURCE.into(), name.clone()))).collect();
                    let done = crate::export::export(&open, edits, provenance, &session, &**self.host(), sink, &mut nowhere, kept).await?;
                    let check = if digest(&hash) == *sha256 {
                        Check::Same
                    } else {
                        let what = if done.bytes == *bytes { "the bytes of the copy (their SHA-256)" } else { "the length of the copy" };
                        Check::Differs { what: what.into(), recorded: *bytes as f64, now: done.bytes as f64 }
                    };
                    ("write a copy".into(), check)
                }
            };
            match check {
                Check::Same => same += 1,
                Check::Close { .. } => close += 1,
                Check::Differs { .. } => different += 1,
                Check::Opened => {}
            }
            self.host().reply(Reply::Step { job: sink.id, index: index as u32, of: record.steps.len() as u32, title, check });
            sink.breathe().await?;
        }
        let seconds = (self.host().now_ms() - started) / 1e3;
        Ok(Reply::Replayed { job: sink.id, same, close, different, seconds })
    }

    /// The checkpoint of that header: one that is open or was offered, or what lies under its address.
    async fn reopen(&self, slot: Slot, named: &Named, places: &[Option<Rc<Open>>; 2]) -> Result<Rc<Open>, End> {
        // Fine-tuned copies share their header: of several that fit, the one whose files have the recorded names counts, then the one in its place.
        let mut held: Vec<Rc<Open>> = places[slot as usize].iter().chain(places.iter().flatten()).cloned().chain(self.offered()).collect();
        held.retain(|open| open.header_hash == named.header_sha256);
        let same = |open: &&Rc<Open>| open.checkpoint.files.iter().map(|f| f.name()).eq(named.files.iter().map(|(n, _)| n.as_str()));
        if let Some(open) = held.iter().find(same).or(held.first()) {
            return Ok(open.clone());
        }
        if let (Some(address), Some(fetch)) = (&named.address, self.host().fetch())
            && let Ok(place) = Address::parse(address, HUB)
            && let Ok(found) = remote::find(fetch, &place, Rc::new(|_, _, _| {})).await
        {
            let (open, _) = open(Some(found.name), found.sources, found.notes).await?;
            if open.header_hash == named.header_sha256 {
                return Ok(Rc::new(open));
            }
        }
        Err(Fault::other_checkpoint(named).into())
    }
}

/// Bits can only be equal where the same kind of processor did the same on the CPU.
fn exact(record: &Record, then: &Where, now: &Where, here: &str) -> bool {
    !then.gpu && !now.gpu && record.platform == here && record.espalier == env!("CARGO_PKG_VERSION")
}

fn first(places: &[Option<Rc<Open>>; 2]) -> Result<Rc<Open>, Fault> {
    places[Slot::First as usize].clone().ok_or_else(Fault::nothing_open)
}

fn keep(spectra: &mut HashMap<String, Spectrum>, report: &Report) {
    for finding in &report.findings {
        if let Finding::Spectrum(s) = finding {
            spectra.insert(label(s), s.clone());
        }
    }
}
