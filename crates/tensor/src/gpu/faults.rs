//! What the device complained about, until somebody reads.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::error::Error;

/// Shared with the callbacks of the device, which may come from another thread.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    first: Option<Error>,
    lost: Option<String>,
    /// The operation that was recorded last, for messages that don't name one.
    last: &'static str,
}

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Listens to a device.
    pub fn listen(&self, device: &wgpu::Device) {
        let faults = self.clone();
        device.on_uncaptured_error(Arc::new(move |error| faults.record(error)));
        let faults = self.clone();
        device.set_device_lost_callback(move |reason, message| {
            let reason = if message.is_empty() { format!("{reason:?}") } else { message };
            faults.state().lost.get_or_insert(reason);
        });
    }

    /// Names what is being recorded.
    pub fn now(&self, what: &'static str) {
        self.state().last = what;
    }

    /// Keeps the first complaint: what follows is mostly its consequence.
    fn record(&self, error: wgpu::Error) {
        let mut state = self.state();
        let what = state.last;
        state.first.get_or_insert_with(|| translate(error, what, [0; 2]));
    }

    /// Keeps one of our own making.
    pub fn keep(&self, error: Error) {
        self.state().first.get_or_insert(error);
    }

    /// Keeps a failed allocation in place of what followed from it.
    pub fn cause(&self, error: Error) {
        let mut state = self.state();
        if !matches!(state.first, Some(Error::OutOfMemory { .. })) {
            state.first = Some(error);
        }
    }

    /// The loss of the device, if it is lost.
    pub fn lost(&self) -> Option<Error> {
        self.state().lost.clone().map(|reason| Error::Lost { reason })
    }

    /// The loss, or the first complaint since the last call.
    pub fn take(&self) -> Option<Error> {
        let lost = self.lost();
        let first = self.state().first.take();
        lost.or(first)
    }

    /// Takes back a complaint that is being told already.
    pub fn forgive(&self, error: &Error) {
        let mut state = self.state();
        if state.first.as_ref() == Some(error) {
            state.first = None;
        }
    }
}

/// A device's error in our words; for one of memory the bytes that were asked for and those that were held.
pub fn translate(error: wgpu::Error, what: &str, [bytes, held]: [u64; 2]) -> Error {
    let what = if what.is_empty() { "a command" } else { what }.to_string();
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory { what, bytes, held },
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => Error::Validation { what, message: description },
    }
}
