//! The power-law tail of a spectrum.
//!
//! p(λ) ∝ λ^−α for λ ≥ λ_min over the eigenvalues λ = σ² of WᵀW (Clauset, Shalizi and Newman 2009, continuous case): for every possible start
//! λ_min the exponent is the maximum-likelihood one, α = 1 + n / Σ ln(λ_i / λ_min) over the n values from there on, and the start is the
//! one whose fit lies nearest to the data by the Kolmogorov–Smirnov distance. WeightWatcher's convention is kept: the empirical
//! distribution at the j-th of n values is j/n, counted from 0, and σ_α = (α − 1)/√n.
//!
//! Two things differ, both said here because the numbers can: values that are not told from zero (σ ≤ floor) are left out, where
//! WeightWatcher drops λ ≤ 1e-5 whatever the scale of W; and among equal values only the first may be a start, since λ ≥ λ_min holds for all.

use crate::report::Tail;

/// Fewer eigenvalues than this get no fit.
pub const LEAST: usize = 10;

/// Spectra whose spread is under this share of their largest value are rounding noise about a constant: nothing to fit.
pub const FLAT: f64 = 1e-5;

/// Fits the tail. `values` are singular values in descending order; those at or under `floor` count as zero.
///
/// Exact for every candidate start; candidates are tried coarse before fine so that most of the rest are refused after a few
/// comparisons against the best distance so far.
pub fn fit(values: &[f64], floor: f64) -> Tail {
    let logs: Vec<f64> = values.iter().rev().filter(|&&s| s > floor && s > 0.0).map(|s| 2.0 * s.ln()).collect();
    let n = logs.len();
    let count = u32::try_from(n).unwrap_or(u32::MAX);
    if n < LEAST {
        return Tail::TooFew { count };
    }
    // λ_max/λ_min − 1 ≈ 2 (σ_max/σ_min − 1).
    if logs[n - 1] - logs[0] <= 2.0 * FLAT {
        return Tail::Flat { count };
    }
    // Suffix sums from the large end, so each Σ ln λ_i costs one addition.
    let mut sums = vec![0.0; n + 1];
    for i in (0..n).rev() {
        sums[i] = sums[i + 1] + logs[i];
    }
    let mut best = (f64::INFINITY, 0, 0.0);
    for i in coarse_to_fine(n - 1) {
        if i > 0 && logs[i] == logs[i - 1] {
            continue;
        }
        let m = (n - i) as f64;
        let spread = sums[i] - m * logs[i];
        if spread <= 0.0 {
            continue;
        }
        let alpha = 1.0 + m / spread;
        if let Some(d) = distance(&logs[i..], alpha, best.0)
            && (d < best.0 || (d == best.0 && i < best.1))
        {
            best = (d, i, alpha);
        }
    }
    let (distance, start, alpha) = best;
    if !distance.is_finite() {
        return Tail::Flat { count };
    }
    let tail = n - start;
    Tail::Fit {
        alpha,
        sigma: (alpha - 1.0) / (tail as f64).sqrt(),
        xmin: logs[start].exp(),
        distance,
        count: u32::try_from(tail).unwrap_or(u32::MAX),
    }
}

/// The fit over a start of one's own choice: the `count` largest eigenvalues. `None` for fewer than two, for more than there are over the floor, and
/// where they are all equal.
pub fn fit_from(values: &[f64], floor: f64, count: usize) -> Option<Tail> {
    let logs: Vec<f64> = values.iter().take(count).rev().filter(|&&s| s > floor && s > 0.0).map(|s| 2.0 * s.ln()).collect();
    if count < 2 || logs.len() < count {
        return None;
    }
    let spread: f64 = logs.iter().map(|l| l - logs[0]).sum();
    if spread <= 0.0 {
        return None;
    }
    let alpha = 1.0 + count as f64 / spread;
    Some(Tail::Fit {
        alpha,
        sigma: (alpha - 1.0) / (count as f64).sqrt(),
        xmin: logs[0].exp(),
        distance: distance(&logs, alpha, f64::INFINITY)?,
        count: u32::try_from(count).ok()?,
    })
}

/// max_j |1 − (λ_j/λ_0)^(1−α) − j/n|, or `None` as soon as it is over `limit`.
fn distance(logs: &[f64], alpha: f64, limit: f64) -> Option<f64> {
    let n = logs.len();
    let gap = |j: usize| (1.0 - ((1.0 - alpha) * (logs[j] - logs[0])).exp() - j as f64 / n as f64).abs();
    // A dozen places first: a bad start is nearly always seen there.
    let step = (n / 12).max(1);
    if (0..n).step_by(step).any(|j| gap(j) > limit) {
        return None;
    }
    let mut worst = 0.0f64;
    for j in 0..n {
        worst = worst.max(gap(j));
        if worst > limit {
            return None;
        }
    }
    Some(worst)
}

/// 0 … n−1, every index once: multiples of a high power of two first, then of half of it, and so on.
fn coarse_to_fine(n: usize) -> impl Iterator<Item = usize> {
    let top = n.next_power_of_two().max(1);
    let first = (0..n).step_by(top);
    let rest = (0..top.ilog2()).flat_map(move |level| {
        let step = top >> level;
        (step / 2..n).step_by(step)
    });
    first.chain(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formulas with no shortcut: every start, every distance in full, in order.
    fn plain(values: &[f64]) -> (f64, usize, f64) {
        let l: Vec<f64> = values.iter().rev().map(|s| s * s).collect();
        let mut best = (f64::INFINITY, 0, 0.0);
        for i in 0..l.len() - 1 {
            let tail = &l[i..];
            let n = tail.len() as f64;
            let alpha = 1.0 + n / tail.iter().map(|x| (x / l[i]).ln()).sum::<f64>();
            let d = tail.iter().enumerate().map(|(j, x)| (1.0 - (x / l[i]).powf(1.0 - alpha) - j as f64 / n).abs()).fold(0.0, f64::max);
            if d < best.0 {
                best = (d, tail.len(), alpha);
            }
        }
        best
    }

    /// A bulk with a Pareto tail on top of it, at fixed quantiles of both.
    fn bulk_and_tail(n: usize, alpha: f64) -> Vec<f64> {
        let mut v: Vec<f64> = (0..n)
            .map(|i| {
                let u = (i as f64 + 0.5) / n as f64;
                if i % 4 == 0 { (1.0 - u).powf(-1.0 / (alpha - 1.0)) } else { 0.2 + 0.8 * u }
            })
            .map(f64::sqrt)
            .collect();
        v.sort_by(|a, b| b.total_cmp(a));
        v
    }

    #[test]
    fn a_start_of_ones_own_gives_the_same_numbers_and_none_is_better() {
        let v = bulk_and_tail(201, 2.5);
        let Tail::Fit { alpha, distance, count, xmin, sigma } = fit(&v, 0.0) else { panic!("a fit") };
        let Some(Tail::Fit { alpha: a, distance: d, count: c, xmin: x, sigma: s }) = fit_from(&v, 0.0, count as usize) else { panic!("the same fit") };
        assert!((a - alpha).abs() < 1e-9 && (d - distance).abs() < 1e-12 && (x - xmin).abs() < 1e-12 * x && (s - sigma).abs() < 1e-9 && c == count);
        for n in 2..=201 {
            let Some(Tail::Fit { distance: d, .. }) = fit_from(&v, 0.0, n) else { panic!("a fit over {n}") };
            assert!(d >= distance - 1e-12);
        }
        assert_eq!(fit_from(&v, 0.0, 202), None);
        assert_eq!(fit_from(&v, 0.0, 1), None);
        assert_eq!(fit_from(&[1.0; 20], 0.0, 20), None);
    }

    #[test]
    fn every_index_once() {
        for n in [0, 1, 2, 3, 9, 16, 17, 100] {
            let mut seen: Vec<usize> = coarse_to_fine(n).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..n).collect::<Vec<_>>(), "{n}");
        }
    }

    #[test]
    fn agrees_with_the_formulas_written_out() {
        for (n, a) in [(10, 2.0), (37, 3.5), (200, 2.5), (501, 4.0)] {
            let v = bulk_and_tail(n, a);
            let (d, count, alpha) = plain(&v);
            let Tail::Fit { alpha: got, distance, count: c, sigma, xmin } = fit(&v, 0.0) else { panic!("a fit") };
            assert_eq!(c as usize, count, "{n}");
            assert!((got - alpha).abs() < 1e-9 * alpha && (distance - d).abs() < 1e-12, "{n}: {got} {alpha}");
            assert!((sigma - (alpha - 1.0) / (count as f64).sqrt()).abs() < 1e-9);
            assert!((xmin - v[count - 1].powi(2)).abs() < 1e-12 * xmin);
        }
    }

    #[test]
    fn finds_the_exponent_of_a_pure_power_law() {
        let mut v: Vec<f64> = (0..3000).map(|i| (1.0 - (i as f64 + 0.5) / 3000.0f64).powf(-1.0 / 1.8).sqrt()).collect();
        v.reverse();
        let Tail::Fit { alpha, distance, .. } = fit(&v, 0.0) else { panic!("a fit") };
        assert!((alpha - 2.8).abs() < 0.02, "{alpha}");
        assert!(distance < 1e-2);
    }

    #[test]
    fn flat_spectra_zeros_and_short_ones_are_said() {
        assert_eq!(fit(&[1.0; 12], 0.0), Tail::Flat { count: 12 });
        assert_eq!(fit(&[1.0, 0.5, 1e-9], 1e-6), Tail::TooFew { count: 2 });
        let mut v = vec![1e-12; 30];
        v[..9].copy_from_slice(&[9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]);
        assert_eq!(fit(&v, 1e-10), Tail::TooFew { count: 9 });
    }

    #[test]
    fn the_scale_of_the_matrix_changes_nothing_but_the_start() {
        let v = bulk_and_tail(300, 3.0);
        let w: Vec<f64> = v.iter().map(|s| s * 1e-9).collect();
        let (Tail::Fit { alpha: a, count: n, .. }, Tail::Fit { alpha: b, count: m, .. }) = (fit(&v, 0.0), fit(&w, 0.0)) else { panic!("fits") };
        assert_eq!(n, m);
        assert!((a - b).abs() < 1e-9);
    }
}
