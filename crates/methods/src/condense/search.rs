//! The two greedy searches (specification lowrank-moe §2.4 and §2.5).
//!
//! Inside a layer only that layer changes and everything before it stays, so what each expert gives is computed once; a candidate is then one sum and one divergence a
//! token, without a matrix product: the same picks as running the model for every candidate.

use std::cell::Cell;

use espalier_nets::models::Block;
use espalier_tensor::Tensor;
use espalier_tensor::ops::elementwise::{Affine, Binary};
use espalier_tensor::ops::loss::Divergence;
use espalier_tensor::ops::reduce::{Fold, FoldKind};
use serde::{Deserialize, Serialize};

use crate::bytes::F64s;
use crate::experts::{Bench, Change, Plan, Tally, divergences, score};
use crate::method::MethodError;

/// Bytes of experts' outputs that are kept on the device during a layer's search; above it they are computed anew for every candidate.
const KEPT: usize = 256 << 20;

/// Activations beyond which a softmax over the hidden axis sees one channel only.
const MASSIVE: f32 = 30.0;

/// One step of a search: what was tried and what was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// Decoder block: of the layer whose expert was taken, or the layer that was taken.
    pub block: u32,
    /// Step of this search, from 0.
    pub step: u32,
    /// The expert that was taken; `None` in the search for layers.
    pub expert: Option<u32>,
    /// Its constant weight; 0 for a layer.
    pub weight: f64,
    /// Divergence with it.
    pub score: f64,
    /// Divergence with each candidate: experts by number, or mixtures by their order; NaN where it was taken before.
    pub tried: F64s,
}

/// What both searches work on.
pub struct Search<'b> {
    /// The calibration windows and the untouched model's states over them.
    pub bench: &'b Bench<'b>,
    /// Blocks with a mixture.
    pub blocks: &'b [usize],
    /// Routing of the calibration windows.
    pub tally: &'b Tally,
    /// Measure.
    pub metric: Divergence,
    /// Weight of experts that were never routed to.
    pub unrouted: f64,
    /// Candidates done.
    pub done: Cell<usize>,
    /// Candidates in all.
    pub total: usize,
}

impl Search<'_> {
    /// The constant weight of an expert: its mean gate weight over the tokens that were sent to it.
    pub fn weight(&self, layer: usize, expert: u32) -> f64 {
        self.tally.mean_weight(layer, expert as usize).unwrap_or(self.unrouted)
    }

    /// A layer with these experts condensed.
    pub fn condensed(&self, layer: usize, experts: &[u32]) -> Change {
        let weights = experts.iter().map(|e| self.weight(layer, *e)).collect::<Vec<f64>>();
        Change::Condensed { experts: experts.to_vec().into(), weights: weights.into() }
    }

    async fn step(&self, label: &str) -> Result<(), MethodError> {
        self.bench.desk.step(self.done.get(), self.total, "candidates", label).await?;
        self.done.set(self.done.get() + 1);
        Ok(self.bench.session.breathe().await?)
    }

    /// What a layer's output is compared with, batch by batch: the untouched block's, behind the final norm where it is the last block (as a library's list of hidden
    /// states has it).
    fn seen(&self, block: usize, states: &[Tensor]) -> Vec<Tensor> {
        let last = block + 1 == self.bench.model.blocks();
        states.iter().map(|x| if last { self.bench.head.normed(self.bench.session, x) } else { x.clone() }).collect()
    }

    async fn warn_of_massive(&self, block: usize, states: &[Tensor]) -> Result<(), MethodError> {
        if self.metric != Divergence::JensenShannon {
            return Ok(());
        }
        let session = self.bench.session;
        let ends: Vec<Tensor> = states.iter().flat_map(|x| [FoldKind::Max, FoldKind::Min].map(|k| session.run(&Fold::all(k), &[x]))).collect();
        let largest = session.read_many(&ends.iter().collect::<Vec<_>>()).await?.iter().flat_map(|a| a.f32().iter().copied().collect::<Vec<_>>()).fold(0.0f32, |m, v| m.max(v.abs()));
        if largest > MASSIVE {
            self.bench.desk.warn(format!("outputs of block {block} reach {largest:.0}: their softmax sees one channel only, so that the Jensen–Shannon divergence is blind to the others; measure by mean square or cosine"));
        }
        Ok(())
    }

    /// Experts of a layer in the order in which they are taken. Ties go to the lower number.
    ///
    /// # Errors
    /// More experts than there are, divergences that are NaN, those of the device, [`MethodError::Cancelled`].
    pub async fn experts(&self, layer: usize, keep: usize, mut taken: impl FnMut(&Pick)) -> Result<Vec<u32>, MethodError> {
        let (bench, session, block_number) = (self.bench, self.bench.session, self.blocks[layer]);
        let block = bench.model.block(session, block_number).await?;
        let wanted = self.seen(block_number, &bench.states[block_number + 1].states);
        self.warn_of_massive(block_number, &wanted).await?;
        let (mut base, mut inputs) = (Vec::new(), Vec::new());
        for (batch, x) in bench.states[block_number].batches.iter().zip(&bench.states[block_number].states) {
            let apart = block.apart(session, x, batch);
            base.push(match block.shared(session, &apart.input) {
                Some(shared) => session.run(&Binary::Add, &[&apart.residual, &shared]),
                None => apart.residual,
            });
            inputs.push(apart.input);
            bench.desk.breathe().await?;
        }
        let bytes: usize = inputs.iter().map(|x| x.spec().bytes() as usize).sum();
        let fits = bytes.saturating_mul(self.tally.experts) <= KEPT;
        let mut outputs: Vec<Option<Vec<Tensor>>> = vec![None; self.tally.experts];
        let mut chosen: Vec<u32> = Vec::new();
        for step in 0..keep {
            let mut candidates = Vec::new();
            for e in (0..self.tally.experts as u32).filter(|e| !chosen.contains(e)) {
                self.step(&format!("block {block_number}, expert {e}, {} of {keep}", step + 1)).await?;
                let parts = match &outputs[e as usize] {
                    Some(parts) => parts.clone(),
                    None => self.parts(&block, layer, e, &inputs),
                };
                let sums: Vec<Tensor> = base.iter().zip(&parts).map(|(b, z)| session.run(&Binary::Add, &[b, z])).collect();
                let rows: Vec<Tensor> = wanted.iter().zip(self.seen(block_number, &sums)).map(|(a, b)| session.run(&self.metric, &[a, &b])).collect();
                candidates.push((e, rows));
                if fits {
                    outputs[e as usize] = Some(parts);
                }
            }
            let pick = self.best(block_number, step, &candidates).await?;
            let e = pick.expert.unwrap_or(0);
            let weight = self.weight(layer, e);
            let parts = outputs[e as usize].clone().unwrap_or_else(|| self.parts(&block, layer, e, &inputs));
            base = base.iter().zip(&parts).map(|(b, z)| session.run(&Binary::Add, &[b, z])).collect();
            chosen.push(e);
            taken(&Pick { weight, ..pick });
        }
        Ok(chosen)
    }

    /// What an expert adds to each batch: its constant weight times its output for every token.
    fn parts(&self, block: &Block, layer: usize, expert: u32, inputs: &[Tensor]) -> Vec<Tensor> {
        let session = self.bench.session;
        #[expect(clippy::cast_possible_truncation, reason = "single precision is what blocks compute in")]
        let weight = self.weight(layer, expert) as f32;
        inputs.iter().map(|x| session.run(&Affine::scale(weight), &[&block.expert(session, x, expert)])).collect()
    }

    /// The best of some candidates, all read at once.
    async fn best(&self, block: usize, step: usize, candidates: &[(u32, Vec<Tensor>)]) -> Result<Pick, MethodError> {
        let session = self.bench.session;
        let flat: Vec<&Tensor> = candidates.iter().flat_map(|(_, rows)| rows).collect();
        let mut values = session.read_many(&flat).await?.into_iter().map(|v| v.into_f32());
        let batches = &self.bench.states[block].batches;
        let mut tried = vec![f64::NAN; self.tally.experts];
        let mut best: Option<(u32, f64)> = None;
        for (e, rows) in candidates {
            let rows: Vec<Vec<f32>> = values.by_ref().take(rows.len()).collect();
            let s = score(&rows, batches);
            tried[*e as usize] = s;
            // Strictly better: ties go to the lower number. NaN is never better.
            if s.is_finite() && best.is_none_or(|(_, b)| s < b) {
                best = Some((*e, s));
            }
        }
        let (expert, score) = best.ok_or_else(|| not_finite(block))?;
        Ok(Pick { block: block as u32, step: step as u32, expert: Some(expert), weight: 0.0, score, tried: tried.into() })
    }

    /// Layers in the order in which they are condensed, each to `chosen[layer]`. Ties go to the lower layer.
    ///
    /// # Errors
    /// As [`experts`](Self::experts).
    pub async fn layers(&self, chosen: &[Vec<u32>], condense: usize, mut taken: impl FnMut(&Pick)) -> Result<Vec<usize>, MethodError> {
        let bench = self.bench;
        let last = bench.model.blocks();
        let wanted = bench.normed(&bench.states[last]);
        let mut order: Vec<usize> = Vec::new();
        let mut plan = Plan::default();
        for step in 0..condense.min(self.blocks.len()) {
            let mut tried = vec![f64::NAN; self.blocks.len()];
            let mut best: Option<(usize, f64)> = None;
            for layer in (0..self.blocks.len()).filter(|l| !order.contains(l)) {
                self.step(&format!("condensing block {} as number {}", self.blocks[layer], step + 1)).await?;
                let candidate = plan.clone().with(self.blocks[layer], self.condensed(layer, &chosen[layer]));
                let outputs = bench.outputs(&candidate).await?;
                let rows = divergences(bench.session, self.metric, &wanted, &bench.normed(&outputs)).await?;
                let s = score(&rows, &outputs.batches);
                tried[layer] = s;
                if s.is_finite() && best.is_none_or(|(_, b)| s < b) {
                    best = Some((layer, s));
                }
            }
            let (layer, score) = best.ok_or_else(|| not_finite(last - 1))?;
            order.push(layer);
            plan = plan.with(self.blocks[layer], self.condensed(layer, &chosen[layer]));
            taken(&Pick { block: self.blocks[layer] as u32, step: step as u32, expert: None, weight: 0.0, score, tried: tried.into() });
        }
        Ok(order)
    }
}

fn not_finite(block: usize) -> MethodError {
    MethodError::Inputs(format!("every candidate for block {block} gives hidden states that are NaN or infinite; the weights may be damaged, or too large for single precision"))
}
