//! The `spectra` method over a whole checkpoint, from the bytes of its file to the report.

use std::rc::Rc;

use espalier_methods::method::{Inputs, LocalFuture, MethodError, Sink};
use espalier_methods::report::{Event, Finding};
use espalier_methods::spectra;
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::MemorySource;
use espalier_tensor::Session;
use wasm_bindgen::prelude::*;

use crate::error;

/// Nobody listens.
struct Silence;

impl Sink for Silence {
    fn event(&self, _: Event) {}

    fn breathe(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Opens a safetensors file, runs the method over all its matrices on the CPU, and gives their singular values one after the other.
///
/// # Errors
/// Those of the checkpoint and of the method.
#[wasm_bindgen]
pub async fn all_spectra(file: Vec<u8>) -> Result<Vec<f64>, JsError> {
    let checkpoint = Checkpoint::open(vec![Rc::new(MemorySource::new("model.safetensors", file))]).await.map_err(error)?;
    let inputs = Inputs { checkpoint: &checkpoint, matrices: checkpoint.matrices(), known: Vec::new(), seed: 0, texts: Vec::new(), kept: Default::default(), files: Vec::new() };
    let report = (spectra::ENTRY.run)(serde_json::json!({}), inputs, &Session::cpu(), &Silence).await.map_err(error)?;
    let values = report.findings.iter().filter_map(|f| if let Finding::Spectrum(s) = f { Some(s.values.iter().copied()) } else { None });
    Ok(values.flatten().collect())
}
