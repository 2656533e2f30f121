//! What an export does to one matrix. An engine that writes a checkpoint reads a matrix, calls [`apply`], writes what comes back, and goes on:
//! no more than one matrix is held at a time. Biases are never touched.

mod names;
mod stream;

pub use stream::Stream;
pub use names::{factor_names, factor_shapes, slice_name, to_file_order};

use espalier_tensor::Session;
use espalier_tensor::linalg::Factors;
use ndarray::Array2;

use crate::magnitude::select::{Selection, mask};
use crate::method::MethodError;

/// A change to one matrix, `[out, in]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edit {
    /// Set weights to zero.
    Prune(Selection),
    /// Replace by two factors of this rank.
    Factor {
        /// Rank, 1 … min(out, in).
        rank: u32,
    },
    /// Replace by the product of those factors: the same size, a lower rank.
    Truncate {
        /// Rank, 1 … min(out, in).
        rank: u32,
    },
}

/// What a matrix became.
#[derive(Clone, Debug, PartialEq)]
pub enum Edited {
    /// The weights with zeros, and the mask (row-major, 1 = removed) for writers that clear elements in the file's own bytes.
    Pruned {
        /// `[out, in]`.
        weights: Array2<f32>,
        /// Row-major.
        mask: Vec<u32>,
    },
    /// U √S, `[out, r]`, and √S Vᵀ, `[r, in]`: y = U (V x).
    Factors {
        /// `[out, r]`.
        u: Array2<f32>,
        /// `[r, in]`.
        v: Array2<f32>,
    },
    /// A dense matrix, `[out, in]`.
    Dense(Array2<f32>),
}

/// Changes one matrix.
///
/// # Errors
/// A rank that the matrix does not have, values that are not finite, and those of the device.
pub async fn apply(edit: Edit, matrix: Array2<f32>, session: &Session) -> Result<Edited, MethodError> {
    let bad = matrix.iter().filter(|w| !w.is_finite()).count();
    if bad > 0 {
        return Err(espalier_tensor::Error::NotFinite { what: "pruning or factoring", count: bad }.into());
    }
    match edit {
        Edit::Prune(selection) => {
            let mask = mask(session, &matrix, selection).await?;
            let mut weights = matrix;
            for (w, &gone) in weights.iter_mut().zip(&mask) {
                if gone != 0 {
                    *w = 0.0;
                }
            }
            Ok(Edited::Pruned { weights, mask })
        }
        Edit::Factor { rank } => {
            let (u, v) = factors(&matrix, rank)?.balanced();
            Ok(Edited::Factors { u, v })
        }
        // Full rank is the matrix itself, to the bit.
        Edit::Truncate { rank } if rank as usize == matrix.nrows().min(matrix.ncols()) => Ok(Edited::Dense(matrix)),
        #[expect(clippy::cast_possible_truncation, reason = "weights are written in single precision or less")]
        Edit::Truncate { rank } => Ok(Edited::Dense(factors(&matrix, rank)?.product().mapv(|w| w as f32))),
    }
}

/// The `rank` largest singular triplets, in double precision on the CPU: the device's single precision is for looking, not for what is kept.
fn factors(matrix: &Array2<f32>, rank: u32) -> Result<Factors, MethodError> {
    let full = matrix.nrows().min(matrix.ncols());
    if rank == 0 || rank as usize > full {
        return Err(MethodError::Inputs(format!("rank {rank} of a {} × {} matrix; it lies between 1 and {full}", matrix.nrows(), matrix.ncols())));
    }
    Ok(Factors::new(matrix.view(), rank as usize)?)
}
