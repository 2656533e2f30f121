//! How much goes into one submit. A screen shares the GPU: no submit should keep it busy for more than about 100 ms.
//!
//! What a dispatch takes is learnt by kernel, in milliseconds a workgroup, from the times between submit and completion. A
//! kernel that was never timed ends its submit, so that it is timed alone. One dispatch can't be cut; plans keep theirs small.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::clock::Clock;
use crate::order::by;

/// Estimated milliseconds that fill a submit: half of the bound, because the estimate may be wrong by two.
const TARGET: f64 = 50.0;
/// Milliseconds a workgroup of a kernel that was never timed: what a slow software adapter takes for a tile of a matrix product.
/// In a browser the first times come only when the worker next yields, so a guess that is too low would last.
const GUESS: f64 = 2e-2;
/// Dispatches a submit at most.
pub const MOST: usize = 1024;

/// The open submit and what is known of the kernels.
pub struct Pace {
    clock: Clock,
    rates: HashMap<&'static str, f64>,
    open: Batch,
    submitted: Vec<Batch>,
    done: Arc<Mutex<Vec<(u64, f64)>>>,
    /// When the device was last seen to finish something.
    last_done: f64,
    serial: u64,
}

#[derive(Clone, Debug, Default)]
struct Batch {
    serial: u64,
    /// Workgroups by kernel.
    groups: HashMap<&'static str, f64>,
    dispatches: usize,
    estimate: f64,
    /// It holds a kernel that was never timed.
    unknown: bool,
    submitted: f64,
}

impl Pace {
    /// Knows nothing yet.
    pub fn new(clock: Clock) -> Self {
        let done = Arc::default();
        Self { clock, rates: HashMap::new(), open: Batch::default(), submitted: Vec::new(), done, last_done: f64::NEG_INFINITY, serial: 0 }
    }

    /// Takes a dispatch into the open submit; true where it is full with it.
    pub fn add(&mut self, kernel: &'static str, groups: [u32; 3]) -> bool {
        let groups = groups.iter().map(|g| f64::from(*g)).product::<f64>();
        let rate = self.rates.get(kernel).copied();
        *self.open.groups.entry(kernel).or_default() += groups;
        self.open.dispatches += 1;
        self.open.estimate += groups * rate.unwrap_or(GUESS);
        self.open.unknown |= rate.is_none();
        let measured = !(self.clock)().is_nan();
        self.open.dispatches >= MOST || self.open.estimate >= TARGET || (self.open.unknown && measured)
    }

    /// Closes the open submit. What comes back is to be called when it is done.
    pub fn submit(&mut self) -> impl FnOnce() + Send + 'static {
        self.serial += 1;
        let mut batch = std::mem::take(&mut self.open);
        let serial = self.serial;
        batch.serial = serial;
        batch.submitted = (self.clock)();
        // One that can't be timed still makes its kernels known, or each would end a submit for ever.
        if batch.dispatches > 0 {
            for kernel in batch.groups.keys() {
                self.rates.entry(kernel).or_insert(GUESS);
            }
            self.submitted.push(batch);
        }
        let (clock, done) = (self.clock, self.done.clone());
        move || done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((serial, clock()))
    }

    /// Learns from what is done by now.
    pub fn observe(&mut self) {
        let mut done = std::mem::take(&mut *self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        by(&mut done, |a, b| a.0.cmp(&b.0));
        let mut i = 0;
        while i < done.len() {
            // Completions told at the same moment are one measurement: nobody looked in between.
            let mut j = i;
            while j + 1 < done.len() && done[j + 1].1 - done[i].1 < 0.1 {
                j += 1;
            }
            self.learn(done[j].0, done[j].1);
            i = j + 1;
        }
    }

    fn learn(&mut self, upto: u64, at: f64) {
        let (batches, rest): (Vec<_>, Vec<_>) = self.submitted.drain(..).partition(|b| b.serial <= upto);
        self.submitted = rest;
        let Some(first) = batches.first() else { return };
        let took = at - first.submitted.max(self.last_done);
        self.last_done = at;
        let estimate: f64 = batches.iter().map(|b| b.estimate).sum();
        if !(took > 0.0 && estimate > 0.0) {
            return;
        }
        let factor = (took / estimate).clamp(0.01, 100.0);
        for kernel in batches.iter().flat_map(|b| b.groups.keys()) {
            if let Some(rate) = self.rates.get_mut(kernel) {
                *rate *= factor.powf(if batches.len() == 1 && batches[0].unknown { 1.0 } else { 0.5 });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::Pace;

    thread_local!(static NOW: Cell<f64> = const { Cell::new(0.0) });

    fn clock() -> f64 {
        NOW.get()
    }

    /// Runs a device that takes `cost` ms a workgroup; the longest submit once the pace is known.
    fn longest(cost: f64, groups: u32) -> f64 {
        let mut pace = Pace::new(clock);
        let mut longest: f64 = 0.0;
        let mut busy = 0.0;
        let mut submits = 0;
        for _ in 0..2000 {
            busy += f64::from(groups) * cost;
            if pace.add("kernel", [groups, 1, 1]) {
                let done = pace.submit();
                submits += 1;
                if submits > 5 {
                    longest = longest.max(busy);
                }
                NOW.set(NOW.get() + busy);
                busy = 0.0;
                done();
                pace.observe();
            }
        }
        longest
    }

    #[test]
    fn submits_stay_under_100_ms_whatever_a_kernel_costs() {
        // From far below the guess to far above; a single dispatch stays under the bound.
        for (cost, groups) in [(1e-6, 1000), (1e-3, 1000), (0.02, 1000), (0.5, 100), (5.0, 4)] {
            let worst = longest(cost, groups);
            assert!(worst <= 100.0, "{cost} ms a group: {worst} ms");
        }
    }

    #[test]
    fn cheap_work_is_not_cut_into_crumbs() {
        let mut pace = Pace::new(clock);
        let mut submits = 0;
        for _ in 0..4096 {
            if pace.add("cheap", [1, 1, 1]) {
                let done = pace.submit();
                submits += 1;
                NOW.set(NOW.get() + 0.01);
                done();
                pace.observe();
            }
        }
        assert!(submits <= 6, "{submits} submits for 4096 tiny dispatches");
    }
}
