//! An export as a `Blob`: bytes leave the worker's memory piece by piece. Browsers keep the parts of a blob in memory, up to gigabytes of them, so that what is large goes to the disk.

use espalier_nets::checkpoint::{ByteSink, LocalFuture, SinkError};
use js_sys::{Array, Uint8Array};
use web_sys::{Blob, BlobPropertyBag};

use super::blob_source::words;
use super::disk::DiskFile;
use super::lab_worker::say;
use super::message::{FromLab, Handle};

/// Bytes of one part.
const PART: usize = 1 << 20;
/// Bytes that may stay with the browser. What comes after them is written to the disk, where there is one.
const IN_MEMORY: u64 = 32 << 20;

/// Collects an export and hands it to the page when it is whole.
pub struct BlobSink {
    job: u32,
    name: String,
    buffer: Vec<u8>,
    parts: Array,
    disk: Option<DiskFile>,
    /// Whether the disk was asked for.
    asked: bool,
    written: u64,
}

impl BlobSink {
    /// An empty file of that name.
    pub fn new(job: u32, name: &str) -> Self {
        Self { job, name: name.into(), buffer: Vec::with_capacity(PART), parts: Array::new(), disk: None, asked: false, written: 0 }
    }

    async fn flush(&mut self) -> Result<(), SinkError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if !self.asked && self.written >= IN_MEMORY {
            self.asked = true;
            self.disk = DiskFile::new().await.ok();
        }
        if !self.disk.as_mut().is_some_and(|disk| disk.write(&self.buffer)) {
            // A disk that is full: the rest comes after what it took.
            self.close().await?;
            let bytes = Array::of1(&Uint8Array::from(self.buffer.as_slice()));
            let part = Blob::new_with_u8_array_sequence(&bytes).map_err(|e| self.error(words(&e)))?;
            self.parts.push(&part);
        }
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// What lies on the disk becomes a part.
    async fn close(&mut self) -> Result<(), SinkError> {
        if let Some(disk) = self.disk.take() {
            let part = disk.close().await.map_err(|e| self.error(words(&e)))?;
            self.parts.push(&part);
        }
        Ok(())
    }

    fn error(&self, why: String) -> SinkError {
        SinkError { file: self.name.clone(), at: self.written, why }
    }

    async fn end(&mut self) -> Result<(), SinkError> {
        self.flush().await?;
        self.close().await?;
        let kind = BlobPropertyBag::new();
        kind.set_type("application/octet-stream");
        let blob = Blob::new_with_blob_sequence_and_options(&self.parts, &kind).map_err(|e| self.error(words(&e)))?;
        say(FromLab::Exported { job: self.job, blob: Handle(blob.into()), name: self.name.clone() });
        Ok(())
    }
}

impl ByteSink for BlobSink {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, Result<(), SinkError>> {
        Box::pin(async move {
            let mut rest = bytes;
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(PART - self.buffer.len()));
                self.buffer.extend_from_slice(now);
                rest = later;
                if self.buffer.len() == PART {
                    self.flush().await?;
                }
            }
            Ok(())
        })
    }

    fn finish(&mut self) -> LocalFuture<'_, Result<(), SinkError>> {
        Box::pin(self.end())
    }
}
