//! Other ways of making a mixture of experts as small, measured in the same run on the same windows.

use espalier_tensor::Tensor;
use espalier_tensor::ops::loss::Divergence;

use super::Search;
use crate::calibration::PythonRandom;
use crate::experts::{Bench, Change, Plan, Point, Sizes};
use crate::method::MethodError;

/// Names of the arms, in the order of the table, and their colours.
pub const ARMS: [(&str, &str); 10] = [
    ("whole", "ink"),
    ("CD-MoE-SR", "leaf"),
    ("CD-MoE-S", "c3"),
    ("most used, condensed", "c1"),
    ("largest norm, condensed", "c5"),
    ("random, condensed", "ghost"),
    ("LayerDrop", "c6"),
    ("BlockDrop", "c2"),
    ("least used out", "c7"),
    ("REAP", "c4"),
];

/// What rivals need.
pub struct Rivals<'a> {
    /// The calibration side: routing, weights, states.
    pub search: &'a Search<'a>,
    /// The evaluation side.
    pub test: &'a Bench<'a>,
    /// Sizes of the model.
    pub sizes: &'a Sizes,
    /// Layers in the order in which they are condensed.
    pub order: &'a [usize],
    /// Experts kept in a condensed layer.
    pub keep: usize,
    /// Experts a token is sent to.
    pub per_token: usize,
    /// Draws of the random band.
    pub draws: u32,
    /// Seed.
    pub seed: u64,
}

impl Rivals<'_> {
    /// Measures one plan.
    pub async fn point(&self, arm: &str, step: usize, draw: u32, plan: Plan) -> Result<Point, MethodError> {
        let stored = self.sizes.stored(&plan);
        let flops = self.sizes.flops(&plan);
        let perplexity = self.test.perplexity(&plan).await?;
        Ok(Point { arm: arm.into(), step: step as u32, draw, plan, parameters: stored.elements, bytes: stored.bytes, flops, perplexity, beside: None })
    }

    /// The first `n` layers of the order, condensed to what `experts` gives.
    pub fn plan(&self, n: usize, experts: impl Fn(usize) -> Vec<u32>) -> Plan {
        self.order[..n].iter().fold(Plan::default(), |plan, &l| plan.with(self.search.blocks[l], self.search.condensed(l, &experts(l))))
    }

    /// Measures all of them for 1 … n layers. `found` gets each point as it is known.
    ///
    /// # Errors
    /// Those of the device, [`MethodError::Cancelled`].
    pub async fn run(&self, mut found: impl FnMut(Point)) -> Result<(), MethodError> {
        let n = self.order.len();
        let drops = [self.drop_order(false).await?, self.drop_order(true).await?];
        let total = n * (self.draws as usize + 6);
        let mut done = 0;
        for step in 1..=n {
            let tally = self.search.tally;
            let top = |order: Vec<u32>| order.into_iter().take(self.keep).collect::<Vec<u32>>();
            let mut plans = vec![
                ("most used, condensed", 0, self.plan(step, |l| top(tally.by_count(l)))),
                ("largest norm, condensed", 0, self.plan(step, |l| top(tally.by_saliency(l)))),
            ];
            for (i, arm) in ["LayerDrop", "BlockDrop"].into_iter().enumerate() {
                let change = if i == 0 { Change::Layer } else { Change::Block };
                // Something of the model has to stay.
                if step < self.test.model.blocks() {
                    plans.push((arm, 0, drops[i].iter().take(step).fold(Plan::default(), |p, b| p.with(*b, change.clone()))));
                }
            }
            if let Some(left) = self.left_at(step) {
                plans.push(("least used out", 0, self.among(left, |l| tally.by_count(l))));
                plans.push(("REAP", 0, self.among(left, |l| tally.by_saliency(l))));
            }
            for draw in 0..self.draws {
                let mut random = PythonRandom::new(self.seed.wrapping_mul(1_000_003).wrapping_add(u64::from(draw)));
                let choices: Vec<Vec<u32>> = (0..self.search.blocks.len()).map(|_| sample(&mut random, tally.experts, self.keep)).collect();
                plans.push(("random, condensed", draw, self.plan(step, |l| choices[l].clone())));
            }
            for (arm, draw, plan) in plans {
                self.test.desk.step(done, total, "models measured", arm).await?;
                found(self.point(arm, step, draw, plan).await?);
                done += 1;
            }
        }
        Ok(())
    }

    /// The routed experts that stay in every layer so that no more is stored than with `step` layers condensed; `None` where fewer than a token is sent to would stay.
    fn left_at(&self, step: usize) -> Option<usize> {
        let goal = self.sizes.stored(&self.plan(step, |_| (0..self.keep as u32).collect())).elements;
        (self.per_token..=self.search.tally.experts).rev().find(|&left| self.sizes.stored(&self.among(left, |l| self.search.tally.by_count(l))).elements <= goal)
    }

    /// Every mixture routes on among its first `left` experts of an order.
    fn among(&self, left: usize, order: impl Fn(usize) -> Vec<u32>) -> Plan {
        self.search.blocks.iter().enumerate().fold(Plan::default(), |plan, (l, b)| {
            let mut experts: Vec<u32> = order(l).into_iter().take(left).collect();
            experts.sort_unstable();
            plan.with(*b, Change::Among { experts: experts.into() })
        })
    }

    /// Blocks by how little their mixture (or the whole of them) turns the residual stream: 1 − cosine of what goes in and what comes out, averaged over the
    /// calibration windows, least first. That is how LayerDrop and BlockDrop choose.
    async fn drop_order(&self, whole: bool) -> Result<Vec<usize>, MethodError> {
        let bench = self.search.bench;
        let mut turns = Vec::new();
        for &b in self.search.blocks {
            let before: Vec<Tensor> = if whole {
                bench.states[b].states.clone()
            } else {
                let block = bench.model.block(bench.session, b).await?;
                bench.states[b].batches.iter().zip(&bench.states[b].states).map(|(batch, x)| block.apart(bench.session, x, batch).residual).collect()
            };
            turns.push((b, bench.distance(Divergence::Cosine, &before, &bench.states[b + 1].states).await?));
            bench.desk.breathe().await?;
        }
        turns.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        Ok(turns.into_iter().map(|(b, _)| b).collect())
    }
}

/// `k` different numbers below `n`, each set alike likely.
pub fn sample(random: &mut PythonRandom, n: usize, k: usize) -> Vec<u32> {
    let mut all: Vec<u32> = (0..n as u32).collect();
    for i in 0..k.min(n) {
        let j = random.between(i as u64, n as u64 - 1) as usize;
        all.swap(i, j);
    }
    all.truncate(k);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_different_numbers_and_repeat_with_the_seed() {
        for seed in 0..50 {
            let draw = || sample(&mut PythonRandom::new(seed), 9, 4);
            let mut a = draw();
            assert_eq!(a, draw());
            a.sort_unstable();
            a.dedup();
            assert!(a.len() == 4 && a.iter().all(|e| *e < 9));
        }
    }
}
