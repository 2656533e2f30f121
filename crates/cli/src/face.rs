//! The command line as the engine's host: collects answers, shows progress, and says where an export goes.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use espalier_lab::Host;
use espalier_lab::protocol::Reply;
use espalier_lab::threads::Threads;
use espalier_methods::pool::Pool;
use espalier_methods::report::{Event, Finding};
use espalier_methods::urban::picture::Urban;
use espalier_nets::checkpoint::{ByteSink, FileSink, LocalFuture, SinkError};
use indicatif::{ProgressBar, ProgressStyle};

/// Progress on standard error (nothing where that is no terminal); answers are kept until they are asked for.
pub struct Face {
    started: Instant,
    replies: RefCell<Vec<Reply>>,
    bar: RefCell<Option<ProgressBar>>,
    out: RefCell<Option<PathBuf>>,
    quiet: Cell<bool>,
    pool: OnceCell<Option<Rc<dyn Pool>>>,
    /// What was said already: an export plans once more what the run has planned.
    said: RefCell<HashSet<String>>,
}

impl Face {
    /// A face that has heard nothing.
    pub fn new() -> Rc<Self> {
        Rc::new(Self { started: Instant::now(), replies: RefCell::default(), bar: RefCell::default(), out: RefCell::default(), quiet: Cell::new(false), pool: OnceCell::new(), said: RefCell::default() })
    }

    /// The answers so far.
    pub fn take(&self) -> Vec<Reply> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.replies.take()
    }

    /// Where the next export goes.
    pub fn write_to(&self, path: PathBuf) {
        self.out.replace(Some(path));
    }

    /// Notes and warnings are said as they come, or kept to the report.
    pub fn quiet(&self, quiet: bool) {
        self.quiet.set(quiet);
    }

    fn progress(&self, done: f64, total: f64, unit: &str, label: &str) {
        let mut slot = self.bar.borrow_mut();
        let bar = slot.get_or_insert_with(|| {
            let bar = ProgressBar::new(0);
            let counts = if unit == "bytes" { "{decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}" } else { "{pos}/{len}" };
            let style = ProgressStyle::with_template(&format!("{{bar:30}} {counts} {} {{msg}} ({{elapsed}}, {{eta}} left)", if unit == "bytes" { "" } else { unit }));
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_length(total.max(0.0) as u64);
        bar.set_position(done.max(0.0) as u64);
        bar.set_message(label.to_owned());
        if done >= total {
            bar.finish_and_clear();
            slot.take();
        }
    }

    fn say(&self, text: &str) {
        if self.quiet.get() || !self.said.borrow_mut().insert(text.to_owned()) {
            return;
        }
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }
}

impl Host for Face {
    fn reply(&self, reply: Reply) {
        match reply {
            Reply::Event { event: Event::Progress { done, total, unit, label }, .. } => self.progress(done, total, &unit, &label),
            Reply::Event { event: Event::Note(text), .. } => self.say(&format!("note: {text}")),
            Reply::Event { event: Event::Warning(text), .. } => self.say(&format!("warning: {text}")),
            Reply::Lost { reason, .. } => self.say(&format!("warning: the GPU was lost ({reason}); it is opened again and the work begun anew")),
            Reply::Tight { fault, .. } => self.say(&format!("note: {}; it is tried again in smaller tiles", fault.what)),
            // Not part of any report: the run itself.
            Reply::Event { event: Event::Finding(Finding::Urban(urban)), job } if matches!(*urban, Urban::Saved(_)) => {
                self.replies.borrow_mut().push(Reply::Event { job, event: Event::Finding(Finding::Urban(urban)) });
            }
            // Findings and figures come again in the report.
            Reply::Event { .. } => {}
            reply => self.replies.borrow_mut().push(reply),
        }
    }

    fn now_ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1e3
    }

    fn pool(&self) -> Option<Rc<dyn Pool>> {
        self.pool.get_or_init(|| Threads::all().map(|p| Rc::new(p) as Rc<dyn Pool>)).clone()
    }

    fn pause(&self) -> LocalFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn sink(&self, _job: u32, name: &str) -> Result<Box<dyn ByteSink>, SinkError> {
        match self.out.take() {
            Some(path) => Ok(Box::new(FileSink::create(path)?)),
            None => Err(SinkError { file: name.into(), at: 0, why: "no output was named".into() }),
        }
    }
}
