//! OWL: how many weights of a block stand out, and what it keeps for that (Yin et al. 2023, arXiv 2310.05175; specification prune §6).

use ndarray::Array2;

/// Percent of all elements that are over `m` times the mean of all: the layerwise outlier distribution of one block. The metrics are those of its
/// linears, Wanda's.
pub fn outliers(metrics: &[Array2<f32>], m: f64) -> f64 {
    let count: usize = metrics.iter().map(Array2::len).sum();
    let mean = metrics.iter().flat_map(|a| a.iter()).map(|v| f64::from(*v)).sum::<f64>() / count.max(1) as f64;
    let over = metrics.iter().flat_map(|a| a.iter()).filter(|v| f64::from(**v) > m * mean).count();
    100.0 * over as f64 / count.max(1) as f64
}

/// [`outliers`] for several multiples, in one pass.
pub fn outlier_shares(metrics: &[Array2<f32>], multiples: &[f64]) -> Vec<f64> {
    let count: usize = metrics.iter().map(Array2::len).sum();
    let mean = metrics.iter().flat_map(|a| a.iter()).map(|v| f64::from(*v)).sum::<f64>() / count.max(1) as f64;
    let mut cuts: Vec<f64> = multiples.iter().map(|m| m * mean).collect();
    cuts.sort_by(f64::total_cmp);
    // How many weights are over exactly so many cuts.
    let mut over = vec![0usize; cuts.len() + 1];
    metrics.iter().flat_map(|a| a.iter()).for_each(|v| over[cuts.partition_point(|c| f64::from(*v) > *c)] += 1);
    let share = |m: &f64| {
        let at = cuts.partition_point(|c| *c < m * mean);
        100.0 * over[at + 1..].iter().sum::<usize>() as f64 / count.max(1) as f64
    };
    multiples.iter().map(share).collect()
}

/// Sparsities by block.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratios {
    /// As the formula gives them; may lie outside 0 … 1.
    pub raw: Vec<f64>,
    /// As they are used.
    pub sparsities: Vec<f64>,
    /// Blocks where the two differ.
    pub clamped: Vec<usize>,
    /// All outlier shares were equal, so that the formula has no answer and all blocks get the same.
    pub equal: bool,
}

/// `S_i = 1 − (r_i − mean r + 1 − S)` with r = 2λ·(LOD − min)/(max − min): more outliers, less pruned. Sparsities of 0 and less become 0.01, as in the published
/// Wanda and SparseGPT paths (`guard`); ours are held under 0.99, where the published code zeroes the whole block or fails.
pub fn ratios(lod: &[f64], sparsity: f64, lambda: f64, guard: bool) -> Ratios {
    let Some(shares) = scaled(lod, 2.0 * lambda) else {
        return Ratios { raw: vec![sparsity; lod.len()], sparsities: vec![sparsity; lod.len()], clamped: Vec::new(), equal: true };
    };
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    let raw: Vec<f64> = shares.iter().map(|r| 1.0 - (r - mean + (1.0 - sparsity))).collect();
    let sparsities: Vec<f64> = raw
        .iter()
        .map(|&s| match s {
            s if s <= 0.0 && guard => 0.01,
            s => s.clamp(0.0, 0.99),
        })
        .collect();
    let clamped = (0..raw.len()).filter(|&i| raw[i] != sparsities[i]).collect();
    Ratios { raw, sparsities, clamped, equal: false }
}

/// Removed of each group of m by block: n less the rounded (half to even) share λ·(LOD − min)/(max − min) − mean. `special` makes 2 of a +1.
pub fn patterns(lod: &[f64], n: u32, m: u32, lambda: f64, special: bool) -> Vec<u32> {
    let Some(shares) = scaled(lod, lambda) else { return vec![n; lod.len()] };
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    shares
        .iter()
        .map(|r| {
            let rounded = (r - mean).round_ties_even();
            let rounded = if special && rounded == 1.0 { 2.0 } else { rounded };
            (f64::from(n) - rounded).clamp(0.0, f64::from(m)) as u32
        })
        .collect()
}

/// Brought to 0 … `range`; `None` where all are equal.
fn scaled(lod: &[f64], range: f64) -> Option<Vec<f64>> {
    let (min, max) = lod.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
    (max > min).then(|| lod.iter().map(|v| (v - min) / (max - min) * range).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_counts_what_many_passes_count() {
        let metrics = [Array2::from_shape_fn((7, 9), |(i, j)| ((i * 31 + j * 17) % 23) as f32), Array2::from_elem((2, 2), 40.0)];
        let multiples = [3.0, 0.5, 1.0, 2.0, 3.0, 9.0];
        assert_eq!(outlier_shares(&metrics, &multiples), multiples.map(|m| outliers(&metrics, m)));
        assert_eq!(outlier_shares(&[], &[1.0]), [0.0]);
    }

    #[test]
    fn more_outliers_less_pruned_and_equal_ones_are_uniform() {
        let r = ratios(&[1.0, 3.0, 2.0], 0.7, 0.1, true);
        assert!(r.sparsities[1] < r.sparsities[2] && r.sparsities[2] < r.sparsities[0] && r.clamped.is_empty());
        assert!((r.sparsities.iter().sum::<f64>() / 3.0 - 0.7).abs() < 1e-12);
        assert!((r.sparsities[0] - r.sparsities[1] - 0.2).abs() < 1e-12);
        let same = ratios(&[2.0; 4], 0.6, 0.1, true);
        assert!(same.equal && same.sparsities == [0.6; 4]);
    }

    #[test]
    fn what_leaves_the_range_is_held_and_said() {
        let r = ratios(&[0.0, 4.0], 0.95, 0.2, true);
        assert_eq!((r.sparsities[0], r.clamped.as_slice()), (0.99, &[0][..]));
        assert_eq!(ratios(&[0.0, 4.0], 0.1, 0.2, true).sparsities[1], 0.01);
        assert_eq!(ratios(&[0.0, 4.0], 0.1, 0.2, false).sparsities[1], 0.0);
    }
}
