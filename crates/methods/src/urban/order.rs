//! Orders and splits: hashes of (seed, number), so that the same seed gives the same on every machine.

use espalier_tensor::random::Stream;

/// A random order of 0 … n − 1 (Fisher and Yates), another for each `turn`.
pub fn shuffled(n: usize, seed: u64, turn: u32) -> Vec<u32> {
    let stream = Stream::new(seed, 0x0070_0000 ^ turn.wrapping_mul(0x9e37_79b9));
    let mut order: Vec<u32> = (0..n as u32).collect();
    for i in (1..n).rev() {
        order.swap(i, stream.below(i as u32, i as u32 + 1) as usize);
    }
    order
}

/// Rows for learning, for stopping, and for the test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// To learn from.
    pub train: Vec<u32>,
    /// To stop by.
    pub val: Vec<u32>,
    /// To be judged by.
    pub test: Vec<u32>,
}

/// At random: a fifth for the test, a tenth of the rest for validation (each rounded up, as scikit-learn does).
pub fn random_split(n: usize, seed: u64) -> Split {
    let order = shuffled(n, seed, u32::MAX);
    let test = n.div_ceil(5);
    let val = (n - test).div_ceil(10);
    Split { test: order[..test].to_vec(), val: order[test..test + val].to_vec(), train: order[test + val..].to_vec() }
}

/// By blocks of `side` × `side` over the points' box: whole blocks go to the test until it has a fifth, then to validation until it has a tenth of the rest, so that
/// what is tested has no neighbours that were learnt from.
pub fn block_split(points: &[[f64; 2]], side: usize, seed: u64) -> Split {
    let low = |axis: usize| points.iter().map(|p| p[axis]).fold(f64::INFINITY, f64::min);
    let high = |axis: usize| points.iter().map(|p| p[axis]).fold(f64::NEG_INFINITY, f64::max);
    let (from, to) = ([low(0), low(1)], [high(0), high(1)]);
    let cell = |p: &[f64; 2], axis: usize| {
        let span = (to[axis] - from[axis]).max(f64::MIN_POSITIVE);
        (((p[axis] - from[axis]) / span * side as f64) as usize).min(side.saturating_sub(1))
    };
    let mut blocks: Vec<Vec<u32>> = vec![Vec::new(); (side * side).max(1)];
    points.iter().enumerate().for_each(|(i, p)| blocks[cell(p, 0) * side + cell(p, 1)].push(i as u32));
    let mut split = Split::default();
    let test = points.len().div_ceil(5);
    for block in shuffled(blocks.len(), seed, u32::MAX - 1) {
        let rows = std::mem::take(&mut blocks[block as usize]);
        let val = (points.len() - split.test.len()).div_ceil(10);
        let place = if split.test.len() < test {
            &mut split.test
        } else if split.val.len() < val {
            &mut split.val
        } else {
            &mut split.train
        };
        place.extend(rows);
    }
    split
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(split: &Split, n: usize) {
        let mut all = [&split.train[..], &split.val, &split.test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..n as u32).collect::<Vec<_>>());
    }

    #[test]
    fn orders_hold_everything_once_and_differ() {
        for n in [0, 1, 2, 100] {
            let mut order = shuffled(n, 3, 0);
            order.sort_unstable();
            assert_eq!(order, (0..n as u32).collect::<Vec<_>>());
        }
        assert_ne!(shuffled(100, 3, 0), shuffled(100, 3, 1));
        assert_ne!(shuffled(100, 3, 0), shuffled(100, 4, 0));
    }

    #[test]
    fn the_papers_split_has_the_papers_sizes() {
        let s = random_split(6697, 42);
        assert_eq!((s.train.len(), s.val.len(), s.test.len()), (4821, 536, 1340));
        let s = random_split(4994, 42);
        assert_eq!((s.train.len(), s.val.len(), s.test.len()), (3595, 400, 999));
        whole(&random_split(11, 1), 11);
    }

    #[test]
    fn blocks_stay_together() {
        let points: Vec<[f64; 2]> = (0..1000).map(|i| [f64::from(i % 40), f64::from(i / 40)]).collect();
        let s = block_split(&points, 8, 5);
        whole(&s, 1000);
        assert!(s.test.len() >= 200 && s.test.len() < 300 && !s.val.is_empty());
        let block = |i: u32| ((points[i as usize][0] / 39.0 * 8.0) as usize).min(7) * 8 + ((points[i as usize][1] / 24.0 * 8.0) as usize).min(7);
        let of = |rows: &[u32]| rows.iter().map(|i| block(*i)).collect::<std::collections::HashSet<_>>();
        assert!(of(&s.test).is_disjoint(&of(&s.train)) && of(&s.test).is_disjoint(&of(&s.val)));
        // All at one place: one block, all of it in the test.
        assert_eq!(block_split(&[[1.0, 1.0]; 5], 4, 0).test.len(), 5);
    }
}
