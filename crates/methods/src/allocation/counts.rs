//! Whole numbers of weights from densities (specification training §2.4).

/// How many weights each layer keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Weights kept, one number a layer.
    pub kept: Vec<u64>,
    /// Weights the budget allows in all: D · Σ N, rounded half to even.
    pub target: u64,
}

impl Counts {
    /// False where the budget is less than one weight a layer, so that the counts hold more than it allows.
    pub fn within_budget(&self) -> bool {
        self.kept.iter().sum::<u64>() <= self.target
    }
}

/// Largest remainders: every layer gets the whole part of its share and at least one weight; what is left goes one by one to the largest
/// fractional parts (ties: the earlier layer), never beyond a layer's size; what is over is taken from the layer with the largest count,
/// never below one. Layers without elements get none.
pub fn counts(density: &[f64], sizes: &[u64], keep: f64) -> Counts {
    let total: f64 = sizes.iter().map(|&n| n as f64).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the number of elements")]
    let target = (keep * total).round_ties_even().max(0.0) as u64;
    let ideal: Vec<f64> = density.iter().zip(sizes).map(|(d, &n)| d.clamp(0.0, 1.0) * n as f64).collect();
    // 1e-12 lets a share that is whole but for rounding count as whole.
    let floor: Vec<f64> = ideal.iter().map(|x| (x + 1e-12).floor()).collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, between 0 and the layer's size")]
    let mut kept: Vec<u64> = floor.iter().zip(sizes).map(|(&f, &n)| (f as u64).max(1).min(n)).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|&a, &b| (ideal[b] - floor[b]).total_cmp(&(ideal[a] - floor[a])).then(a.cmp(&b)));
    let mut have: u64 = kept.iter().sum();
    while have < target {
        let before = have;
        for &l in &order {
            if have < target && kept[l] < sizes[l] {
                kept[l] += 1;
                have += 1;
            }
        }
        if have == before {
            break;
        }
    }
    while have > target {
        let Some(l) = (0..kept.len()).filter(|&l| kept[l] > 1).max_by(|&a, &b| kept[a].cmp(&kept[b]).then(b.cmp(&a))) else { break };
        kept[l] -= 1;
        have -= 1;
    }
    Counts { kept, target }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_go_to_the_largest_fractions_and_every_layer_lives() {
        // Shares 1.5, 2.5, 0.01 of a target of 4: whole parts 1, 2, at least 1 = 4.
        assert_eq!(counts(&[0.15, 0.25, 0.001], &[10, 10, 10], 4.0 / 30.0).kept, [1, 2, 1]);
        assert_eq!(counts(&[0.15, 0.25, 0.001], &[10, 10, 10], 5.0 / 30.0).kept, [2, 2, 1]);
        assert_eq!(counts(&[0.0, 0.0, 0.9], &[10, 10, 10], 9.0 / 30.0).kept, [1, 1, 7]);
    }

    #[test]
    fn impossible_budgets_are_told() {
        let c = counts(&[0.1, 0.1], &[4, 4], 0.1);
        assert_eq!((c.kept.as_slice(), c.target, c.within_budget()), (&[1, 1][..], 1, false));
    }
}
