//! Spectra made ready for fast answers: every threshold's reduction by one sort, every truncation's error by one sum.

use crate::report::Spectrum;
use crate::spectra::truncation_errors;

use super::normalise::{below, normalise};

/// The grid of thresholds that is searched has this step …
pub const STEP: f64 = 0.005;
/// … and this many points, from 0 to 1.
pub const POINTS: u32 = 201;

/// The j-th threshold of the grid, j · 0.005 in double precision; it is rounded to single where it is compared.
pub fn grid(j: u32) -> f64 {
    f64::from(j) * STEP
}

/// What one matrix needs for planning.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    pub name: String,
    pub shape: [u32; 2],
    pub full: u32,
    /// Ascending; `None` for a spectrum that is flat.
    pub normalised: Option<Vec<f32>>,
    /// Relative error at each rank 0 … full.
    pub errors: Vec<f64>,
    /// Σσ².
    pub energy: f64,
}

/// Spectra prepared once, so that a threshold can be dragged: a plan then costs a few comparisons a matrix.
#[derive(Clone, Debug)]
pub struct Ranker {
    pub(super) matrices: Vec<Matrix>,
    /// Normalised values of all matrices, ascending.
    sorted: Vec<f32>,
    total: u64,
}

impl Ranker {
    /// Prepares spectra. Their values are rounded to single precision for the rule, as the published code computes them.
    pub fn new(spectra: &[Spectrum]) -> Self {
        Self::from_matrices(spectra.iter().map(|s| {
            #[expect(clippy::cast_possible_truncation, reason = "the rule works in single precision")]
            let single: Vec<f32> = s.values.iter().map(|&v| v as f32).collect();
            (crate::key(&s.tensor, s.slice), s.shape, single, &*s.values)
        }))
    }

    /// Prepares spectra that are in single precision already, descending: names, `[out, in]`, values.
    pub fn from_f32<'a>(spectra: impl IntoIterator<Item = (&'a str, [u32; 2], &'a [f32])>) -> Self {
        let owned: Vec<_> = spectra
            .into_iter()
            .map(|(name, shape, v)| (name.to_owned(), shape, v.to_vec(), v.iter().copied().map(f64::from).collect::<Vec<_>>()))
            .collect();
        Self::from_matrices(owned.iter().map(|(n, s, single, double)| (n.clone(), *s, single.clone(), &double[..])))
    }

    fn from_matrices<'a>(spectra: impl Iterator<Item = (String, [u32; 2], Vec<f32>, &'a [f64])>) -> Self {
        let matrices: Vec<Matrix> = spectra
            .map(|(name, shape, single, values)| {
                let mut normalised = normalise(&single);
                if let Some(n) = &mut normalised {
                    n.reverse();
                }
                Matrix {
                    name,
                    shape,
                    full: u32::try_from(values.len()).unwrap_or(u32::MAX),
                    normalised,
                    errors: truncation_errors(values),
                    energy: values.iter().map(|s| s * s).sum(),
                }
            })
            .collect();
        let mut sorted: Vec<f32> = matrices.iter().filter_map(|m| m.normalised.as_deref()).flatten().copied().collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let total = matrices.iter().map(|m| u64::from(m.full)).sum();
        Self { matrices, sorted, total }
    }

    /// Σ min(m, n) over all matrices.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Names of the matrices, in order; slices as `name#3`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.matrices.iter().map(|m| m.name.as_str())
    }

    /// Names of the matrices whose spectrum is flat (all values equal but for rounding): no threshold means anything there, so they
    /// keep their full rank.
    pub fn flat(&self) -> impl Iterator<Item = &str> {
        self.matrices.iter().filter(|m| m.normalised.is_none()).map(|m| m.name.as_str())
    }

    /// Ranks that a threshold removes, one number a matrix.
    pub fn pruned(&self, threshold: f64) -> Vec<u32> {
        self.matrices.iter().map(|m| m.normalised.as_deref().map_or(0, |n| below(n, threshold))).collect()
    }

    /// Attempted effective-rank reduction at a threshold: Σ pruned / Σ p. Not decreasing in the threshold.
    pub fn err(&self, threshold: f64) -> f64 {
        share(u64::from(below(&self.sorted, threshold)), self.total)
    }

    /// The whole step function: the reduction at each of the 201 thresholds of the grid.
    pub fn curve(&self) -> Vec<f64> {
        (0..POINTS).map(|j| self.err(grid(j))).collect()
    }

    /// Smallest threshold of the grid whose reduction reaches `target`; `None` where not even 1 does.
    pub fn reach(&self, target: f64) -> Option<f64> {
        (0..POINTS).map(grid).find(|&k| self.err(k) >= target)
    }

    /// Threshold of the grid whose reduction is nearest to `target`, the lower one on ties.
    pub fn nearest(&self, target: f64) -> f64 {
        let mut best = (f64::INFINITY, 0.0);
        for k in (0..POINTS).map(grid) {
            let gap = (self.err(k) - target).abs();
            if gap < best.0 {
                best = (gap, k);
            }
        }
        best.1
    }
}

pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Ranker {
        Ranker::from_f32([("a", [3, 4], &[5.0f32, 3.0, 1.0][..]), ("b", [2, 2], &[1.0f32, 1.0][..])])
    }

    #[test]
    fn the_reduction_counts_flat_matrices_in_the_total_only() {
        let r = two();
        assert_eq!(r.total(), 5);
        assert_eq!(r.pruned(0.6), [2, 0]);
        assert_eq!(r.err(0.6), 0.4);
        assert_eq!(r.flat().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn searches() {
        let r = two();
        // 0 below k = 0.005, then 1 of 5, then 2 of 5 from the first grid point over 0.5.
        assert_eq!(r.reach(0.2), Some(grid(1)));
        assert_eq!(r.reach(0.3), Some(grid(101)));
        assert_eq!(r.reach(0.5), None);
        assert_eq!(r.nearest(0.25), grid(1));
        assert_eq!(r.nearest(0.1), grid(0), "the lower of two equally near");
    }
}
