//! A request to stop, seen by everything that holds a clone.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// A flag that goes up once. Clones share it; it may be raised from another thread (a signal handler).
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    raised: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

impl Cancel {
    /// A flag that is down.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises it and wakes who waits.
    pub fn cancel(&self) {
        self.0.raised.store(true, Ordering::SeqCst);
        let waiting = std::mem::take(&mut *self.0.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        waiting.into_iter().for_each(Waker::wake);
    }

    /// True once it was raised.
    pub fn is_cancelled(&self) -> bool {
        self.0.raised.load(Ordering::SeqCst)
    }

    /// Ends when it is raised.
    pub async fn cancelled(&self) {
        poll_fn(|context| {
            if self.is_cancelled() {
                return Poll::Ready(());
            }
            {
                let mut waiting = self.0.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                if !waiting.iter().any(|w| w.will_wake(context.waker())) {
                    waiting.push(context.waker().clone());
                }
            }
            // It may have gone up between the look and the entry into the list.
            if self.is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
