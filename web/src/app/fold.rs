//! Answers of the worker, folded into the state.

use std::rc::Rc;

use espalier_lab::protocol::{Reply, Summary};
use espalier_methods::report::{Event, Finding, Report};

use crate::app::history::History;
use crate::app::journal::Step;
use crate::app::state::{Asked, Edit, LogKind, Place, Saved, Selection, State, Verdict, key};

impl State {
    /// Takes one answer.
    pub(super) fn fold(&mut self, reply: Reply, now: f64) {
        match reply {
            Reply::Device(info) => {
                let text = match &info.absent {
                    _ if info.gpu => format!("GPU {}", info.name),
                    Some((cause, _)) => format!("{}: {cause}", info.name),
                    None => info.name.clone(),
                };
                self.log(LogKind::Device, text, now);
                self.self_test = Default::default();
                self.device = Some(Rc::new(info));
            }
            Reply::Opened(summary) => self.opened(*summary, now),
            Reply::Stats { stats, .. } => {
                let row = self.summary.as_ref().and_then(|s| s.tensors.get(stats.tensor as usize));
                if let Some(row) = row {
                    let text = format!("{}, {} bytes in {:.0} ms", row.name, stats.read, stats.millis[0] + stats.millis[1]);
                    self.log(LogKind::Read, text, now);
                }
                self.stats.insert(stats.tensor, Rc::from(stats));
            }
            Reply::Event { job, event } => self.event(job, event, now),
            Reply::Done { job, report, seconds } => self.done(job, *report, seconds, now),
            Reply::Exported { job, bytes, changed, seconds } => {
                let place = self.run.as_ref().filter(|r| r.job == job).map_or(self.place, |r| r.place);
                let name = self.saved.take().map(|s| s.name).unwrap_or_default();
                self.saved = Some(Saved { place, name, bytes, changed, seconds });
                self.end(job);
                self.say(LogKind::Done, format!("copy written, {changed} tensors changed, in {seconds:.1} s"), now);
            }
            Reply::SelfTest { job, row } => {
                self.hear(job, now);
                let (kind, text) = if row.agrees {
                    (LogKind::Done, format!("{} agrees, {} samples", row.op, row.samples))
                } else {
                    (LogKind::Error, format!("{} fails: {}", row.op, row.failure))
                };
                self.log(kind, text, now);
                if let Some(run) = self.run.as_mut().filter(|r| r.job == job) {
                    run.done += 1.0;
                    run.unit = "operations".into();
                    run.label.clone_from(&row.op);
                }
                self.self_test.rows.push(row);
            }
            Reply::SelfTested { job, largest, failed, ops, seconds } => {
                let compared = self.device.as_ref().is_some_and(|d| d.gpu);
                self.self_test.verdict = Some(Verdict { largest, failed, ops, seconds, compared });
                self.end(job);
                self.say(LogKind::Done, format!("self-test: {} of {ops} operations agree, {seconds:.1} s", ops - failed.min(ops)), now);
            }
            Reply::OpenedSecond(summary) => {
                self.say(LogKind::Done, format!("{} is open to compare with", summary.name), now);
                self.reports.remove("diff");
                self.second = Some(Rc::new(*summary));
            }
            Reply::Step { title, check, .. } => self.log(LogKind::Note, format!("{title}: {check:?}"), now),
            Reply::Replayed { job, same, close, different, seconds } => {
                self.end(job);
                self.say(LogKind::Done, format!("done again in {seconds:.1} s: {same} results equal, {close} equal within rounding, {different} different"), now);
            }
            Reply::Estimate { job, estimate } => {
                // No screen shows as many cost lines as this; older ones were for settings that were left.
                self.estimates.drain(..self.estimates.len().saturating_sub(3));
                self.estimates.push((job, Rc::from(estimate)));
            }
            // The part of the page that asked for it takes it itself.
            Reply::Record { .. } => {}
            // The page begins lost work anew by itself, so the engine does not.
            Reply::Lost { .. } => {}
            Reply::Tight { job, fault } => {
                let run = self.run.as_ref().filter(|r| r.job == job).map(|r| (r.place, r.method.clone()));
                if let Some((place, method)) = run {
                    self.loosen(&method);
                    self.fault(place, &method, fault, now);
                }
            }
            Reply::Cancelled { job } => self.cancelled(job, now),
            Reply::Failed { job, fault } => self.failed(job, fault, now),
        }
    }

    fn opened(&mut self, summary: Summary, now: f64) {
        self.log(LogKind::Read, format!("{}: {} tensors, header of {} bytes", summary.name, summary.tensors.len(), summary.header_bytes), now);
        for note in &summary.notes {
            self.log(LogKind::Warn, note.clone(), now);
        }
        self.announced = format!("{} is open", summary.name);
        // A fresh worker opens the same files again: what was computed of them stays good.
        if self.reopening && !summary.header_hash.is_empty() && self.summary.as_ref().is_some_and(|s| s.header_hash == summary.header_hash) {
            self.reopening = false;
            // What waits for the files goes on.
            self.run = self.run.take().filter(|r| r.method != "open");
            self.summary = Some(Rc::new(summary));
            return;
        }
        self.reopening = false;
        if self.waiting.as_ref().and_then(|w| w.target.as_ref()).is_some_and(|t| !self.is_meant(t, &summary)) {
            self.run = None;
            self.announced = format!("{} is another file than the link asks for", summary.name);
            self.stranger = Some(Rc::new(summary));
            return;
        }
        self.shows(summary);
    }

    /// Shows a checkpoint that has been opened, with the view of the link that waited for it.
    pub(super) fn shows(&mut self, summary: Summary) {
        self.source = Some(self.origin(&summary));
        self.stats.clear();
        self.spectra.clear();
        self.profiles.clear();
        self.pruned.clear();
        self.chosen.clear();
        self.language = Rc::default();
        self.tokenizer = None;
        self.experts = Rc::default();
        self.reports.clear();
        self.figures.clear();
        self.shown = Rc::default();
        self.queue = Rc::default();
        // How the Map is looked at is no view of a checkpoint.
        Rc::make_mut(&mut self.views).retain(|(name, _)| name.starts_with("map"));
        self.history = History::default();
        self.edit = Edit { selection: first_look(&summary), ..Edit::default() };
        self.stopped = None;
        self.saved = None;
        self.run = None;
        self.faults.retain(|f| f.place == Place::Open && !matches!(f.method.as_str(), "open"));
        self.summary = Some(Rc::new(summary));
        self.opened += 1;
        if self.place == Place::Open {
            self.place = Place::Inspect;
        }
        if let Some(link) = self.waiting.take() {
            self.restore(&link);
        }
    }

    fn event(&mut self, job: u32, event: Event, now: f64) {
        self.hear(job, now);
        match event {
            Event::Progress { done, total, unit, label } => {
                if let Some(run) = self.run.as_mut().filter(|r| r.job == job) {
                    (run.done, run.total, run.unit, run.label) = (done, total, unit, label);
                }
            }
            Event::Finding(finding) => self.finding(finding),
            Event::Figure(figure) => {
                self.figures.insert(figure.id.clone(), Rc::new(figure));
            }
            Event::Note(text) => self.log(LogKind::Note, text, now),
            Event::Warning(text) => self.log(LogKind::Warn, text, now),
            Event::Waits => Rc::make_mut(&mut self.town).waits = self.town.paused,
            Event::Metric { series, step, value } => {
                if self.run.as_ref().is_some_and(|r| r.job == job && r.method == "calliper") {
                    Rc::make_mut(&mut self.town).metric(&series, step, value);
                }
            }
        }
    }

    fn finding(&mut self, finding: Finding) {
        match finding {
            Finding::Spectrum(s) => {
                self.spectra.insert(key(&s.tensor, s.slice), Rc::new(s));
            }
            Finding::Profile(p) => {
                self.profiles.insert(p.tensor.as_str().into(), Rc::new(p));
            }
            Finding::Pruned(p) => {
                self.pruned.insert(p.tensor.as_str().into(), Rc::new(p));
            }
            Finding::Rank(r) => {
                self.chosen.insert(r.tensor.as_str().into(), Rc::new(r));
            }
            Finding::Urban(urban) => Rc::make_mut(&mut self.town).take(*urban),
            found @ (Finding::Routing(_) | Finding::Pick(_) | Finding::Point(_)) => Rc::make_mut(&mut self.experts).take(found),
            // Kept with its report.
            Finding::Diff(_) => {}
            Finding::Language(found) => Rc::make_mut(&mut self.language).take(found),
        }
    }

    fn done(&mut self, job: u32, report: Report, seconds: f64, now: f64) {
        // A city is looked at beside whatever checkpoint is open: its runs are no results over that one, and are kept with the city.
        let urban = report.method == "sentences" || espalier_methods::registry::WITHOUT_CHECKPOINT.contains(&report.method.as_str());
        if let Some(seed) = self.run.as_ref().filter(|r| r.job == job && r.method == "calliper").and_then(|r| r.asked.as_ref()).map(|a| a.seed) {
            // As the report has it: from the beginning, to the step where the visitor had seen enough.
            let asked = Asked { method: report.method.clone(), config: report.config.clone(), matrices: None, seed };
            self.compare(&asked, &report.summary, now);
            Rc::make_mut(&mut self.town).ran = Some(Rc::new(Step { asked, summary: report.summary.clone() }));
        }
        if let Some(asked) = self.run.as_ref().filter(|r| r.job == job && !urban).and_then(|r| r.asked.clone()) {
            self.compare(&asked, &report.summary, now);
            let shown = Rc::make_mut(&mut self.shown);
            // A later run of a method over the same matrices takes the place of the earlier one's results.
            shown.retain(|a| a.method != asked.method || a.matrices != asked.matrices);
            shown.push((*asked).clone());
            Rc::make_mut(&mut self.language).end(&asked);
        }
        self.end(job);
        report.findings.iter().cloned().for_each(|f| self.finding(f));
        for warning in &report.warnings {
            self.log(LogKind::Warn, warning.clone(), now);
        }
        self.say(LogKind::Done, format!("{} · {seconds:.1} s", report.summary), now);
        self.reports.insert(report.method.clone(), Rc::new(report));
    }

    /// A run that a record did before says the same numbers again, or the difference is told.
    fn compare(&mut self, asked: &Asked, said: &str, now: f64) {
        let Some(i) = self.expected.iter().position(|s| s.asked == *asked) else { return };
        let before = Rc::make_mut(&mut self.expected).remove(i).summary;
        if before == said {
            self.log(LogKind::Done, format!("{} again: the same numbers as in the record", asked.method), now);
        } else {
            let text = format!("{} gives other numbers than the record. Recorded: {before} Now: {said}", asked.method);
            self.log(LogKind::Warn, text.clone(), now);
            Rc::make_mut(&mut self.link_notes).push(text);
        }
    }

    fn hear(&mut self, job: u32, now: f64) {
        if let Some(run) = self.run.as_mut().filter(|r| r.job == job) {
            run.heard_ms = now;
        }
    }
}

/// What Inspect shows first: the largest prunable matrix of the middle block, else the first matrix, else the first tensor.
fn first_look(summary: &Summary) -> Selection {
    let middle = summary.blocks / 2;
    let in_middle = summary.matrices.iter().filter(|m| m.prunable && m.block == Some(middle));
    let largest = in_middle.reduce(|a, b| if area(b) > area(a) { b } else { a });
    match largest.or(summary.matrices.first()) {
        Some(m) => Selection { tensor: Some(m.tensor as u32), slice: m.slice, block: m.block },
        None => Selection { tensor: (!summary.tensors.is_empty()).then_some(0), ..Selection::default() },
    }
}

fn area(m: &espalier_nets::checkpoint::MatrixRef) -> u64 {
    m.shape[0].saturating_mul(m.shape[1])
}
