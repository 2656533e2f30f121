//! The header of one safetensors file: eight bytes of length, then JSON. Read as if an attacker had written it.
//!
//! The parser is our own, not the `safetensors` crate's: that one counts bytes in `usize`, which is 32 bits in a browser and so cannot
//! hold the offsets of a 5 GB file, keeps the last of two equal names in silence, and does not say which tensor is wrong.
//! The tests read what we write with that crate.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;

use espalier_tensor::order::by;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::error::{list, short};
use super::sniff::{SNIFF, sniff};
use super::{ByteSource, CheckpointError, Dtype};

/// Longest header that is read, as in the safetensors library.
pub const HEADER_CAP: u64 = 100_000_000;
/// Most dimensions: what torch and NumPy hold.
pub const RANK_CAP: usize = 64;

/// One file's header, checked.
#[derive(Debug)]
pub(crate) struct Header {
    /// Tensors by offset.
    pub tensors: Vec<HeaderTensor>,
    /// `__metadata__`.
    pub metadata: BTreeMap<String, String>,
    /// The eight bytes and the JSON.
    pub length: u64,
    /// Bytes read from the file to get it.
    pub read: u64,
    /// What the reader should know.
    pub notes: Vec<String>,
}

/// One tensor of a header.
#[derive(Debug)]
pub(crate) struct HeaderTensor {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<u64>,
    /// Bytes from the start of the file.
    pub range: Range<u64>,
}

/// Reads and checks the header of `source`: two reads, or one for a small file.
pub(crate) async fn read_header(source: &dyn ByteSource) -> Result<Header, CheckpointError> {
    let size = source.len();
    let file = source.name();
    let head = source.read(0..size.min(SNIFF)).await?;
    let length = head.first_chunk::<8>().map_or(u64::MAX, |b| u64::from_le_bytes(*b));
    let fits = 8u64.checked_add(length).is_some_and(|end| end <= size);
    if !fits || length > HEADER_CAP || head.get(8).is_some_and(|b| *b != b'{') {
        if let Some(found) = sniff(file, &head) {
            return Err(CheckpointError::Foreign { file: file.into(), found });
        }
        if !fits || length > HEADER_CAP {
            return Err(CheckpointError::HeaderLength { file: file.into(), length: if size < 8 { 0 } else { length }, size });
        }
    }
    let end = 8 + length;
    let mut bytes = head;
    let have = bytes.len() as u64;
    if end > have {
        bytes.extend(source.read(have..end).await?);
    }
    let json = bytes.get(8..usize::try_from(end).unwrap_or(usize::MAX)).ok_or_else(|| CheckpointError::HeaderLength { file: file.into(), length, size })?;
    let mut header = parse(file, json, size)?;
    header.read = end.max(have);
    Ok(header)
}

/// Parses and checks the JSON of a header; `size` is the whole file's.
pub(crate) fn parse(file: &str, json: &[u8], size: u64) -> Result<Header, CheckpointError> {
    let now = RefCell::new(Progress::default());
    let mut parser = serde_json::Deserializer::from_slice(json);
    let raw = RawHeaderSeed(&now).deserialize(&mut parser).and_then(|raw| parser.end().map(|()| raw));
    let raw = match raw {
        Ok(raw) => raw,
        Err(e) => {
            let now = now.into_inner();
            return Err(match now.duplicate {
                Some(tensor) => CheckpointError::DuplicateName { file: file.into(), tensor },
                None => match now.tensor {
                    Some(tensor) => CheckpointError::HeaderEntry { file: file.into(), tensor, why: e.to_string() },
                    None => CheckpointError::HeaderJson { file: file.into(), why: e.to_string() },
                },
            });
        }
    };
    let begin = 8 + json.len() as u64;
    let data = size.saturating_sub(begin);
    let mut notes = raw.notes;
    let mut tensors = Vec::with_capacity(raw.tensors.len());
    for (name, entry) in raw.tensors {
        tensors.push(check(file, name, entry, begin, size)?);
    }
    // By offset, and the header's own order among empty tensors at one place.
    by(&mut tensors, |a, b| (a.range.start, a.range.end).cmp(&(b.range.start, b.range.end)));
    let mut end = begin;
    let mut last: Option<&HeaderTensor> = None;
    let mut holes = 0u64;
    for t in tensors.iter().filter(|t| !t.range.is_empty()) {
        if t.range.start < end
            && let Some(before) = last
        {
            return Err(CheckpointError::Overlap { file: file.into(), tensors: [before.name.clone(), t.name.clone()], at: t.range.start - begin });
        }
        holes += t.range.start - end;
        end = t.range.end;
        last = Some(t);
    }
    if holes > 0 {
        notes.push(format!("{}: {holes} bytes between tensors belong to none of them; other readers may refuse such a file.", short(file)));
    }
    let rest = begin + data - end;
    if rest > 0 {
        notes.push(format!("{}: the last {rest} bytes belong to no tensor; other readers may refuse such a file.", short(file)));
    }
    Ok(Header { tensors, metadata: raw.metadata, length: begin, read: 0, notes })
}

fn check(file: &str, name: String, entry: RawEntry, begin: u64, size: u64) -> Result<HeaderTensor, CheckpointError> {
    let file = file.to_string();
    let Some(dtype) = Dtype::from_name(&entry.dtype) else {
        return Err(CheckpointError::UnknownDtype { file, tensor: name, dtype: entry.dtype });
    };
    let shape = entry.shape;
    if shape.len() > RANK_CAP {
        return Err(CheckpointError::Rank { file, tensor: name, rank: shape.len() });
    }
    let [a, b] = entry.data_offsets;
    let Some(given) = b.checked_sub(a) else {
        return Err(CheckpointError::Backwards { file, tensor: name, offsets: [a, b] });
    };
    // The other extents must fit even where one of them is zero: strides are made of them.
    let bits = shape.iter().try_fold(1u64, |n, d| n.checked_mul((*d).max(1))).and_then(|n| n.checked_mul(dtype.bits()));
    let Some(bits) = bits else {
        return Err(CheckpointError::Overflow { file, tensor: name, shape });
    };
    let bits = if shape.contains(&0) { 0 } else { bits };
    let needs = (bits % 8 == 0).then_some(bits / 8);
    if needs != Some(given) {
        return Err(CheckpointError::ByteCount { file, tensor: name, dtype, shape, needs, given });
    }
    let wanted = begin.saturating_add(b);
    if wanted > size {
        return Err(CheckpointError::PastEnd { file, tensor: name, offsets: [a, b], data: size.saturating_sub(begin), wanted, size });
    }
    Ok(HeaderTensor { name, dtype, shape, range: begin + a..begin + b })
}

#[derive(Deserialize)]
#[serde(expecting = "an object of dtype, shape and data_offsets")]
struct RawEntry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

#[derive(Default)]
struct RawHeader {
    tensors: Vec<(String, RawEntry)>,
    metadata: BTreeMap<String, String>,
    notes: Vec<String>,
}

/// Where the parser is, so that an error can name the tensor.
#[derive(Default)]
struct Progress {
    tensor: Option<String>,
    duplicate: Option<String>,
}

struct RawHeaderSeed<'a>(&'a RefCell<Progress>);

impl<'de> DeserializeSeed<'de> for RawHeaderSeed<'_> {
    type Value = RawHeader;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<RawHeader, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RawHeaderSeed<'_> {
    type Value = RawHeader;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let mut out = RawHeader::default();
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                self.0.borrow_mut().duplicate = Some(name);
                return Err(serde::de::Error::custom("a name appears twice"));
            }
            if name == "__metadata__" {
                let Pairs(pairs) = map.next_value()?;
                out.take_metadata(pairs);
                continue;
            }
            self.0.borrow_mut().tensor = Some(name.clone());
            let entry = map.next_value::<RawEntry>()?;
            self.0.borrow_mut().tensor = None;
            out.tensors.push((name, entry));
        }
        Ok(out)
    }
}

impl RawHeader {
    /// Text values as they are; others, which the format forbids but some writers leave, as JSON text with a note.
    fn take_metadata(&mut self, pairs: Vec<(String, serde_json::Value)>) {
        let mut odd = Vec::new();
        for (key, value) in pairs {
            let value = match value {
                serde_json::Value::String(s) => s,
                other => {
                    odd.push(key.clone());
                    other.to_string()
                }
            };
            if self.metadata.insert(key.clone(), value).is_some() {
                self.notes.push(format!("__metadata__ names {} twice; the last one is shown.", short(&key)));
            }
        }
        if !odd.is_empty() {
            self.notes.push(format!("__metadata__ should hold text only, but these values are not: {}.", list(&odd)));
        }
    }
}

/// A JSON object with its order and its duplicates.
struct Pairs(Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Pairs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut out = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    out.push(pair);
                }
                Ok(Pairs(out))
            }
            fn visit_unit<E>(self) -> Result<Pairs, E> {
                Ok(Pairs(Vec::new()))
            }
        }
        d.deserialize_any(V)
    }
}
