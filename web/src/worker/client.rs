//! The page's side of the worker: starts it, talks to it, notices when it ends, starts it again and opens the same files.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use espalier_lab::{needs_whole, record};
use espalier_lab::protocol::{Command, DeviceChoice, Reply, Slot};
use espalier_methods::urban::town::PointFile;
use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use gloo::worker::{Spawnable, WorkerBridge};
use wasm_bindgen::JsCast;
use web_sys::{Blob, ErrorEvent, File, Worker};
use yew::Callback;

use super::capture::capture;
use super::codec::JsCodec;
use super::lab_worker::LabWorker;
use super::message::{FromLab, Handle, ToLab};
use super::wire::{Packed, Sealed};

/// The loader that Trunk writes beside the worker that a visit starts with.
const SMALL: &str = "./worker_loader.js";
/// The same of the worker with everything.
const WHOLE: &str = "./worker-whole_loader.js";
/// A worker that has said nothing for this long after its start is reported; it is not ended, a slow line may still bring it.
const START_MS: u32 = 60_000;
/// So many crashes within [`CRASH_WINDOW_MS`] and the worker is not started again by itself.
const CRASH_LIMIT: usize = 3;
const CRASH_WINDOW_MS: f64 = 30_000.0;

/// What the page hears.
#[derive(Clone, Debug)]
pub enum FromWorker {
    /// The engine has multiplied two matrices; its device is announced next.
    Multiplied,
    /// The engine's answer.
    Reply(Sealed<Reply>),
    /// A job that had not begun is not begun.
    Cancelled {
        /// Job.
        job: u32,
    },
    /// The bytes of a finished export; [`Reply::Exported`] with the same job follows.
    Exported {
        /// Job.
        job: u32,
        /// The file.
        blob: Blob,
        /// What to call it.
        name: String,
    },
    /// The worker ended; its running jobs are lost, what the page holds stays good.
    Crashed {
        /// What is known of the reason, and what to do where nothing follows by itself.
        message: String,
    },
    /// A fresh worker is there. If a checkpoint was open, [`Reply::Opened`] with the same `header_hash` follows.
    Restarted,
    /// The worker with everything has taken the place of the small one, and is opening the same files.
    Grown,
}

/// What is open or being opened, kept so that a fresh worker can open it again.
#[derive(Clone)]
enum Opening {
    Files(Vec<File>),
    Bundled { name: String, urls: Vec<String> },
    Address { address: String, endpoint: Option<String> },
}

impl Opening {
    fn message(&self, ticket: u32, slot: Slot) -> ToLab {
        match self {
            Self::Address { address, endpoint } => ToLab::Address { ticket, slot, address: address.clone(), endpoint: endpoint.clone() },
            Self::Files(files) => ToLab::Files { ticket, slot, files: files.iter().map(|f| Handle(f.clone().into())).collect() },
            Self::Bundled { name, urls } => ToLab::Bundled { ticket, slot, name: name.clone(), urls: urls.clone() },
        }
    }
}

/// One living worker.
struct Link {
    bridge: WorkerBridge<LabWorker>,
    native: Option<Worker>,
    _error: Option<EventListener>,
    watch: Option<Timeout>,
}

#[derive(Default)]
struct State {
    link: Option<Link>,
    /// Counts workers, so that late words of an ended one are not taken for the new one's.
    generation: u32,
    /// What the living worker holds.
    open: [Option<Opening>; 2],
    /// What it is opening, by ticket, oldest first.
    pending: Vec<(u32, Slot, Opening)>,
    tickets: u32,
    device: Option<DeviceChoice>,
    /// Something was asked for that only the worker with everything can do; from then on it is the one that runs.
    whole: bool,
    /// Files of points that were given, for a fresh worker: no run brings them along.
    points: Vec<PointFile>,
    /// What was done, each step as its text: a fresh worker's record begins with it.
    done: Vec<String>,
    /// A fresh worker is opening what the last one had open.
    reopening: bool,
    /// Jobs asked of a fresh worker before it had the files open again.
    held: Vec<Command>,
    crashes: Vec<f64>,
}

impl State {
    fn ask(&mut self, slot: Slot, opening: Opening) {
        self.tickets += 1;
        if let Some(link) = &self.link {
            link.bridge.send(opening.message(self.tickets, slot));
        }
        self.pending.push((self.tickets, slot, opening));
    }
}

struct Inner {
    on: Callback<FromWorker>,
    state: RefCell<State>,
}

/// Handle to the worker; clones talk to the same one.
#[derive(Clone)]
pub struct Client(Rc<Inner>);

impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Client {
    /// Starts the worker. Everything it says goes to `on`.
    pub fn start(on: Callback<FromWorker>) -> Self {
        let client = Self(Rc::new(Inner { on, state: RefCell::default() }));
        client.spawn();
        client
    }

    /// Opens local files: [`Reply::Opened`], or [`Reply::Failed`] and what was open stays open.
    pub fn open_files(&self, files: Vec<File>) {
        self.open(Slot::First, Opening::Files(files));
    }

    /// Opens local files to compare with: [`Reply::OpenedSecond`] or [`Reply::Failed`].
    pub fn open_second(&self, files: Vec<File>) {
        self.open(Slot::Second, Opening::Files(files));
    }

    /// Opens what lies under a Hub id or an address; `endpoint` is a mirror of the Hub, for ids.
    pub fn open_address(&self, slot: Slot, address: &str, endpoint: Option<String>) {
        self.grow();
        self.open(slot, Opening::Address { address: address.into(), endpoint });
    }

    /// Opens files on the page's own server; `urls` are relative to the page.
    pub fn open_bundled(&self, name: &str, urls: Vec<String>) {
        // The worker's script may lie elsewhere than the page, so addresses are made whole here.
        let base = gloo::utils::document().base_uri().ok().flatten().unwrap_or_default();
        let whole = |u: String| web_sys::Url::new_with_base(&u, &base).map_or(u, |w| w.href());
        self.open(Slot::First, Opening::Bundled { name: name.into(), urls: urls.into_iter().map(whole).collect() });
    }

    /// Sends a request to the engine.
    pub fn send(&self, command: Command) {
        match &command {
            Command::Device(choice) => self.0.state.borrow_mut().device = Some(*choice),
            Command::Close => self.0.state.borrow_mut().open[0] = None,
            Command::CloseSecond => self.0.state.borrow_mut().open[1] = None,
            Command::Points(file) => {
                let points = &mut self.0.state.borrow_mut().points;
                points.retain(|p| p.name != file.name);
                points.push(file.clone());
            }
            _ => {}
        }
        if needs_whole(&command) {
            self.grow();
        }
        self.awake();
        if let Some(command) = self.hold(command)
            && let Some(link) = &self.0.state.borrow().link
        {
            link.bridge.send(ToLab::Command(Packed(command)));
        }
    }

    /// Ends the worker at once, whatever it is in, starts a fresh one and opens the same files again. Says [`FromWorker::Restarted`].
    pub fn stop_now(&self) {
        let link = self.0.state.borrow_mut().link.take();
        self.0.state.borrow_mut().held.clear();
        end(link);
        self.restart();
    }

    /// Keeps a job until the files are open again, and gives back everything else. A job that is cancelled meanwhile never begins.
    fn hold(&self, command: Command) -> Option<Command> {
        let state = &mut *self.0.state.borrow_mut();
        if let Command::Cancel { job } = command {
            let before = state.held.len();
            state.held.retain(|held| held.job() != Some(job));
            if state.held.len() < before {
                let on = self.0.on.clone();
                Timeout::new(0, move || on.emit(FromWorker::Cancelled { job })).forget();
                return None;
            }
        } else if state.reopening && command.job().is_some() {
            state.held.push(command);
            return None;
        }
        Some(command)
    }

    /// Puts the worker with everything in the place of the small one; the same files are opened in it.
    fn grow(&self) {
        if std::mem::replace(&mut self.0.state.borrow_mut().whole, true) {
            return;
        }
        let link = self.0.state.borrow_mut().link.take();
        end(link);
        self.begin();
        self.0.on.emit(FromWorker::Grown);
    }

    fn open(&self, slot: Slot, opening: Opening) {
        self.awake();
        self.0.state.borrow_mut().ask(slot, opening);
    }

    /// Starts a worker where the last was given up.
    fn awake(&self) {
        if self.0.state.borrow().link.is_none() {
            self.restart();
        }
    }

    fn restart(&self) {
        self.begin();
        self.0.on.emit(FromWorker::Restarted);
    }

    /// Starts a worker with the record, the device and the files of the last.
    fn begin(&self) {
        self.spawn();
        let mut state = self.0.state.borrow_mut();
        if let Some(link) = state.link.as_ref().filter(|_| !state.done.is_empty()) {
            link.bridge.send(ToLab::Done(state.done.clone()));
        }
        if let (Some(device), Some(link)) = (state.device, &state.link) {
            link.bridge.send(ToLab::Command(Packed(Command::Device(device))));
        }
        if let Some(link) = &state.link {
            state.points.iter().for_each(|file| link.bridge.send(ToLab::Command(Packed(Command::Points(file.clone())))));
        }
        // Until it is open again it counts as being opened: if the files themselves end the worker, they are left alone then.
        let [first, second] = std::mem::take(&mut state.open);
        let pending = std::mem::take(&mut state.pending);
        let open = first.map(|o| (Slot::First, o)).into_iter().chain(second.map(|o| (Slot::Second, o)));
        open.chain(pending.into_iter().map(|(_, slot, o)| (slot, o))).for_each(|(slot, o)| state.ask(slot, o));
        state.reopening = !state.pending.is_empty();
    }

    fn spawn(&self) {
        let (generation, loader) = {
            let mut state = self.0.state.borrow_mut();
            state.generation += 1;
            (state.generation, if state.whole { WHOLE } else { SMALL })
        };
        let weak = Rc::downgrade(&self.0);
        let hear = {
            let weak = weak.clone();
            move |message| {
                if let Some(client) = current(&weak, generation) {
                    client.hear(message);
                }
            }
        };
        let (bridge, native) = capture(|| {
            LabWorker::spawner().encoding::<JsCodec>().callback(hear).with_loader(true).as_module(false).spawn(loader)
        });
        let error = native.as_ref().map(|worker| {
            let weak = weak.clone();
            EventListener::new(worker, "error", move |event| {
                if let Some(client) = current(&weak, generation) {
                    client.crashed(match event.dyn_ref::<ErrorEvent>() {
                        Some(e) if !e.message().is_empty() => e.message(),
                        _ => "its script could not be loaded".into(),
                    });
                }
            })
        });
        let watch = Timeout::new(START_MS, move || {
            if let Some(client) = current(&weak, generation) {
                let message = "the worker has not started after 60 s; if this stays so, reload the page or try a current browser";
                client.0.on.emit(FromWorker::Crashed { message: message.into() });
            }
        });
        self.0.state.borrow_mut().link = Some(Link { bridge, native, _error: error, watch: Some(watch) });
    }

    fn hear(&self, message: FromLab) {
        match message {
            FromLab::Alive => {
                if let Some(link) = &mut self.0.state.borrow_mut().link {
                    link.watch = None;
                }
            }
            FromLab::Settled { ticket, ok } => {
                let mut state = self.0.state.borrow_mut();
                if let Some(i) = state.pending.iter().position(|(t, ..)| *t == ticket) {
                    let (_, slot, opening) = state.pending.remove(i);
                    if ok {
                        state.open[slot as usize] = Some(opening);
                    }
                }
                if state.pending.is_empty() {
                    state.reopening = false;
                    let held = std::mem::take(&mut state.held);
                    drop(state);
                    held.into_iter().for_each(|command| self.send(command));
                }
            }
            FromLab::Noted(step) => record::keep(&mut self.0.state.borrow_mut().done, step),
            FromLab::Multiplied => self.0.on.emit(FromWorker::Multiplied),
            FromLab::Reply(reply) => self.0.on.emit(FromWorker::Reply(reply)),
            FromLab::Exported { job, blob, name } => match blob.0.dyn_into::<Blob>() {
                Ok(blob) => self.0.on.emit(FromWorker::Exported { job, blob, name }),
                Err(_) => self.crashed("the export came back as something that is not a file".into()),
            },
            FromLab::Panicked { message } => self.crashed(message),
        }
    }

    fn crashed(&self, message: String) {
        let (link, again) = {
            let mut state = self.0.state.borrow_mut();
            let now = js_sys::Date::now();
            state.crashes.retain(|t| now - t < CRASH_WINDOW_MS);
            state.crashes.push(now);
            state.held.clear();
            // What was being opened is the first suspect.
            if !state.pending.is_empty() {
                state.pending.remove(0);
            }
            (state.link.take(), state.crashes.len() < CRASH_LIMIT)
        };
        end(link);
        let advice = if again { "" } else { "; it ended three times within half a minute and waits for your next action" };
        self.0.on.emit(FromWorker::Crashed { message: format!("{message}{advice}") });
        if again {
            self.restart();
        }
    }
}

/// The client, if it is still there and `generation` is its living worker.
fn current(weak: &Weak<Inner>, generation: u32) -> Option<Client> {
    let client = Client(weak.upgrade()?);
    let same = client.0.state.borrow().generation == generation && client.0.state.borrow().link.is_some();
    same.then_some(client)
}

fn end(link: Option<Link>) {
    if let Some(Link { native: Some(worker), .. }) = &link {
        worker.terminate();
    }
    // Dropping the bridge posts gloo's farewell, which a terminated worker does not hear.
    drop(link);
}
