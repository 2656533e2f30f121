//! Pruned tensors, written in pieces: neither the tensor nor its mask is ever whole in memory.

use espalier_methods::edit::{Edit, Stream};
use espalier_methods::magnitude::select::Selection;
use espalier_methods::method::Sink;
use espalier_methods::report::Event;
use espalier_nets::checkpoint::codec::{decode_into, zero_where};
use espalier_nets::checkpoint::writer::Writer;
use espalier_nets::checkpoint::{CheckpointError, MatrixRef};
use espalier_tensor::Session;

use crate::engine::{End, Open};
use crate::export::{Make, not_finite};
use crate::jobs::JobSink;
use crate::protocol::Fault;

/// Writes pruned tensors and masks.
pub(crate) struct Pruner<'a> {
    pub open: &'a Open,
    pub session: &'a Session,
    pub sink: &'a JobSink,
}

type Part = (MatrixRef, Selection);

impl Pruner<'_> {
    /// The selections of a tensor whose matrices lie in the file as they are read and are all pruned; with them whether masks are to be written.
    /// Others (a Conv1D lies turned round) are made whole.
    pub fn takes(&self, make: &Make) -> Option<(usize, Vec<Part>, bool)> {
        let (tensor, edits, masks) = match make {
            Make::Rewritten { tensor, edits } => (*tensor, edits, false),
            Make::Mask { tensor, edits } => (*tensor, edits, true),
            _ => return None,
        };
        let part = |(m, e): &(MatrixRef, Edit)| match e {
            Edit::Prune(selection) if !m.transposed => Some((m.clone(), *selection)),
            _ => None,
        };
        let mut parts = edits.iter().map(part).collect::<Option<Vec<_>>>()?;
        parts.sort_by_key(|(m, _)| m.slice);
        Some((tensor, parts, masks))
    }

    /// Writes the tensor, piece by piece.
    pub async fn put(&self, tensor: usize, parts: &[Part], masks: bool, writer: &mut Writer<'_>) -> Result<(), End> {
        let c = &self.open.checkpoint;
        let entry = c.entry(tensor)?;
        let width = entry.dtype.bits() / 8;
        let mut at = 0;
        for (matrix, selection) in parts {
            let range = c.elements_of(matrix)?;
            // Slices that are not pruned.
            self.copy(tensor, at..range.start, width, masks, writer).await?;
            let read = async |r: std::ops::Range<u64>| {
                self.sink.breathe().await?;
                Ok::<_, End>(c.read_part(tensor, range.start + r.start..range.start + r.end).await?)
            };
            match Stream::new(*selection, matrix.shape, read).await? {
                Err(bad) => {
                    self.sink.event(Event::Warning(not_finite(matrix, bad)));
                    self.copy(tensor, range.clone(), width, masks, writer).await?;
                }
                Ok(mut stream) => {
                    while let Some(piece) = stream.next() {
                        let mut bytes = c.read_bytes(tensor, (range.start + piece.start) * width..(range.start + piece.end) * width).await?;
                        let mut values = Vec::with_capacity((piece.end - piece.start) as usize);
                        decode_into(entry.dtype, &bytes, &mut values);
                        let mask = stream.mask(values, self.session).await?;
                        if masks {
                            bytes = mask.iter().map(|m| u8::from(*m == 0)).collect();
                        } else if !zero_where(entry.dtype, &mut bytes, |i| mask[i] != 0) {
                            return Err(Fault::from(&CheckpointError::NotDecoded { tensor: entry.name.clone(), dtype: entry.dtype }).into());
                        }
                        writer.put(&bytes).await?;
                    }
                }
            }
            at = range.end;
        }
        self.copy(tensor, at..entry.elements(), width, masks, writer).await
    }

    /// Elements that stay: as they are, or as ones of a mask.
    async fn copy(&self, tensor: usize, elements: std::ops::Range<u64>, width: u64, masks: bool, writer: &mut Writer<'_>) -> Result<(), End> {
        const PIECE: u64 = 1 << 20;
        let mut at = elements.start;
        while at < elements.end {
            let end = elements.end.min(at + PIECE);
            let bytes = if masks { vec![1; (end - at) as usize] } else { self.open.checkpoint.read_bytes(tensor, at * width..end * width).await? };
            writer.put(&bytes).await?;
            at = end;
        }
        Ok(())
    }
}
