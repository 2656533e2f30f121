//! Every typed error as a message in four parts: what, why, what to do, and details to copy.

use espalier_methods::MethodError;
use espalier_nets::checkpoint::{CheckpointError, ErrorKind, WriteError};
use espalier_tensor::Error as DeviceError;
use espalier_tensor::error::NoAdapter;
use serde::{Deserialize, Serialize};

use crate::record::{Named, RecordError};

/// A failure in the four parts that every message has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Kind, for the place and the colour.
    pub kind: FaultKind,
    /// The thing and what happened: `model-00002.bin was left out: it is a pickle, not safetensors`.
    pub what: String,
    /// Why, in a sentence.
    pub why: String,
    /// What to do now.
    pub advice: String,
    /// For the copy button: the error chain, versions, the device.
    pub details: String,
    /// Where a device had no room: bytes that it held, and bytes more that it refused.
    #[serde(default)]
    pub room: Option<[u64; 2]>,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// The file is not what it should be.
    Malformed,
    /// Bytes could not be read.
    Source,
    /// An element type that is listed but not decoded.
    Dtype,
    /// A configuration value.
    Config,
    /// No memory on the device.
    Memory,
    /// No memory on the device for tiles of that size; the work goes on in smaller ones.
    Tight,
    /// The device is gone.
    Lost,
    /// There is no GPU.
    NoGpu,
    /// The worker ended.
    Worker,
    /// The values cannot be used (NaN, infinities).
    Values,
    /// A bug of ours.
    Bug,
}

const OURS: &str = "This is a bug of ours: please report it with the details, and reload the page or run the command again.";

impl Fault {
    fn new(kind: FaultKind, what: impl Into<String>, why: impl Into<String>, advice: impl Into<String>, error: &dyn std::fmt::Debug) -> Self {
        let details = format!("espalier {}\n{error:?}", env!("CARGO_PKG_VERSION"));
        Self { kind, what: what.into(), why: why.into(), advice: advice.into(), details, room: None }
    }

    /// Adds a line to the details.
    #[must_use]
    pub fn with(mut self, label: &str, value: &str) -> Self {
        self.details.push_str(&format!("\n{label}: {value}"));
        self
    }

    /// Nothing is open.
    pub fn nothing_open() -> Self {
        Self::new(FaultKind::Source, "No checkpoint is open", "There is nothing yet to work on.", "Open a .safetensors file or one of the bundled checkpoints first.", &"nothing open")
    }

    /// No second checkpoint.
    pub fn nothing_second() -> Self {
        Self::new(FaultKind::Source, "There is nothing to compare with", "One checkpoint is open; a comparison needs two.", "Open a second checkpoint to compare with first.", &"no second checkpoint")
    }

    /// A method that leaves no pruned weights behind, or whose weights found no room.
    pub fn nothing_kept(method: &str) -> Self {
        let why = "It is no pruning with calibration, or its new weights found no room in the page's memory.";
        Self::new(FaultKind::Memory, format!("There is nothing of {method} to write"), why, "Write it with the command line (espalier prune --method), which has no such limit, or prune by Wanda, which keeps a bit a weight.", &method)
    }

    /// This face cannot fetch.
    pub fn no_network(address: &str) -> Self {
        let advice = "Download the file and give it as a file, or open the address in the page.";
        Self::new(FaultKind::Source, format!("{address} was not opened"), "Addresses are opened by the page in a browser only; the command line reads files.", advice, &address)
    }

    /// A record of a checkpoint that is not here.
    pub fn other_checkpoint(named: &Named) -> Self {
        let files: Vec<String> = named.files.iter().map(|(name, bytes)| format!("{name} ({bytes} bytes)")).collect();
        let why = format!("The record was made with {}, whose header has the SHA-256 {}…; nothing that is open has that.", files.join(", "), named.header_sha256.get(..12).unwrap_or(&named.header_sha256));
        Self::new(FaultKind::Source, format!("The record needs {}", named.name), why, "Open that very checkpoint and start the record again.", named)
    }

    /// No tensor of that index.
    pub fn no_tensor(index: u32, of: usize) -> Self {
        let why = format!("The open checkpoint has {of} tensors; number {index} is not among them.");
        Self::new(FaultKind::Config, "That tensor is not in the open checkpoint", why, "Choose one from the table.", &format!("tensor {index} of {of}"))
    }

    /// No method of that key.
    pub fn no_method(id: &str, known: &[&str]) -> Self {
        let why = format!("The methods here are {}.", known.join(", "));
        Self::new(FaultKind::Config, format!("There is no method named {id}"), why, "Choose one of these.", &format!("method {id:?}"))
    }

    /// Work that a small engine was asked for; faces ask a whole one.
    pub fn small_engine() -> Self {
        let (why, advice) = ("The engine that was asked holds only what a visit begins with.", "This is a bug of ours: please report it. Reload the page and try again.");
        Self::new(FaultKind::Config, "This engine cannot do that", why, advice, &"small engine")
    }

    /// A name that is none of the checkpoint's matrices.
    pub fn no_matrix(name: &str) -> Self {
        let why = format!("The open checkpoint has no matrix that can be worked on under the name {name}.");
        Self::new(FaultKind::Config, format!("{name} is not a matrix of the open checkpoint"), why, "Choose names from the table of tensors (slices as name#3).", &format!("matrix {name:?}"))
    }

    /// A change of a block that no copy can hold, and why.
    pub fn not_written(block: usize, why: &str) -> Self {
        let advice = "Bring it back, or condense it to some of its experts, which can always be written.";
        Self::new(FaultKind::Config, format!("Block {block} cannot be written as it was changed"), sentence(why), advice, &format!("block {block}"))
    }

    /// No room on the device; the work goes on in smaller tiles.
    pub(crate) fn tight(e: &DeviceError) -> Self {
        let Self { what, details, room, .. } = Self::from(e);
        let why = "The run begins anew in tiles a quarter of that size; its numbers stay the same.".into();
        Self { kind: FaultKind::Tight, what, why, advice: "Nothing needs to be done.".into(), details, room }
    }

    /// A rank that the matrix cannot have.
    pub fn no_rank(name: &str, rank: u32, full: u64) -> Self {
        let why = format!("A matrix of that shape has ranks from 1 to {full}.");
        Self::new(FaultKind::Config, format!("{name} cannot have rank {rank}"), why, "Choose a rank in that range, or leave the matrix as it is.", &format!("rank {rank} of {name}"))
    }
}

impl From<&CheckpointError> for Fault {
    fn from(e: &CheckpointError) -> Self {
        let kind = match e.kind() {
            ErrorKind::Malformed => FaultKind::Malformed,
            ErrorKind::Missing | ErrorKind::Source => FaultKind::Source,
            ErrorKind::Dtype => FaultKind::Dtype,
            ErrorKind::Memory => FaultKind::Memory,
            ErrorKind::Request => FaultKind::Bug,
        };
        Self::new(kind, e.what(), e.why(), e.advice(), e)
    }
}

impl From<&DeviceError> for Fault {
    fn from(e: &DeviceError) -> Self {
        match e {
            DeviceError::Lost { reason } => Self::new(
                FaultKind::Lost,
                "The GPU was lost",
                format!("The driver or the browser took it away ({}). What was computed on it is gone; what is on the screen stays good.", or_silent(reason)),
                "Run again: a new GPU session is made for it. If it happens twice, switch to the CPU in the device panel.",
                e,
            ),
            DeviceError::OutOfMemory { what, bytes, held } => Self {
                room: (*bytes > 0).then_some([*held, *bytes]),
                ..Self::new(
                    FaultKind::Memory,
                    format!("{} needs {} more than the device gave", capital(what), mib(*bytes)),
                    format!("{} were held at that moment; tiles were made as small as is sensible before.", mib(*held)),
                    "Close other tabs that use the GPU, choose fewer or smaller matrices or fewer windows, or use the CPU.",
                    e,
                )
            },
            DeviceError::Validation { what, message } => Self::new(FaultKind::Bug, format!("The GPU refused {what}"), message.clone(), OURS, e),
            DeviceError::NoAdapter(why) => Self::from(why),
            DeviceError::NotFinite { what, count } => Self::new(
                FaultKind::Values,
                format!("{count} of the values are NaN or infinite"),
                format!("{} needs finite values.", capital(what)),
                "Leave this matrix out, or look at its statistics to see where the values are; a checkpoint with such values is usually damaged.",
                e,
            ),
            DeviceError::NotPositiveDefinite { index, pivot } => Self::new(
                FaultKind::Values,
                "A matrix is not positive definite",
                format!("Its pivot {index} is {pivot:e}."),
                "Give more calibration data or a larger damping.",
                e,
            ),
            DeviceError::NoConvergence { what } => Self::new(
                FaultKind::Values,
                format!("{} did not converge", capital(what)),
                "The iteration ended at its limit without meeting its tolerance.",
                "Try the other device; if that fails too, please report the checkpoint and the matrix.",
                e,
            ),
            DeviceError::Cancelled => Self::new(FaultKind::Bug, "The work was stopped", "It was cancelled.", "Start it again when you like.", e),
        }
    }
}

impl From<&NoAdapter> for Fault {
    fn from(e: &NoAdapter) -> Self {
        let (what, why, advice) = no_gpu(*e);
        Self::new(FaultKind::NoGpu, what, why, advice, e)
    }
}

/// Cause in a few words, why, and advice: one message for each reason.
pub fn no_gpu(e: NoAdapter) -> (&'static str, &'static str, &'static str) {
    match e {
        NoAdapter::InsecureContext => (
            "The page is not secure",
            "It came over http from another computer, and browsers hide WebGPU from such pages.",
            "Open it over https, or at http://localhost on this computer. Until then everything runs on the CPU.",
        ),
        NoAdapter::Missing => (
            "No WebGPU here",
            "This browser has no WebGPU: it is too old for it, or it is switched off.",
            "Use Chrome or Edge 113, Safari 26, Firefox 141 (Windows) or newer. Until then everything runs on the CPU.",
        ),
        NoAdapter::NullAdapter => (
            "No adapter",
            "WebGPU is there, but no graphics adapter answered: hardware acceleration may be off, a policy may forbid it, or this is a virtual machine or a remote desktop without a GPU.",
            "Switch hardware acceleration on in the settings, update the graphics driver, and start again. Until then everything runs on the CPU.",
        ),
        NoAdapter::SoftwareOnly => (
            "Software adapter only",
            "The only adapter that answered is made of software and is slower than the CPU path.",
            "Nothing needs to be done: everything runs on the CPU. To try the adapter all the same, choose GPU in the device panel.",
        ),
    }
}

impl From<&MethodError> for Fault {
    fn from(e: &MethodError) -> Self {
        match e {
            MethodError::Cancelled => Self::from(&DeviceError::Cancelled),
            MethodError::Config { key, why } => {
                Self::new(FaultKind::Config, format!("The setting {key} cannot be used"), sentence(why), "Change it and run again; the method's page shows the range of every setting.", e)
            }
            MethodError::Inputs(why) => Self::new(
                FaultKind::Config,
                "The method cannot work on this",
                sentence(why),
                "Choose other matrices, or open a checkpoint that has what the method needs.",
                e,
            ),
            MethodError::Points { file, why } => Self::new(
                FaultKind::Config,
                format!("{file} gives no points for the map"),
                sentence(why),
                "Give a CSV or GeoJSON file of points and, where they are not found by themselves, name the columns of its coordinates.",
                e,
            ),
            MethodError::Checkpoint(e) => Self::from(e),
            MethodError::Device(e) => Self::from(e),
        }
    }
}

impl From<&WriteError> for Fault {
    fn from(e: &WriteError) -> Self {
        match e {
            WriteError::Checkpoint(e) => Self::from(e),
            WriteError::Sink(s) => Self::new(FaultKind::Source, format!("{} could not be written", s.file), format!("At byte {}: {}.", s.at, s.why.trim_end_matches('.')), e.advice(), e),
            WriteError::Stopped => Self::from(&DeviceError::Cancelled),
            _ => Self::new(FaultKind::Bug, "The copy could not be written", sentence(&e.to_string()), e.advice(), e),
        }
    }
}

impl From<&RecordError> for Fault {
    fn from(e: &RecordError) -> Self {
        let what = match e {
            RecordError::Edited => "The record was edited and is not replayed",
            _ => "The record cannot be read",
        };
        Self::new(FaultKind::Malformed, what, sentence(&e.to_string()), e.advice(), e)
    }
}

fn or_silent(reason: &str) -> &str {
    if reason.is_empty() { "it gave no reason" } else { reason }
}

/// Memory as graphics drivers count it.
fn mib(bytes: u64) -> String {
    format!("{} MiB", ((bytes as f64) / 1_048_576.0).ceil())
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// A clause as a sentence.
fn sentence(text: &str) -> String {
    let text = capital(text.trim());
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}
