//! How a budget of sparsity is shared out over layers.
//!
//! All rules are pure functions over shapes; sparsity is the fraction removed, density the fraction kept. A budget counts elements,
//! not layers: Σ N_l s_l = S Σ N_l.

pub mod counts;
pub mod erdos_renyi;
pub mod rebalance;
pub mod spectrum;

pub use counts::{Counts, counts};
pub use erdos_renyi::{Balance, Densities, EAST_FLOOR, Kernel, east, erdos_renyi};
pub use rebalance::{Rebalanced, rebalance};
pub use spectrum::{alpha, by_alpha, by_tail};

/// Elements of a shape.
pub fn elements(shape: &[u64]) -> f64 {
    shape.iter().map(|&d| d as f64).product()
}

/// Σ N_l s_l / Σ N_l; 0 where there is nothing.
pub fn overall(sparsities: &[f64], sizes: &[f64]) -> f64 {
    let total: f64 = sizes.iter().sum();
    if total > 0.0 { sparsities.iter().zip(sizes).map(|(s, n)| s * n).sum::<f64>() / total } else { 0.0 }
}

/// Scales `ratios` to sparsities that keep the budget: s_l = min(max, c · ratio_l) with the one c for which Σ N_l s_l = S Σ N_l. Layers
/// that reach `max` stay there and the others take the rest, as in the iterative capping of ERK. Where even `max` everywhere is less than
/// the budget, every layer gets `max`.
pub fn scale_to_budget(ratios: &[f64], sizes: &[f64], sparsity: f64, max: f64) -> Vec<f64> {
    let budget = sparsity * sizes.iter().sum::<f64>();
    let mut capped = vec![false; ratios.len()];
    loop {
        let full: f64 = capped.iter().zip(sizes).filter(|(c, _)| **c).map(|(_, n)| n * max).sum();
        let rest: f64 = (0..ratios.len()).filter(|&i| !capped[i]).map(|i| ratios[i] * sizes[i]).sum();
        let c = if rest > 0.0 { ((budget - full) / rest).max(0.0) } else { 0.0 };
        let mut again = false;
        for i in 0..ratios.len() {
            if !capped[i] && c * ratios[i] > max {
                capped[i] = true;
                again = true;
            }
        }
        if !again {
            return (0..ratios.len()).map(|i| if capped[i] { max } else { c * ratios[i] }).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_keeps_the_budget_and_the_cap() {
        let s = scale_to_budget(&[1.0, 2.0, 4.0], &[100.0, 50.0, 10.0], 0.7, 1.0);
        assert!((overall(&s, &[100.0, 50.0, 10.0]) - 0.7).abs() < 1e-12);
        assert_eq!((s[1], s[2]), (1.0, 1.0));
        assert_eq!(scale_to_budget(&[1.0, 1.0], &[3.0, 4.0], 0.9, 0.5), [0.5, 0.5]);
        assert_eq!(scale_to_budget(&[1.0, 2.0], &[3.0, 4.0], 0.0, 1.0), [0.0, 0.0]);
    }
}
