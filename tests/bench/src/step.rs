//! One training step of a small encoder (64 → 256 → 256 → 128, batch 512) against fixed unit vectors by the symmetric contrastive loss, with Adam.

use espalier_methods::urban::align::{contrast, own_places};
use espalier_tensor::nn::Linear;
use espalier_tensor::train::{Draft, Rule, Schedule, Settings, Trainer};
use espalier_tensor::{Array, Tensor};
use wasm_bindgen::prelude::*;

use crate::{Device, error};

/// Widths, from the input.
const LAYERS: [usize; 4] = [64, 256, 256, 128];

/// A run between two steps.
#[wasm_bindgen]
pub struct Training {
    trainer: Trainer,
    layers: Vec<Linear>,
    x: Tensor,
    targets: Tensor,
    own: Tensor,
    scale: Tensor,
}

#[wasm_bindgen]
impl Device {
    /// Before the first step. `weights` are `[in, out]` matrices and biases in turn, one behind the other; they are turned to `[out, in]` here.
    ///
    /// # Errors
    /// Another number of weights than the layers have.
    pub fn train(&self, x: Vec<f32>, targets: Vec<f32>, weights: &[f32], scale: f32, rate: f64) -> Result<Training, JsError> {
        let session = &self.0;
        let mut draft = Draft::new(0);
        let (mut layers, mut at) = (Vec::new(), 0);
        let mut take = |n: usize| {
            at += n;
            weights.get(at - n..at).ok_or_else(|| error("too few weights"))
        };
        for (i, w) in LAYERS.windows(2).enumerate() {
            let (inputs, outputs) = (w[0], w[1]);
            layers.push(Linear::new(&mut draft, &i.to_string(), inputs, outputs, true));
            let given = take(inputs * outputs)?;
            let turned = (0..inputs * outputs).map(|k| given[k % inputs * outputs + k / inputs]).collect();
            let bias = take(outputs)?.to_vec();
            let set = draft.set(&format!("{i}.weight"), Array::from_f32(&[outputs, inputs], turned)) && draft.set(&format!("{i}.bias"), Array::from_f32(&[outputs], bias));
            debug_assert!(set, "the draft has these");
        }
        let settings = Settings { rule: Rule::ADAMW, schedule: Schedule::constant(rate), decay: 0.0, clip: None };
        let n = x.len() / LAYERS[0];
        Ok(Training {
            trainer: Trainer::new(session, draft, settings, 0),
            layers,
            own: own_places(session, n),
            x: session.upload(Array::from_f32(&[n, LAYERS[0]], x)),
            targets: session.upload(Array::from_f32(&[n, LAYERS[3]], targets)),
            scale: session.upload(Array::from_f32(&[], vec![scale.ln()])),
        })
    }
}

#[wasm_bindgen]
impl Training {
    /// One step; gives the loss before it.
    ///
    /// # Errors
    /// Those of the device.
    pub async fn step(&mut self) -> Result<Vec<f32>, JsError> {
        let (layers, x, targets, own, scale) = (&self.layers, &self.x, &self.targets, &self.own, &self.scale);
        let step = self.trainer.step(|pass| {
            let hidden = pass.relu(&layers[0].forward(pass, &pass.constant(x.clone())));
            let hidden = pass.relu(&layers[1].forward(pass, &hidden));
            let out = layers[2].forward(pass, &hidden);
            contrast(pass, &pass.constant(targets.clone()), &out, &pass.constant(scale.clone()), own, false).loss
        });
        let loss = step.map_err(error)?.loss;
        Ok(self.trainer.session().clone().take(loss).await.map_err(error)?.into_f32())
    }
}
