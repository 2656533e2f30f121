//! A model over some windows, as it is and under plans: what lies before the first changed block is computed once.

use espalier_nets::models::{Batch, Block, Head, Hook, Model, NoHook, Stream, perplexity};
use espalier_tensor::ops::loss::Divergence;
use espalier_tensor::{Session, Tensor};

use super::Plan;
use super::watch::{Seen, Watch};
use crate::method::MethodError;
use crate::work::Desk;

/// The whole model's states over some windows.
pub struct Bench<'a> {
    /// The model.
    pub model: &'a Model<'a>,
    /// Where to compute.
    pub session: &'a Session,
    /// Events, and where a cancel is seen.
    pub desk: &'a Desk<'a>,
    /// The final norm and the head.
    pub head: Head,
    /// What people call the text.
    pub name: String,
    /// Windows.
    pub windows: Vec<Vec<u32>>,
    /// Inputs of each block of the untouched model, and behind the last its outputs.
    pub states: Vec<Stream>,
}

async fn through(session: &Session, desk: &Desk<'_>, block: &Block, stream: &mut Stream, hook: &mut dyn Hook) -> Result<(), MethodError> {
    for (batch, state) in stream.batches.iter().zip(&mut stream.states) {
        *state = block.run(session, state, batch, hook).await?;
        session.breathe().await?;
        desk.breathe().await?;
    }
    Ok(())
}

/// Takes windows through the untouched model: inputs of each block, and behind the last its outputs. `seen` gets the block, the number of the first window of
/// the batch, the batch and its routing.
///
/// # Errors
/// Tokens outside the vocabulary, a router with NaN, those of the checkpoint and of the device, [`MethodError::Cancelled`].
pub async fn passes(model: &Model<'_>, session: &Session, desk: &Desk<'_>, windows: &[Vec<u32>], mut seen: impl FnMut(usize, usize, &Batch, Seen)) -> Result<Vec<Stream>, MethodError> {
    let mut stream = model.embed(session, windows, &[]).await?;
    let mut states = vec![stream.clone()];
    for i in 0..model.blocks() {
        desk.step(i, model.blocks(), "blocks", &format!("block {i} of the untouched model")).await?;
        let block = model.block(session, i).await?;
        let mut watch = Watch::new(session);
        let mut first = 0;
        for (batch, state) in stream.batches.iter().zip(&mut stream.states) {
            *state = block.run(session, state, batch, &mut watch).await?;
            if let Some(s) = watch.take().await? {
                seen(i, first, batch, s);
            }
            first += batch.sequences;
            desk.breathe().await?;
        }
        states.push(stream.clone());
    }
    Ok(states)
}

impl<'a> Bench<'a> {
    /// Runs the untouched model. Windows may be of several lengths.
    ///
    /// # Errors
    /// As [`passes`].
    pub async fn new(
        model: &'a Model<'a>,
        session: &'a Session,
        desk: &'a Desk<'a>,
        name: &str,
        windows: Vec<Vec<u32>>,
        seen: impl FnMut(usize, usize, &Batch, Seen),
    ) -> Result<Self, MethodError> {
        let head = model.head(session).await?;
        let states = passes(model, session, desk, &windows, seen).await?;
        Ok(Self { model, session, desk, head, name: name.into(), windows, states })
    }

    /// Outputs of the last block under a plan.
    ///
    /// # Errors
    /// Those of the device, [`MethodError::Cancelled`].
    pub async fn outputs(&self, plan: &Plan) -> Result<Stream, MethodError> {
        let first = plan.first().unwrap_or(self.model.blocks());
        let mut stream = self.states[first.min(self.model.blocks())].clone();
        for i in first..self.model.blocks() {
            let block = self.model.block(self.session, i).await?;
            if let Some(block) = plan.apply(&block) {
                through(self.session, self.desk, &block, &mut stream, &mut NoHook).await?;
            }
        }
        Ok(stream)
    }

    /// Perplexity under a plan: exp of the mean over windows of each window's mean loss.
    ///
    /// # Errors
    /// Those of the checkpoint and of the device.
    pub async fn perplexity(&self, plan: &Plan) -> Result<f64, MethodError> {
        let stream = self.outputs(plan).await?;
        let nats = self.head.nats(self.model.checkpoint(), self.session, &stream, &self.windows).await?;
        Ok(perplexity(&nats))
    }

    /// States behind the final norm, batch by batch.
    pub fn normed(&self, stream: &Stream) -> Vec<Tensor> {
        stream.states.iter().map(|x| self.head.normed(self.session, x)).collect()
    }

    /// How far each row of `b` is from `a`, averaged over the tokens of each window, then over the windows: each window counts alike, whatever its length.
    ///
    /// # Errors
    /// Those of the device.
    pub async fn distance(&self, kind: Divergence, a: &[Tensor], b: &[Tensor]) -> Result<f64, MethodError> {
        let rows = divergences(self.session, kind, a, b).await?;
        Ok(score(&rows, &self.states[0].batches))
    }
}

/// Rows' divergences, batch by batch, in one read-back.
///
/// # Errors
/// Those of the device.
pub async fn divergences(session: &Session, kind: Divergence, a: &[Tensor], b: &[Tensor]) -> Result<Vec<Vec<f32>>, MethodError> {
    let made: Vec<Tensor> = a.iter().zip(b).map(|(a, b)| session.run(&kind, &[a, b])).collect();
    let refs: Vec<&Tensor> = made.iter().collect();
    Ok(session.read_many(&refs).await?.into_iter().map(|v| v.into_f32()).collect())
}

/// Mean over the tokens of each window, then over the windows.
pub fn score(rows: &[Vec<f32>], batches: &[Batch]) -> f64 {
    let (mut sum, mut windows) = (0.0, 0usize);
    for (rows, batch) in rows.iter().zip(batches) {
        for window in rows.chunks(batch.length.max(1)) {
            sum += window.iter().map(|v| f64::from(*v)).sum::<f64>() / window.len().max(1) as f64;
            windows += 1;
        }
    }
    sum / windows.max(1) as f64
}
