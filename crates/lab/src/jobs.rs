//! Running jobs: their cancel flags, and the sink through which a method speaks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use espalier_methods::method::{LocalFuture, MethodError, Sink};

use espalier_methods::pool::Pool;
use espalier_methods::report::Event;
use espalier_tensor::Cancel;

use crate::host::Host;
use crate::protocol::Reply;

/// The event loop gets its turn at least this often (milliseconds).
const BREATH_MS: f64 = 40.0;

/// One running job.
pub(crate) struct Job {
    pub id: u32,
    /// What it is, so that a second start of the same cancels the first: `run welore`, `export`.
    key: String,
    cancel: Cancel,
}

/// The running jobs.
#[derive(Default)]
pub(crate) struct Jobs(RefCell<Vec<Job>>);

impl Jobs {
    /// Registers a job; one of the same key that still runs is cancelled.
    pub fn start(&self, host: &Rc<dyn Host>, id: u32, key: String) -> JobSink {
        let cancel = Cancel::new();
        let mut jobs = self.0.borrow_mut();
        jobs.iter().filter(|j| j.key == key).for_each(|j| j.cancel.cancel());
        jobs.push(Job { id, key: key.clone(), cancel: cancel.clone() });
        JobSink { host: host.clone(), id, key, cancel, breathed: Cell::new(host.now_ms()) }
    }

    /// Asks a job to stop; a job that is over is over.
    pub fn cancel(&self, id: u32) {
        self.0.borrow().iter().filter(|j| j.id == id).for_each(|j| j.cancel.cancel());
    }

    /// Asks the job of that key to stop.
    pub fn cancel_key(&self, key: &str) {
        self.0.borrow().iter().filter(|j| j.key == key).for_each(|j| j.cancel.cancel());
    }

    /// Asks all jobs to stop.
    pub fn cancel_all(&self) {
        self.0.borrow().iter().for_each(|j| j.cancel.cancel());
    }

    /// Forgets a job that has ended.
    pub fn end(&self, sink: &JobSink) {
        let mut jobs = self.0.borrow_mut();
        if let Some(i) = jobs.iter().position(|j| j.id == sink.id && j.key == sink.key) {
            jobs.remove(i);
        }
    }
}

/// A method's way to the face.
pub(crate) struct JobSink {
    host: Rc<dyn Host>,
    pub id: u32,
    key: String,
    /// Goes up when the job is to stop.
    pub cancel: Cancel,
    breathed: Cell<f64>,
}

impl JobSink {
    /// True once the job was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

impl Sink for JobSink {
    fn cancelled(&self) -> LocalFuture<'_, ()> {
        Box::pin(self.cancel.cancelled())
    }

    fn pool(&self) -> Option<Rc<dyn Pool>> {
        self.host.pool()
    }

    fn event(&self, event: Event) {
        // What a stopped job still says would only confuse.
        if !self.cancel.is_cancelled() {
            self.host.reply(Reply::Event { job: self.id, event });
        }
    }

    fn breathe(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        Box::pin(async move {
            if !self.cancel.is_cancelled() && self.host.now_ms() - self.breathed.get() >= BREATH_MS {
                self.host.pause().await;
                self.breathed.set(self.host.now_ms());
            }
            if self.cancel.is_cancelled() { Err(MethodError::Cancelled) } else { Ok(()) }
        })
    }
}
