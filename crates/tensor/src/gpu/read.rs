//! The way back: one staging buffer, one map, and whatever went wrong until then.

use futures_channel::oneshot;

use super::Gpu;
use super::pool::Held;
use crate::array::{Array, DType, Spec};
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// A staging buffer that is kept for the next read is no larger than this.
const KEPT: u64 = 64 << 20;
/// Submits that may be unfinished after a breath.
const IN_FLIGHT: usize = 2;

impl Gpu {
    /// Copies tensors back once everything recorded is done.
    ///
    /// # Errors
    /// What went wrong since the last read, or a cancel.
    pub async fn read(&self, wanted: &[(&Spec, &Held)], cancel: Option<&Cancel>) -> Result<Vec<Array>> {
        // 8-byte places: a map starts at a multiple of 8.
        let places: Vec<u64> = wanted
            .iter()
            .scan(0, |at, (spec, _)| {
                let here = *at;
                *at += spec.bytes().next_multiple_of(8);
                Some(here)
            })
            .collect();
        let total: u64 = wanted.iter().map(|(spec, _)| spec.bytes().next_multiple_of(8)).sum();
        let staging = self.staging(total.max(8))?;
        {
            let mut recorder = self.recorder.borrow_mut();
            let encoder = recorder.encoder(&self.device);
            for ((spec, held), at) in wanted.iter().zip(&places) {
                if !spec.is_empty() {
                    encoder.copy_buffer_to_buffer(held.buffer(), 0, &staging, *at, Some(spec.bytes()));
                }
            }
        }
        self.submit();
        let (tell, told) = oneshot::channel();
        staging.map_async(wgpu::MapMode::Read, 0..total.max(8), move |result| {
            // The reader may have been cancelled.
            let _ = tell.send(result);
        });
        let mapped = self.wait(told, cancel).await?;
        self.settle().await?;
        if mapped.is_err() {
            return Err(self.faults.lost().unwrap_or(Error::Lost { reason: "the driver refused to map a buffer".into() }));
        }
        let mut arrays = Vec::with_capacity(wanted.len());
        {
            let view = staging
                .get_mapped_range(0..total.max(8))
                .map_err(|e| Error::Validation { what: "a read".into(), message: e.to_string() })?;
            for ((spec, _), at) in wanted.iter().zip(&places) {
                let bytes = &view[*at as usize..(*at + spec.bytes()) as usize];
                arrays.push(match spec.dtype {
                    DType::F32 => Array::from_f32(&spec.shape, bytemuck::pod_collect_to_vec(bytes)),
                    DType::U32 => Array::from_u32(&spec.shape, bytemuck::pod_collect_to_vec(bytes)),
                });
            }
        }
        staging.unmap();
        if staging.size() <= KEPT {
            self.idle_staging.replace(Some(staging));
        }
        Ok(arrays)
    }

    /// Waits until few submits are unfinished.
    ///
    /// # Errors
    /// A cancel, or the loss of the device.
    pub async fn breathe(&self, cancel: Option<&Cancel>) -> Result<()> {
        self.submit();
        // A device that keeps up is never waited for, and the flag is looked at all the same.
        if cancel.is_some_and(Cancel::is_cancelled) {
            return Err(Error::Cancelled);
        }
        while self.in_flight.borrow().len() > IN_FLIGHT {
            let oldest = self.in_flight.borrow_mut().pop_front();
            if let Some(done) = oldest {
                self.wait(done, cancel).await?;
            }
        }
        self.pace.borrow_mut().observe();
        self.faults.lost().map_or(Ok(()), Err)
    }

    /// What the device still owed, and what it complained about.
    async fn settle(&self) -> Result<()> {
        self.pace.borrow_mut().observe();
        let owed = std::mem::take(&mut *self.owed.borrow_mut());
        for (what, sizes, answer) in owed {
            if let Some(error) = answer.await {
                self.faults.cause(super::faults::translate(error, &what, sizes));
            }
        }
        self.faults.take().map_or(Ok(()), Err)
    }

    fn staging(&self, size: u64) -> Result<wgpu::Buffer> {
        if let Some(lost) = self.faults.lost() {
            return Err(lost);
        }
        let kept = self.idle_staging.take().filter(|b| b.size() >= size);
        match kept {
            Some(buffer) => Ok(buffer),
            None => {
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                self.ask(size.next_power_of_two().min(size.next_multiple_of(1 << 20)), usage, size, &|| "a copy back to the host".to_string())
            }
        }
    }

    /// Waits for a callback of the device; a dropped one means that the device is gone.
    #[cfg(not(target_arch = "wasm32"))]
    async fn wait<T>(&self, mut told: oneshot::Receiver<T>, cancel: Option<&Cancel>) -> Result<T> {
        use std::time::Duration;
        loop {
            // Natively nothing happens unless somebody polls. 20 ms between two looks at the flag.
            let polled = self.device.poll(wgpu::PollType::Wait { submission_index: None, timeout: Some(Duration::from_millis(20)) });
            match told.try_recv() {
                Ok(Some(value)) => return Ok(value),
                Ok(None) => {}
                Err(_) => return Err(self.faults.lost().unwrap_or(Error::Lost { reason: "the driver dropped a request".into() })),
            }
            if let Some(lost) = self.faults.lost() {
                return Err(lost);
            }
            if cancel.is_some_and(Cancel::is_cancelled) {
                return Err(Error::Cancelled);
            }
            if let Err(error) = polled
                && !matches!(error, wgpu::PollError::Timeout)
            {
                return Err(Error::Lost { reason: error.to_string() });
            }
        }
    }

    /// Waits for a callback of the device, which the browser's event loop brings.
    #[cfg(target_arch = "wasm32")]
    async fn wait<T>(&self, told: oneshot::Receiver<T>, cancel: Option<&Cancel>) -> Result<T> {
        use futures::future::{Either, pending, select};
        let stop = async {
            match cancel {
                Some(cancel) => cancel.cancelled().await,
                None => pending().await,
            }
        };
        match select(told, Box::pin(stop)).await {
            Either::Left((Ok(value), _)) => Ok(value),
            Either::Left((Err(_), _)) => Err(self.faults.lost().unwrap_or(Error::Lost { reason: "the browser dropped a request".into() })),
            Either::Right(_) => Err(Error::Cancelled),
        }
    }
}
