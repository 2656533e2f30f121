//! A norm with its weights.

use espalier_tensor::ops::elementwise::Binary;
use espalier_tensor::ops::rows::Normalise;
use espalier_tensor::{Array, Session, Tensor};

use super::{ModelError, NormKind};
use crate::Checkpoint;

/// A norm on a device.
#[derive(Clone)]
pub struct Norm {
    op: Normalise,
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Norm {
    /// Reads weight and bias.
    pub(super) async fn load(checkpoint: &Checkpoint, session: &Session, tensor: usize, width: usize, kind: NormKind, epsilon: f32) -> Result<Self, ModelError> {
        let op = if kind == NormKind::Rms { Normalise::rms(epsilon) } else { Normalise::layer(epsilon) };
        let weight = vector(checkpoint, session, tensor, width).await?;
        let name = &checkpoint.entry(tensor)?.name;
        let beside = name.strip_suffix(".weight").map(|s| format!("{s}.bias")).or_else(|| name.strip_suffix(".gamma").map(|s| format!("{s}.beta")));
        let bias = match beside.and_then(|b| checkpoint.find(&b)) {
            Some(b) => Some(vector(checkpoint, session, b, width).await?),
            None => None,
        };
        Ok(Self { op, weight, bias })
    }

    /// `[rows, width]` to the same.
    pub fn run(&self, session: &Session, x: &Tensor) -> Tensor {
        let y = session.run(&self.op, &[x]);
        let y = session.run(&Binary::Mul, &[&y, &self.weight]);
        match &self.bias {
            Some(b) => session.run(&Binary::Add, &[&y, b]),
            None => y,
        }
    }
}

/// A vector of that many elements.
pub(super) async fn vector(checkpoint: &Checkpoint, session: &Session, tensor: usize, width: usize) -> Result<Tensor, ModelError> {
    let entry = checkpoint.entry(tensor)?;
    if entry.elements() != width as u64 {
        return Err(ModelError::Shape { tensor: entry.name.clone(), expected: vec![width as u64], found: entry.shape.clone() });
    }
    Ok(session.upload(Array::from_f32(&[width], checkpoint.read_f32(tensor).await?)))
}
