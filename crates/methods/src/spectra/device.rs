//! Singular values of one matrix on a session's device.

use espalier_tensor::linalg::{Singular, singular_values};
use espalier_tensor::{Array, Result, Session};
use ndarray::Array2;

/// All singular values of `[out, in]`.
///
/// # Errors
/// Those of the device; [`espalier_tensor::Error::NotFinite`] for NaN and infinities.
pub async fn singular(session: &Session, matrix: Array2<f32>) -> Result<Singular> {
    let (rows, columns) = matrix.dim();
    // Row-major without a copy where it is so already, as every matrix that was read is.
    let matrix = if matrix.is_standard_layout() { matrix } else { matrix.as_standard_layout().into_owned() };
    let (mut values, offset) = matrix.into_raw_vec_and_offset();
    values.drain(..offset.unwrap_or(0));
    values.truncate(rows * columns);
    let tensor = session.upload(Array::from_f32(&[rows, columns], values));
    singular_values(session, &tensor).await
}
