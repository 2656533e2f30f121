//! A face made for tests: keeps what the engine says, writes exports into memory, and can act at a given answer.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use espalier_lab::protocol::{Command, Reply, Summary};
use espalier_lab::{Engine, Fault, Host, NoAdapter};
use espalier_methods::pool::Pool;
use espalier_methods::report::{Event, Finding, Report, Spectrum};
use espalier_nets::checkpoint::{ByteSink, ByteSource, LocalFuture, SinkError};
use espalier_nets::testing::source;

type Act = Box<dyn Fn(&Reply)>;

/// The face.
#[derive(Default)]
pub struct Bench {
    pub replies: RefCell<Vec<Reply>>,
    /// Steps of the record, as they were noted.
    pub noted: RefCell<Vec<String>>,
    /// Every look at the clock takes so long (milliseconds): over 40 and each breath is a pause.
    pub tick: Cell<f64>,
    clock: Cell<f64>,
    pub pauses: Cell<u32>,
    pub written: Rc<RefCell<Vec<u8>>>,
    pub finished: Rc<Cell<bool>>,
    /// Called with every answer before it is kept.
    pub act: RefCell<Option<Act>>,
    pub no_gpu: Cell<Option<NoAdapter>>,
    /// The sink fails after so many bytes.
    pub room: Cell<Option<usize>>,
    pub pool: RefCell<Option<Rc<dyn Pool>>>,
    /// What a run may hold.
    pub memory: Cell<Option<f64>>,
}

impl Host for Bench {
    fn reply(&self, reply: Reply) {
        if let Some(act) = &*self.act.borrow() {
            act(&reply);
        }
        self.replies.borrow_mut().push(reply);
    }
    fn noted(&self, step: &str) {
        self.noted.borrow_mut().push(step.into());
    }
    fn now_ms(&self) -> f64 {
        self.clock.set(self.clock.get() + self.tick.get());
        self.clock.get()
    }
    fn pause(&self) -> LocalFuture<'_, ()> {
        self.pauses.set(self.pauses.get() + 1);
        let mut first = true;
        Box::pin(poll_fn(move |context| {
            if std::mem::take(&mut first) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        }))
    }
    fn sink(&self, _job: u32, name: &str) -> Result<Box<dyn ByteSink>, SinkError> {
        self.written.borrow_mut().clear();
        self.finished.set(false);
        Ok(Box::new(Memory { name: name.into(), bytes: self.written.clone(), finished: self.finished.clone(), room: self.room.get() }))
    }
    fn pool(&self) -> Option<Rc<dyn Pool>> {
        self.pool.borrow().clone()
    }
    fn memory(&self) -> Option<f64> {
        self.memory.get()
    }
    fn no_gpu(&self) -> Option<NoAdapter> {
        self.no_gpu.get()
    }
}

struct Memory {
    name: String,
    bytes: Rc<RefCell<Vec<u8>>>,
    finished: Rc<Cell<bool>>,
    room: Option<usize>,
}

impl ByteSink for Memory {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, Result<(), SinkError>> {
        let mut all = self.bytes.borrow_mut();
        let full = self.room.is_some_and(|r| all.len() + bytes.len() > r);
        let error = SinkError { file: self.name.clone(), at: all.len() as u64, why: "no space left".into() };
        if !full {
            all.extend_from_slice(bytes);
        }
        Box::pin(async move { if full { Err(error) } else { Ok(()) } })
    }
    fn finish(&mut self) -> LocalFuture<'_, Result<(), SinkError>> {
        self.finished.set(true);
        Box::pin(async { Ok(()) })
    }
}

/// An engine on the CPU and its face.
pub fn bench() -> (Engine, Rc<Bench>) {
    let face = Rc::new(Bench { tick: Cell::new(1.0), ..Bench::default() });
    let engine = Engine::new(face.clone() as Rc<dyn Host>);
    do_now(&engine, Command::Device(espalier_lab::protocol::DeviceChoice::Cpu));
    face.replies.take();
    (engine, face)
}

/// Runs a command to its end.
pub fn do_now(engine: &Engine, command: Command) {
    pollster::block_on(engine.handle(command));
}

/// Opens bytes under a name.
pub fn open(engine: &Engine, face: &Bench, name: &str, bytes: &[u8]) -> Result<Summary, Fault> {
    open_all(engine, face, vec![source(name, bytes)])
}

/// Opens several files.
pub fn open_all(engine: &Engine, face: &Bench, sources: Vec<Rc<dyn ByteSource>>) -> Result<Summary, Fault> {
    let said = pollster::block_on(engine.open(None, sources));
    match face.replies.borrow_mut().pop() {
        Some(Reply::Opened(summary)) => {
            assert!(said);
            Ok(*summary)
        }
        Some(Reply::Failed { job: None, fault }) => {
            assert!(!said);
            Err(fault)
        }
        other => panic!("{other:?}"),
    }
}

/// The last answer, after a command.
pub fn answer(engine: &Engine, face: &Bench, command: Command) -> Reply {
    do_now(engine, command);
    face.replies.borrow().last().cloned().expect("an answer")
}

/// A run of all matrices.
pub fn run_command(job: u32, method: &str, config: serde_json::Value) -> Command {
    Command::Run { job, method: method.into(), config, matrices: None, known: Vec::new(), seed: 0 }
}

/// The report of a run.
pub fn run(engine: &Engine, face: &Bench, method: &str, config: serde_json::Value) -> Report {
    match answer(engine, face, run_command(1, method, config)) {
        Reply::Done { job: 1, report, .. } => *report,
        other => panic!("{other:?}"),
    }
}

/// Spectra among the events so far.
pub fn spectra(face: &Bench) -> Vec<Spectrum> {
    let spectrum = |r: &Reply| match r {
        Reply::Event { event: Event::Finding(Finding::Spectrum(s)), .. } => Some(s.clone()),
        _ => None,
    };
    face.replies.borrow().iter().filter_map(spectrum).collect()
}

/// Every part of a message says something.
pub fn whole(fault: &Fault) {
    for part in [&fault.what, &fault.why, &fault.advice, &fault.details] {
        assert!(part.trim().len() > 5, "{fault:?}");
    }
    assert!(fault.details.contains(env!("CARGO_PKG_VERSION")), "{fault:?}");
}
