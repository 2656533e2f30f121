//! Singular values of one matrix, wherever they are to be computed.

use espalier_tensor::linalg::{Singular, singular_values_cpu};
use espalier_tensor::{Result, Session};
use ndarray::Array2;

/// All singular values of `[out, in]`.
///
/// # Errors
/// Those of the device; [`espalier_tensor::Error::NotFinite`] for NaN and infinities.
pub async fn singular(_: &Session, matrix: Array2<f32>) -> Result<Singular> {
    singular_values_cpu(matrix.view())
}
