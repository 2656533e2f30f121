//! The reducer: old state and action in, new state out. Pure.

use std::rc::Rc;

use espalier_lab::protocol::{Fault, FaultKind};
use yew::Reducible;

use crate::app::action::Action;
use crate::app::history::Gesture;
use crate::app::language::PRUNE;
use crate::app::state::{Edit, LOG_LINES, LogKind, LogLine, Place, PlacedFault, Selection, Sheet, State, Stopped};

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        next.apply(action);
        next.revision += 1;
        Rc::new(next)
    }
}

impl State {
    /// Applies one action in place.
    pub fn apply(&mut self, action: Action) {
        match action {
            Action::Go(place) => {
                self.place = place;
                self.sheet = Sheet::None;
            }
            Action::Select(selection) => self.edit(|e| e.selection = selection, Gesture::Step),
            Action::SelectBlock(block) => self.select_block(block),
            Action::Asked(target) => {
                self.asked = target;
                self.stranger = None;
            }
            Action::DismissLink => self.link_notes = Rc::default(),
            Action::Begun => {
                let queue = Rc::make_mut(&mut self.queue);
                if !queue.is_empty() {
                    queue.remove(0);
                }
            }
            Action::Newer(there) => self.newer = there,
            Action::Runs(runs) => self.runs = runs,
            Action::NotStored(why) => self.not_stored = why,
            Action::Queue(run) => {
                self.queue_held = false;
                if !run {
                    self.queue = Rc::default();
                }
            }
            Action::View(name, how) => {
                let views = Rc::make_mut(&mut self.views);
                views.retain(|(n, _)| *n != name);
                views.extend(how.map(|how| (name, how)));
            }
            Action::Rank(to, gesture) => self.edit(|e| e.rank = Rc::new(to), gesture),
            Action::Prune(to, gesture) => self.edit(|e| e.prune = Rc::new(to), gesture),
            Action::Study(to, gesture) => self.edit(|e| e.study = Rc::new(to), gesture),
            Action::Own(text) => {
                let own = Rc::make_mut(&mut self.own);
                own.retain(|t| t.name != text.name);
                own.push(text);
            }
            Action::Tokenizer(tokenizer) => self.tokenizer = tokenizer,
            Action::Town(act) => Rc::make_mut(&mut self.town).act(act),
            Action::Experts(to, gesture) => self.edit(|e| e.experts = Rc::new(to), gesture),
            Action::Words(words) => Rc::make_mut(&mut self.experts).words = words,
            Action::Undo => {
                if let Some(back) = self.history.undo(self.edit.clone()) {
                    self.edit = back;
                }
            }
            Action::Redo => {
                if let Some(on) = self.history.redo(self.edit.clone()) {
                    self.edit = on;
                }
            }
            Action::Started(run) => self.started(run),
            Action::Cancelling { now } => {
                if let Some(run) = &mut self.run {
                    run.cancel_ms.get_or_insert(now);
                }
            }
            Action::Late(change) => change.apply(self),
            Action::Ended { job, fault: Some(fault), now } => self.failed(Some(job), fault, now),
            Action::Ended { job, fault: None, now } => self.cancelled(job, now),
            Action::FileSaved { job: _, name } => {
                self.saved.get_or_insert_default().name = name;
            }
            Action::Crashed { why, now } => self.crashed(&why, now),
            Action::Restarted { now } => {
                self.worker_down = false;
                self.reopening = self.summary.is_some();
                // "Stop now" ends the worker with what ran in it.
                self.stop(now);
                self.log(LogKind::Device, "a fresh worker is running".into(), now);
            }
            Action::Grown { now } => {
                self.reopening = self.summary.is_some();
                self.log(LogKind::Device, "the worker with every method is running".into(), now);
            }
            Action::Fault { place, fault, now } => self.fault(place, "", fault, now),
            Action::Dismiss(id) => self.faults.retain(|f| f.id != id),
            Action::DismissStopped => self.stopped = None,
            Action::Choose(choice) => self.choice = choice,
            Action::Theme(theme) => self.theme = theme,
            Action::Seed(seed) => self.seed = seed,
            Action::Log(line) => self.log(line.kind, line.text, line.at_ms),
            Action::ToggleLog => self.log_open = !self.log_open,
            Action::Sheet(sheet) => self.sheet = sheet,
            Action::Tour(tour) => self.tour = tour,
            Action::Reading(to) => {
                let late = to.as_ref().is_some_and(|t| t.text.is_some() && self.reading.as_ref().is_none_or(|r| r.name != t.name));
                if !late {
                    self.reading = to;
                }
            }
        }
    }

    fn edit(&mut self, change: impl FnOnce(&mut Edit), gesture: Gesture) {
        let before = self.edit.clone();
        change(&mut self.edit);
        if self.edit != before {
            self.history.push(before, gesture);
        }
    }

    fn select_block(&mut self, block: u32) {
        let mut to = Selection { tensor: None, slice: None, block: Some(block) };
        if let Some(summary) = &self.summary {
            let now = self.edit.selection.tensor.and_then(|t| summary.tensors.get(t as usize));
            let role = now.map(|t| (t.role, t.expert));
            to.tensor = summary
                .tensors
                .iter()
                .position(|t| t.block == Some(block) && role == Some((t.role, t.expert)))
                .map(|i| i as u32)
                .or(self.edit.selection.tensor);
            to.slice = self.edit.selection.slice;
        }
        self.edit(|e| e.selection = to, Gesture::Step);
    }

    fn started(&mut self, run: crate::app::state::Run) {
        self.log(LogKind::Run, format!("{} started", run.word().to_lowercase()), run.started_ms);
        let mended = self.lost.as_ref().is_some_and(|l| l.again && run.asked.as_ref() == Some(&l.asked));
        self.faults.retain(|f| f.method.is_empty() || f.method != run.method || mended && f.fault.kind == FaultKind::Lost);
        if self.stopped.as_ref().is_some_and(|s| s.method == run.method) {
            self.stopped = None;
        }
        if let Some(asked) = &run.asked {
            Rc::make_mut(&mut self.language).begin(asked);
            if PRUNE.contains(&asked.method.as_str()) {
                self.pruned.clear();
            }
        }
        if run.method == "self-test" {
            self.self_test = Default::default();
        }
        Rc::make_mut(&mut self.experts).begin(&run.method);
        if run.method == "export" {
            self.saved = None;
        }
        if run.method == "calliper" {
            Rc::make_mut(&mut self.town).begin();
        }
        self.run = Some(run);
    }

    fn crashed(&mut self, why: &str, now: f64) {
        let (place, method) = self.run.as_ref().map_or((self.place, String::new()), |r| (r.place, r.method.clone()));
        self.stop(now);
        self.worker_down = true;
        let fault = Fault {
            kind: FaultKind::Worker,
            what: "The worker ended and was started again.".into(),
            why: "What it had computed is kept; the job that ran is not done.".into(),
            advice: "Run it again; on a small computer choose fewer matrices at once.".into(),
            details: why.into(),
            room: None,
        };
        self.fault(place, &method, fault, now);
    }

    /// Ends the run and remembers how far it came.
    pub(super) fn stop(&mut self, now: f64) {
        // An opening has nothing to keep.
        if let Some(run) = self.run.take().filter(|r| r.method != "open") {
            self.stopped = Some(Stopped {
                after: (now - run.started_ms) / 1e3,
                took_ms: run.cancel_ms.map_or(0.0, |c| now - c),
                method: run.method,
                place: run.place,
                done: run.done,
                total: run.total,
                unit: run.unit,
            });
        }
    }

    /// Tells a failure at a place.
    pub(super) fn fault(&mut self, place: Place, method: &str, fault: Fault, now: f64) {
        self.log(LogKind::Error, fault.what.clone(), now);
        self.announced = fault.what.clone();
        self.faults.push(PlacedFault { id: self.next_fault, place, method: method.into(), fault: Rc::new(fault), asked: None });
        self.next_fault += 1;
    }

    /// Adds a line to the log.
    pub(super) fn log(&mut self, kind: LogKind, text: String, at_ms: f64) {
        let log = Rc::make_mut(&mut self.log);
        if log.len() == LOG_LINES {
            log.remove(0);
        }
        log.push(LogLine { at_ms, kind, text });
    }
}

#[cfg(test)]
#[path = "reduce_tests.rs"]
pub(crate) mod tests;
