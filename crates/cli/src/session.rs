//! One engine over one checkpoint, driven to the end of each command.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use espalier_lab::protocol::{Command, DeviceInfo, Fault, Reply, Slot, Summary};
use espalier_lab::{Engine, Host};
use espalier_nets::CheckpointError;
use espalier_nets::checkpoint::{ByteSource, sources_at};

use crate::args::Common;
use crate::face::Face;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The engine's own message.
    Fault(Box<Fault>),
    /// One of the command line's: what, why, what to do.
    Usage(String, String, String),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(e: serde_json::Error) -> Self {
        Self::Usage("The result could not be written as JSON".into(), format!("{e}."), "This is a bug of ours: please report it.".into())
    }
}

impl Failure {
    /// A tensor that is not there.
    pub fn no_tensor(name: &str, summary: &Summary) -> Self {
        let near = summary.tensors.iter().filter(|t| t.name.contains(name)).take(3).map(|t| t.name.as_str()).collect::<Vec<_>>().join(", ");
        let advice = if near.is_empty() { "See the names with `espalier inspect`.".into() } else { format!("Did you mean one of: {near}?") };
        Self::Usage(format!("{name} is not a tensor of {}", summary.name), format!("It has {} tensors, and none of that name.", summary.tensors.len()), advice)
    }

    /// An answer that does not belong to the command.
    pub fn strange(reply: &Reply) -> Self {
        Self::Usage("The engine gave an answer that was not asked for".into(), format!("{reply:?}."), "This is a bug of ours: please report it.".into())
    }

    /// The message in four parts, for standard error.
    pub fn text(&self) -> String {
        match self {
            Self::Fault(f) => format!("error: {}\n  why: {}\n  what to do: {}\n  details: {}\n", f.what, f.why, f.advice, f.details.replace('\n', "\n           ")),
            Self::Usage(what, why, advice) => {
                format!("error: {what}\n  why: {why}\n  what to do: {advice}\n  details: espalier {}\n", env!("CARGO_PKG_VERSION"))
            }
        }
    }
}

/// An engine with a checkpoint open.
pub struct Lab {
    engine: Engine,
    pub face: Rc<Face>,
    pub summary: Summary,
}

impl Lab {
    /// Opens what was named. The device is chosen at once, so that a wrong wish is known before any work.
    pub fn open(common: &Common) -> Result<Self, Failure> {
        let face = Face::new();
        face.quiet(common.json);
        let engine = Engine::new(face.clone() as Rc<dyn Host>);
        pollster::block_on(engine.open(name(&common.files), sources(&common.files)?));
        let summary = match last(&face)? {
            Reply::Opened(summary) => *summary,
            other => return Err(Failure::strange(&other)),
        };
        Ok(Self { engine, face, summary })
    }

    /// An engine with nothing open.
    pub fn empty(quiet: bool) -> Self {
        let face = Face::new();
        face.quiet(quiet);
        let engine = Engine::new(face.clone() as Rc<dyn Host>);
        Self { engine, face, summary: Summary::default() }
    }

    /// Opens a second checkpoint to compare with.
    pub fn open_second(&self, file: &PathBuf) -> Result<(), Failure> {
        pollster::block_on(self.engine.open_in(Slot::Second, name(std::slice::from_ref(file)), sources(std::slice::from_ref(file))?));
        match last(&self.face)? {
            Reply::OpenedSecond(_) => Ok(()),
            other => Err(Failure::strange(&other)),
        }
    }

    /// Gives the engine a checkpoint that a record may need.
    pub fn offer(&self, file: &PathBuf) -> Result<(), Failure> {
        Ok(pollster::block_on(self.engine.offer(sources(std::slice::from_ref(file))?))?)
    }

    /// Runs a command and gives all its answers; a failure among them is the failure of the whole.
    pub fn answers(&self, command: Command) -> Result<Vec<Reply>, Failure> {
        pollster::block_on(self.engine.handle(command));
        let replies = self.face.take();
        match replies.iter().rev().find_map(|r| if let Reply::Failed { fault, .. } = r { Some(fault.clone()) } else { None }) {
            Some(fault) => Err(fault.into()),
            None => Ok(replies),
        }
    }

    /// Chooses the device.
    pub fn device(&self, common: &Common) -> Result<DeviceInfo, Failure> {
        match self.answer(Command::Device(common.device.into()))? {
            Reply::Device(info) => Ok(info),
            other => Err(Failure::strange(&other)),
        }
    }

    /// Gives the engine something that it does not answer.
    pub fn tell(&self, command: Command) {
        pollster::block_on(self.engine.handle(command));
    }

    /// Runs a command to its end and gives its last answer.
    pub fn answer(&self, command: Command) -> Result<Reply, Failure> {
        pollster::block_on(self.engine.handle(command));
        last(&self.face)
    }
}

fn sources(files: &[PathBuf]) -> Result<Vec<Rc<dyn ByteSource>>, Failure> {
    if let Some(address) = files.iter().filter_map(|f| f.to_str()).find(|f| f.contains("://")) {
        return Err(Fault::no_network(address).into());
    }
    Ok(sources_at(files).map_err(|e| Fault::from(&CheckpointError::from(e)))?)
}

fn last(face: &Face) -> Result<Reply, Failure> {
    match face.take().pop() {
        Some(Reply::Failed { fault, .. }) => Err(fault.into()),
        Some(reply) => Ok(reply),
        None => Err(Failure::Usage("The engine gave no answer".into(), "It ended without a word.".into(), "This is a bug of ours: please report it.".into())),
    }
}

/// A folder's name is a model's name, and so is the folder's around a file named `model.safetensors`.
fn name(files: &[PathBuf]) -> Option<String> {
    let first = files.first()?;
    let whole = first.canonicalize().unwrap_or_else(|_| first.clone());
    if whole.is_dir() {
        return file_name(&whole);
    }
    let path = whole.to_str()?.to_owned();
    Some(espalier_lab::summary::name_of(path.strip_suffix(".index.json").unwrap_or(&path)))
}

fn file_name(path: &Path) -> Option<String> {
    path.file_name().map(|n| n.to_string_lossy().into_owned())
}
