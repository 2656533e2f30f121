//! Buffers, kept for the next who needs one of their size.
//!
//! Sizes are rounded up to a few a power of two, so that the buffers of one step of a loop fit the next step. What is idle is
//! capped; the oldest goes first.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Most bytes that lie idle.
const IDLE_CAP: u64 = 256 << 20;

/// A buffer that goes back to the pool when it is dropped.
pub struct Held {
    buffer: wgpu::Buffer,
    /// Never two buffers with the same: keys of bind groups.
    id: u64,
    capacity: u64,
    /// It may hold what another left in it.
    used: bool,
    pool: Rc<RefCell<Pool>>,
}

impl Held {
    /// The buffer.
    pub fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Its size.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// True where it does not hold zeros.
    pub fn used(&self) -> bool {
        self.used
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.pool.borrow_mut().give(self.buffer.clone(), self.id, self.capacity);
    }
}

struct Idle {
    buffer: wgpu::Buffer,
    id: u64,
    capacity: u64,
    /// Recording in which it was last used.
    epoch: u64,
}

/// Idle buffers.
#[derive(Default)]
pub struct Pool {
    idle: VecDeque<Idle>,
    idle_bytes: u64,
    live_bytes: u64,
    peak_bytes: u64,
    next_id: u64,
    epoch: u64,
}

impl Pool {
    /// Size of the buffer for so many bytes: at least 256, and a quarter of a power of two at most above.
    pub fn capacity(bytes: u64) -> u64 {
        let bytes = bytes.max(256);
        let step = (bytes.next_power_of_two() / 8).max(256);
        bytes.next_multiple_of(step)
    }

    /// An idle buffer, if there is one of this capacity. What a queue writes comes before what is recorded but not submitted, so
    /// `settled` asks for one that the open recording does not use.
    pub fn take(pool: &Rc<RefCell<Self>>, capacity: u64, settled: bool) -> Option<Held> {
        let mut state = pool.borrow_mut();
        let epoch = state.epoch;
        let place = state.idle.iter().rposition(|b| b.capacity == capacity && (!settled || b.epoch < epoch))?;
        let found = state.idle.remove(place)?;
        state.idle_bytes -= capacity;
        state.live(capacity);
        drop(state);
        Some(Held { buffer: found.buffer, id: found.id, capacity, used: true, pool: pool.clone() })
    }

    /// Takes charge of a new buffer, which holds zeros.
    pub fn adopt(pool: &Rc<RefCell<Self>>, buffer: wgpu::Buffer, capacity: u64) -> Held {
        let mut state = pool.borrow_mut();
        let id = state.next_id;
        state.next_id += 1;
        state.live(capacity);
        drop(state);
        Held { buffer, id, capacity, used: false, pool: pool.clone() }
    }

    fn give(&mut self, buffer: wgpu::Buffer, id: u64, capacity: u64) {
        self.live_bytes -= capacity;
        self.idle_bytes += capacity;
        self.idle.push_back(Idle { buffer, id, capacity, epoch: self.epoch });
        while self.idle_bytes > IDLE_CAP {
            // The device keeps what its commands still need; memory comes back when they are done.
            let Some(oldest) = self.idle.pop_front() else { break };
            self.idle_bytes -= oldest.capacity;
        }
    }

    /// Everything recorded so far is submitted.
    pub fn submitted(&mut self) {
        self.epoch += 1;
    }

    /// Frees what lies idle. True where there was something.
    pub fn purge(&mut self) -> bool {
        self.idle_bytes = 0;
        let some = !self.idle.is_empty();
        self.idle.clear();
        some
    }

    fn live(&mut self, capacity: u64) {
        self.live_bytes += capacity;
        self.peak_bytes = self.peak_bytes.max(self.live_bytes);
    }

    /// The most bytes that were held at once.
    pub fn peak_bytes(&self) -> u64 {
        self.peak_bytes
    }

    /// Counts the peak anew.
    pub fn forget_peak(&mut self) {
        self.peak_bytes = self.live_bytes;
    }

    /// Bytes of the buffers that are held.
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::Pool;

    #[test]
    fn capacities_waste_at_most_a_quarter_above_the_smallest() {
        for bytes in [0, 1, 255, 256, 257, 1000, 4096, 5000, 1 << 20, (1 << 20) + 4, 100_000_000] {
            let capacity = Pool::capacity(bytes);
            assert!(capacity >= bytes && capacity.is_multiple_of(256), "{bytes} → {capacity}");
            assert!(bytes < 1024 || capacity as f64 <= bytes as f64 * 1.25, "{bytes} → {capacity}");
            assert_eq!(Pool::capacity(capacity), capacity);
        }
    }
}
