//! An export as a `Blob`: bytes leave the worker's memory piece by piece and the browser keeps them where it likes.

use espalier_nets::checkpoint::{ByteSink, LocalFuture, SinkError};
use js_sys::{Array, Uint8Array};
use web_sys::{Blob, BlobPropertyBag};

use super::blob_source::words;
use super::lab_worker::say;
use super::message::{FromLab, Handle};

/// Bytes of one part.
const PART: usize = 1 << 20;

/// Collects an export and hands it to the page when it is whole.
pub struct BlobSink {
    job: u32,
    name: String,
    buffer: Vec<u8>,
    parts: Array,
    written: u64,
}

impl BlobSink {
    /// An empty file of that name.
    pub fn new(job: u32, name: &str) -> Self {
        Self { job, name: name.into(), buffer: Vec::with_capacity(PART), parts: Array::new(), written: 0 }
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let bytes = Array::of1(&Uint8Array::from(self.buffer.as_slice()));
        let part = Blob::new_with_u8_array_sequence(&bytes).map_err(|e| self.error(words(&e)))?;
        self.parts.push(&part);
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn error(&self, why: String) -> SinkError {
        SinkError { file: self.name.clone(), at: self.written, why }
    }

    fn end(&mut self) -> Result<(), SinkError> {
        self.flush()?;
        let kind = BlobPropertyBag::new();
        kind.set_type("application/octet-stream");
        let blob = Blob::new_with_blob_sequence_and_options(&self.parts, &kind).map_err(|e| self.error(words(&e)))?;
        say(FromLab::Exported { job: self.job, blob: Handle(blob.into()), name: self.name.clone() });
        Ok(())
    }
}

impl ByteSink for BlobSink {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, Result<(), SinkError>> {
        let mut rest = bytes;
        let mut done = Ok(());
        while !rest.is_empty() && done.is_ok() {
            let (now, later) = rest.split_at(rest.len().min(PART - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            rest = later;
            if self.buffer.len() == PART {
                done = self.flush();
            }
        }
        Box::pin(async move { done })
    }

    fn finish(&mut self) -> LocalFuture<'_, Result<(), SinkError>> {
        let done = self.end();
        Box::pin(async move { done })
    }
}
