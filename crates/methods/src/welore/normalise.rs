//! The rule of WeLore (specification lowrank-moe §1.4): min–max normalised singular values against one threshold.

/// Spectra whose spread is at most this share of their largest value are not normalised: what is left there is rounding noise.
pub const FLAT: f32 = 1e-5;

/// ŝ_i = (σ_i − min σ) / (max σ − min σ), subtracted first and divided then, in single precision on single-precision values, as the
/// published code has it; the order of `values` is kept. `None` where there is nothing to normalise: no values, values that are not
/// finite, or (nearly) equal ones. Such a matrix keeps its full rank.
pub fn normalise(values: &[f32]) -> Option<Vec<f32>> {
    let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let min = values.iter().copied().fold(f32::INFINITY, f32::min);
    let spread = max - min;
    let usable = values.iter().all(|v| v.is_finite()) && spread.is_finite() && spread > FLAT * max.abs();
    (usable && !values.is_empty()).then(|| values.iter().map(|v| (v - min) / spread).collect())
}

/// How many of `normalised`, ascending, are under `threshold`: strictly, with the threshold rounded to single precision.
pub fn below(normalised: &[f32], threshold: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the rule compares in single precision")]
    let k = threshold as f32;
    u32::try_from(normalised.partition_point(|&s| s < k)).unwrap_or(u32::MAX)
}

/// Rank a uniform cut removes: `int(ratio · p)`, in double precision, toward zero.
pub fn uniform_pruned(ratio: f64, full: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the truncation is the rule; clamped to 0 … p")]
    let pruned = (ratio * f64::from(full)).clamp(0.0, f64::from(full)) as u32;
    pruned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ascending(values: &[f32]) -> Vec<f32> {
        let mut v = normalise(values).unwrap();
        v.reverse();
        v
    }

    #[test]
    fn ends_are_zero_and_one_and_the_comparison_is_strict() {
        let n = ascending(&[5.0, 3.0, 1.0]);
        assert_eq!(n, [0.0, 0.5, 1.0]);
        assert_eq!([0.0, 1e-9, 0.5, 0.5001, 1.0, 1.25].map(|k| below(&n, k)), [0, 1, 1, 2, 2, 3]);
    }

    #[test]
    fn nothing_to_normalise() {
        assert_eq!(normalise(&[]), None);
        assert_eq!(normalise(&[2.0]), None);
        assert_eq!(normalise(&[0.0; 4]), None);
        assert_eq!(normalise(&[1.0, f32::NAN]), None);
        assert_eq!(normalise(&[1.0 + 4e-6, 1.0]), None);
        assert!(normalise(&[1.0 + 2e-5, 1.0]).is_some());
    }

    #[test]
    fn uniform_truncates_in_double_precision() {
        assert_eq!(uniform_pruned(0.7, 48), 33);
        assert_eq!(uniform_pruned(0.3, 10), 3);
        assert_eq!(uniform_pruned(1.5, 10), 10);
    }
}
