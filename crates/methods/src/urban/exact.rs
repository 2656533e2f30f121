//! A location encoder in double precision, as the published code runs it: for embeddings that are exported, where the last digits may matter to who
//! compares them. About ten times slower than the device, and only forwards.

use espalier_tensor::gemm::gemm_f64;

use super::network::{Architecture, BLOCKS};

/// Where a parameter is found by its published name: shape and row-major values.
pub type Weights<'a> = &'a dyn Fn(&str) -> Option<(Vec<usize>, Vec<f64>)>;

/// A parameter that is not there, or has another shape than the layers around it ask for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the encoder's parameter {0} is missing or has a shape that does not fit")]
pub struct MissingWeight(pub String);

/// Features `[rows, inputs]` to embeddings `[rows, outputs]`, without dropout. Names are `PREFIXnnet.…`.
///
/// # Errors
/// [`MissingWeight`].
pub fn forward(architecture: Architecture, prefix: &str, weights: Weights<'_>, features: &[f64], rows: usize) -> Result<Vec<f64>, MissingWeight> {
    let layer = |name: &str, bias: bool, x: &[f64]| linear(&format!("{prefix}nnet{name}"), bias, weights, x, rows);
    let relu = |mut x: Vec<f64>| {
        x.iter_mut().for_each(|v| *v = v.max(0.0));
        x
    };
    match architecture {
        Architecture::FcNet { .. } => {
            let mut h = relu(layer(".feats.0", true, features)?);
            for i in 0..BLOCKS {
                let y = relu(layer(&format!(".feats.{}.w1", i + 2), true, &h)?);
                let y = relu(layer(&format!(".feats.{}.w2", i + 2), true, &y)?);
                h.iter_mut().zip(y).for_each(|(h, y)| *h += y);
            }
            layer(".class_emb", false, &h)
        }
        Architecture::Siren { layers, first, later, .. } => {
            let mut h = features.to_vec();
            for i in 0..layers {
                let w = if i == 0 { first } else { later };
                h = layer(&format!(".layers.{i}"), true, &h)?;
                h.iter_mut().for_each(|v| *v = (w * *v).sin());
            }
            layer(".last_layer", true, &h)
        }
        Architecture::Linear => layer("", true, features),
    }
}

fn linear(name: &str, bias: bool, weights: Weights<'_>, x: &[f64], rows: usize) -> Result<Vec<f64>, MissingWeight> {
    let missing = |kind: &str| MissingWeight(format!("{name}.{kind}"));
    let (shape, w) = weights(&format!("{name}.weight")).ok_or_else(|| missing("weight"))?;
    let [out, inputs] = shape[..] else { return Err(missing("weight")) };
    if x.len() != rows * inputs || w.len() != out * inputs {
        return Err(missing("weight"));
    }
    let mut y = vec![0.0; rows * out];
    gemm_f64(rows, out, inputs, 1.0, x, (inputs, 1), &w, (1, inputs), 0.0, &mut y, (out, 1));
    if bias {
        let (_, b) = weights(&format!("{name}.bias")).filter(|(shape, _)| *shape == [out]).ok_or_else(|| missing("bias"))?;
        y.chunks_mut(out.max(1)).for_each(|row| row.iter_mut().zip(&b).for_each(|(y, b)| *y += b));
    }
    Ok(y)
}
