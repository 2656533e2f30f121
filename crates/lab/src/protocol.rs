//! What faces say to the engine and what it answers: plain serde data. Files are handed over beside it, as byte sources.

use espalier_methods::calibration::Corpus;
use espalier_methods::bytes::{F32s, F64s, U32s};
use espalier_methods::report::{Cells, Event, Report, Spectrum};
use espalier_methods::urban::town::PointFile;
use espalier_nets::checkpoint::{Family, MatrixRef, Role};
use serde::{Deserialize, Serialize};

pub use crate::estimate::{Estimate, Work};
pub use crate::fault::{Fault, FaultKind};
pub use crate::record::Check;

/// A request. Answers to one carry its `job`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Chooses a device; answered by [`Reply::Device`]. What is open stays open.
    Device(DeviceChoice),
    /// Forgets the open checkpoint.
    Close,
    /// Forgets the second one.
    CloseSecond,
    /// Keeps a tokenized text for the methods that run the model; one of the same name is replaced. Not answered.
    Text(Corpus),
    /// Keeps a file of points for the methods over cities; one of the same name is replaced. Not answered.
    Points(PointFile),
    /// Holds a run, lets it go on, or lets it take some steps. Not answered; a job that is over is over.
    Pace {
        /// Job.
        job: u32,
        /// How.
        pace: Pace,
    },
    /// Statistics of one tensor; answered by [`Reply::Stats`].
    Stats {
        /// Job.
        job: u32,
        /// Index of the tensor.
        tensor: u32,
    },
    /// Runs a method over the open checkpoint.
    Run {
        /// Job.
        job: u32,
        /// Registry key.
        method: String,
        /// Configuration; missing fields take their defaults.
        config: serde_json::Value,
        /// Names of the matrices (slices as `name#3`); `None` for all.
        matrices: Option<Vec<String>>,
        /// Spectra that are known already and need not be computed again.
        known: Vec<Spectrum>,
        /// Seed.
        seed: u64,
    },
    /// Writes an edited copy; the face gets bytes through its writer, then [`Reply::Exported`].
    Export {
        /// Job.
        job: u32,
        /// What to change.
        edits: Edits,
        /// What goes into `__metadata__` beside the engine's own lines: the run record, the settings.
        provenance: Vec<(String, String)>,
    },
    /// Compares the second checkpoint with the first; answered like a run, by [`Reply::Done`] of the method `diff` with findings
    /// [`TensorDiff`](espalier_methods::report::TensorDiff).
    Diff {
        /// Job.
        job: u32,
        /// Configuration of the comparison: `{"spectra": [names]}`.
        config: serde_json::Value,
    },
    /// Asks what some work would need, without doing it; answered by [`Reply::Estimate`].
    Estimate {
        /// Job.
        job: u32,
        /// The work.
        work: Work,
    },
    /// Asks for the record of everything done so far; answered by [`Reply::Record`].
    Record,
    /// Does a record again and compares; answered by a [`Reply::Step`] each step and [`Reply::Replayed`].
    Replay {
        /// Job.
        job: u32,
        /// The record, as JSON.
        record: String,
    },
    /// Stops a job at its next breath.
    Cancel {
        /// Job.
        job: u32,
    },
    /// Runs every operation's samples on both devices.
    SelfTest {
        /// Job.
        job: u32,
    },
}

impl Command {
    /// The job that it begins or, for a cancel, that it ends.
    pub fn job(&self) -> Option<u32> {
        match self {
            Self::Stats { job, .. } | Self::Run { job, .. } | Self::Export { job, .. } | Self::Diff { job, .. } | Self::Estimate { job, .. } | Self::Replay { job, .. } | Self::Cancel { job } | Self::SelfTest { job } | Self::Pace { job, .. } => Some(*job),
            Self::Device(_) | Self::Close | Self::CloseSecond | Self::Text(_) | Self::Points(_) | Self::Record => None,
        }
    }
}

/// How a run that takes steps goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// As fast as it can.
    Play,
    /// It waits before its next step.
    Pause,
    /// So many steps, then it waits.
    Step(u32),
    /// It takes no more steps and does what comes after them.
    Enough,
    /// It goes on as it was, and says what it is now ([`Urban::Saved`](espalier_methods::urban::picture::Urban::Saved)), so that it can be gone on with later.
    Save,
}

/// Which of the two checkpoints that can be open: the one that everything works on, or the one it is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Slot {
    /// The one that everything works on; answered by [`Reply::Opened`].
    #[default]
    First,
    /// The one it is compared with; answered by [`Reply::OpenedSecond`].
    Second,
}

/// Which device is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// A real GPU if there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU twins.
    Cpu,
    /// Any adapter, a software one too.
    Gpu,
}

/// Edits that make a new checkpoint of the open one. Tensors that are not named are copied byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Edits {
    /// Low-rank forms of matrices.
    Rank {
        /// Matrix (slices as `name#3`) and the rank it keeps.
        ranks: Vec<(String, u32)>,
        /// True: factor pairs `X.U.weight`, `X.V.weight` (WeLore's names); false: the product, dense, under the old name.
        factors: bool,
    },
    /// Magnitude pruning with the configuration of the `magnitude` method, the sparsities of its allocation filled in.
    Magnitude {
        /// Configuration of the method.
        config: serde_json::Value,
        /// Matrices to prune; `None` for all prunable.
        matrices: Option<Vec<String>>,
    },
    /// Without some experts: condensed layers become dense ones, others route on among fewer.
    Thin {
        /// What becomes of each block.
        plan: espalier_methods::experts::Plan,
    },
    /// Not a copy but the masks of that pruning: a `U8` tensor of the same name and shape for every pruned tensor, 1 where the weight stays.
    Masks {
        /// Configuration of the method `magnitude`.
        config: serde_json::Value,
        /// Matrices to prune; `None` for all prunable.
        matrices: Option<Vec<String>>,
    },
    /// What a pruning with calibration has left: the last one where it was the same, else it is run for this. Its texts must have been given.
    Calibrated {
        /// Registry key: `wanda`, `sparsegpt`, `owl`.
        method: String,
        /// Configuration of the method.
        config: serde_json::Value,
        /// Matrices to prune; `None` for all prunable.
        matrices: Option<Vec<String>>,
        /// Seed of the windows.
        seed: u64,
        /// True: not a copy but masks, as [`Edits::Masks`] has them.
        masks: bool,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The device in use.
    Device(DeviceInfo),
    /// A checkpoint is open.
    Opened(Box<Summary>),
    /// A second checkpoint is open, to be compared with the first.
    OpenedSecond(Box<Summary>),
    /// Statistics of a tensor.
    Stats {
        /// Job.
        job: u32,
        /// The numbers.
        stats: Box<TensorStats>,
    },
    /// A running method said something.
    Event {
        /// Job.
        job: u32,
        /// What.
        event: Event,
    },
    /// A method finished.
    Done {
        /// Job.
        job: u32,
        /// Its report.
        report: Box<Report>,
        /// Wall time.
        seconds: f64,
    },
    /// An export finished.
    Exported {
        /// Job.
        job: u32,
        /// Bytes written.
        bytes: f64,
        /// Tensors that were changed.
        changed: u32,
        /// Wall time.
        seconds: f64,
    },
    /// What some work would need.
    Estimate {
        /// Job.
        job: u32,
        /// The needs.
        estimate: Box<Estimate>,
    },
    /// The record of everything done so far.
    Record {
        /// JSON, as [`Record::text`](crate::record::Record::text) writes it: ready for a file.
        text: String,
        /// Steps in it.
        steps: u32,
    },
    /// A step of a record was done again.
    Step {
        /// Job.
        job: u32,
        /// Number of the step, from 0.
        index: u32,
        /// Steps in all.
        of: u32,
        /// What was done: `run welore`.
        title: String,
        /// How it compares.
        check: Check,
    },
    /// All steps of a record were done again.
    Replayed {
        /// Job.
        job: u32,
        /// Results that are equal to the last bit.
        same: u32,
        /// Results that are equal within what another device rounds.
        close: u32,
        /// Other results.
        different: u32,
        /// Wall time.
        seconds: f64,
    },
    /// One operation of the self-test.
    SelfTest {
        /// Job.
        job: u32,
        /// The row.
        row: SelfTestRow,
    },
    /// The self-test finished.
    SelfTested {
        /// Job.
        job: u32,
        /// Largest difference over its tolerance's scale.
        largest: f64,
        /// Operations that failed.
        failed: u32,
        /// Operations tried.
        ops: u32,
        /// Wall time.
        seconds: f64,
    },
    /// The device was lost in a job. It is opened again and the job begun anew; the same results come.
    Lost {
        /// Job.
        job: u32,
        /// What the driver said.
        reason: String,
        /// It was lost before within a minute: the face offers to go on with the CPU.
        offer_cpu: bool,
    },
    /// The device had no room in a job, and the job is begun anew in smaller tiles; the same results come.
    Tight {
        /// Job.
        job: u32,
        /// What had no room, as a message.
        fault: Fault,
    },
    /// A job was stopped as asked; what it had said stays good.
    Cancelled {
        /// Job.
        job: u32,
    },
    /// Something failed; what was open stays open.
    Failed {
        /// Job, where one was running.
        job: Option<u32>,
        /// What, where, why, and what to do.
        fault: Fault,
    },
}

/// The device in use and how it was come by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// True where WGSL runs.
    pub gpu: bool,
    /// `NVIDIA H100`, `SwiftShader`, `CPU twin`.
    pub name: String,
    /// Architecture or driver, may be empty.
    pub detail: String,
    /// A software adapter.
    pub software: bool,
    /// Why there is no GPU, where there is none: the cause in three words (`no adapter`), then a sentence with advice.
    pub absent: Option<(String, String)>,
    /// Limits asked for and offered, in bytes or counts.
    pub limits: Vec<(String, f64, f64)>,
    /// Optional features in use.
    pub features: Vec<String>,
}

/// What is known of a checkpoint from its header.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Name for people: the folder's, or the file's without its ending.
    pub name: String,
    /// Architecture family.
    pub family: Family,
    /// As `config.json` says it: `LlamaForCausalLM`; empty without one.
    pub architecture: String,
    /// Blocks.
    pub blocks: u32,
    /// Bytes of all files.
    pub bytes: f64,
    /// Bytes read so far to open it.
    pub header_bytes: f64,
    /// Files: name and length.
    pub files: Vec<(String, f64)>,
    /// Tensors in file order.
    pub tensors: Vec<TensorRow>,
    /// Matrices that can be analysed.
    pub matrices: Vec<MatrixRef>,
    /// Configuration values worth showing.
    pub config: Vec<(String, String)>,
    /// `__metadata__`.
    pub metadata: Vec<(String, String)>,
    /// What the reader should know.
    pub notes: Vec<String>,
    /// SHA-256 of the headers, in hex: what a link to a local file holds.
    pub header_hash: String,
    /// Hub id or address, where it was opened by one: tensors are fetched when they are asked for.
    #[serde(default)]
    pub address: Option<String>,
}

/// One row of the tensor table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorRow {
    /// Name.
    pub name: String,
    /// Element type as the file spells it.
    pub dtype: String,
    /// Whether its values can be decoded.
    pub readable: bool,
    /// Extents.
    pub shape: Vec<f64>,
    /// Elements.
    pub elements: f64,
    /// Bytes.
    pub bytes: f64,
    /// Role.
    pub role: Role,
    /// Block.
    pub block: Option<u32>,
    /// Expert.
    pub expert: Option<u32>,
    /// Index of the file.
    pub file: u32,
}

/// Statistics of one tensor. Everything but the counts is over the finite values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorStats {
    /// Index of the tensor.
    pub tensor: u32,
    /// Elements.
    pub elements: f64,
    /// Exact zeros.
    pub zeros: f64,
    /// Not a number.
    pub nan: f64,
    /// Infinite.
    pub infinite: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation (population).
    pub std: f64,
    /// Fourth standardised moment (3 for a normal distribution).
    pub kurtosis: f64,
    /// √Σw².
    pub frobenius: f64,
    /// Values further than 4 std from the mean.
    pub outliers: f64,
    /// Quantiles at 0.1, 1, 5, 25, 50, 75, 95, 99, 99.9 %.
    pub quantiles: F64s,
    /// Left edge of the first bin and right edge of the last.
    pub bins: [f64; 2],
    /// Counts of equal bins.
    pub counts: U32s,
    /// Means over blocks of the matrix view, at most 64 × 128 cells.
    pub cells: Cells,
    /// Largest |w| in the same blocks.
    pub peaks: Cells,
    /// √Σw² of each cell row, for the bars at the right.
    pub row_norms: F32s,
    /// Milliseconds to read the bytes and to compute.
    pub millis: [f64; 2],
    /// Bytes read.
    pub read: f64,
}

/// One operation in the self-test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfTestRow {
    /// `family/op`.
    pub op: String,
    /// Samples tried.
    pub samples: u32,
    /// Largest difference as a share of the scale; 0 where bits are equal.
    pub difference: f64,
    /// Its tolerance on the same axis; 0 where bits must be equal.
    pub tolerance: f64,
    /// Agrees.
    pub agrees: bool,
    /// First failing sample: label, index, CPU and GPU values; empty where it agrees.
    pub failure: String,
    /// Milliseconds on the CPU and on the GPU.
    pub millis: [f64; 2],
}
