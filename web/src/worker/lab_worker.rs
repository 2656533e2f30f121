//! The worker: gloo's actor around the engine.

use std::cell::RefCell;
use std::rc::Rc;

use espalier_lab::protocol::Reply;
use espalier_lab::{Engine, Fault};
use espalier_methods::report::Event;
use espalier_nets::checkpoint::remote::RemoteSource;
use espalier_nets::checkpoint::{ByteSource, CheckpointError, SourceError};
use gloo::worker::{HandlerId, WorkerScope};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::blob_source::BlobSource;
use super::fetch::BrowserFetch;
use super::host::WorkerHost;
use super::message::{FromLab, Handle, ToLab};
use super::program;
use super::wire::{Packed, Sealed};

type Mouth = Box<dyn Fn(FromLab)>;

thread_local!(static MOUTH: RefCell<Option<Mouth>> = const { RefCell::new(None) });

/// Says something to the page; before the page has connected nobody hears it.
pub fn say(message: FromLab) {
    MOUTH.with_borrow(|mouth| {
        if let Some(mouth) = mouth {
            mouth(message);
        }
    });
}

/// gloo's actor.
pub struct LabWorker {
    engine: Engine,
}

impl gloo::worker::Worker for LabWorker {
    type Message = ();
    type Input = ToLab;
    type Output = FromLab;

    fn create(_: &WorkerScope<Self>) -> Self {
        Self { engine: Engine::with(Rc::new(WorkerHost::new()), program::repertoire()) }
    }

    fn update(&mut self, _: &WorkerScope<Self>, (): ()) {}

    fn connected(&mut self, scope: &WorkerScope<Self>, id: HandlerId) {
        let scope = scope.clone();
        MOUTH.set(Some(Box::new(move |message| scope.respond(id, message))));
        say(FromLab::Alive);
    }

    fn received(&mut self, _: &WorkerScope<Self>, message: ToLab, _: HandlerId) {
        let engine = self.engine.clone();
        match message {
            ToLab::Done(steps) => engine.remember(steps),
            ToLab::Command(Packed(command)) => spawn_local(engine.handle(command)),
            ToLab::Files { ticket, slot, files } => spawn_local(async move {
                let ok = engine.open_in(slot, None, local(files)).await;
                say(FromLab::Settled { ticket, ok });
            }),
            ToLab::Address { ticket, slot, address, endpoint } => spawn_local(async move {
                let ok = engine.open_address(slot, address, endpoint, Rc::new(progress)).await;
                say(FromLab::Settled { ticket, ok });
            }),
            ToLab::Bundled { ticket, slot, name, urls } => spawn_local(async move {
                let ok = match remote(&name, urls).await {
                    Ok(sources) => engine.open_in(slot, Some(name), sources).await,
                    Err(e) => {
                        answer(&Reply::Failed { job: None, fault: Fault::from(&CheckpointError::Source(e)) });
                        false
                    }
                };
                say(FromLab::Settled { ticket, ok });
            }),
        }
    }
}

fn local(files: Vec<Handle>) -> Vec<Rc<dyn ByteSource>> {
    let file = |h: Handle| h.0.dyn_into::<File>().ok();
    files.into_iter().filter_map(file).map(|f| Rc::new(BlobSource::new(f)) as Rc<dyn ByteSource>).collect()
}

/// Opens the addresses at once; their bytes come later.
async fn remote(folder: &str, urls: Vec<String>) -> Result<Vec<Rc<dyn ByteSource>>, SourceError> {
    let open = urls.into_iter().map(|url| async move {
        let path = url.split(['?', '#']).next().unwrap_or(&url);
        let name = format!("{folder}/{}", path.rsplit('/').next().unwrap_or(path));
        let source = RemoteSource::open(Rc::new(BrowserFetch), name, url, Rc::new(progress)).await?;
        Ok(Rc::new(source) as Rc<dyn ByteSource>)
    });
    futures::future::try_join_all(open).await
}

/// Sends an answer of the engine to the page.
pub(super) fn answer(reply: &Reply) {
    say(FromLab::Reply(Sealed::of(reply).expect("every answer can be written")));
}

/// Bytes that come over the network belong to no job of the page: they are told as job 0.
fn progress(file: &str, done: u64, total: u64) {
    let event = Event::Progress { done: done as f64, total: total as f64, unit: "bytes".into(), label: file.into() };
    answer(&Reply::Event { job: 0, event });
}
