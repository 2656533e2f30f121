//! From the last block's outputs to words: the final norm and the head, tiled over the vocabulary.

use espalier_tensor::ops::elementwise::Binary;
use espalier_tensor::ops::loss::Likelihood;
use espalier_tensor::ops::matmul::MatMul;
use espalier_tensor::{Array, Session, Tensor};

use super::batch::Stream;
use super::norm::Norm;
use super::ModelError;
use crate::Checkpoint;

/// Bytes of a tile of the head on the device.
const TILE: usize = 32 << 20;

/// The final norm and the matrix of the head.
#[derive(Clone)]
pub struct Head {
    pub(super) norm: Option<Norm>,
    /// Tensor of the matrix `[vocabulary, hidden]`.
    pub(super) tensor: usize,
    pub(super) bias: Option<usize>,
    pub(super) vocabulary: usize,
    pub(super) hidden: usize,
}

impl Head {
    /// Words.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    fn tiles(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let step = (TILE / 4 / self.hidden.max(1)).clamp(1, self.vocabulary.max(1));
        let vocabulary = self.vocabulary;
        (0..vocabulary).step_by(step).map(move |first| (first, step.min(vocabulary - first)))
    }

    async fn tile(&self, checkpoint: &Checkpoint, session: &Session, first: usize, words: usize) -> Result<(Tensor, Option<Tensor>), ModelError> {
        let part = (first * self.hidden) as u64..((first + words) * self.hidden) as u64;
        let weight = session.upload(Array::from_f32(&[words, self.hidden], checkpoint.read_part(self.tensor, part).await?));
        let bias = match self.bias {
            Some(b) => Some(session.upload(Array::from_f32(&[words], checkpoint.read_part(b, first as u64..(first + words) as u64).await?))),
            None => None,
        };
        Ok((weight, bias))
    }

    /// Outputs of the last block behind the final norm, `[rows, hidden]`: what a library gives as the last hidden state.
    pub fn normed(&self, session: &Session, x: &Tensor) -> Tensor {
        self.norm.as_ref().map_or_else(|| x.clone(), |n| n.run(session, x))
    }

    /// Logits `[rows, vocabulary]` of outputs of the last block, on the host.
    ///
    /// # Errors
    /// Those of the checkpoint and of the device.
    pub async fn logits(&self, checkpoint: &Checkpoint, session: &Session, x: &Tensor) -> Result<Vec<f32>, ModelError> {
        let rows = x.spec().shape[0];
        let x = self.normed(session, x);
        let mut out = vec![0.0; rows * self.vocabulary];
        for (first, words) in self.tiles() {
            let (weight, bias) = self.tile(checkpoint, session, first, words).await?;
            let y = logits(session, &x, &weight, bias.as_ref());
            let values = session.read(&y).await?.into_f32();
            for (row, part) in out.chunks_mut(self.vocabulary).zip(values.chunks(words.max(1))) {
                row[first..first + words].copy_from_slice(part);
            }
        }
        Ok(out)
    }

    /// Negative log-likelihood in nats of every token but the first of each sequence, given those before it: one list a sequence of the stream, in order. A token is
    /// left out where it or the one before it is padding.
    ///
    /// # Errors
    /// Those of the checkpoint and of the device.
    pub async fn nats(&self, checkpoint: &Checkpoint, session: &Session, stream: &Stream, ids: &[Vec<u32>]) -> Result<Vec<Vec<f64>>, ModelError> {
        let mut at = 0;
        let mut work = Vec::new();
        for (batch, x) in stream.batches.iter().zip(&stream.states) {
            // Each row's word is the next token of its sequence; what the last row of a sequence predicts is not looked at.
            let words = ids[at..at + batch.sequences].iter().flat_map(|s| s[1..].iter().copied().chain([0])).collect();
            at += batch.sequences;
            let rows = batch.rows();
            work.push((self.normed(session, x), session.upload(Array::from_u32(&[rows], words)), session.upload(Likelihood::start(rows))));
        }
        for (first, words) in self.tiles() {
            let (weight, bias) = self.tile(checkpoint, session, first, words).await?;
            for (x, targets, state) in &mut work {
                let y = logits(session, x, &weight, bias.as_ref());
                *state = session.run(&Likelihood { first }, &[&y, targets, state]);
            }
            session.breathe().await?;
        }
        let states: Vec<&Tensor> = work.iter().map(|(_, _, s)| s).collect();
        let mut out = Vec::with_capacity(ids.len());
        for (state, batch) in session.read_many(&states).await?.iter().zip(&stream.batches) {
            for (nats, span) in Likelihood::nats(state).chunks(batch.length.max(1)).zip(&batch.spans) {
                out.push((span[0] as usize..(span[1] as usize).min(batch.length).saturating_sub(1)).map(|t| nats[t]).collect());
            }
        }
        Ok(out)
    }
}

fn logits(session: &Session, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let y = session.run(&MatMul::NT, &[x, weight]);
    match bias {
        Some(b) => session.run(&Binary::Add, &[&y, b]),
        None => y,
    }
}

/// exp of the mean over windows of each window's mean negative log-likelihood: the papers' definition over non-overlapping windows.
pub fn perplexity(nats: &[Vec<f64>]) -> f64 {
    let means: Vec<f64> = nats.iter().filter(|w| !w.is_empty()).map(|w| w.iter().sum::<f64>() / w.len() as f64).collect();
    (means.iter().sum::<f64>() / means.len() as f64).exp()
}
