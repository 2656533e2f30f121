//! The k-th smallest of many integers by counting: each step is one pass without a branch, which vectorises, and halves or better what
//! is left; only the last few dozen are picked out and sorted.

/// So few candidates are sorted.
const FEW: usize = 64;
/// A pivot aims so many ranks beyond the wanted one, so that it cuts off the longer side of what is left.
const BEYOND: usize = 24;
/// Keys at a time.
const LANES: usize = 4;
/// After so many turns bounds are moved to keys.
const TURNS: u32 = 6;
/// Keys that the first two pivots are taken from.
const SAMPLE: usize = 64;

/// What is known of the wanted key: it is in `low..=high`.
#[derive(Clone, Copy)]
struct Bracket {
    low: i32,
    high: i32,
    /// Keys below `low`.
    below: usize,
    /// Keys up to `high`.
    upto: usize,
}

impl Bracket {
    /// Counts the keys up to a pivot of `low..high` and keeps the side of the k-th.
    fn cut(&mut self, keys: &[i32], k: usize, pivot: i32) {
        let upto = keys.iter().map(|&key| u32::from(key <= pivot)).sum::<u32>() as usize;
        if upto >= k {
            (self.high, self.upto) = (pivot, upto);
        } else {
            (self.low, self.below) = (pivot + 1, upto);
        }
    }

    /// The same, and moves the bounds to keys that occur: three times the work, but gaps and heaps of equal keys end here.
    fn cut_to_keys(&mut self, keys: &[i32], k: usize, pivot: i32) {
        let (mut upto, mut last, mut next) = ([0_i32; LANES], [i32::MIN; LANES], [i32::MAX; LANES]);
        let (runs, rest) = keys.as_chunks::<LANES>();
        for run in runs {
            // One loop a lane-wise step and masks instead of branches: so compilers make vector code of it, in wasm too.
            let mut left = [0; LANES];
            for i in 0..LANES {
                left[i] = -i32::from(run[i] <= pivot);
            }
            for i in 0..LANES {
                upto[i] -= left[i];
            }
            for i in 0..LANES {
                let key = (run[i] & left[i]) | (i32::MIN & !left[i]);
                last[i] = if key > last[i] { key } else { last[i] };
            }
            for i in 0..LANES {
                let key = (run[i] & !left[i]) | (i32::MAX & left[i]);
                next[i] = if key < next[i] { key } else { next[i] };
            }
        }
        for &key in rest {
            if key <= pivot {
                upto[0] += 1;
                last[0] = last[0].max(key);
            } else {
                next[0] = next[0].min(key);
            }
        }
        let upto = upto.iter().sum::<i32>() as usize;
        if upto >= k {
            self.high = last.into_iter().fold(i32::MIN, i32::max);
            self.upto = upto;
        } else {
            self.low = next.into_iter().fold(i32::MAX, i32::min);
            self.below = upto;
        }
    }

    /// Where the key of a rank would be if keys were spread evenly.
    fn guess(&self, rank: usize) -> i32 {
        let share = (rank - self.below) as f64 / (self.upto - self.below) as f64;
        let at = f64::from(self.low) + share * (f64::from(self.high) - f64::from(self.low));
        (at as i32).clamp(self.low, self.high - 1)
    }

    fn middle(&self) -> i32 {
        ((i64::from(self.low) + i64::from(self.high)) >> 1) as i32
    }
}

/// The k-th smallest key (1 ≤ k ≤ how many there are), and how many of those equal to it belong to the k smallest.
pub fn nth(keys: &[i32], k: usize) -> (i32, usize) {
    let (low, high) = keys.iter().fold((i32::MAX, i32::MIN), |(low, high), &key| (low.min(key), high.max(key)));
    let mut bracket = Bracket { low, high, below: 0, upto: keys.len() };
    let open = |b: &Bracket| b.low < b.high && b.upto - b.below > FEW;
    if keys.len() > 4 * SAMPLE {
        let step = keys.len() / SAMPLE;
        let mut sample: [i32; SAMPLE] = std::array::from_fn(|i| keys[i * step]);
        sample.sort_unstable();
        let place = k * SAMPLE / keys.len();
        // The rank of a sample's place errs by √(s/4) = 4 places at most, mostly.
        for pivot in [sample[place.saturating_sub(5)], sample[(place + 5).min(SAMPLE - 1)]] {
            if open(&bracket) && (bracket.low..bracket.high).contains(&pivot) {
                bracket.cut(keys, k, pivot);
            }
        }
    }
    for turn in 1_u32.. {
        if !open(&bracket) {
            break;
        }
        let (lower, upper) = (k - bracket.below, bracket.upto - k);
        // Now and then the middle, so that 32 · 4 turns are enough for whatever distribution.
        let pivot = match turn % 4 {
            0 => bracket.middle(),
            _ if lower > upper => bracket.guess(k.saturating_sub(BEYOND).max(bracket.below + 1)),
            _ => bracket.guess((k + BEYOND).min(bracket.upto - 1)),
        };
        if turn < TURNS { bracket.cut(keys, k, pivot) } else { bracket.cut_to_keys(keys, k, pivot) }
    }
    let rank = k - bracket.below;
    if bracket.low == bracket.high {
        return (bracket.low, rank);
    }
    let mut few = Vec::with_capacity(FEW);
    // One comparison instead of two.
    let width = bracket.high.wrapping_sub(bracket.low) as u32;
    let inside = |key: i32| key.wrapping_sub(bracket.low) as u32 <= width;
    let (runs, rest) = keys.as_chunks::<16>();
    for run in runs {
        let mut some = 0;
        for &key in run {
            some |= u32::from(inside(key));
        }
        if some != 0 {
            few.extend(run.iter().copied().filter(|&key| inside(key)));
        }
    }
    few.extend(rest.iter().copied().filter(|&key| inside(key)));
    few.sort_unstable();
    let found = few[rank - 1];
    (found, rank - few.iter().take_while(|&&key| key < found).count())
}

/// Marks of the k smallest of a row of keys, ties to the lower place, appended to `mask`.
pub fn mark(keys: &[i32], k: usize, mask: &mut Vec<u32>) {
    if k == 0 {
        return mask.resize(mask.len() + keys.len(), 0);
    }
    let (found, wanted) = nth(keys, k);
    // Up to here those equal to the k-th belong to the k, behind not.
    let (head, tail) = keys.split_at(after(keys, found, wanted));
    mask.extend(head.iter().map(|&key| u32::from(key <= found)));
    mask.extend(tail.iter().map(|&key| u32::from(key < found)));
}

/// Place after the `wanted`-th key (from 1) that equals `found`.
fn after(keys: &[i32], found: i32, mut wanted: usize) -> usize {
    let mut start = 0;
    for run in keys.chunks(256) {
        let equal = run.iter().map(|&key| u32::from(key == found)).sum::<u32>() as usize;
        if equal >= wanted {
            break;
        }
        wanted -= equal;
        start += run.len();
    }
    let places = keys[start..].iter().enumerate().filter(|&(_, &key)| key == found);
    places.map(|(i, _)| start + i + 1).nth(wanted - 1).unwrap_or(keys.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_what_sorting_finds(
            keys in prop::collection::vec(prop_oneof![any::<i32>(), -3..4_i32, 1_000_000..1_000_300_i32, Just(i32::MIN), Just(i32::MAX)], 1..1500),
            share in 0.0..=1.0_f64,
        ) {
            let k = ((keys.len() as f64 * share) as usize).max(1);
            let mut sorted = keys.clone();
            sorted.sort_unstable();
            let smaller = sorted.partition_point(|&key| key < sorted[k - 1]);
            prop_assert_eq!(nth(&keys, k), (sorted[k - 1], k - smaller));
        }
    }

    #[test]
    fn distributions_that_mislead_end_all_the_same() {
        // Doubling gaps, one far stranger, all equal, two values, sorted both ways.
        let cases: [Vec<i32>; 5] = [
            (0..3000).map(|i| 1 << (i % 31)).collect(),
            (0..3000).map(|i| if i == 7 { i32::MAX } else { i % 5 }).collect(),
            vec![5; 3000],
            (0..3000).map(|i| if i % 3 == 0 { i32::MIN } else { i32::MAX }).collect(),
            (0..3000).map(|i| (3000 - i) * (i - 1500)).collect(),
        ];
        for keys in cases {
            let mut sorted = keys.clone();
            sorted.sort_unstable();
            for k in [1, 2, 1499, 1500, 2999, 3000] {
                assert_eq!(nth(&keys, k).0, sorted[k - 1]);
            }
        }
    }
}
