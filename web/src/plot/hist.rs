//! Histograms: joining bins to the width there is, and the bars of a log count axis.

/// Joins neighbouring bins until at most `most` are left, by a whole factor; the sum stays, a last bin may be narrower.
pub fn join(counts: &[u32], most: usize) -> Vec<f64> {
    let by = counts.len().div_ceil(most.max(1)).max(1);
    counts.chunks(by).map(|c| c.iter().map(|n| f64::from(*n)).sum()).collect()
}

/// Edges of the joined bins, one more than there are bins.
pub fn edges(range: [f64; 2], bins: usize, most: usize) -> Vec<f64> {
    let by = bins.div_ceil(most.max(1)).max(1);
    let width = (range[1] - range[0]) / bins.max(1) as f64;
    let mut out: Vec<f64> = (0..bins).step_by(by).map(|i| range[0] + i as f64 * width).collect();
    out.push(range[1]);
    out
}

/// Share of the counts at values with |x| greater than `cut`, judged by bin centres.
pub fn share_beyond(range: [f64; 2], counts: &[u32], cut: f64) -> f64 {
    let total: f64 = counts.iter().map(|n| f64::from(*n)).sum();
    if total == 0.0 {
        return 0.0;
    }
    let width = (range[1] - range[0]) / counts.len() as f64;
    let out: f64 = counts.iter().enumerate().filter(|(i, _)| (range[0] + (*i as f64 + 0.5) * width).abs() > cut).map(|(_, n)| f64::from(*n)).sum();
    out / total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_keeps_the_sum_and_the_edges_fit() {
        let counts: Vec<u32> = (0..101).collect();
        for most in [1, 7, 50, 101, 500] {
            let j = join(&counts, most);
            assert!(j.len() <= most);
            assert_eq!(j.iter().sum::<f64>(), 5050.0);
            let e = edges([-1.0, 1.0], 101, most);
            assert_eq!(e.len(), j.len() + 1);
            assert_eq!((e[0], e[e.len() - 1]), (-1.0, 1.0));
            assert!(e.windows(2).all(|w| w[0] < w[1]));
        }
        assert!(join(&[], 5).is_empty());
    }

    #[test]
    fn shares_beyond_a_cut() {
        assert_eq!(share_beyond([-2.0, 2.0], &[1, 1, 1, 1], 1.0), 0.5);
        assert_eq!(share_beyond([0.0, 1.0], &[], 1.0), 0.0);
    }
}
