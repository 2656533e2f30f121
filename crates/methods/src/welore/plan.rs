//! Ranks for all matrices, and what they cost (specification lowrank-moe §1.5, §1.8).

use serde::{Deserialize, Serialize};

use crate::report::{RankChoice, Spectrum};

use super::config::{Config, Rule};
use super::normalise::uniform_pruned;
use super::ranker::{Matrix, Ranker, share};

/// What rank selection decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankPlan {
    /// The threshold in use, for the rules that have one.
    pub threshold: Option<f64>,
    /// False where the target lies beyond what the grid can reach.
    pub reached: bool,
    /// One choice a matrix, in the order of the spectra.
    pub choices: Vec<RankChoice>,
    /// Matrices whose spectrum is flat and which therefore keep their rank.
    pub flat: Vec<String>,
    /// Σ pruned / Σ p over all matrices: what the rule asks for.
    pub attempted: f64,
    /// The same over the factored matrices only: what is done.
    pub effective: f64,
    /// Σ m n.
    pub dense_params: f64,
    /// Σ r (m + n) over factored matrices and m n over the others.
    pub compressed_params: f64,
    /// Σ of the same for the uniform ranks of equal reduction.
    pub uniform_params: f64,
    /// ‖W − W_r‖_F / ‖W‖_F over all matrices together.
    pub error: f64,
    /// The same for the uniform ranks.
    pub uniform_error: f64,
    /// Floating-point operations a token through these matrices, dense: Σ 2 m n.
    pub dense_flops: f64,
    /// The same after factoring.
    pub compressed_flops: f64,
}

impl RankPlan {
    /// Parameters after over parameters before; 1 where there were none.
    pub fn parameter_ratio(&self) -> f64 {
        if self.dense_params > 0.0 { self.compressed_params / self.dense_params } else { 1.0 }
    }

    /// Factored matrices, by name (slices as `name#3`).
    pub fn factored(&self) -> impl Iterator<Item = &RankChoice> {
        self.choices.iter().filter(|c| c.factored)
    }
}

/// The largest rank at which a factor pair is not larger than its matrix: r (m + n) ≤ m n.
pub fn break_even(shape: [u32; 2]) -> u32 {
    let (m, n) = (u64::from(shape[0]), u64::from(shape[1]));
    u32::try_from((m * n).checked_div(m + n).unwrap_or(0)).unwrap_or(u32::MAX)
}

/// Plans from spectra at once; where the same spectra are planned again and again, keep a [`Ranker`].
pub fn plan(spectra: &[Spectrum], config: &Config) -> RankPlan {
    Ranker::new(spectra).plan(config)
}

impl Ranker {
    /// Ranks and their cost under a configuration. Pure and quick: no singular value is looked at again.
    pub fn plan(&self, config: &Config) -> RankPlan {
        let (threshold, reached) = match config.rule {
            Rule::Threshold => (Some(config.threshold), true),
            Rule::Nearest => (Some(self.nearest(config.target)), config.target <= self.err(1.0)),
            Rule::Reach => match self.reach(config.target) {
                Some(k) => (Some(k), true),
                None => (Some(1.0), false),
            },
            Rule::Uniform | Rule::Energy | Rule::ByHand => (None, true),
        };
        let pruned = match (config.rule, threshold) {
            (Rule::Uniform, _) => self.matrices.iter().map(|m| uniform_pruned(config.target, m.full)).collect(),
            (Rule::Energy, _) => self.matrices.iter().map(|m| m.full - m.energy_rank(config.energy)).collect(),
            (_, Some(k)) => self.pruned(k),
            (_, None) => vec![0; self.matrices.len()],
        };
        self.plan_for(&pruned, config, threshold, reached)
    }

    /// Splits into factored and dense matrices, and counts: `pruned` is one number a matrix.
    fn plan_for(&self, pruned: &[u32], config: &Config, threshold: Option<f64>, reached: bool) -> RankPlan {
        let mut choices: Vec<RankChoice> = self.matrices.iter().zip(pruned).map(|(m, &cut)| m.choose(cut, config)).collect();
        let removed = |c: &RankChoice| u64::from(c.full - c.kept);
        let attempted = choices.iter().map(|c| u64::from(c.full - c.attempted)).sum();
        let effective = share(choices.iter().map(removed).sum(), self.total());
        let mut lost = [0.0, 0.0];
        let mut uniform_params = 0.0;
        for (c, m) in choices.iter_mut().zip(&self.matrices) {
            c.uniform = m.full - uniform_pruned(effective, m.full);
            c.uniform_error = m.error(c.uniform);
            lost[0] += m.energy * c.error * c.error;
            lost[1] += m.energy * c.uniform_error * c.uniform_error;
            uniform_params += params(m.shape, (c.uniform < m.full).then_some(c.uniform));
        }
        let energy: f64 = self.matrices.iter().map(|m| m.energy).sum();
        let relative = |lost: f64| if energy > 0.0 { (lost / energy).sqrt() } else { 0.0 };
        let dense_params: f64 = choices.iter().map(|c| params(c.shape, None)).sum();
        let compressed_params: f64 = choices.iter().map(|c| params(c.shape, c.factored.then_some(c.kept))).sum();
        RankPlan {
            threshold,
            reached,
            flat: self.flat().map(str::to_owned).collect(),
            attempted: share(attempted, self.total()),
            effective,
            dense_params,
            compressed_params,
            uniform_params,
            error: relative(lost[0]),
            uniform_error: relative(lost[1]),
            dense_flops: 2.0 * dense_params,
            compressed_flops: 2.0 * compressed_params,
            choices,
        }
    }
}

impl Matrix {
    /// Relative error at a rank.
    fn error(&self, rank: u32) -> f64 {
        self.errors.get(rank as usize).copied().unwrap_or(0.0)
    }

    /// Smallest rank that keeps this share of the energy, from the errors: 1 − error² is the share kept.
    fn energy_rank(&self, share: f64) -> u32 {
        if self.energy <= 0.0 {
            return self.full;
        }
        let lost = 1.0 - share;
        let k = self.errors.partition_point(|e| e * e > lost);
        u32::try_from(k).unwrap_or(u32::MAX).clamp(1, self.full.max(1)).min(self.full)
    }

    /// The test that makes a matrix a low-rank component: it loses strictly more than `min_ratio` of its rank, and, where the
    /// configuration asks for it, the pair is smaller than the matrix. A rank by hand is taken as it is.
    fn choose(&self, pruned: u32, config: &Config) -> RankChoice {
        let by_hand = config.by_hand.get(&self.name).map(|&r| r.clamp(1, self.full.max(1)).min(self.full));
        let attempted = by_hand.unwrap_or(self.full - pruned.min(self.full));
        let lost = share(u64::from(self.full - attempted), u64::from(self.full));
        let factored = match by_hand {
            Some(r) => r < self.full,
            None => lost > config.min_ratio && (!config.size_aware || params(self.shape, Some(attempted)) < params(self.shape, None)),
        };
        let kept = if factored { attempted } else { self.full };
        RankChoice {
            tensor: self.name.clone(),
            shape: self.shape,
            full: self.full,
            attempted,
            kept,
            factored,
            error: self.error(kept),
            uniform_error: 0.0,
            uniform: self.full,
        }
    }
}

/// Parameters of a matrix, or of its pair of factors at a rank.
fn params(shape: [u32; 2], rank: Option<u32>) -> f64 {
    let (m, n) = (f64::from(shape[0]), f64::from(shape[1]));
    rank.map_or(m * n, |r| f64::from(r) * (m + n))
}
