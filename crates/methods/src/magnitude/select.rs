//! Which weights of one matrix go.

use espalier_tensor::Session;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::cut;
use crate::method::MethodError;

/// A rule that says which weights of one matrix go. Equal magnitudes go by the lower index (row-major, `[out, in]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selection {
    /// The k smallest of the matrix.
    Smallest(u64),
    /// All up to and with the magnitude at this place (from 0) of the sorted ones, and all equal to it; everything where there are not as many.
    UpTo(u64),
    /// The k smallest of each row.
    Rows(u64),
    /// The `n` smallest of every `m` neighbours in a row.
    Groups {
        /// Removed in each group.
        n: u32,
        /// Weights a group.
        m: u32,
        /// What happens to the last columns where `m` does not divide them: true, `n` of them go if there are at least `n`, as the published
        /// code does; false, they stay dense.
        rest: bool,
    },
}

/// The mask of a matrix, row-major, 1 = removed: bit for bit the same on every device.
///
/// # Errors
/// Those of the device.
pub async fn mask(session: &Session, matrix: &Array2<f32>, selection: Selection) -> Result<Vec<u32>, MethodError> {
    let (rows, columns) = matrix.dim();
    let all = (rows * columns) as u64;
    let k = match selection {
        Selection::Smallest(k) => k.min(all),
        Selection::Rows(k) => k.min(columns as u64) * rows as u64,
        Selection::UpTo(place) => {
            let values: Vec<f32> = matrix.iter().copied().collect();
            cut::at(&values, place).map_or(all, |c| c.below + c.equal)
        }
        Selection::Groups { n, .. } => u64::from(n),
    };
    if k == 0 || all == 0 {
        return Ok(vec![0; rows * columns]);
    }
    if !matches!(selection, Selection::Groups { .. }) && k == all {
        return Ok(vec![1; rows * columns]);
    }
    match selection {
        Selection::Smallest(_) | Selection::UpTo(_) => device::smallest(session, matrix, k).await,
        Selection::Rows(k) => device::rows(session, matrix, k).await,
        Selection::Groups { n, m, rest } => {
            let tail = columns % m as usize;
            let whole = columns - tail;
            let mut out = vec![0; rows * columns];
            if whole > 0 {
                let part = device::groups(session, &matrix.slice(ndarray::s![.., ..whole]).to_owned(), n, m).await?;
                place(&mut out, columns, 0, &part, whole);
            }
            if rest && tail >= n as usize && tail > 0 {
                let part = if tail == n as usize {
                    vec![1; rows * tail]
                } else {
                    device::rows(session, &matrix.slice(ndarray::s![.., whole..]).to_owned(), u64::from(n)).await?
                };
                place(&mut out, columns, whole, &part, tail);
            }
            Ok(out)
        }
    }
}

/// Copies `part`, `width` columns wide, into columns `from ..` of `out`.
fn place(out: &mut [u32], columns: usize, from: usize, part: &[u32], width: usize) {
    for (row, values) in out.chunks_exact_mut(columns).zip(part.chunks_exact(width)) {
        row[from..from + width].copy_from_slice(values);
    }
}

/// Selections on the session's device.
mod device {
    use super::{Array2, MethodError, Session, cut};

    pub async fn smallest(_: &Session, matrix: &Array2<f32>, k: u64) -> Result<Vec<u32>, MethodError> {
        let values: Vec<f32> = matrix.iter().copied().collect();
        Ok(first(&values, k))
    }

    pub async fn rows(_: &Session, matrix: &Array2<f32>, k: u64) -> Result<Vec<u32>, MethodError> {
        Ok(matrix.rows().into_iter().flat_map(|r| first(&r.to_vec(), k)).collect())
    }

    pub async fn groups(session: &Session, matrix: &Array2<f32>, n: u32, m: u32) -> Result<Vec<u32>, MethodError> {
        let (rows, columns) = matrix.dim();
        let by_group = matrix.clone().into_shape_with_order((rows * columns / m as usize, m as usize)).expect("m divides the columns");
        self::rows(session, &by_group, u64::from(n)).await
    }

    fn first(values: &[f32], k: u64) -> Vec<u32> {
        let Some(cut) = cut::at(values, k) else { return vec![1; values.len()] };
        let mut ties = k - cut.below;
        let gone = |w: &f32| {
            let b = cut::bits(*w);
            let tie = b == cut.bits && ties > 0;
            ties -= u64::from(tie);
            u32::from(b < cut.bits || tie)
        };
        values.iter().map(gone).collect()
    }
}
