//! The forward of a language model over windows of tokens: how surprised it is by each next one.

use std::rc::Rc;

use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::MemorySource;
use espalier_nets::models::Model;
use espalier_tensor::Session;
use wasm_bindgen::prelude::*;

use crate::{Device, error};

/// A model and what it reads.
#[wasm_bindgen]
pub struct Reading {
    session: Session,
    model: Model<'static>,
    windows: Vec<Vec<u32>>,
}

#[wasm_bindgen]
impl Device {
    /// Opens a checkpoint of one file; its blocks come to the device in the first pass and stay.
    ///
    /// # Errors
    /// Those of the checkpoint and of the model.
    pub async fn reading(&self, file: Vec<u8>, config: Vec<u8>, tokens: &[u32], length: usize) -> Result<Reading, JsError> {
        let files = [("model.safetensors", file), ("config.json", config)];
        let sources = files.map(|(name, bytes)| Rc::new(MemorySource::new(name, bytes)) as _);
        // A model borrows its checkpoint, and what JavaScript holds borrows nothing; the worker ends after its one item.
        let checkpoint = Box::leak(Box::new(Checkpoint::open(sources.into()).await.map_err(error)?));
        Ok(Reading { session: self.0.clone(), model: Model::open(checkpoint).map_err(error)?, windows: tokens.chunks(length).map(<[u32]>::to_vec).collect() })
    }
}

#[wasm_bindgen]
impl Reading {
    /// Negative log-likelihood of every token but the first of each window, one window after the other.
    ///
    /// # Errors
    /// Those of the checkpoint and of the device.
    pub async fn nats(&self) -> Result<Vec<f32>, JsError> {
        let nats = self.model.nats(&self.session, &self.windows).await.map_err(error)?;
        Ok(nats.into_iter().flatten().map(|n| n as f32).collect())
    }
}
