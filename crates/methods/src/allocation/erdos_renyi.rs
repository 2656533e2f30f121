//! Erdős–Rényi densities: small and thin layers keep a larger share (specification training §2.2–2.3).
//!
//! Mocanu et al. 2018 (ER), Evci et al. 2020 (ERK, arXiv 1911.11134).

/// What a layer's raw density counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// ERK: the sum of all dimensions over their product.
    Whole,
    /// ER: inputs and outputs only, (n_in + n_out) / (n_in n_out).
    Channels,
}

/// How the budget is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// In real numbers, S · N_l.
    Real,
    /// In whole zeros, ⌊S · N_l⌋, as the first published code counts.
    Whole,
}

/// Densities and how they came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Densities {
    /// One density a layer, in 0 … 1.
    pub density: Vec<f64>,
    /// The factor ε of density = ε · raw.
    pub epsilon: f64,
    /// Rounds until no density was over 1.
    pub rounds: u32,
    /// Layers capped at density 1.
    pub dense: Vec<bool>,
}

impl Densities {
    /// 1 − density.
    pub fn sparsities(&self) -> Vec<f64> {
        self.density.iter().map(|d| 1.0 - d).collect()
    }
}

fn raw(shape: &[u64], kernel: Kernel) -> f64 {
    let dims: Vec<f64> = match kernel {
        Kernel::Whole => shape.iter().map(|&d| d as f64).collect(),
        Kernel::Channels => shape.iter().take(2).map(|&d| d as f64).collect(),
    };
    let product: f64 = dims.iter().product();
    if product > 0.0 { dims.iter().sum::<f64>() / product } else { 0.0 }
}

/// Densities ε · raw_l that hold (1 − sparsity) of all elements. In each round ε balances the budget over the layers that are not yet
/// dense; if the largest of them would pass 1, all layers of exactly that raw value are made dense, and a new round begins. A density of
/// exactly 1 is allowed. Shapes are as stored: `[out, in]`, `[out, in, kh, kw]`; a layer without elements has density 0.
pub fn erdos_renyi(shapes: &[Vec<u64>], sparsity: f64, kernel: Kernel, balance: Balance) -> Densities {
    let sizes: Vec<f64> = shapes.iter().map(|s| super::elements(s)).collect();
    let raws: Vec<f64> = shapes.iter().map(|s| raw(s, kernel)).collect();
    let mut dense = vec![false; shapes.len()];
    let mut rounds = 0;
    let epsilon = loop {
        rounds += 1;
        let (mut budget, mut divisor, mut largest) = (0.0, 0.0, 0.0f64);
        for l in 0..shapes.len() {
            let zeros = match balance {
                Balance::Real => sparsity * sizes[l],
                Balance::Whole => (sparsity * sizes[l]).floor(),
            };
            if dense[l] {
                budget -= zeros;
            } else {
                budget += sizes[l] - zeros;
                divisor += raws[l] * sizes[l];
                largest = largest.max(raws[l]);
            }
        }
        let epsilon = if divisor > 0.0 { budget / divisor } else { 0.0 };
        if largest * epsilon <= 1.0 {
            break epsilon;
        }
        for l in 0..shapes.len() {
            dense[l] |= raws[l] == largest;
        }
    };
    let density = (0..shapes.len()).map(|l| if dense[l] { 1.0 } else { (epsilon * raws[l]).clamp(0.0, 1.0) }).collect();
    Densities { density, epsilon, rounds, dense }
}

/// EAST's latest floor: no layer keeps less than this share of the overall density.
pub const EAST_FLOOR: f64 = 0.01;

/// EAST's variant (arXiv 2411.13545): ERK in a single pass, each density held between `floor` · D and 1 with nothing shared out again,
/// so that it keeps less than the budget below about 99 % sparsity. Also the number of weights, each density times its size rounded half
/// to even.
pub fn east(shapes: &[Vec<u64>], sparsity: f64, floor: f64) -> (Vec<f64>, Vec<u64>) {
    let keep = 1.0 - sparsity;
    let sizes: Vec<f64> = shapes.iter().map(|s| super::elements(s)).collect();
    let raws: Vec<f64> = shapes.iter().map(|s| raw(s, Kernel::Whole)).collect();
    let expected = (sizes.iter().sum::<f64>() * keep).trunc();
    let divisor: f64 = raws.iter().zip(&sizes).map(|(r, n)| r * n).sum();
    let epsilon = if divisor > 0.0 { expected / divisor } else { 0.0 };
    let density: Vec<f64> = raws.iter().map(|r| (epsilon * r).max(floor * keep).min(1.0)).collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers between 0 and the layer's size")]
    let counts = density.iter().zip(&sizes).map(|(d, n)| (d * n).round_ties_even() as u64).collect();
    (density, counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cap_a_round_and_the_budget_is_kept() {
        // Raw: 1 x 4 → 1.25 (the largest), 8 x 8 → 0.25, 32 x 32 → 0.0625.
        let shapes = [vec![1, 4], vec![8, 8], vec![32, 32]];
        let e = erdos_renyi(&shapes, 0.8, Kernel::Whole, Balance::Real);
        assert_eq!(e.dense, [true, false, false]);
        assert_eq!(e.rounds, 2);
        let kept: f64 = e.density.iter().zip(&shapes).map(|(d, s)| d * crate::allocation::elements(s)).sum();
        assert!((kept - 0.2 * 1092.0).abs() < 1e-9);
    }

    #[test]
    fn ends_of_the_range() {
        let shapes = [vec![4, 4], vec![0, 7], vec![16, 3, 3, 3]];
        assert_eq!(erdos_renyi(&shapes, 1.0, Kernel::Whole, Balance::Real).density, [0.0, 0.0, 0.0]);
        let all = erdos_renyi(&shapes, 0.0, Kernel::Whole, Balance::Real);
        assert!(all.density[0] == 1.0 && all.density[1] == 0.0 && (all.density[2] - 1.0).abs() < 1e-12);
        assert_eq!(erdos_renyi(&[], 0.5, Kernel::Channels, Balance::Whole).density, Vec::<f64>::new());
    }
}
