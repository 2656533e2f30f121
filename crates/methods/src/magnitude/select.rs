//! Which weights of one matrix go.

use espalier_tensor::ops::select::{By, KSmallest, NOfM, RowSmallest};
use espalier_tensor::{Array, Op, Session};
use ndarray::{Array2, ArrayView2, s};
use serde::{Deserialize, Serialize};

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
    let all = rows * columns;
    let none = || Ok(vec![0; all]);
    let every = || Ok(vec![1; all]);
    let at_most = |k: u64, limit: usize| usize::try_from(k).unwrap_or(usize::MAX).min(limit);
    match selection {
        _ if all == 0 => Ok(Vec::new()),
        Selection::Smallest(k) => match at_most(k, all) {
            0 => none(),
            k if k == all => every(),
            k => run(session, matrix.view(), &KSmallest::magnitude(k)).await,
        },
        Selection::UpTo(place) => match at_most(place, all) {
            place if place == all => every(),
            place => run(session, matrix.view(), &KSmallest::at_most_rank(place)).await,
        },
        Selection::Rows(k) => match at_most(k, columns) {
            0 => none(),
            k if k == columns => every(),
            k => run(session, matrix.view(), &RowSmallest { k, by: By::Magnitude }).await,
        },
        Selection::Groups { n: 0, .. } => none(),
        Selection::Groups { n, m, rest } => {
            let (n, m) = (n as usize, m as usize);
            let mut out = run(session, matrix.view(), &NOfM { n, m, by: By::Magnitude }).await?;
            let tail = columns % m;
            if rest && tail >= n {
                let part = if tail == n {
                    vec![1; rows * tail]
                } else {
                    run(session, matrix.slice(s![.., columns - tail..]), &RowSmallest { k: n, by: By::Magnitude }).await?
                };
                for (row, values) in out.chunks_exact_mut(columns).zip(part.chunks_exact(tail)) {
                    row[columns - tail..].copy_from_slice(values);
                }
            }
            Ok(out)
        }
    }
}

async fn run(session: &Session, matrix: ArrayView2<'_, f32>, op: &dyn Op) -> Result<Vec<u32>, MethodError> {
    let values = matrix.iter().copied().collect();
    let tensor = session.upload(Array::from_f32(&[matrix.nrows(), matrix.ncols()], values));
    Ok(session.take(session.run(op, &[&tensor])).await?.into_u32())
}
