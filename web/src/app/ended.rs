//! Ends of a run that are no results: cancelled, failed, the GPU lost.

use std::rc::Rc;

use espalier_lab::protocol::{Fault, FaultKind};

use crate::app::state::{Asked, LogKind, Lost, State};

/// Two losses within this time are not mended by themselves.
const SHORTLY_MS: f64 = 60_000.0;

impl State {
    pub(super) fn cancelled(&mut self, job: u32, now: f64) {
        if self.run.as_ref().is_some_and(|r| r.job == job) {
            self.stop(now);
            let text = self.stopped.as_ref().map(|s| format!("stopped at {} of {}; what was done is kept", s.done, s.total));
            self.say(LogKind::Note, text.unwrap_or_default(), now);
        }
    }

    pub(super) fn failed(&mut self, job: Option<u32>, fault: Fault, now: f64) {
        let run = self.run.as_ref().filter(|r| job.is_none_or(|j| j == r.job));
        let (place, method) = run.map_or((self.place, String::new()), |r| (r.place, r.method.clone()));
        let asked = run.and_then(|r| r.asked.clone());
        let told = fault.kind == FaultKind::Lost && run.is_none() && self.lost.is_some();
        if fault.kind == FaultKind::Lost {
            let run = run.and_then(|r| Some((r.asked.clone()?, [r.done, r.total])));
            self.lost(run, now);
        }
        match job {
            Some(job) => self.end(job),
            // A failure without a job ends an opening: openings carry none.
            None if method == "open" => self.run = None,
            None => {}
        }
        if told {
            // What else was asked of the same device: one message about it is enough.
            self.log(LogKind::Warn, fault.what, now);
        } else {
            self.loosen(&method);
            self.fault(place, &method, fault, now);
            self.faults.iter_mut().last().into_iter().for_each(|f| f.asked.clone_from(&asked));
        }
    }

    /// Forgets that a method was short of memory: what is said next says it anew.
    pub(super) fn loosen(&mut self, method: &str) {
        self.faults.retain(|f| f.method != method || f.fault.kind != FaultKind::Tight);
    }

    /// The first loss within a minute is mended by itself: the run begins again on a fresh device, with what it had found.
    fn lost(&mut self, run: Option<(Rc<Asked>, [f64; 2])>, now: f64) {
        let Some((asked, done)) = run else { return };
        let again = self.lost.as_ref().is_none_or(|l| now - l.at_ms > SHORTLY_MS);
        if again {
            Rc::make_mut(&mut self.queue).insert(0, (*asked).clone());
            self.queue_held = false;
        }
        self.lost = Some(Lost { at_ms: now, asked, done, again });
        // One message about the GPU is enough.
        self.faults.retain(|f| f.fault.kind != FaultKind::Lost);
    }

    pub(super) fn end(&mut self, job: u32) {
        if self.run.as_ref().is_some_and(|r| r.job == job) {
            self.run = None;
        }
    }

    pub(super) fn say(&mut self, kind: LogKind, text: String, now: f64) {
        self.announced.clone_from(&text);
        self.log(kind, text, now);
    }
}
