//! Pruning a matrix in pieces: the mask that [`apply`](super::apply) makes in one, bit for bit, without ever holding the matrix.

use std::ops::Range;

use espalier_tensor::Session;
use ndarray::Array2;

use crate::magnitude::cut::{Cut, Upper, bits};
use crate::magnitude::select::{Selection, mask};
use crate::method::MethodError;

/// Elements of a piece, at least one row.
const PIECE: u64 = 1 << 20;

/// The pieces of a matrix and what goes from each, in order.
pub struct Stream {
    rows: u64,
    columns: u64,
    selection: Selection,
    cut: Option<Cut>,
    /// Weights equal to the cut that are still to go.
    left: u64,
    next: u64,
}

impl Stream {
    /// Looks through the matrix `[rows, columns]` as often as the selection needs (twice for a cut, once for the rest). `read` gives its elements,
    /// row-major. `None` where it holds values that are not finite: how many.
    ///
    /// # Errors
    /// Those of `read`.
    pub async fn new<E>(selection: Selection, [rows, columns]: [u64; 2], mut read: impl AsyncFnMut(Range<u64>) -> Result<Vec<f32>, E>) -> Result<Result<Self, u64>, E> {
        let all = rows * columns;
        let mut upper = Upper::default();
        let mut bad = 0;
        let mut at = 0;
        while at < all {
            let end = all.min(at + PIECE);
            let values = read(at..end).await?;
            bad += values.iter().filter(|v| !v.is_finite()).count() as u64;
            if bad == 0 {
                upper.add(values);
            }
            at = end;
        }
        if bad > 0 {
            return Ok(Err(bad));
        }
        let place = match selection {
            // The largest that goes is the one before place k.
            Selection::Smallest(k) => k.min(all).checked_sub(1),
            Selection::UpTo(place) => Some(place.min(all.saturating_sub(1))),
            _ => None,
        };
        let mut cut = None;
        if let Some(mut lower) = place.and_then(|p| upper.at(p)) {
            let mut at = 0;
            while at < all {
                let end = all.min(at + PIECE);
                lower.add(read(at..end).await?);
                at = end;
            }
            cut = Some(lower.finish());
        }
        let left = match (selection, cut) {
            (Selection::Smallest(k), Some(cut)) => k.min(all) - cut.below,
            _ => u64::MAX,
        };
        Ok(Ok(Self { rows, columns, selection, cut, left, next: 0 }))
    }

    /// Elements of the next piece: whole rows where the selection looks at rows. `None` after the last.
    pub fn next(&self) -> Option<Range<u64>> {
        let all = self.rows * self.columns;
        let step = match self.selection {
            Selection::Rows(_) | Selection::Groups { .. } => (PIECE / self.columns.max(1)).max(1) * self.columns,
            _ => PIECE,
        };
        (self.next < all).then(|| self.next..all.min(self.next + step))
    }

    /// The mask of that piece, 1 = removed.
    ///
    /// # Errors
    /// Those of the device.
    pub async fn mask(&mut self, values: Vec<f32>, session: &Session) -> Result<Vec<u32>, MethodError> {
        self.next += values.len() as u64;
        match (self.selection, self.cut) {
            (Selection::Rows(_) | Selection::Groups { .. }, _) => {
                let columns = usize::try_from(self.columns).unwrap_or(usize::MAX);
                let block = Array2::from_shape_vec((values.len() / columns.max(1), columns), values).map_err(|e| MethodError::Inputs(e.to_string()))?;
                mask(session, &block, self.selection).await
            }
            (_, None) => Ok(vec![0; values.len()]),
            (_, Some(cut)) => Ok(values
                .into_iter()
                .map(|w| {
                    let b = bits(w);
                    let tie = b == cut.bits && self.left > 0;
                    self.left -= u64::from(tie);
                    u32::from(b < cut.bits || tie)
                })
                .collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_make_the_mask_that_the_whole_makes(rows in 1usize..40, columns in 1usize..40, seed in 0u32..1000, k in 0u64..1700, kind in 0..4) {
            let values: Vec<f32> = (0..(rows * columns) as u32).map(|i| ((i.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 24) as f32 - 128.0) / 16.0).collect();
            let selection = match kind {
                0 => Selection::Smallest(k),
                1 => Selection::UpTo(k),
                2 => Selection::Rows(k % 50),
                _ => Selection::Groups { n: 2, m: 4, rest: k % 2 == 0 },
            };
            let session = Session::cpu();
            let whole = pollster::block_on(mask(&session, &Array2::from_shape_vec((rows, columns), values.clone()).unwrap(), selection)).unwrap();
            let read = async |r: Range<u64>| Ok::<_, MethodError>(values[r.start as usize..r.end as usize].to_vec());
            let mut stream = pollster::block_on(Stream::new(selection, [rows as u64, columns as u64], read)).unwrap().expect("finite");
            let mut pieces = Vec::new();
            while let Some(r) = stream.next() {
                pieces.extend(pollster::block_on(stream.mask(values[r.start as usize..r.end as usize].to_vec(), &session)).unwrap());
            }
            prop_assert_eq!(pieces, whole);
        }
    }
}
