//! What an export does to one matrix. An engine that writes a checkpoint reads a matrix, calls [`apply`], writes what comes back, and goes on:
//! no more than one matrix is held at a time. Biases are never touched.

mod names;

pub use names::{factor_names, factor_shapes, slice_name, to_file_order};

use espalier_tensor::Session;
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
            let (u, v) = pair(matrix, rank, session).await?;
            Ok(Edited::Factors { u, v })
        }
        Edit::Truncate { rank } => {
            if rank as usize == matrix.nrows().min(matrix.ncols()) {
                return Ok(Edited::Dense(matrix));
            }
            let (u, v) = pair(matrix, rank, session).await?;
            Ok(Edited::Dense(u.dot(&v)))
        }
    }
}

async fn pair(matrix: Array2<f32>, rank: u32, session: &Session) -> Result<(Array2<f32>, Array2<f32>), MethodError> {
    let full = matrix.nrows().min(matrix.ncols());
    if rank == 0 || rank as usize > full {
        return Err(MethodError::Inputs(format!("rank {rank} of a {} × {} matrix; it lies between 1 and {full}", matrix.nrows(), matrix.ncols())));
    }
    let _ = session;
    Err(MethodError::Inputs("SHIM".into()))
}

