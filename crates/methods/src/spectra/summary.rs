//! From singular values to the numbers that describe a matrix (specification lowrank-moe §0).

use crate::report::Spectrum;

use super::tail;

/// Everything a [`Spectrum`] holds, from the singular values alone.
///
/// `shape` is `[out, in]`, `values` are all min(out, in) singular values in descending order, finite and not negative; `floor` says to
/// how much each is right (absolute). A matrix with no values, or of zeros, gets zeros.
pub fn summary(tensor: &str, slice: Option<u32>, shape: [u32; 2], values: Vec<f64>, floor: f64, route: &str) -> Spectrum {
    debug_assert!(values.is_sorted_by(|a, b| a >= b), "singular values come in descending order");
    let top = values.first().copied().unwrap_or(0.0);
    let energy: f64 = values.iter().map(|s| s * s).sum();
    let nuclear: f64 = values.iter().sum();
    let longer = f64::from(shape[0].max(shape[1]));
    let cut = top * longer * f64::from(f32::EPSILON);
    Spectrum {
        tensor: tensor.into(),
        slice,
        shape,
        floor,
        route: route.into(),
        stable_rank: if top > 0.0 { energy / (top * top) } else { 0.0 },
        effective_rank: effective_rank(&values, nuclear),
        numerical_rank: count(values.iter().filter(|&&s| s > cut).count()),
        energy_ranks: [0.9, 0.95, 0.99].map(|share| energy_rank(&values, share)),
        nuclear,
        frobenius: energy.sqrt(),
        tail: tail::fit(&values, floor),
        random_edge: random_edge(shape, energy),
        values: values.into(),
    }
}

/// exp of the entropy of p = σ / Σσ (Roy and Vetterli 2007); 0 for a zero matrix.
fn effective_rank(values: &[f64], nuclear: f64) -> f64 {
    if nuclear <= 0.0 {
        return 0.0;
    }
    let entropy: f64 = values.iter().map(|s| s / nuclear).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum();
    entropy.exp()
}

/// Where the bulk of a random matrix with this shape and this mean square would end, as a singular value: s (√m + √n), the square root
/// of the Marchenko–Pastur edge. Values beyond it carry something that independent noise does not.
pub fn random_edge(shape: [u32; 2], energy: f64) -> f64 {
    let (m, n) = (f64::from(shape[0]), f64::from(shape[1]));
    if m * n == 0.0 { 0.0 } else { (energy / (m * n)).sqrt() * (m.sqrt() + n.sqrt()) }
}

/// Smallest k with Σ_{i≤k} σ² ≥ share · Σσ²; 0 for a zero matrix. `values` descend.
pub fn energy_rank(values: &[f64], share: f64) -> u32 {
    let total: f64 = values.iter().map(|s| s * s).sum();
    if total <= 0.0 {
        return 0;
    }
    let mut sum = 0.0;
    let found = values.iter().position(|s| {
        sum += s * s;
        sum >= share * total
    });
    // Where rounding leaves the whole sum a hair under share · total (share = 1), every value that is not zero is needed.
    count(found.map_or_else(|| values.iter().filter(|&&s| s > 0.0).count(), |i| i + 1))
}

/// Share of the energy Σσ² in the first k values, for k = 0 … p: p + 1 numbers from 0 to 1 (all 0 for a zero matrix).
pub fn energy_curve(values: &[f64]) -> Vec<f64> {
    let total: f64 = values.iter().map(|s| s * s).sum();
    let mut sum = 0.0;
    let share = |sum: f64| if total > 0.0 { sum / total } else { 0.0 };
    std::iter::once(0.0)
        .chain(values.iter().map(|s| {
            sum += s * s;
            share(sum)
        }))
        .collect()
}

/// ‖W − W_r‖_F / ‖W‖_F for r = 0 … p (Eckart and Young 1936): p + 1 numbers that fall from 1 to 0. The tail is summed from its small end, so
/// that a tiny error is not lost in the rounding of 1 − share. All 0 for a zero matrix.
pub fn truncation_errors(values: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; values.len() + 1];
    let mut sum = 0.0;
    for (i, s) in values.iter().enumerate().rev() {
        sum += s * s;
        out[i] = sum;
    }
    let total = out[0];
    for e in &mut out {
        *e = if total > 0.0 { (*e / total).sqrt() } else { 0.0 };
    }
    out
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Tail;

    #[test]
    fn a_spectrum_by_hand() {
        let s = summary("w", None, [3, 4], vec![4.0, 2.0, 1.0], 0.0, "test");
        assert_eq!(s.stable_rank, 21.0 / 16.0);
        assert_eq!(s.nuclear, 7.0);
        assert_eq!(s.frobenius, 21f64.sqrt());
        assert_eq!(s.numerical_rank, 3);
        // Shares of energy: 16/21 = 0.762, 20/21 = 0.952, 1.
        assert_eq!(s.energy_ranks, [2, 2, 3]);
        let h = -(4.0 / 7.0 * (4.0f64 / 7.0).ln() + 2.0 / 7.0 * (2.0f64 / 7.0).ln() + 1.0 / 7.0 * (1.0f64 / 7.0).ln());
        assert!((s.effective_rank - h.exp()).abs() < 1e-12);
        assert!((s.random_edge - (21.0f64 / 12.0).sqrt() * (3f64.sqrt() + 2.0)).abs() < 1e-12);
        assert_eq!(s.tail, Tail::TooFew { count: 3 });
        assert_eq!(truncation_errors(&s.values), vec![1.0, (5.0f64 / 21.0).sqrt(), (1.0f64 / 21.0).sqrt(), 0.0]);
        assert_eq!(energy_curve(&s.values), vec![0.0, 16.0 / 21.0, 20.0 / 21.0, 1.0]);
    }

    #[test]
    fn zeros_and_nothing_give_zeros() {
        for values in [vec![], vec![0.0; 12]] {
            let s = summary("w", None, [16, 12], values, 0.0, "test");
            assert_eq!((s.stable_rank, s.effective_rank, s.numerical_rank), (0.0, 0.0, 0));
            assert_eq!((s.energy_ranks, s.frobenius, s.random_edge), ([0; 3], 0.0, 0.0));
            assert_eq!(s.tail, Tail::TooFew { count: 0 });
        }
    }
}
