//! A model over a checkpoint: embedding, blocks, head.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use espalier_tensor::{Array, Session, Tensor};
use ndarray::Array2;

use super::batch::{Batch, Stream};
use super::block::{Block, Hook, NoHook};
use super::head::Head;
use super::layout::{BlockLayout, blocks, missing, outside};
use super::norm::Norm;
use super::{Architecture, ModelError, Style};
use crate::Checkpoint;
use crate::checkpoint::MatrixRef;

/// Most bytes of one intermediate result of a batch; batches are cut to it, so that a block of a batch is short work between two looks at a cancel.
const INTERMEDIATE: usize = 4 << 20;

/// Bytes of blocks that may stay on the device between uses.
const RESIDENT: usize = 256 << 20;

/// The matrices of a block's mixture of experts.
#[derive(Clone, Debug)]
pub struct MixtureLayout {
    /// The router, `[experts, hidden]`.
    pub router: MatrixRef,
    /// Of each expert gate, up and down (or both in one, and down).
    pub experts: Vec<Vec<MatrixRef>>,
    /// Of the shared experts, which are one.
    pub shared: Vec<MatrixRef>,
    /// Their gate, `[1, hidden]`.
    pub shared_gate: Option<MatrixRef>,
}

/// A model, ready to be run block by block.
pub struct Model<'a> {
    checkpoint: &'a Checkpoint,
    architecture: Rc<Architecture>,
    layout: Vec<BlockLayout>,
    embedding: usize,
    vocabulary: usize,
    /// Learned positions and token types (BERT) that are added to the embedding, and the norm behind it.
    positions: Option<usize>,
    types: Option<usize>,
    embedding_norm: Option<usize>,
    last_norm: Option<usize>,
    head: Option<(usize, Option<usize>)>,
    resident: RefCell<BTreeMap<usize, Block>>,
    edit: Option<Edit>,
}

/// What becomes of a linear's weights `[out, in]` on their way to the device.
pub type Edit = Rc<dyn Fn(&MatrixRef, Array2<f32>) -> Array2<f32>>;

impl<'a> Model<'a> {
    /// Reads the architecture and checks it against the tensors; no weights are read.
    ///
    /// # Errors
    /// [`ModelError`] with what cannot be run and why.
    pub fn open(checkpoint: &'a Checkpoint) -> Result<Self, ModelError> {
        let a = Architecture::read(checkpoint)?;
        if a.head > espalier_tensor::ops::attention::MOST_HEAD {
            return Err(ModelError::Unsupported { what: format!("heads of {} elements", a.head), why: "at most 256 are built".into() });
        }
        let embedding = outside(checkpoint, &["embed_tokens.weight", "wte.weight", "embed_in.weight", "word_embeddings.weight"]).ok_or_else(|| missing(&a, "of embeddings"))?;
        let entry = checkpoint.entry(embedding)?;
        let [vocabulary, width] = entry.shape[..] else { return Err(missing(&a, "of embeddings with two axes")) };
        if width != a.hidden as u64 || vocabulary < a.vocabulary as u64 {
            return Err(ModelError::Shape { tensor: entry.name.clone(), expected: vec![a.vocabulary as u64, a.hidden as u64], found: entry.shape.clone() });
        }
        let learned = matches!(a.style, Style::Gpt2 | Style::Bert);
        let positions = outside(checkpoint, &["wpe.weight", "position_embeddings.weight"]);
        if learned && positions.is_none() {
            return Err(missing(&a, "of position embeddings"));
        }
        let last_norm = outside(checkpoint, &["norm.weight", "ln_f.weight", "final_layer_norm.weight"]);
        if last_norm.is_none() && a.style != Style::Bert {
            return Err(missing(&a, "of the last norm"));
        }
        let own = outside(checkpoint, &["lm_head.weight", "embed_out.weight"]);
        let matrix = match (a.style, a.tied, own) {
            (Style::Bert, ..) => None,
            (_, Some(true), _) | (_, None, None) => Some(embedding),
            (_, _, Some(own)) => Some(own),
            (_, Some(false), None) => return Err(missing(&a, "of the head, lm_head.weight")),
        };
        let bias = own.and_then(|o| checkpoint.find(&checkpoint.tensors[o].name.replace(".weight", ".bias")));
        if let Some(m) = matrix
            && checkpoint.tensors[m].shape.get(1) != Some(&(a.hidden as u64))
        {
            let t = &checkpoint.tensors[m];
            return Err(ModelError::Shape { tensor: t.name.clone(), expected: vec![a.vocabulary as u64, a.hidden as u64], found: t.shape.clone() });
        }
        let embedding_norm = (a.style == Style::Bert).then(|| outside(checkpoint, &["embeddings.LayerNorm.weight", "embeddings.LayerNorm.gamma"])).flatten();
        Ok(Self {
            layout: blocks(checkpoint, &a)?,
            embedding,
            vocabulary: vocabulary as usize,
            positions: positions.filter(|_| learned),
            types: outside(checkpoint, &["token_type_embeddings.weight"]),
            embedding_norm,
            last_norm: last_norm.filter(|_| a.style != Style::Bert),
            head: matrix.map(|m| (m, bias)),
            architecture: Rc::new(a),
            checkpoint,
            resident: RefCell::default(),
            edit: None,
        })
    }

    /// The same model with other weights in its linears: what a pruning has left.
    pub fn with_edit(self, edit: Edit) -> Self {
        Self { edit: Some(edit), resident: RefCell::default(), ..self }
    }

    /// What it is.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The checkpoint under it.
    pub fn checkpoint(&self) -> &'a Checkpoint {
        self.checkpoint
    }

    /// Blocks.
    pub fn blocks(&self) -> usize {
        self.layout.len()
    }

    /// Blocks whose feed-forward is a mixture of experts with a router, in order; blocks that were condensed are none of them.
    pub fn mixtures(&self) -> Vec<usize> {
        (0..self.layout.len()).filter(|&i| self.layout[i].router.is_some()).collect()
    }

    /// Whether shared experts stand beside the routed ones of a block.
    pub fn has_shared(&self, block: usize) -> bool {
        self.layout.get(block).is_some_and(|l| !l.shared.is_empty())
    }

    /// Names and shapes of a block's mixture, for arithmetic over them and for writing copies.
    pub fn mixture(&self, block: usize) -> Option<MixtureLayout> {
        let l = self.layout.get(block)?;
        Some(MixtureLayout { router: l.router.clone()?, experts: l.experts.clone(), shared: l.shared.clone(), shared_gate: l.shared_gate.clone() })
    }

    /// Brings one block to the device.
    ///
    /// # Errors
    /// Those of the checkpoint.
    pub async fn block(&self, session: &Session, index: usize) -> Result<Block, ModelError> {
        if let Some(block) = self.resident.borrow().get(&index) {
            return Ok(block.clone());
        }
        let block = Block::load(self.checkpoint, session, &self.architecture, &self.layout[index], index, self.edit.as_ref()).await?;
        let size = block.linears().iter().map(|l| l.weight.spec().bytes() as usize).sum::<usize>();
        // All blocks of a small model stay: they are needed again for every pass.
        if size.saturating_mul(self.blocks()) <= RESIDENT {
            self.resident.borrow_mut().insert(index, block.clone());
        }
        Ok(block)
    }

    /// The head.
    ///
    /// # Errors
    /// [`ModelError::NoHead`] for an encoder, and those of the checkpoint.
    pub async fn head(&self, session: &Session) -> Result<Head, ModelError> {
        let a = &self.architecture;
        let (tensor, bias) = self.head.ok_or_else(|| ModelError::NoHead { model: a.model_type.clone() })?;
        let vocabulary = self.checkpoint.entry(tensor)?.shape[0] as usize;
        Ok(Head { norm: self.norm(session, self.last_norm).await?, tensor, bias, vocabulary, hidden: a.hidden })
    }

    async fn norm(&self, session: &Session, tensor: Option<usize>) -> Result<Option<Norm>, ModelError> {
        let a = &self.architecture;
        Ok(match tensor {
            Some(t) => Some(Norm::load(self.checkpoint, session, t, a.hidden, a.norm, a.epsilon).await?),
            None => None,
        })
    }

    /// Rows that a batch may have.
    pub fn most_rows(&self) -> usize {
        let widest = self.layout.iter().flat_map(|b| b.dense.iter().chain(&b.qkv).chain(&b.shared)).flat_map(|m| m.shape).max().unwrap_or(1);
        (INTERMEDIATE / 4 / (widest as usize).max(1)).max(1)
    }

    /// Embeds sequences, in batches of sequences of equal length behind one another. `padding` tokens at the front of each sequence are not seen by attention.
    ///
    /// # Errors
    /// A token outside the vocabulary, a sequence longer than the learned positions, those of the checkpoint.
    pub async fn embed(&self, session: &Session, ids: &[Vec<u32>], padding: &[usize]) -> Result<Stream, ModelError> {
        let mut stream = Stream { batches: Vec::new(), states: Vec::new() };
        let mut at = 0;
        while at < ids.len() {
            let length = ids[at].len();
            let most = (self.most_rows() / length.max(1)).max(1);
            let n = ids[at..].iter().take(most).take_while(|s| s.len() == length).count();
            let spans = (at..at + n).map(|i| [padding.get(i).copied().unwrap_or(0) as u32, length as u32]).collect();
            stream.states.push(self.embedded(session, &ids[at..at + n]).await?);
            stream.batches.push(Batch::new(session, self.architecture.rope.as_ref(), length, spans));
            at += n;
        }
        Ok(stream)
    }

    async fn embedded(&self, session: &Session, ids: &[Vec<u32>]) -> Result<Tensor, ModelError> {
        let h = self.architecture.hidden;
        let length = ids.first().map_or(0, Vec::len);
        let table = self.rows_of(ids.iter().flatten().copied()).await?;
        let mut values = Vec::with_capacity(ids.len() * length * h);
        ids.iter().flatten().for_each(|id| values.extend_from_slice(&table[id]));
        let mut add = |row: &dyn Fn(usize) -> Vec<f32>| {
            values.chunks_mut(h.max(1)).enumerate().for_each(|(r, v)| v.iter_mut().zip(row(r % length.max(1))).for_each(|(v, p)| *v += p));
        };
        if let Some(t) = self.positions {
            let known = self.checkpoint.entry(t)?.shape[0] as usize;
            if length > known {
                return Err(ModelError::TooLong { length, most: known });
            }
            let positions = self.checkpoint.read_part(t, 0..(length * h) as u64).await?;
            add(&|p| positions[p * h..(p + 1) * h].to_vec());
        }
        if let Some(t) = self.types.filter(|_| self.architecture.style == Style::Bert) {
            let first = self.checkpoint.read_part(t, 0..h as u64).await?;
            add(&|_| first.clone());
        }
        let x = session.upload(Array::from_f32(&[ids.len() * length, h], values));
        Ok(match self.norm(session, self.embedding_norm).await? {
            Some(norm) => norm.run(session, &x),
            None => x,
        })
    }

    /// Rows of the embedding, each read once; rows that lie close together are read together.
    async fn rows_of(&self, ids: impl Iterator<Item = u32>) -> Result<BTreeMap<u32, Vec<f32>>, ModelError> {
        const GAP: u32 = 32;
        let h = self.architecture.hidden as u64;
        let mut table: BTreeMap<u32, Vec<f32>> = ids.map(|id| (id, Vec::new())).collect();
        let wanted: Vec<u32> = table.keys().copied().collect();
        if let Some(&token) = wanted.last().filter(|t| **t as usize >= self.vocabulary) {
            return Err(ModelError::Token { token, vocabulary: self.vocabulary });
        }
        let mut at = 0;
        while at < wanted.len() {
            let mut end = at + 1;
            while end < wanted.len() && wanted[end] - wanted[end - 1] <= GAP && wanted[end] - wanted[at] < 4096 {
                end += 1;
            }
            let first = u64::from(wanted[at]);
            let part = self.checkpoint.read_part(self.embedding, first * h..(u64::from(wanted[end - 1]) + 1) * h).await?;
            for &id in &wanted[at..end] {
                let from = ((u64::from(id) - first) * h) as usize;
                table.insert(id, part[from..from + h as usize].to_vec());
            }
            at = end;
        }
        Ok(table)
    }

    /// Takes every batch of a stream through a block.
    ///
    /// # Errors
    /// Those of the device.
    pub async fn through(&self, session: &Session, block: &Block, stream: &mut Stream, hook: &mut dyn Hook) -> Result<(), ModelError> {
        for (batch, state) in stream.batches.iter().zip(&mut stream.states) {
            *state = block.run(session, state, batch, hook).await?;
            session.breathe().await?;
        }
        Ok(())
    }

    /// Outputs of the last block for these sequences.
    ///
    /// # Errors
    /// Those of [`embed`](Self::embed) and of the device.
    pub async fn forward(&self, session: &Session, ids: &[Vec<u32>]) -> Result<Stream, ModelError> {
        let mut stream = self.embed(session, ids, &[]).await?;
        for i in 0..self.blocks() {
            let block = self.block(session, i).await?;
            self.through(session, &block, &mut stream, &mut NoHook).await?;
        }
        Ok(stream)
    }

    /// Logits `[tokens, vocabulary]` of one sequence.
    ///
    /// # Errors
    /// As [`forward`](Self::forward), and [`ModelError::NoHead`].
    pub async fn logits(&self, session: &Session, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let head = self.head(session).await?;
        let stream = self.forward(session, &[ids.to_vec()]).await?;
        match stream.states.first() {
            Some(x) => head.logits(self.checkpoint, session, x).await,
            None => Ok(Vec::new()),
        }
    }

    /// Negative log-likelihoods in nats of windows, one list a window.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub async fn nats(&self, session: &Session, windows: &[Vec<u32>]) -> Result<Vec<Vec<f64>>, ModelError> {
        let head = self.head(session).await?;
        let stream = self.forward(session, windows).await?;
        head.nats(self.checkpoint, session, &stream, windows).await
    }
}
