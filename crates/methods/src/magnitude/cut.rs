//! Where to cut: exact order statistics of |w| over any number of matrices, in bounded memory.
//!
//! The bits of |w|, read as an integer, order as |w| does. Two histograms find the k-th smallest: one over the upper 16 of the 31 bits, one over the
//! lower 15 inside the bin where it lies. Values come in any pieces; twice the same ones.

/// Bits of |w|.
pub fn bits(w: f32) -> u32 {
    w.to_bits() & 0x7fff_ffff
}

const LOW: u32 = 15;

/// How many weights a sparsity removes: int(elements · sparsity) in double precision, toward zero, never more than there are.
pub fn take(elements: u64, sparsity: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the truncation is the rule; clamped to 0 … elements")]
    let k = (elements as f64 * sparsity).max(0.0) as u64;
    k.min(elements)
}

/// A cut through sorted magnitudes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bits of the magnitude at the asked place.
    pub bits: u32,
    /// How many are smaller.
    pub below: u64,
    /// How many are equal.
    pub equal: u64,
}

impl Cut {
    /// The magnitude at the cut.
    pub fn magnitude(&self) -> f32 {
        f32::from_bits(self.bits)
    }
}

/// First pass: counts by the upper bits.
#[derive(Clone)]
pub struct Upper {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Upper {
    fn default() -> Self {
        Self { counts: vec![0; 1 << 16], total: 0 }
    }
}

impl Upper {
    /// Takes more values; none may be NaN.
    pub fn add(&mut self, values: impl IntoIterator<Item = f32>) {
        for w in values {
            self.counts[(bits(w) >> LOW) as usize] += 1;
            self.total += 1;
        }
    }

    /// How many were taken.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The second pass for the value at place `index` of the sorted magnitudes (from 0); `None` where there are not as many.
    pub fn at(&self, index: u64) -> Option<Lower> {
        let mut below = 0;
        for (bin, &n) in self.counts.iter().enumerate() {
            if index < below + n {
                return Some(Lower { bin: bin as u32, below, index, counts: vec![0; 1 << LOW] });
            }
            below += n;
        }
        None
    }
}

/// Second pass: counts by the lower bits inside one bin.
#[derive(Clone)]
pub struct Lower {
    bin: u32,
    below: u64,
    index: u64,
    counts: Vec<u64>,
}

impl Lower {
    /// Takes the same values again.
    pub fn add(&mut self, values: impl IntoIterator<Item = f32>) {
        for w in values {
            let b = bits(w);
            if b >> LOW == self.bin {
                self.counts[(b & ((1 << LOW) - 1)) as usize] += 1;
            }
        }
    }

    /// The cut.
    pub fn finish(&self) -> Cut {
        let mut below = self.below;
        for (low, &n) in self.counts.iter().enumerate() {
            if self.index < below + n {
                return Cut { bits: self.bin << LOW | low as u32, below, equal: n };
            }
            below += n;
        }
        // Reached only if the second pass saw fewer values than the first: then all of the bin lies below.
        Cut { bits: (self.bin + 1) << LOW, below, equal: 0 }
    }
}

/// The value at place `index` of the sorted magnitudes of one matrix, and how many are smaller and equal; `None` past the end.
pub fn at(values: &[f32], index: u64) -> Option<Cut> {
    let mut upper = Upper::default();
    upper.add(values.iter().copied());
    let mut lower = upper.at(index)?;
    lower.add(values.iter().copied());
    Some(lower.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_truncate_in_double_precision() {
        assert_eq!(take(64, 0.7), 44);
        assert_eq!(take(10, 1.0), 10);
        assert_eq!(take(10, 0.0), 0);
        assert_eq!(take(1000, 0.29), 290);
    }

    proptest! {
        #[test]
        fn the_cut_is_the_sorted_value(values in prop::collection::vec(prop_oneof![-2.0f32..2.0, Just(0.0f32), Just(-0.0), Just(0.5), 1e-40f32..2e-38], 0..300), place in 0u64..310) {
            let mut sorted: Vec<f32> = values.iter().map(|w| w.abs()).collect();
            sorted.sort_by(f32::total_cmp);
            match (at(&values, place), sorted.get(place as usize)) {
                (Some(cut), Some(v)) => {
                    prop_assert_eq!(cut.magnitude().to_bits(), v.to_bits());
                    prop_assert_eq!(cut.below, sorted.iter().filter(|s| *s < v).count() as u64);
                    prop_assert_eq!(cut.equal, sorted.iter().filter(|s| *s == v).count() as u64);
                }
                (None, None) => {}
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
