//! The k smallest of a row by counting: each step is one pass without a branch, which vectorises. The upper halves of the keys are searched first, eight to
//! a vector, then the lower halves of those few that share theirs with the k-th. No distribution takes more than some thirty passes over halves.

use super::order::By;

/// Elements whose halves are kept together.
const RUN: usize = 32;

/// Room for a row's halves, and where the last row's search ended.
#[derive(Default)]
pub struct Rows {
    /// Upper halves, two to a word: of each run those of its first part beside those of its second, so that no vector has to be shuffled.
    upper: Vec<u32>,
    /// Lower halves of those that are left.
    lower: Vec<u16>,
    last: u16,
}

/// How many halves are so.
fn count(halves: &[u16], so: impl Fn(u16) -> bool) -> usize {
    // Counted in what is as wide as they are: so vectors stay whole.
    halves.chunks(1 << 15).map(|part| usize::from(part.iter().map(|&half| u16::from(so(half))).sum::<u16>())).sum()
}

/// The k-th smallest half (1 ≤ k ≤ how many there are), how many are smaller, and how many not larger. It is looked for at `from`, then away from there by
/// twice the step each time, and once it lies between two pivots by halving what is left.
fn search(halves: &[u16], k: usize, from: u16, mut step: i32) -> (u16, usize, usize) {
    let (mut low, mut high) = (0, i32::from(u16::MAX));
    let (mut below, mut upto) = (0, halves.len());
    let (mut left, mut right) = (false, false);
    let mut pivot = i32::from(from).min(high - 1);
    while low < high {
        let n = count(halves, |half| half <= pivot as u16);
        if n >= k {
            (high, upto, right) = (pivot, n, true);
        } else {
            (low, below, left) = (pivot + 1, n, true);
        }
        pivot = if left && right {
            (low + high) >> 1
        } else {
            step *= 2;
            if left { (pivot + step).min(high - 1) } else { (pivot - step).max(low) }
        };
    }
    (low as u16, below, upto)
}

impl Rows {
    /// Marks of the k smallest of a row, ties to the lower place, appended to `mask`.
    pub fn mark(&mut self, by: By, row: &[f32], k: usize, mask: &mut Vec<u32>) {
        // One copy for each kind, so that neither asks for every element which it is.
        match by {
            By::Magnitude => self.mark_by(|x| By::Magnitude.key(x), row, k, mask),
            By::Value => self.mark_by(|x| By::Value.key(x), row, k, mask),
        }
    }

    #[inline(always)]
    fn mark_by(&mut self, key: impl Fn(f32) -> u32 + Copy, row: &[f32], k: usize, mask: &mut Vec<u32>) {
        if k == 0 {
            return mask.resize(mask.len() + row.len(), 0);
        }
        self.upper.clear();
        let (runs, rest) = row.as_chunks::<RUN>();
        // What fills the last run up has the largest key there is.
        let mut end = [f32::NAN; RUN];
        end[..rest.len()].copy_from_slice(rest);
        for run in runs.iter().chain([&end]) {
            let (first, second) = run.split_at(RUN / 2);
            self.upper.extend(first.iter().zip(second).map(|(&x, &y)| key(x) >> 16 | key(y) & 0xffff_0000));
        }
        let halves: &[u16] = bytemuck::cast_slice(&self.upper);
        // Rows of a matrix are mostly alike.
        let (upper, below, _) = search(halves, k, self.last, 1);
        self.last = upper;
        self.lower.clear();
        for (halves, run) in halves.chunks(RUN).zip(row.chunks(RUN)) {
            if count(halves, |half| half == upper) > 0 {
                self.lower.extend(run.iter().map(|&x| key(x)).filter(|key| (key >> 16) as u16 == upper).map(|key| key as u16));
            }
        }
        let wanted = k - below;
        let (lower, below, upto) = search(&self.lower, wanted, 1 << 15, 1 << 13);
        let found = u32::from(upper) << 16 | u32::from(lower);
        // Up to here those equal to the k-th belong to the k, behind not.
        let end = if upto == wanted { row.len() } else { after(key, row, found, wanted - below) };
        let (head, tail) = row.split_at(end);
        mask.extend(head.iter().map(|&x| u32::from(key(x) <= found)));
        mask.extend(tail.iter().map(|&x| u32::from(key(x) < found)));
    }
}

/// Place after the `wanted`-th element (from 1) whose key is `found`.
#[inline(always)]
fn after(key: impl Fn(f32) -> u32 + Copy, row: &[f32], found: u32, mut wanted: usize) -> usize {
    let mut start = 0;
    for run in row.chunks(256) {
        let equal = run.iter().map(|&x| u32::from(key(x) == found)).sum::<u32>() as usize;
        if equal >= wanted {
            break;
        }
        wanted -= equal;
        start += run.len();
    }
    let places = row[start..].iter().enumerate().filter(|&(_, &x)| key(x) == found);
    places.map(|(i, _)| start + i + 1).nth(wanted - 1).unwrap_or(row.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_what_sorting_finds(
            halves in prop::collection::vec(prop_oneof![any::<u16>(), 0..4_u16, 1000..1300_u16, Just(u16::MAX)], 1..1500),
            share in 0.0..=1.0_f64, from: u16, step in 1..10_000_i32,
        ) {
            let k = ((halves.len() as f64 * share) as usize).max(1);
            let mut sorted = halves.clone();
            sorted.sort_unstable();
            let found = sorted[k - 1];
            let expected = (found, sorted.partition_point(|&half| half < found), sorted.partition_point(|&half| half <= found));
            prop_assert_eq!(search(&halves, k, from, step), expected);
        }
    }

    #[test]
    fn rows_that_mislead_each_other_are_marked_all_the_same() {
        // Doubling gaps, one far stranger, all equal, two values, sorted both ways, neighbours in the last bits, nothing but NaN.
        let rows: [Vec<f32>; 7] = [
            (0..3000).map(|i| 2_f32.powi(i % 61)).collect(),
            (0..3000).map(|i| if i == 7 { f32::MAX } else { (i % 5) as f32 }).collect(),
            vec![5.0; 3000],
            (0..3000).map(|i| if i % 3 == 0 { f32::MIN } else { f32::INFINITY }).collect(),
            (0..3000).map(|i| ((3000 - i) * (i - 1500)) as f32).collect(),
            (0..3000).map(|i| f32::from_bits(0x3f80_0000 + i % 700)).collect(),
            vec![f32::NAN; 3000],
        ];
        for by in [By::Magnitude, By::Value] {
            for k in [1, 2, 1499, 1500, 2999, 3000] {
                let mut all = Rows::default();
                for row in &rows {
                    let mut places: Vec<usize> = (0..row.len()).collect();
                    places.sort_by_key(|&i| by.key(row[i]));
                    let mut expected = vec![0; row.len()];
                    places[..k].iter().for_each(|&i| expected[i] = 1);
                    let mut mask = Vec::new();
                    all.mark(by, row, k, &mut mask);
                    assert!(mask == expected, "{by:?}, {k} of {:?} …", &row[..8]);
                }
            }
        }
    }
}
