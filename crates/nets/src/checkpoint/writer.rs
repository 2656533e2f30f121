//! Writing a checkpoint as a stream: a plan first, then the header, then one tensor after another. A copy of a 2 GB model is never
//! in memory; at most one piece of [`PIECE`] bytes is, and the one tensor that a caller has produced.

use std::collections::{BTreeMap, HashSet};

use super::error::{shape_text, short};
use super::sink::{ByteSink, Pace, SinkError, Stopped};
use super::{Checkpoint, CheckpointError, Dtype};

/// Most bytes copied between two looks at the cancel flag.
pub const PIECE: u64 = 4 << 20;

/// Why a checkpoint was not written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WriteError {
    /// The person asked to stop.
    #[error("stopped")]
    Stopped,
    /// The plan makes no checkpoint.
    #[error("tensor {tensor} cannot be written: {why}")]
    Plan {
        /// Tensor.
        tensor: String,
        /// What is wrong with it.
        why: String,
    },
    /// A producer gave another number of bytes than the plan has.
    #[error("tensor {tensor} should have {planned} bytes, but {given} were given")]
    Length {
        /// Tensor.
        tensor: String,
        /// Bytes by the plan.
        planned: u64,
        /// Bytes given so far, with those that were too many.
        given: u64,
    },
    /// Tensors of the plan were not written.
    #[error("{0} tensors of the plan were not written")]
    Unfinished(usize),
    /// The sink failed.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A tensor that was to be copied could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl WriteError {
    /// What to do, in a sentence.
    pub fn advice(&self) -> String {
        match self {
            Self::Stopped => "Nothing was kept of the copy; start it again when you like.".into(),
            Self::Sink(_) => "See that there is room and that the place may be written to, then try again.".into(),
            Self::Checkpoint(e) => e.advice(),
            Self::Plan { .. } | Self::Length { .. } | Self::Unfinished(_) => "This is a bug of ours: please report it with the run record.".into(),
        }
    }
}

impl From<Stopped> for WriteError {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// Where a tensor's bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Byte for byte from this tensor of the open checkpoint.
    Copied(usize),
    /// Made by the caller when its turn comes.
    Produced,
}

/// One tensor to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Name.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// Extents, outermost first.
    pub shape: Vec<u64>,
    /// Where its bytes come from.
    pub origin: Origin,
}

impl Output {
    /// A tensor of `checkpoint` as it is.
    pub fn copied(checkpoint: &Checkpoint, tensor: usize) -> Option<Self> {
        let t = checkpoint.tensors.get(tensor)?;
        Some(Self { name: t.name.clone(), dtype: t.dtype, shape: t.shape.clone(), origin: Origin::Copied(tensor) })
    }

    /// Bytes of its values; `None` where they overflow or do not end on a whole byte.
    pub fn length(&self) -> Option<u64> {
        self.dtype.bytes(self.shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d))?)
    }
}

/// A checked plan in the order of the file.
#[derive(Clone, Debug)]
pub struct Plan {
    outputs: Vec<Output>,
    lengths: Vec<u64>,
    header: Vec<u8>,
}

impl Plan {
    /// Orders the outputs as the safetensors library does (wider element types first, then by name) and lays out the header.
    ///
    /// # Errors
    /// [`WriteError::Plan`] for a name that comes twice or is reserved, a shape that cannot be counted or does not end on a whole byte,
    /// and a header over the format's cap.
    pub fn new(mut outputs: Vec<Output>, metadata: &BTreeMap<String, String>) -> Result<Self, WriteError> {
        outputs.sort_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name)));
        let mut names = HashSet::new();
        let mut json = String::from("{");
        if !metadata.is_empty() {
            json.push_str("\"__metadata__\":");
            json.push_str(&serde_json::to_string(metadata).unwrap_or_default());
        }
        let mut at = 0u64;
        let mut lengths = Vec::with_capacity(outputs.len());
        for o in &outputs {
            let fail = |why: String| WriteError::Plan { tensor: short(&o.name), why };
            if o.name == "__metadata__" {
                return Err(fail("the name is reserved".into()));
            }
            if !names.insert(&o.name) {
                return Err(fail("the name comes twice".into()));
            }
            let length = o.length().ok_or_else(|| fail(format!("{} {} has no whole number of bytes", o.dtype, shape_text(&o.shape))))?;
            let end = at.checked_add(length).ok_or_else(|| fail("the file would be too long".into()))?;
            if json.len() > 1 {
                json.push(',');
            }
            let name = serde_json::Value::from(o.name.as_str());
            let shape: Vec<String> = o.shape.iter().map(u64::to_string).collect();
            json.push_str(&format!("{name}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{at},{end}]}}", o.dtype, shape.join(",")));
            at = end;
            lengths.push(length);
        }
        json.push('}');
        // Padded with spaces so that the data begins on a multiple of eight.
        while !json.len().is_multiple_of(8) {
            json.push(' ');
        }
        if json.len() as u64 > super::header::HEADER_CAP {
            return Err(WriteError::Plan { tensor: "__metadata__".into(), why: "the header would be longer than readers take".into() });
        }
        let mut header = (json.len() as u64).to_le_bytes().to_vec();
        header.extend(json.into_bytes());
        Ok(Self { outputs, lengths, header })
    }

    /// What will be written, in order.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Bytes of the whole file.
    pub fn total(&self) -> u64 {
        self.header.len() as u64 + self.lengths.iter().sum::<u64>()
    }
}

/// Writes a plan into a sink, tensor by tensor.
pub struct Writer<'a> {
    plan: &'a Plan,
    sink: &'a mut dyn ByteSink,
    pace: &'a dyn Pace,
    next: usize,
    /// Bytes of the current tensor.
    put: u64,
    done: u64,
}

impl<'a> Writer<'a> {
    /// Writes the header.
    ///
    /// # Errors
    /// The sink's.
    pub async fn begin(plan: &'a Plan, sink: &'a mut dyn ByteSink, pace: &'a dyn Pace) -> Result<Self, WriteError> {
        let mut writer = Self { plan, sink, pace, next: 0, put: 0, done: 0 };
        writer.write(&plan.header).await?;
        writer.skip_empty();
        Ok(writer)
    }

    /// The tensor whose bytes are expected next; `None` when all are written.
    pub fn next(&self) -> Option<&'a Output> {
        self.plan.outputs.get(self.next)
    }

    /// Writes the next bytes of the current tensor, all or some of them. Empty tensors are passed over by themselves.
    ///
    /// # Errors
    /// [`WriteError::Length`] for more bytes than planned, the sink's, and [`WriteError::Stopped`].
    pub async fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let (tensor, planned) = match (self.next(), self.plan.lengths.get(self.next)) {
            (Some(o), Some(n)) => (o.name.as_str(), *n),
            _ => ("(after the last)", 0),
        };
        let given = self.put + bytes.len() as u64;
        if given > planned {
            return Err(WriteError::Length { tensor: short(tensor), planned, given });
        }
        for piece in bytes.chunks(PIECE as usize) {
            self.write(piece).await?;
        }
        self.put = given;
        if given == planned && planned > 0 {
            self.next += 1;
            self.put = 0;
            self.skip_empty();
        }
        Ok(())
    }

    /// Writes the whole of `output`, whose turn it must be unless it is empty.
    ///
    /// # Errors
    /// As [`put`](Self::put), and [`WriteError::Length`] for too few bytes.
    pub async fn put_whole(&mut self, output: &Output, bytes: &[u8]) -> Result<(), WriteError> {
        let (planned, given) = (output.length().unwrap_or(u64::MAX), bytes.len() as u64);
        if planned != given {
            return Err(WriteError::Length { tensor: short(&output.name), planned, given });
        }
        if given == 0 {
            return Ok(());
        }
        if self.put != 0 || self.next() != Some(output) {
            return Err(WriteError::Plan { tensor: short(&output.name), why: "it is not its turn".into() });
        }
        self.put(bytes).await
    }

    /// Copies tensor `tensor` of `checkpoint` as the current one, piece by piece.
    ///
    /// # Errors
    /// [`WriteError::Plan`] where it has another type or shape than planned; the source's and the sink's; [`WriteError::Stopped`].
    pub async fn copy(&mut self, checkpoint: &Checkpoint, tensor: usize) -> Result<(), WriteError> {
        let entry = checkpoint.entry(tensor)?;
        if entry.range.is_empty() {
            return Ok(());
        }
        if let Some(o) = self.next()
            && (o.dtype != entry.dtype || o.shape != entry.shape)
        {
            let why = format!("{} {} was planned, {} {} is to be copied", o.dtype, shape_text(&o.shape), entry.dtype, shape_text(&entry.shape));
            return Err(WriteError::Plan { tensor: short(&o.name), why });
        }
        let length = entry.range.end - entry.range.start;
        let mut at = 0;
        while at < length {
            let end = length.min(at + PIECE);
            let bytes = checkpoint.read_bytes(tensor, at..end).await?;
            self.put(&bytes).await?;
            at = end;
        }
        Ok(())
    }

    /// Checks that all was written, and lets the sink finish.
    ///
    /// # Errors
    /// [`WriteError::Unfinished`], and the sink's.
    pub async fn finish(self) -> Result<u64, WriteError> {
        match self.plan.outputs.len() - self.next {
            0 => {
                self.sink.finish().await?;
                Ok(self.done)
            }
            rest => Err(WriteError::Unfinished(rest)),
        }
    }

    fn skip_empty(&mut self) {
        while self.plan.lengths.get(self.next) == Some(&0) {
            self.next += 1;
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.sink.write(bytes).await?;
        self.done += bytes.len() as u64;
        self.pace.pace(self.done, self.plan.total()).await?;
        Ok(())
    }
}

/// Writes a whole plan: copies what is copied from `checkpoint` and asks `produce` for the bytes of the rest, one tensor at a time.
/// Returns the bytes written.
///
/// # Errors
/// As [`Writer`], and whatever `produce` says.
pub async fn write<E: From<WriteError>>(
    checkpoint: &Checkpoint,
    plan: &Plan,
    sink: &mut dyn ByteSink,
    pace: &dyn Pace,
    mut produce: impl AsyncFnMut(&Output) -> Result<Vec<u8>, E>,
) -> Result<u64, E> {
    let mut writer = Writer::begin(plan, sink, pace).await?;
    for output in plan.outputs() {
        match output.origin {
            Origin::Copied(tensor) => writer.copy(checkpoint, tensor).await?,
            Origin::Produced => {
                let bytes = produce(output).await?;
                writer.put_whole(output, &bytes).await?;
            }
        }
    }
    Ok(writer.finish().await?)
}
