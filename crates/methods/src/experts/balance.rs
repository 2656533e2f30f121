//! How evenly work falls on experts.

use serde::{Deserialize, Serialize};

/// Indices of a layer's load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// Entropy of the load over that of an even one: 1 even, 0 one expert does it all.
    pub entropy: f64,
    /// The largest load over the mean one.
    pub peak: f64,
    /// Gini coefficient: 0 even, towards 1 the more few experts do.
    pub gini: f64,
    /// Experts without any.
    pub idle: u32,
}

impl Balance {
    /// Of loads (counts or masses, not negative). Without any load everything is NaN and all are idle.
    pub fn of(loads: &[f64]) -> Self {
        let n = loads.len() as f64;
        let total: f64 = loads.iter().sum();
        let idle = loads.iter().filter(|l| **l == 0.0).count() as u32;
        if total <= 0.0 {
            return Self { entropy: f64::NAN, peak: f64::NAN, gini: f64::NAN, idle };
        }
        let entropy: f64 = loads.iter().filter(|l| **l > 0.0).map(|l| -(l / total) * (l / total).ln()).sum();
        let mut sorted = loads.to_vec();
        sorted.sort_by(f64::total_cmp);
        let ranked: f64 = sorted.iter().enumerate().map(|(i, l)| (2.0 * (i as f64 + 1.0) - n - 1.0) * l).sum();
        let most = sorted.last().copied().unwrap_or(0.0);
        Self { entropy: if loads.len() > 1 { entropy / n.ln() } else { 1.0 }, peak: most * n / total, gini: ranked / (n * total), idle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_and_uneven_loads() {
        let even = Balance::of(&[3.0; 4]);
        assert!((even.entropy - 1.0).abs() < 1e-12 && even.gini.abs() < 1e-12 && even.peak == 1.0 && even.idle == 0);
        let one = Balance::of(&[0.0, 0.0, 8.0, 0.0]);
        assert_eq!((one.entropy, one.peak, one.gini, one.idle), (0.0, 4.0, 0.75, 3));
        assert!(Balance::of(&[0.0; 3]).entropy.is_nan());
    }
}
