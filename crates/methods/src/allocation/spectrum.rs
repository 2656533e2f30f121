//! Sparsity from the shape of the spectra.

use crate::report::{Spectrum, Tail};

use super::scale_to_budget;

/// AlphaPruning's map (Lu et al. 2024, arXiv 2410.10912; read in the published code, haiquanlu/AlphaPruning): the power-law exponents α of
/// the layers are mapped linearly onto 1 − ε … 1 + ε, so that a heavy tail (small α: a layer that has learned much) is pruned less, and
/// the result is scaled until the element-weighted mean is `sparsity`.
///
/// Two things are ours: a layer without a fit gets the middle of the range, and a layer that would pass 1 stays at 1 while the others
/// take the rest (the published code leaves values over 1). One exponent a matrix is used; the published default averages them over
/// each block, for which a caller may pass averaged exponents.
pub fn by_alpha(alphas: &[Option<f64>], sizes: &[f64], sparsity: f64, epsilon: f64) -> Vec<f64> {
    let known = || alphas.iter().flatten().copied();
    let (min, max) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let ratios: Vec<f64> = alphas
        .iter()
        .map(|a| match a {
            Some(a) if max > min => (a - min) / (max - min) * 2.0 * epsilon + 1.0 - epsilon,
            _ => 1.0,
        })
        .collect();
    scale_to_budget(&ratios, sizes, sparsity, 1.0)
}

/// The exponent of a spectrum, where it has one.
pub fn alpha(spectrum: &Spectrum) -> Option<f64> {
    match spectrum.tail {
        Tail::Fit { alpha, .. } => Some(alpha),
        Tail::TooFew { .. } | Tail::Flat { .. } => None,
    }
}

/// [`by_alpha`] from spectra.
pub fn by_tail(spectra: &[Spectrum], sizes: &[f64], sparsity: f64, epsilon: f64) -> Vec<f64> {
    by_alpha(&spectra.iter().map(alpha).collect::<Vec<_>>(), sizes, sparsity, epsilon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heavy_tails_are_pruned_less_at_the_same_budget() {
        let sizes = [10.0, 20.0, 30.0, 40.0];
        let s = by_alpha(&[Some(2.0), Some(6.0), None, Some(4.0)], &sizes, 0.5, 0.2);
        assert!((super::super::overall(&s, &sizes) - 0.5).abs() < 1e-12);
        assert!(s[0] < s[3] && s[3] < s[1]);
        assert!((s[0] / s[1] - 0.8 / 1.2).abs() < 1e-12);
        assert_eq!(s[2], s[3], "no fit: the middle");
    }

    #[test]
    fn equal_exponents_are_uniform() {
        assert_eq!(by_alpha(&[Some(3.0); 3], &[1.0, 2.0, 3.0], 0.25, 0.3), [0.25; 3]);
    }
}
