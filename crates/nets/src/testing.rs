//! Small checkpoints made in memory, for the tests of this crate and of those that stand on it: well-formed and, on request, broken.

pub mod corpus;
pub mod held;
#[cfg(not(target_arch = "wasm32"))]
pub mod web;

use std::cell::RefCell;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;

use crate::checkpoint::codec::encode;
use crate::checkpoint::source::LocalFuture;
use crate::checkpoint::{ByteSource, Dtype, MemorySource, SourceError};

/// Builds the bytes of a safetensors file, tensor after tensor, in the order given. Nothing is checked, so that broken files can be made too.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    entries: Vec<String>,
    metadata: Vec<(String, String)>,
    data: Vec<u8>,
}

impl Builder {
    /// Without tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// A tensor of raw bytes.
    pub fn raw(mut self, name: &str, dtype: &str, shape: &[u64], bytes: &[u8]) -> Self {
        let start = self.data.len();
        self.data.extend_from_slice(bytes);
        let end = self.data.len();
        self.entry(name, dtype, shape, [start as u64, end as u64])
    }

    /// An entry of the header without data: the offsets may lie.
    pub fn entry(mut self, name: &str, dtype: &str, shape: &[u64], offsets: [u64; 2]) -> Self {
        self.entries.push(format!("{}:{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":{offsets:?}}}", serde_json::Value::from(name)));
        self
    }

    /// Text of the header, as it is to stand there: `"x":{"dtype":…}`.
    pub fn text(mut self, json: &str) -> Self {
        self.entries.push(json.into());
        self
    }

    /// Data that belongs to no entry.
    pub fn data(mut self, bytes: &[u8]) -> Self {
        self.data.extend_from_slice(bytes);
        self
    }

    /// A tensor of floats, written in `dtype`, which must be one that can be written.
    pub fn values(self, name: &str, dtype: Dtype, shape: &[u64], values: &[f32]) -> Self {
        let bytes = encode(dtype, values).expect("a type that can be written").bytes;
        self.raw(name, dtype.name(), shape, &bytes)
    }

    /// A float32 tensor of made-up values: the same for the same name and shape, between -1 and 1.
    pub fn made_up(self, name: &str, shape: &[u64]) -> Self {
        let n: u64 = shape.iter().product();
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        let values: Vec<f32> = (0..n).map(|i| noise(seed.wrapping_add(i))).collect();
        self.values(name, Dtype::F32, shape, &values)
    }

    /// A line of `__metadata__`.
    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        self.metadata.push((key.into(), value.into()));
        self
    }

    /// The JSON of the header, unpadded.
    pub fn header(&self) -> String {
        let mut parts = Vec::new();
        if !self.metadata.is_empty() {
            let lines: Vec<String> = self.metadata.iter().map(|(k, v)| format!("{}:{}", serde_json::Value::from(k.as_str()), serde_json::Value::from(v.as_str()))).collect();
            parts.push(format!("\"__metadata__\":{{{}}}", lines.join(",")));
        }
        parts.extend(self.entries.iter().cloned());
        format!("{{{}}}", parts.join(","))
    }

    /// The whole file.
    pub fn build(&self) -> Vec<u8> {
        let mut header = self.header();
        while !header.len().is_multiple_of(8) {
            header.push(' ');
        }
        let mut out = (header.len() as u64).to_le_bytes().to_vec();
        out.extend(header.into_bytes());
        out.extend(&self.data);
        out
    }

    /// The whole file as a source of that name.
    pub fn source(&self, name: &str) -> Rc<dyn ByteSource> {
        source(name, &self.build())
    }
}

/// A number between -1 and 1 out of `x` (the finaliser of splitmix64).
fn noise(x: u64) -> f32 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    ((z >> 40) as f32) / 8_388_608.0 - 1.0
}

/// Bytes as a source of that name.
pub fn source(name: &str, bytes: &[u8]) -> Rc<dyn ByteSource> {
    Rc::new(MemorySource::new(name, bytes))
}

/// A source that remembers every range that was read, and can be made to fail.
pub struct Watched {
    inner: MemorySource,
    /// Ranges read, in order.
    pub reads: RefCell<Vec<Range<u64>>>,
    /// Reads of bytes at or after this one fail.
    pub fails_from: std::cell::Cell<u64>,
}

impl Watched {
    /// Watches these bytes.
    pub fn new(name: &str, bytes: &[u8]) -> Rc<Self> {
        Rc::new(Self { inner: MemorySource::new(name, bytes), reads: RefCell::default(), fails_from: std::cell::Cell::new(u64::MAX) })
    }
}

impl ByteSource for Watched {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn len(&self) -> u64 {
        self.inner.len()
    }
    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, SourceError>> {
        self.reads.borrow_mut().push(range.clone());
        if range.end > self.fails_from.get() {
            let e = SourceError::new(self.name(), range, "the connection was lost");
            return Box::pin(async move { Err(e) });
        }
        self.inner.read(range)
    }
}

/// A folder of the checkpoints and fixtures that lie outside the repository: `ESPALIER_SHARED`, or `../shared` beside the workspace.
/// `None` where it is missing on a person's machine; in CI (`CI` set) a missing one is a failure.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ESPALIER_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = root.join(folder);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing; set ESPALIER_SHARED to the folder that holds it", path.display());
    eprintln!("{} is missing: this test did nothing. Set ESPALIER_SHARED to the folder that holds it.", path.display());
    None
}
