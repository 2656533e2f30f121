//! Sentence embeddings as sentence-transformers makes them of a BERT: the mean of the last block's rows, brought to length 1.

use espalier_tensor::Session;

use super::{Model, ModelError};

/// One row of length 1 a sequence (token numbers with their beginning and end, without padding); zeros for an empty one.
///
/// # Errors
/// Those of the forward pass.
pub async fn sentences(model: &Model<'_>, session: &Session, ids: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, ModelError> {
    let hidden = model.architecture().hidden;
    let stream = model.forward(session, ids).await?;
    let mut out = Vec::with_capacity(ids.len());
    for (batch, state) in stream.batches.iter().zip(&stream.states) {
        let rows = session.read(state).await?.into_f32();
        for one in 0..batch.sequences {
            let own = rows.get(one * batch.length * hidden..(one + 1) * batch.length * hidden).unwrap_or_default();
            out.push(pooled(own, hidden));
        }
    }
    Ok(out)
}

/// Mean over rows of `hidden`, then length 1; sums in double precision.
fn pooled(rows: &[f32], hidden: usize) -> Vec<f32> {
    let mut mean = vec![0.0_f64; hidden];
    let n = (rows.len() / hidden.max(1)).max(1) as f64;
    rows.chunks(hidden.max(1)).for_each(|row| mean.iter_mut().zip(row).for_each(|(m, x)| *m += f64::from(*x) / n));
    let length = mean.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-12);
    mean.into_iter().map(|x| (x / length) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_have_length_one() {
        assert_eq!(pooled(&[3.0, 0.0, 0.0, 4.0, 3.0, 4.0], 2), [0.6, 0.8]);
        assert_eq!(pooled(&[], 2), [0.0, 0.0]);
    }
}
