//! The loop over blocks (specification prune §1): run a block on what the earlier, pruned blocks gave, collect, prune its linears, run it again.

use std::collections::HashMap;

use espalier_nets::models::{Block, Head, Linear, Model, ModelError, NoHook, Stream, perplexity};
use espalier_tensor::ops::matmul::MatMul;
use espalier_tensor::{Array, Session, Tensor};
use ndarray::Array2;

use super::moments::Collector;
use super::options::{Criterion, Options, Pattern};
use super::outliers::outlier_shares;
use super::target::prune_linear;
use super::wanda::metric;
use crate::calibration::Calibration;
use crate::findings::{Language, LinearLoss};
use crate::magnitude::measure::measure;
use crate::method::MethodError;
use crate::report::{Finding, Pruned};
use crate::work::Desk;

impl From<ModelError> for MethodError {
    fn from(e: ModelError) -> Self {
        match e {
            ModelError::Checkpoint(e) => Self::Checkpoint(e),
            ModelError::Device(espalier_tensor::Error::Cancelled) => Self::Cancelled,
            ModelError::Device(e) => Self::Device(e),
            e => Self::Inputs(e.to_string()),
        }
    }
}

/// Windows that measure.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// What people call it.
    pub name: String,
    /// Windows.
    pub windows: Vec<Vec<u32>>,
}

/// A pruning of a whole model.
pub struct Loop<'a> {
    /// The model.
    pub model: &'a Model<'a>,
    /// Where to compute.
    pub session: &'a Session,
    /// Events.
    pub desk: &'a Desk<'a>,
    /// What calibrates.
    pub calibration: &'a Calibration,
    /// How linears are pruned.
    pub options: Options,
    /// Pattern and sparsity of a matrix by its label; matrices that are not named stay dense.
    pub targets: HashMap<String, (Pattern, f64)>,
    /// Prune stage by stage inside a block, running it again between.
    pub true_sequential: bool,
    /// Whether rows of padding count in the statistics.
    pub count_padding: bool,
    /// What measures, before and after.
    pub evaluation: Vec<Evaluation>,
    /// Whether the dense model is measured too; else its likelihoods are left empty.
    pub dense: bool,
}

/// One linear, pruned.
#[derive(Clone, Debug)]
pub struct LinearDone {
    /// Label of the matrix.
    pub label: String,
    /// `[out, in]`.
    pub weights: Array2<f32>,
    /// Row-major, 1 = removed.
    pub mask: Vec<u32>,
    /// Wanda's ‖x‖ of each input: the root of the mean over sequences of Σx².
    pub norms: Vec<f32>,
    /// Numbers for the report.
    pub pruned: Pruned,
    /// ‖X·Wᵀ − X·W'ᵀ‖² / ‖X·Wᵀ‖² over the first calibration windows.
    pub output_error: f64,
    /// SparseGPT's loss.
    pub loss: Option<f64>,
}

impl LinearDone {
    /// What its outputs lost, for a report.
    pub fn lost(&self) -> Language {
        Language::Linear(LinearLoss { tensor: self.label.clone(), output_error: self.output_error, loss: self.loss })
    }
}

/// One block, pruned.
#[derive(Clone, Debug, Default)]
pub struct BlockDone {
    /// Its linears.
    pub linears: Vec<LinearDone>,
}

/// What is left of a model.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Of each evaluation the likelihoods (nats, by window) of the dense and of the pruned model.
    pub nats: Vec<[Vec<Vec<f64>>; 2]>,
}

impl Loop<'_> {
    /// Runs it. `keep` gets each block as it is done.
    ///
    /// # Errors
    /// A model that cannot run, NaN in the activations, those of the rules and of the device, [`MethodError::Cancelled`].
    pub async fn run(&self, mut keep: impl FnMut(BlockDone)) -> Result<Outcome, MethodError> {
        let (model, session) = (self.model, self.session);
        let mut stream = self.embed().await?;
        let mut tests = Vec::new();
        for e in &self.evaluation {
            let x = model.embed(session, &e.windows, &[]).await?;
            tests.push([x.clone(), x]);
        }
        let blocks = model.blocks();
        for i in 0..blocks {
            self.desk.step(i, blocks, "blocks", &format!("block {i}")).await?;
            let mut block = model.block(session, i).await?;
            let dense = block.clone();
            let done = self.prune_block(&mut block, &stream).await?;
            keep(done);
            model.through(session, &block, &mut stream, &mut NoHook).await?;
            for [before, after] in &mut tests {
                if self.dense {
                    model.through(session, &dense, before, &mut NoHook).await?;
                }
                model.through(session, &block, after, &mut NoHook).await?;
            }
            self.desk.breathe().await?;
        }
        let mut nats = Vec::new();
        if !tests.is_empty() {
            let head = model.head(session).await?;
            for (e, [before, after]) in self.evaluation.iter().zip(&tests) {
                let before = if self.dense { self.nats(&head, before, &e.windows).await? } else { Vec::new() };
                nats.push([before, self.nats(&head, after, &e.windows).await?]);
            }
        }
        self.desk.step(blocks, blocks, "blocks", "").await?;
        Ok(Outcome { nats })
    }

    /// Runs it for what comparisons are made of: the fraction of the weights that went, and the perplexity of what is left on each evaluation.
    ///
    /// # Errors
    /// As [`Loop::run`].
    pub async fn measured(&self, mut see: impl FnMut(LinearDone)) -> Result<(f64, Vec<f64>), MethodError> {
        let (mut zeros, mut elements) = (0.0, 0.0);
        let outcome = self
            .run(|block| {
                for linear in block.linears {
                    zeros += linear.pruned.zeros;
                    elements += linear.pruned.elements;
                    see(linear);
                }
            })
            .await?;
        Ok((if elements > 0.0 { zeros / elements } else { 0.0 }, outcome.nats.iter().map(|[_, after]| perplexity(after)).collect()))
    }

    async fn embed(&self) -> Result<Stream, MethodError> {
        Ok(self.model.embed(self.session, &self.calibration.windows, &self.calibration.padding).await?)
    }

    async fn nats(&self, head: &Head, stream: &Stream, windows: &[Vec<u32>]) -> Result<Vec<Vec<f64>>, MethodError> {
        Ok(head.nats(self.model.checkpoint(), self.session, stream, windows).await?)
    }

    fn wants(&self, linear: &Linear) -> bool {
        self.targets.contains_key(&linear.matrix.label())
    }

    async fn collect(&self, block: &Block, stream: &Stream, wanted: impl Fn(&Linear) -> bool) -> Result<Collector, MethodError> {
        let products = self.options.criterion == Criterion::SparseGpt;
        let mut collector = Collector::new(block, products, wanted);
        for (batch, state) in stream.batches.iter().zip(&stream.states) {
            block.run(self.session, state, batch, &mut collector).await?;
            collector.take(self.session, batch, self.count_padding).await?;
            self.desk.breathe().await?;
        }
        Ok(collector)
    }

    async fn prune_block(&self, block: &mut Block, stream: &Stream) -> Result<BlockDone, MethodError> {
        let mut done = BlockDone::default();
        let stages: Vec<Option<usize>> = if self.true_sequential { (0..4).map(Some).collect() } else { vec![None] };
        for stage in stages {
            let here = |l: &Linear| stage.is_none_or(|s| l.stage() == s) && self.wants(l);
            if !block.linears().iter().any(here) {
                continue;
            }
            let collector = self.collect(block, stream, here).await?;
            for n in 0..block.linears().len() {
                if here(&block.linears()[n]) {
                    let linear = self.prune_one(block, n, &collector).await?;
                    block.set(self.session, n, linear.weights.clone());
                    self.desk.finding(Finding::Pruned(linear.pruned.clone()));
                    self.desk.finding(Finding::Language(linear.lost()));
                    done.linears.push(linear);
                    self.desk.breathe().await?;
                }
            }
        }
        Ok(done)
    }

    async fn prune_one(&self, block: &Block, n: usize, collector: &Collector) -> Result<LinearDone, MethodError> {
        let session = self.session;
        let label = block.linears()[n].matrix.label();
        let (pattern, sparsity) = self.targets[&label];
        let weights = block.weights(session, n).await?;
        let moments = collector.of(n);
        let bad = moments.map_or(0, |m| m.squares.iter().filter(|s| !s.is_finite()).count());
        if bad > 0 {
            return Err(ModelError::NotFinite { block: block.index, count: bad }.into());
        }
        if moments.is_none() {
            self.desk.warn(format!("{label}: no calibration token was sent there; its inputs count as equally large"));
        }
        let target = prune_linear(session, &weights, moments, &self.options, pattern, sparsity).await?;
        if let Some(damping) = target.raised {
            self.desk.warn(format!("{label}: its Hessian is not positive definite at a damping of {}; it was raised to {damping:e} of the mean of the diagonal", self.options.damping));
        }
        let output_error = match collector.sample(n) {
            Some(x) => output_error(session, x, &weights, &target.weights).await?,
            None => f64::NAN,
        };
        let asked = if let Pattern::Groups { n, m } = pattern { f64::from(n) / f64::from(m) } else { sparsity };
        let pruned = measure(label.clone(), &weights, &target.mask, asked);
        let norms = moments.map_or_else(|| vec![1.0; weights.ncols()], |m| m.scaler().iter().map(|s| s.sqrt()).collect());
        Ok(LinearDone { label, norms, weights: target.weights, mask: target.mask, pruned, output_error, loss: target.loss })
    }

    /// Outlier shares of every block of the dense model, for several multiples of the mean at once: `[block][multiple]` in percent.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn outliers(&self, multiples: &[f64]) -> Result<Vec<Vec<f64>>, MethodError> {
        let (model, session) = (self.model, self.session);
        let mut stream = self.embed().await?;
        let mut out = Vec::new();
        for i in 0..model.blocks() {
            self.desk.step(i, model.blocks(), "blocks", &format!("outliers of block {i}")).await?;
            let block = model.block(session, i).await?;
            let collector = self.collect(&block, &stream, |l| self.wants(l)).await?;
            let mut metrics = Vec::new();
            for n in 0..block.linears().len() {
                if let Some(moments) = collector.of(n).filter(|_| self.wants(&block.linears()[n])) {
                    metrics.push(metric(&block.weights(session, n).await?, &moments.scaler()));
                }
            }
            out.push(outlier_shares(&metrics, multiples));
            model.through(session, &block, &mut stream, &mut NoHook).await?;
        }
        Ok(out)
    }
}

/// ‖X·Wᵀ − X·W'ᵀ‖² / ‖X·Wᵀ‖², 0 where nothing goes in.
pub async fn output_error(session: &Session, x: &Tensor, before: &Array2<f32>, after: &Array2<f32>) -> Result<f64, MethodError> {
    let upload = |a: Array2<f32>| session.upload(Array::from_f32(&[a.nrows(), a.ncols()], a.iter().copied().collect()));
    let whole = session.run(&MatMul::NT, &[x, &upload(before.clone())]);
    let change = session.run(&MatMul::NT, &[x, &upload(before - after)]);
    let square = espalier_tensor::ops::reduce::Fold::all(espalier_tensor::ops::reduce::FoldKind::SumSquares);
    let sums = session.read_many(&[&session.run(&square, &[&change]), &session.run(&square, &[&whole])]).await?;
    let [lost, all] = [0, 1].map(|i| f64::from(sums[i].f32().iter().copied().next().unwrap_or(0.0)));
    Ok(if all > 0.0 { lost / all } else { 0.0 })
}
