//! Routing of many tokens, summed: what scores experts (specification lowrank-moe §2.2).

/// Sums over tokens, by layer and expert.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Experts of a layer.
    pub experts: usize,
    /// Tokens seen.
    pub tokens: u64,
    /// Choices, `[layer][expert]`.
    pub counts: Vec<Vec<u64>>,
    /// Σ gate weight over the choices.
    pub weights: Vec<Vec<f64>>,
    /// Σ gate weight × norm of the output over the choices.
    pub norms: Vec<Vec<f64>>,
    /// Tokens that chose both, `[layer][expert · experts + expert]`; the diagonal counts each alone.
    pub together: Vec<Vec<u64>>,
}

impl Tally {
    /// Nothing seen yet.
    pub fn new(layers: usize, experts: usize) -> Self {
        Self {
            experts,
            tokens: 0,
            counts: vec![vec![0; experts]; layers],
            weights: vec![vec![0.0; experts]; layers],
            norms: vec![vec![0.0; experts]; layers],
            together: vec![vec![0; experts * experts]; layers],
        }
    }

    /// Takes one token's choice in a layer: experts, gate weights, gate-weighted norms.
    pub fn add(&mut self, layer: usize, experts: &[u32], weights: &[f32], norms: &[f32]) {
        for (i, &e) in experts.iter().enumerate() {
            let e = e as usize;
            self.counts[layer][e] += 1;
            self.weights[layer][e] += f64::from(weights[i]);
            self.norms[layer][e] += f64::from(norms[i]);
            for &f in experts {
                self.together[layer][e * self.experts + f as usize] += 1;
            }
        }
    }

    /// Mean gate weight of an expert over the tokens that chose it; `None` where none did. Never rescaled.
    pub fn mean_weight(&self, layer: usize, expert: usize) -> Option<f64> {
        let n = self.counts[layer][expert];
        (n > 0).then(|| self.weights[layer][expert] / n as f64)
    }

    /// Mean gate-weighted norm of an expert's output over the tokens that chose it (REAP's saliency); 0 where none did.
    pub fn saliency(&self, layer: usize, expert: usize) -> f64 {
        self.norms[layer][expert] / self.counts[layer][expert].max(1) as f64
    }

    /// Experts that no token chose: layer and expert.
    pub fn idle(&self) -> Vec<(usize, usize)> {
        let all = self.counts.iter().enumerate();
        all.flat_map(|(l, row)| row.iter().enumerate().filter(|(_, n)| **n == 0).map(move |(e, _)| (l, e))).collect()
    }

    /// Experts by falling score; ties to the lower number.
    fn ranked(&self, score: impl Fn(usize) -> f64) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.experts as u32).collect();
        order.sort_by(|a, b| score(*b as usize).total_cmp(&score(*a as usize)).then(a.cmp(b)));
        order
    }

    /// Experts by how often they were chosen, the most first.
    pub fn by_count(&self, layer: usize) -> Vec<u32> {
        self.ranked(|e| self.counts[layer][e] as f64)
    }

    /// Experts by [`saliency`](Self::saliency), the largest first.
    pub fn by_saliency(&self, layer: usize) -> Vec<u32> {
        self.ranked(|e| self.saliency(layer, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_over_the_choices_and_idle_experts_have_none() {
        let mut t = Tally::new(1, 3);
        t.add(0, &[2, 0], &[0.5, 0.25], &[4.0, 1.0]);
        t.add(0, &[2, 0], &[0.7, 0.05], &[2.0, 1.0]);
        assert_eq!(t.counts[0], [2, 0, 2]);
        assert!((t.mean_weight(0, 2).unwrap() - 0.6).abs() < 1e-7);
        assert_eq!((t.mean_weight(0, 1), t.saliency(0, 1), t.idle()), (None, 0.0, vec![(0, 1)]));
        assert_eq!((t.by_count(0), t.by_saliency(0)), (vec![0, 2, 1], vec![2, 0, 1]));
        assert_eq!(t.together[0], [2, 0, 2, 0, 0, 0, 2, 0, 2]);
    }
}
