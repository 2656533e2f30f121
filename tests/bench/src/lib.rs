//! Espalier's hot paths behind plain functions, for `cargo xtask bench`: the code that the page's worker runs, called from JavaScript
//! beside the libraries that it is compared with.

mod checkpoint;
mod forward;
mod plain;
mod step;

use espalier_tensor::linalg::singular_values_cpu;
use espalier_tensor::ops::matmul::MatMul;
use espalier_tensor::ops::select::{By, RowSmallest};
use espalier_tensor::{Array, GpuOptions, Session, Tensor};
use ndarray::Ix2;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

fn error(e: impl std::fmt::Display) -> JsError {
    JsError::new(&e.to_string())
}

/// A session.
#[wasm_bindgen]
pub struct Device(Session);

/// A matrix on a device.
#[wasm_bindgen]
pub struct Matrix(Tensor);

#[wasm_bindgen]
impl Device {
    /// The CPU twins.
    pub fn cpu() -> Self {
        Self(Session::cpu())
    }

    /// WGSL on whatever adapter there is, a software one too.
    ///
    /// # Errors
    /// No adapter, or one that gives no device.
    pub async fn gpu() -> Result<Self, JsError> {
        let options = GpuOptions { allow_software: true, clock: now, ..GpuOptions::default() };
        Ok(Self(Session::gpu(options).await.map_err(error)?))
    }

    /// Copies row-major values in.
    pub fn upload(&self, values: Vec<f32>, rows: usize, cols: usize) -> Matrix {
        Matrix(self.0.upload(Array::from_f32(&[rows, cols], values)))
    }

    /// The product in one of the forms `nn`, `nt`, `tn`, copied back.
    ///
    /// # Errors
    /// Those of the device, and an unknown form.
    pub async fn product(&self, form: &str, a: &Matrix, b: &Matrix) -> Result<Vec<f32>, JsError> {
        let op = match form {
            "nn" => MatMul::NN,
            "nt" => MatMul::NT,
            "tn" => MatMul::TN,
            other => return Err(error(format!("no form {other}"))),
        };
        let c = self.0.run(&op, &[&a.0, &b.0]);
        Ok(self.0.take(c).await.map_err(error)?.into_f32())
    }

    /// Mask of the `k` smallest magnitudes of every row, ties to the lower column, copied back.
    ///
    /// # Errors
    /// Those of the device.
    pub async fn smallest_in_rows(&self, a: &Matrix, k: usize) -> Result<Vec<u32>, JsError> {
        let mask = self.0.run(&RowSmallest { k, by: By::Magnitude }, &[&a.0]);
        Ok(self.0.take(mask).await.map_err(error)?.into_u32())
    }
}

/// All singular values of a row-major matrix by the CPU path, largest first.
///
/// # Errors
/// NaN and infinities.
#[wasm_bindgen]
pub fn singular_values(values: &[f32], rows: usize, cols: usize) -> Result<Vec<f64>, JsError> {
    let view = ndarray::ArrayView::from_shape(Ix2(rows, cols), values).map_err(error)?;
    Ok(singular_values_cpu(view).map_err(error)?.values)
}
