//! Running jobs: their cancel flags, and the sink through which a method speaks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use futures::lock::{Mutex, OwnedMutexGuard};

use espalier_methods::method::{LocalFuture, MethodError, Sink};

use espalier_methods::pool::Pool;
use espalier_methods::report::Event;
use espalier_methods::training::Control;
use espalier_tensor::Cancel;

use crate::host::Host;
use crate::protocol::{Pace, Reply};

/// The event loop gets its turn at least this often (milliseconds).
const BREATH_MS: f64 = 40.0;

/// One running job.
pub(crate) struct Job {
    pub id: u32,
    /// What it is, so that a second start of the same cancels the first: `run welore`, `export`.
    key: String,
    cancel: Cancel,
    control: Rc<Control>,
}

impl Job {
    /// Asks it to stop; one that waits wakes to see it.
    fn stop(&self) {
        self.cancel.cancel();
        self.control.play();
    }
}

/// The running jobs.
#[derive(Default)]
pub(crate) struct Jobs {
    all: RefCell<Vec<Job>>,
    /// A device says later that it had no room, and not for whom: so one job at a time works with it.
    device: Arc<Mutex<()>>,
}

impl Jobs {
    /// Registers a job; one of the same key that still runs is cancelled.
    pub fn start(&self, host: &Rc<dyn Host>, id: u32, key: String) -> JobSink {
        let (cancel, control) = (Cancel::new(), Rc::<Control>::default());
        let mut jobs = self.all.borrow_mut();
        jobs.iter().filter(|j| j.key == key).for_each(Job::stop);
        jobs.push(Job { id, key: key.clone(), cancel: cancel.clone(), control: control.clone() });
        JobSink { host: host.clone(), id, key, cancel, control, breathed: Cell::new(host.now_ms()), device: self.device.clone(), turn: RefCell::default() }
    }

    /// Asks a job to stop; a job that is over is over.
    pub fn cancel(&self, id: u32) {
        self.all.borrow().iter().filter(|j| j.id == id).for_each(Job::stop);
    }

    /// Asks the job of that key to stop.
    pub fn cancel_key(&self, key: &str) {
        self.all.borrow().iter().filter(|j| j.key == key).for_each(Job::stop);
    }

    /// Sets a job's pace; a job that is over is over.
    pub fn pace(&self, id: u32, pace: Pace) {
        for job in self.all.borrow().iter().filter(|j| j.id == id) {
            match pace {
                Pace::Play => job.control.play(),
                Pace::Pause => job.control.pause(),
                Pace::Step(steps) => job.control.step(steps),
                Pace::Enough => job.control.enough(),
                Pace::Save => job.control.save(),
            }
        }
    }

    /// Asks all jobs to stop.
    pub fn cancel_all(&self) {
        self.all.borrow().iter().for_each(Job::stop);
    }

    /// Forgets a job that has ended.
    pub fn end(&self, sink: &JobSink) {
        let mut jobs = self.all.borrow_mut();
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
    control: Rc<Control>,
    breathed: Cell<f64>,
    device: Arc<Mutex<()>>,
    turn: RefCell<Option<OwnedMutexGuard<()>>>,
}

impl JobSink {
    /// True once the job was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Waits until no other job works with the device; it is this job's until it ends.
    pub async fn take_turn(&self) {
        if self.turn.borrow().is_none() {
            let turn = self.device.clone().lock_owned().await;
            self.turn.replace(Some(turn));
        }
    }
}

impl Sink for JobSink {
    fn cancelled(&self) -> LocalFuture<'_, ()> {
        Box::pin(self.cancel.cancelled())
    }

    fn pool(&self) -> Option<Rc<dyn Pool>> {
        self.host.pool()
    }

    fn waits(&self) -> bool {
        self.control.is_paused() && !self.cancel.is_cancelled()
    }

    fn enough(&self) -> bool {
        self.control.is_enough()
    }

    fn wanted(&self) -> bool {
        self.control.is_wanted()
    }

    fn given(&self) {
        self.control.given();
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

    fn step(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        Box::pin(async move {
            if self.waits() && !self.control.is_wanted() {
                self.event(Event::Waits);
            }
            self.control.leave().await;
            // A cancel lets go of who waits.
            if self.cancel.is_cancelled() { Err(MethodError::Cancelled) } else { Ok(()) }
        })
    }
}
