//! Sequences that go through a model together.

use espalier_tensor::{Array, Session, Tensor};

use super::Rope;

/// Some sequences of one length, behind one another.
#[derive(Clone)]
pub struct Batch {
    /// How many.
    pub sequences: usize,
    /// Tokens of each.
    pub length: usize,
    /// Of each, the first token that counts and the one behind the last; padding lies outside.
    pub spans: Vec<[u32; 2]>,
    pub(super) span: Tensor,
    pub(super) angles: Option<Tensor>,
}

impl Batch {
    /// Puts the ranges and the angles of the positions on the device.
    pub(super) fn new(session: &Session, rope: Option<&Rope>, length: usize, spans: Vec<[u32; 2]>) -> Self {
        let span = session.upload(Array::from_u32(&[spans.len(), 2], spans.iter().flatten().copied().collect()));
        let angles = rope.map(|r| session.upload(r.table(length)));
        Self { sequences: spans.len(), length, spans, span, angles }
    }

    /// Rows in all.
    pub fn rows(&self) -> usize {
        self.sequences * self.length
    }

    /// 1 for each row that counts, 0 for padding; `None` where all count.
    pub fn counted(&self) -> Option<Vec<f32>> {
        let whole = self.spans.iter().all(|s| s[0] == 0 && s[1] as usize >= self.length);
        (!whole).then(|| self.spans.iter().flat_map(|s| (0..self.length as u32).map(|t| if (s[0]..s[1]).contains(&t) { 1.0 } else { 0.0 })).collect())
    }
}

/// The residual stream of several batches between two blocks.
#[derive(Clone)]
pub struct Stream {
    /// The batches.
    pub batches: Vec<Batch>,
    /// `[rows, hidden]` of each.
    pub states: Vec<Tensor>,
}
