//! How a matrix's error grows with its sparsity, exactly, without sorting all of it.

use crate::report::Profile;

use super::cut::{bits, take};

/// Sparsities of a profile: 0, 1 %, … 100 %.
pub const POINTS: usize = 101;

const LOW: u32 = 15;

/// First pass over a matrix: counts and squares by the upper bits of |w|.
pub struct Profiler {
    counts: Vec<u64>,
    squares: Vec<f64>,
    zeros: u64,
    bad: u64,
}

impl Default for Profiler {
    fn default() -> Self {
        Self { counts: vec![0; 1 << 16], squares: vec![0.0; 1 << 16], zeros: 0, bad: 0 }
    }
}

impl Profiler {
    /// Takes more values.
    pub fn add(&mut self, values: &[f32]) {
        for &w in values {
            let bin = (bits(w) >> LOW) as usize;
            self.counts[bin] += 1;
            self.squares[bin] += f64::from(w) * f64::from(w);
            self.zeros += u64::from(w == 0.0);
            self.bad += u64::from(!w.is_finite());
        }
    }

    /// How many were NaN or infinite.
    pub fn not_finite(&self) -> u64 {
        self.bad
    }

    /// The second pass, which looks closely at the bins that a point of the profile falls into.
    pub fn second(self) -> Second {
        let total: u64 = self.counts.iter().sum();
        let places: Vec<u64> = (0..POINTS).map(|j| take(total, j as f64 / (POINTS - 1) as f64)).collect();
        let mut slots = vec![u32::MAX; 1 << 16];
        let (mut starts, mut below) = (Vec::new(), (0u64, 0.0));
        let mut next = 0;
        for (bin, &n) in self.counts.iter().enumerate() {
            let first = next;
            // Place k is read as the k-th value (from 0), the last as the largest.
            while next < POINTS && places[next].min(total.saturating_sub(1)) < below.0 + n {
                next += 1;
            }
            if next > first {
                slots[bin] = starts.len() as u32;
                starts.push(Bin { start: below.0, squares: below.1, values: Vec::with_capacity(n as usize), points: first..next });
            }
            below.0 += n;
            below.1 += self.squares[bin];
        }
        Second { slots, bins: starts, places, total, squares: below.1, zeros: self.zeros }
    }
}

struct Bin {
    start: u64,
    squares: f64,
    values: Vec<u32>,
    points: std::ops::Range<usize>,
}

/// Second pass.
pub struct Second {
    slots: Vec<u32>,
    bins: Vec<Bin>,
    places: Vec<u64>,
    total: u64,
    squares: f64,
    zeros: u64,
}

impl Second {
    /// Takes the same values again.
    pub fn add(&mut self, values: &[f32]) {
        for &w in values {
            let b = bits(w);
            let slot = self.slots[(b >> LOW) as usize];
            if slot != u32::MAX {
                self.bins[slot as usize].values.push(b);
            }
        }
    }

    /// The profile. Errors are relative to ‖W‖_F (0 for a zero matrix); the magnitude at a sparsity is that of the smallest weight that
    /// stays (of the largest one at 100 %).
    pub fn finish(mut self, name: String) -> Profile {
        let mut error = vec![0.0f32; POINTS];
        let mut magnitude = vec![0.0f32; POINTS];
        for bin in &mut self.bins {
            bin.values.sort_unstable();
            let (mut sum, mut at) = (bin.squares, 0usize);
            for j in bin.points.clone() {
                let here = (self.places[j] - bin.start) as usize;
                for &b in bin.values.iter().take(here).skip(at) {
                    sum += f64::from(f32::from_bits(b)).powi(2);
                }
                at = here;
                let last = bin.values.len() - 1;
                magnitude[j] = f32::from_bits(bin.values[here.min(last)]);
                // Where everything goes the error is all there is, without the rounding of two ways to sum it.
                let share = if self.places[j] == self.total { 1.0 } else { (sum / self.squares).min(1.0) };
                error[j] = if self.squares > 0.0 { share.sqrt() as f32 } else { 0.0 };
            }
        }
        Profile {
            tensor: name,
            elements: self.total as f64,
            zeros: self.zeros as f64,
            frobenius: self.squares.sqrt(),
            error: error.into(),
            magnitude: magnitude.into(),
        }
    }
}

/// The profile of values at once.
pub fn of(name: &str, values: &[f32]) -> Profile {
    let mut first = Profiler::default();
    first.add(values);
    let mut second = first.second();
    second.add(values);
    second.finish(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_sorting_everything(values in prop::collection::vec(prop_oneof![-2.0f32..2.0, Just(0.0f32), Just(0.5f32), -1e-3f32..1e-3], 1..400)) {
            let p = of("w", &values);
            let mut sorted: Vec<f64> = values.iter().map(|w| f64::from(w.abs())).collect();
            sorted.sort_by(f64::total_cmp);
            let total: f64 = sorted.iter().map(|w| w * w).sum();
            for j in 0..POINTS {
                let k = (values.len() as f64 * (j as f64 / 100.0)) as usize;
                let lost: f64 = sorted[..k].iter().map(|w| w * w).sum();
                let e = if total > 0.0 { (lost / total).sqrt() } else { 0.0 };
                prop_assert!((f64::from(p.error[j]) - e).abs() < 1e-6, "{}: {} {}", j, p.error[j], e);
                prop_assert_eq!(f64::from(p.magnitude[j]), sorted[k.min(sorted.len() - 1)]);
            }
            prop_assert!(p.error.windows(2).all(|w| w[0] <= w[1] + 1e-7));
            prop_assert_eq!(p.zeros, values.iter().filter(|w| **w == 0.0).count() as f64);
        }
    }

    #[test]
    fn nothing_and_zeros() {
        assert_eq!(of("w", &[]).error.len(), POINTS);
        let p = of("w", &[0.0; 7]);
        assert!(p.error.iter().all(|e| *e == 0.0));
        assert_eq!(p.zeros, 7.0);
        let p = of("w", &[3.0]);
        assert_eq!((p.error[0], p.error[99], p.error[100]), (0.0, 0.0, 1.0));
    }
}
