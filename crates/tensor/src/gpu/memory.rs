//! Getting buffers: from the pool, from the device, or an error that says how much was missing.

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use super::Gpu;
use super::faults::translate;
use super::pool::{Held, Pool};
use crate::array::{Array, Spec};
use crate::error::{Error, Result};

/// An answer that the device still owes: what for, bytes, and the answer.
pub type Owed = (String, [u64; 2], LocalBoxFuture<'static, Option<wgpu::Error>>);

/// Smaller buffers are not asked about one by one in a browser, where each question is a round trip; the device's general
/// complaints cover them.
const SMALL: u64 = 1 << 20;
/// Bytes that the queue may hold in staging before they are sent.
const UPLOADS: u64 = 64 << 20;

impl Gpu {
    /// Bytes of what is held.
    pub fn bytes_in_use(&self) -> u64 {
        self.pool.borrow().live_bytes()
    }

    /// The most bytes of held buffers at once.
    pub fn peak_bytes(&self) -> u64 {
        self.pool.borrow().peak_bytes()
    }

    /// Counts the peak anew.
    pub fn forget_peak(&self) {
        self.pool.borrow_mut().forget_peak();
    }

    /// Zeros.
    ///
    /// # Errors
    /// Out of memory, or lost.
    pub fn allocate(&self, spec: &Spec) -> Result<Held> {
        let held = self.take(spec.bytes(), false, || format!("a tensor of shape {:?}", spec.shape))?;
        self.clear(&held);
        Ok(held)
    }

    /// Host values.
    ///
    /// # Errors
    /// Out of memory, or lost.
    pub fn upload(&self, array: &Array) -> Result<Held> {
        let spec = array.spec();
        let held = self.take(spec.bytes(), true, || format!("a tensor of shape {:?}", spec.shape))?;
        if spec.is_empty() {
            return Ok(held);
        }
        let write = |bytes: &[u8]| self.queue.write_buffer(held.buffer(), 0, bytes);
        match array {
            Array::F32(a) => match a.as_slice() {
                Some(values) => write(bytemuck::cast_slice(values)),
                None => write(bytemuck::cast_slice(&array.clone().into_f32())),
            },
            Array::U32(a) => match a.as_slice() {
                Some(values) => write(bytemuck::cast_slice(values)),
                None => write(bytemuck::cast_slice(&array.clone().into_u32())),
            },
        }
        let waiting = self.uploads.get() + spec.bytes();
        self.uploads.set(waiting);
        if waiting > UPLOADS {
            self.submit();
        }
        Ok(held)
    }

    /// A buffer of at least so many bytes, with anything in it.
    pub(super) fn take(&self, bytes: u64, settled: bool, what: impl Fn() -> String) -> Result<Held> {
        if let Some(lost) = self.faults.lost() {
            return Err(lost);
        }
        let capacity = Pool::capacity(bytes);
        if let Some(held) = Pool::take(&self.pool, capacity, settled) {
            return Ok(held);
        }
        let limit = self.device.limits().max_buffer_size;
        let made = if capacity > limit { self.create(bytes, bytes, limit, &what) } else { self.create(capacity, bytes, limit, &what) };
        let made = match made {
            // What lies idle may be what is missing.
            Err(Error::OutOfMemory { .. }) if bytes <= limit && self.pool.borrow_mut().purge() => {
                self.submit();
                self.create(bytes.max(256), bytes, limit, &what)
            }
            other => other,
        };
        made.inspect_err(|error| self.faults.keep(error.clone()))
    }

    fn create(&self, capacity: u64, bytes: u64, limit: u64, what: &dyn Fn() -> String) -> Result<Held> {
        let capacity = capacity.next_multiple_of(4);
        let held = self.pool.borrow().live_bytes();
        let full = self.room.is_some_and(|room| held + capacity > room);
        if capacity > limit || full {
            return Err(Error::OutOfMemory { what: what(), bytes, held });
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let buffer = self.ask(capacity, usage, bytes, what)?;
        Ok(Pool::adopt(&self.pool, buffer, capacity))
    }

    /// Makes a buffer and asks whether that went well: at once where the device answers at once, else at the next read.
    pub(super) fn ask(&self, size: u64, usage: wgpu::BufferUsages, bytes: u64, what: &dyn Fn() -> String) -> Result<wgpu::Buffer> {
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        if cfg!(target_arch = "wasm32") && size < SMALL {
            return Ok(self.device.create_buffer(&descriptor));
        }
        let sizes = [bytes, self.pool.borrow().live_bytes()];
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validity = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let buffer = self.device.create_buffer(&descriptor);
        for mut answer in [validity.pop().boxed_local(), memory.pop().boxed_local()] {
            match (&mut answer).now_or_never() {
                Some(None) => {}
                Some(Some(error)) => return Err(self.faults.lost().unwrap_or_else(|| translate(error, &what(), sizes))),
                None => self.owed.borrow_mut().push((what(), sizes, answer)),
            }
        }
        Ok(buffer)
    }

    /// Zeros in a buffer that may hold something.
    pub(super) fn clear(&self, held: &Held) {
        if held.used() {
            self.recorder.borrow_mut().encoder(&self.device).clear_buffer(held.buffer(), 0, None);
        }
    }

    /// NaN bits over a whole buffer, so that a gap in what a kernel writes is seen.
    pub(super) fn poison(&self, held: &Held) {
        let Some(poison) = &self.poison else { return };
        let mut recorder = self.recorder.borrow_mut();
        let encoder = recorder.encoder(&self.device);
        let mut at = 0;
        while at < held.capacity() {
            let piece = poison.size().min(held.capacity() - at);
            encoder.copy_buffer_to_buffer(poison, 0, held.buffer(), at, Some(piece));
            at += piece;
        }
    }
}
