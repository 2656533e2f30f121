//! What can be wrong with a checkpoint; each message says what, where, why and what to do.

use super::sniff::Foreign;
use super::source::{Cause, SourceError};

/// The place and colour of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file is not what it should be.
    Malformed,
    /// A file that belongs to the checkpoint was not given.
    Missing,
    /// Bytes could not be read.
    Source,
    /// An element type that cannot be decoded.
    Dtype,
    /// More than this machine's memory holds.
    Memory,
    /// A request that does not fit the open checkpoint: a bug in the caller, or a request made for another checkpoint.
    Request,
}

/// A checkpoint that cannot be used, or a tensor that cannot be read.
///
/// [`what`](Self::what), [`why`](Self::why) and [`advice`](Self::advice) are the three sentences a face shows.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}: {} {}", self.what(), self.why(), self.advice())]
pub enum CheckpointError {
    /// Bytes could not be read.
    Source(#[from] SourceError),
    /// No file was given that could hold tensors.
    NothingToOpen {
        /// Names of the files that were given.
        given: Vec<String>,
    },
    /// Another format under this name.
    Foreign {
        /// File.
        file: String,
        /// What it is.
        found: Foreign,
    },
    /// The first eight bytes cannot be a header's length.
    HeaderLength {
        /// File.
        file: String,
        /// What the eight bytes say.
        length: u64,
        /// Bytes of the file.
        size: u64,
    },
    /// The header is not the JSON it should be.
    HeaderJson {
        /// File.
        file: String,
        /// The parser's words.
        why: String,
    },
    /// One tensor's entry is not of the right form.
    HeaderEntry {
        /// File.
        file: String,
        /// Tensor.
        tensor: String,
        /// What is wrong with it.
        why: String,
    },
    /// A name appears twice in one header.
    DuplicateName {
        /// File.
        file: String,
        /// Tensor.
        tensor: String,
    },
    /// An element type that safetensors does not have.
    UnknownDtype {
        /// File.
        file: String,
        /// Tensor.
        tensor: String,
        /// What stands there.
        dtype: String,
    },
    /// More dimensions than any tool holds.
    Rank {
        /// File.
        file: String,
        /// Tensor.
        tensor: String,
        /// Its dimensions.
        rank: usize,
    },
    /// The product of a shape does not fit 64 bits.
    Overflow {
        /// File.
        file: String,
        /// Tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<u64>,
    },
    /// Shape and element type need another number of bytes than the offsets give.
    ByteCount {
        /// File.
        file: String,
        /// Tensor.
        tensor: String,
        /// Element type.
        dtype: super::Dtype,
        /// Shape.
        shape: Vec<u64>,
        /// Bytes it needs; `None` where it does not end on a whole byte.
        needs: Option<u64>,
        /// Bytes the offsets give.
        given: u64,
    },
    /// The offsets end before they begin.
    Backwards {
        /// File.
        file: String,
        /// Tensor.
        tensor: String,
        /// The two offsets.
        offsets: [u64; 2],
    },
    /// The offsets lie past the end of the file.
    PastEnd {
        /// File.
        file: String,
        /// Tensor.
        tensor: String,
        /// The two offsets.
        offsets: [u64; 2],
        /// Bytes of tensor data in the file.
        data: u64,
        /// Bytes of the file that the header asks for.
        wanted: u64,
        /// Bytes of the file.
        size: u64,
    },
    /// Two tensors share bytes.
    Overlap {
        /// File.
        file: String,
        /// The two tensors.
        tensors: [String; 2],
        /// Offset of the first shared byte.
        at: u64,
    },
    /// The index of a sharded checkpoint cannot be used.
    Index {
        /// File.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// Shards that were not given.
    MissingShards {
        /// Who says that they exist: the index, or the name of another shard.
        named_by: String,
        /// The missing files; of very many the first thousand.
        missing: Vec<String>,
        /// How many they are.
        count: usize,
        /// How many files the checkpoint has.
        of: usize,
    },
    /// A tensor in two shards, and nothing that says which one counts.
    TwoShards {
        /// Tensor.
        tensor: String,
        /// The two files.
        files: [String; 2],
    },
    /// A tensor of an element type that is listed but not decoded.
    NotDecoded {
        /// Tensor.
        tensor: String,
        /// Element type.
        dtype: super::Dtype,
    },
    /// Too large to be held in memory at once.
    TooLarge {
        /// Tensor.
        tensor: String,
        /// Bytes it would take.
        bytes: u64,
    },
    /// A tensor, a slice or a range that the checkpoint does not have.
    NoSuch {
        /// What was asked for.
        asked: String,
        /// Why there is no such thing.
        why: String,
    },
}

/// A name from a file, short enough for a sentence.
pub(crate) fn short(name: &str) -> String {
    const MOST: usize = 120;
    let clean: String = name.chars().take(MOST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if clean.len() < name.len() && name.chars().count() > MOST { format!("{clean}…") } else { clean }
}

/// `[768, 3072]`, cut after a few.
pub(crate) fn shape_text(shape: &[u64]) -> String {
    const MOST: usize = 8;
    let list: Vec<String> = shape.iter().take(MOST).map(u64::to_string).collect();
    if shape.len() > MOST { format!("[{}, …]", list.join(", ")) } else { format!("[{}]", list.join(", ")) }
}

/// Up to three names, and how many more.
pub(crate) fn list(names: &[String]) -> String {
    list_of(names, names.len())
}

/// Up to three of `count` names, and how many more.
fn list_of(names: &[String], count: usize) -> String {
    const MOST: usize = 3;
    let shown: Vec<String> = names.iter().take(MOST).map(|n| short(n)).collect();
    let rest = count.saturating_sub(MOST);
    if rest > 0 { format!("{} and {rest} more", shown.join(", ")) } else { shown.join(", ") }
}

const DOWNLOAD_AGAIN: &str = "Download or copy the file again and compare its size with the original.";
const WRITE_AGAIN: &str = "Save the checkpoint again with the safetensors library; if it came from someone else, do not trust it.";

impl CheckpointError {
    /// The thing and what happened, without a full stop: it can head a message.
    pub fn what(&self) -> String {
        match self {
            Self::Source(e) => match &e.cause {
                Cause::Other => format!("{} could not be read", short(&e.file)),
                Cause::Changed => format!("{} has changed since it was opened", short(&e.file)),
                Cause::Remote(fault) => fault.what(&short(&e.file)),
            },
            Self::NothingToOpen { .. } => "No checkpoint was found in what was given".into(),
            Self::Foreign { file, found } => format!("{} was not opened: it is {}, not safetensors", short(file), found.phrase()),
            Self::HeaderLength { file, length, size } if *size < 8 || 8u64.saturating_add(*length) > *size => {
                format!("{} was not opened: its header is cut off", short(file))
            }
            Self::HeaderLength { file, .. } => format!("{} was not opened: its header is too long", short(file)),
            Self::HeaderJson { file, .. } => format!("{} was not opened: its header is not valid", short(file)),
            Self::Index { file, .. } => format!("{} cannot be used as an index of shards", short(file)),
            Self::MissingShards { missing, of, count: 1, .. } => format!("{} is missing: one of {of} shards", list(missing)),
            Self::MissingShards { missing, of, count, .. } => format!("{count} of {of} shards are missing: {}", list_of(missing, *count)),
            Self::TwoShards { tensor, files } => format!("Tensor {} is in two files, {} and {}", short(tensor), short(&files[0]), short(&files[1])),
            Self::NotDecoded { tensor, dtype } => format!("Tensor {} is listed but not decoded: it is {dtype}", short(tensor)),
            Self::TooLarge { tensor, .. } => format!("Tensor {} is too large to read at once", short(tensor)),
            Self::NoSuch { asked, .. } => format!("{} is not in the open checkpoint", short(asked)),
            Self::DuplicateName { file, tensor } => format!("{} was not opened: tensor {} is named twice", short(file), short(tensor)),
            Self::Overlap { file, tensors: [a, b], .. } => {
                format!("{} was not opened: tensors {} and {} overlap", short(file), short(a), short(b))
            }
            Self::PastEnd { file, tensor, .. } => format!("{} was not opened: tensor {} lies past the end of the file", short(file), short(tensor)),
            Self::UnknownDtype { file, tensor, .. } => {
                format!("{} was not opened: tensor {} has an unknown element type", short(file), short(tensor))
            }
            Self::HeaderEntry { file, tensor, .. } => format!("{} was not opened: the entry of tensor {} is not valid", short(file), short(tensor)),
            Self::Rank { file, tensor, rank } => format!("{} was not opened: tensor {} has {rank} dimensions", short(file), short(tensor)),
            Self::Overflow { file, tensor, .. } => format!("{} was not opened: the shape of tensor {} is absurd", short(file), short(tensor)),
            Self::ByteCount { file, tensor, .. } | Self::Backwards { file, tensor, .. } => {
                format!("{} was not opened: the byte range of tensor {} does not fit", short(file), short(tensor))
            }
        }
    }

    /// Why, in a sentence.
    pub fn why(&self) -> String {
        match self {
            Self::Source(e) => match &e.cause {
                Cause::Other => format!("Bytes {} to {}: {}.", e.start, e.end, e.why.trim_end_matches('.')),
                Cause::Changed => format!("Bytes {} to {} were asked for, and {}.", e.start, e.end, e.why.trim_end_matches('.')),
                Cause::Remote(fault) => fault.why(),
            },
            Self::NothingToOpen { given } if given.is_empty() => "No file was given.".into(),
            Self::NothingToOpen { given } => format!("None of the files holds tensors: {}.", list(given)),
            Self::Foreign { found, .. } => found.why().into(),
            Self::HeaderLength { length, size, .. } => {
                if *size < 8 {
                    format!("A safetensors file begins with eight bytes that give the header's length; the whole file has {size}.")
                } else if 8u64.saturating_add(*length) > *size {
                    format!("The first eight bytes ask for a header of {length} bytes, but the file ends after {size}.")
                } else {
                    format!("The header is {length} bytes long; safetensors readers stop at {}.", super::header::HEADER_CAP)
                }
            }
            Self::HeaderJson { why, .. } | Self::HeaderEntry { why, .. } | Self::Index { why, .. } | Self::NoSuch { why, .. } => {
                format!("{}.", short(why.trim_end_matches('.')))
            }
            Self::DuplicateName { .. } => "Readers would disagree which of the two counts, so a name may appear once only.".into(),
            Self::UnknownDtype { dtype, .. } => format!(
                "It says {:?}; safetensors 0.8 has {}.",
                short(dtype),
                super::Dtype::ALL.iter().map(|d| d.name()).collect::<Vec<_>>().join(", ")
            ),
            Self::Rank { .. } => format!("No tool holds tensors of more than {} dimensions.", super::header::RANK_CAP),
            Self::Overflow { shape, .. } => format!("The bytes of shape {} cannot be counted in 64 bits.", shape_text(shape)),
            Self::ByteCount { dtype, shape, needs: Some(needs), given, .. } => {
                format!("{dtype} {} needs {needs} bytes, its offsets give {given}.", shape_text(shape))
            }
            Self::ByteCount { dtype, shape, needs: None, .. } => {
                format!("{dtype} {} does not end on a whole byte.", shape_text(shape))
            }
            Self::Backwards { offsets: [a, b], .. } => format!("Its offsets run from {a} back to {b}."),
            Self::PastEnd { offsets: [a, b], data, wanted, size, .. } => format!(
                "Its offsets are {a} to {b}, but the file holds {data} bytes of tensors; it would have to be {wanted} bytes long and is {size}."
            ),
            Self::Overlap { at, .. } => format!("Both claim the byte at offset {at}; a tensor's bytes belong to it alone."),
            Self::MissingShards { named_by, .. } => format!("{} says that the checkpoint has them, and they were not among the files given.", short(named_by)),
            Self::TwoShards { .. } => "There is no index that says which one counts.".into(),
            Self::NotDecoded { dtype, .. } => format!("There is no reader for {dtype} yet."),
            Self::TooLarge { bytes, .. } => format!("It would take {bytes} bytes of memory in one piece."),
        }
    }

    /// What to do now.
    pub fn advice(&self) -> String {
        match self {
            Self::Source(e) => match &e.cause {
                Cause::Other => "Try again; if the file was moved, changed or deleted since it was chosen, choose it again.".into(),
                Cause::Changed => "Choose the file again: what is shown belongs to the file as it was, and nothing more of that can be read.".into(),
                Cause::Remote(fault) => fault.advice(),
            },
            Self::NothingToOpen { .. } => "Choose a .safetensors file, or all shards of one together with their model.safetensors.index.json.".into(),
            Self::Foreign { found, .. } => found.advice().into(),
            Self::HeaderLength { length, size, .. } if *size >= 8 && 8u64.saturating_add(*length) <= *size => WRITE_AGAIN.into(),
            Self::HeaderLength { .. } | Self::PastEnd { .. } => DOWNLOAD_AGAIN.into(),
            Self::HeaderJson { .. } => format!("{DOWNLOAD_AGAIN} If it is whole, it was not written by a safetensors library."),
            Self::UnknownDtype { .. } => "If a newer safetensors has this type, convert the tensor to F32, F16 or BF16 and save again.".into(),
            Self::HeaderEntry { .. }
            | Self::DuplicateName { .. }
            | Self::Rank { .. }
            | Self::Overflow { .. }
            | Self::ByteCount { .. }
            | Self::Backwards { .. }
            | Self::Overlap { .. } => WRITE_AGAIN.into(),
            Self::Index { .. } => "Download the index again, or give one whole .safetensors file without it.".into(),
            Self::MissingShards { .. } => "Choose all shards and the index together, in one go.".into(),
            Self::TwoShards { .. } => "Give the files of one checkpoint only, with its model.safetensors.index.json.".into(),
            Self::NotDecoded { .. } => "Its shape and size are shown; to see its values convert it to F32, F16, BF16, F8_E4M3 or F8_E5M2 first.".into(),
            Self::TooLarge { .. } => "Look at its slices, or use the command line on a machine with more memory.".into(),
            Self::NoSuch { .. } => "Open the checkpoint again and choose from its list; if that does not help, this is a bug of ours: please report it.".into(),
        }
    }

    /// Kind, for the place and the colour of the message.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Source(_) => ErrorKind::Source,
            Self::MissingShards { .. } | Self::NothingToOpen { .. } => ErrorKind::Missing,
            Self::NotDecoded { .. } => ErrorKind::Dtype,
            Self::TooLarge { .. } => ErrorKind::Memory,
            Self::NoSuch { .. } => ErrorKind::Request,
            _ => ErrorKind::Malformed,
        }
    }
}
