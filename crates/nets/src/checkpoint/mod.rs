//! Lazy safetensors checkpoints: the header is read when one is opened, a tensor's bytes when they are asked for.
//!
//! Files are taken to be made by an attacker until proved otherwise: every length, offset, shape and name is checked before it is
//! used, and each thing that can be wrong is a variant of [`CheckpointError`] with advice.

pub mod codec;
pub mod config;
pub mod dtype;
pub mod error;
mod family;
#[cfg(not(target_arch = "wasm32"))]
pub mod file;
mod gather;
mod header;
mod names;
mod open;
mod peek;
mod read;
pub mod remote;
pub mod role;
pub mod sink;
pub mod sniff;
pub mod source;
pub mod writer;

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

pub use config::Config;
pub use dtype::Dtype;
pub use error::{CheckpointError, ErrorKind};
#[cfg(not(target_arch = "wasm32"))]
pub use file::{FileSink, FileSource, sources_at};
pub use header::{HEADER_CAP, RANK_CAP};
pub use peek::{header_end, metadata};
pub use role::{Family, Layout, MatrixRef, Role};
pub use source::{ByteSource, Cause, LocalFuture, MemorySource, SourceError};
pub use sink::{ByteSink, MemorySink, NoPause, Pace, SinkError, Stopped};
pub use writer::{Origin, Output, Plan, WriteError, Writer, write};

/// One checkpoint, however many files it lies in.
#[derive(Clone)]
pub struct Checkpoint {
    /// Files that hold tensors, in the order of the index or of their names.
    pub files: Vec<Rc<dyn ByteSource>>,
    /// Tensors in file order.
    pub tensors: Vec<TensorEntry>,
    /// `config.json`, where one was given.
    pub config: Option<serde_json::Value>,
    /// The values of `config.json` that are used here.
    pub settings: Config,
    /// What the names and the configuration say it is.
    pub family: Family,
    /// Transformer blocks or CNN layers: one more than the highest [`TensorEntry::block`].
    pub blocks: u32,
    /// `__metadata__` of the first file.
    pub metadata: BTreeMap<String, String>,
    /// What the reader should know: files left out and why, unknown dtypes, how something was taken.
    pub notes: Vec<String>,
    /// Bytes read to open it.
    pub header_bytes: u64,
    /// Where each file's header lies (the eight bytes of its length included).
    pub headers: Vec<Range<u64>>,
}

/// One tensor of a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorEntry {
    /// Name in the file.
    pub name: String,
    /// Element type as the file spells it.
    pub dtype: Dtype,
    /// Extents, outermost first.
    pub shape: Vec<u64>,
    /// Index into [`Checkpoint::files`].
    pub file: usize,
    /// Bytes in that file.
    pub range: Range<u64>,
    /// What it does in the architecture.
    pub role: Role,
    /// Block it belongs to.
    pub block: Option<u32>,
    /// Expert it belongs to.
    pub expert: Option<u32>,
    /// Belongs to a shared expert.
    pub shared: bool,
    /// How its matrices lie in it.
    pub layout: Layout,
}

impl TensorEntry {
    /// Number of elements. It fits: opening a checkpoint checks it.
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Bytes in the file.
    pub fn bytes(&self) -> u64 {
        self.range.end - self.range.start
    }
}
