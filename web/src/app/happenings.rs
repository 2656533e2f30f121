//! What happens on the page: runs, how they end, what was saved, what failed, what the self-test said, what the log keeps.

use std::rc::Rc;

use espalier_lab::protocol::{Fault, SelfTestRow};

use crate::app::state::Place;

/// A run as it was asked for: with the checkpoint, all that its numbers depend on.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Registry key.
    pub method: String,
    /// Configuration.
    pub config: serde_json::Value,
    /// Matrices; `None` for all.
    pub matrices: Option<Vec<String>>,
    /// Seed.
    pub seed: u64,
}

/// Something that runs in the worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Job.
    pub job: u32,
    /// Method key (`spectra`, `welore`, `magnitude`), or `open`, `export`, `self-test`.
    pub method: String,
    /// What exactly was asked for, where it is a method.
    pub asked: Option<Rc<Asked>>,
    /// Where it was started, and where its failure is told.
    pub place: Place,
    /// Units done.
    pub done: f64,
    /// Units in all; 0 while unknown.
    pub total: f64,
    /// What is counted.
    pub unit: String,
    /// What is being worked on.
    pub label: String,
    /// Start, in milliseconds of the page's clock.
    pub started_ms: f64,
    /// When the last message came.
    pub heard_ms: f64,
    /// When cancelling was asked for.
    pub cancel_ms: Option<f64>,
}

impl Run {
    /// A run that has just been asked for.
    pub fn new(job: u32, method: &str, place: Place, now: f64) -> Self {
        Self {
            job,
            method: method.into(),
            asked: None,
            place,
            done: 0.0,
            total: 0.0,
            unit: String::new(),
            label: String::new(),
            started_ms: now,
            heard_ms: now,
            cancel_ms: None,
        }
    }

    /// Share done, 0 to 1.
    pub fn share(&self) -> f64 {
        if self.total > 0.0 { (self.done / self.total).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Seconds left, told only from the third second on, when a rate can be trusted.
    pub fn seconds_left(&self, now: f64) -> Option<f64> {
        let spent = (now - self.started_ms) / 1e3;
        (spent >= 3.0 && self.done > 0.0 && self.total > self.done).then(|| spent / self.done * (self.total - self.done))
    }

    /// Its word in the top bar.
    pub fn word(&self) -> &'static str {
        match self.method.as_str() {
            "spectra" => "Spectra",
            "welore" => "Ranks",
            "magnitude" => "Prune",
            "wanda" => "Wanda",
            "sparsegpt" => "SparseGPT",
            "owl" => "OWL",
            "outliers" => "Outliers",
            "sensitivity" => "Sweep",
            "calibration_study" => "Study",
            "rescaling" => "Rescaling",
            "rules" => "Rules",
            "generate" => "Text",
            "experts" => "Experts",
            "condense" => "Search",
            "thin" => "Measure",
            "export" => "Export",
            "self-test" => "Self-test",
            "open" => "Opening",
            "diff" => "Compare",
            "city" => "City",
            "sentences" => "Sentences",
            "calliper" if self.unit == "probes" => "Probe",
            "calliper" => "Step",
            "replay" => "Replay",
            _ => "Running",
        }
    }
}

/// A GPU that was taken away while something ran on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    /// When.
    pub at_ms: f64,
    /// What ran.
    pub asked: Rc<Asked>,
    /// Units done when it happened, and units in all.
    pub done: [f64; 2],
    /// It went on by itself; false: it had been lost shortly before, so the visitor chooses.
    pub again: bool,
}

/// A run that was stopped: what it had said stays good.
#[derive(Clone, Debug, PartialEq)]
pub struct Stopped {
    /// Method key.
    pub method: String,
    /// Where it ran.
    pub place: Place,
    /// Units done.
    pub done: f64,
    /// Units in all.
    pub total: f64,
    /// What was counted.
    pub unit: String,
    /// Seconds from start to end.
    pub after: f64,
    /// Milliseconds from the wish to the end.
    pub took_ms: f64,
}

/// Something written to a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Saved {
    /// Where it was asked for.
    pub place: Place,
    /// File name; empty until the file has come.
    pub name: String,
    /// Bytes.
    pub bytes: f64,
    /// Tensors changed.
    pub changed: u32,
    /// Seconds.
    pub seconds: f64,
}

/// A failure, at the place it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedFault {
    /// For dismissing it.
    pub id: u32,
    /// Where it is told.
    pub place: Place,
    /// The method that failed; empty outside a run.
    pub method: String,
    /// What happened.
    pub fault: Rc<Fault>,
    /// The run that failed, so that it can be asked for otherwise.
    pub asked: Option<Rc<Asked>>,
}

/// The result of comparing GPU and CPU.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SelfTest {
    /// Rows as they came.
    pub rows: Vec<SelfTestRow>,
    /// The verdict, once all have come.
    pub verdict: Option<Verdict>,
}

/// The end of a self-test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Largest difference as a share of its scale.
    pub largest: f64,
    /// Operations that failed.
    pub failed: u32,
    /// Operations tried.
    pub ops: u32,
    /// Seconds.
    pub seconds: f64,
    /// Whether two devices were compared.
    pub compared: bool,
}

/// The kind of a log line, for its word and its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// Something began.
    Run,
    /// Bytes were read.
    Read,
    /// Something ended well.
    Done,
    /// The device.
    Device,
    /// Worth knowing.
    Note,
    /// Goes on, but otherwise than asked.
    Warn,
    /// Was not done.
    Error,
}

impl LogKind {
    /// Its word in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Read => "read",
            Self::Done => "done",
            Self::Device => "device",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// Milliseconds since 1970.
    pub at_ms: f64,
    /// Kind.
    pub kind: LogKind,
    /// Text.
    pub text: String,
}
