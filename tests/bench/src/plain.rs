//! A peer in Rust: what a program gets that calls faer for the Gram route without a second thought.

use faer::{Mat, Side};
use wasm_bindgen::prelude::*;

/// Square roots of the eigenvalues of the whole Gram matrix of the shorter side, in `f64`, largest first.
///
/// # Errors
/// No convergence.
#[wasm_bindgen]
pub fn plain_gram(values: &[f32], rows: usize, cols: usize) -> Result<Vec<f64>, JsError> {
    let a = Mat::<f64>::from_fn(rows, cols, |i, j| f64::from(values[i * cols + j]));
    let gram = if rows <= cols { &a * a.transpose() } else { a.transpose() * &a };
    let eigen = gram.self_adjoint_eigenvalues(Side::Lower).map_err(|e| JsError::new(&format!("{e:?}")))?;
    Ok(eigen.iter().rev().map(|l| l.max(0.0).sqrt()).collect())
}
