//! A run as a safetensors file: weights under their published names, what the optimiser remembers under `KIND.NAME`, the step and the seed in the metadata. Other tools open
//! it as a checkpoint; read back, the run goes on to the same bits on the CPU.

use std::collections::BTreeMap;

use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::{ByteSink, Dtype, Origin, Output, Pace, Plan, WriteError, Writer};
use espalier_tensor::Array;
use espalier_tensor::train::Snapshot;

use crate::method::MethodError;

/// Keys of the metadata.
pub(crate) const STEP: &str = "espalier.run.step";
pub(crate) const SEED: &str = "espalier.run.seed";

/// Writes a run. `about` is added to the metadata: the method and its settings.
///
/// # Errors
/// The sink's, or a stop.
pub async fn write_run(snapshot: &Snapshot, about: &BTreeMap<String, String>, sink: &mut dyn ByteSink, pace: &dyn Pace) -> Result<u64, WriteError> {
    let outputs = snapshot.tensors.iter().map(|(name, array)| Output {
        name: name.clone(),
        dtype: Dtype::F32,
        shape: array.spec().shape.iter().map(|d| *d as u64).collect(),
        origin: Origin::Produced,
    });
    let mut metadata = about.clone();
    metadata.insert(STEP.into(), snapshot.step.to_string());
    metadata.insert(SEED.into(), snapshot.seed.to_string());
    let plan = Plan::new(outputs.collect(), &metadata)?;
    let mut writer = Writer::begin(&plan, sink, pace).await?;
    while let Some(next) = writer.next() {
        let Some((_, array)) = snapshot.tensors.iter().find(|(name, _)| *name == next.name) else { break };
        let bytes: Vec<u8> = array.f32().iter().flat_map(|v| v.to_le_bytes()).collect();
        writer.put(&bytes).await?;
    }
    writer.finish().await
}

/// Reads a run.
///
/// # Errors
/// [`MethodError::Inputs`] where the file is no saved run; the checkpoint's own.
pub async fn read_run(checkpoint: &Checkpoint) -> Result<Snapshot, MethodError> {
    fn number<T: std::str::FromStr>(checkpoint: &Checkpoint, key: &str) -> Result<T, MethodError> {
        let text = checkpoint.metadata.get(key);
        text.and_then(|t| t.parse().ok()).ok_or_else(|| MethodError::Inputs(format!("this is not a saved run: its metadata has no {key}; save one with `espalier city train --out`")))
    }
    let (step, seed) = (number(checkpoint, STEP)?, number(checkpoint, SEED)?);
    let mut tensors = Vec::new();
    for (i, entry) in checkpoint.tensors.iter().enumerate() {
        let shape: Vec<usize> = entry.shape.iter().map(|d| *d as usize).collect();
        tensors.push((entry.name.clone(), Array::from_f32(&shape, checkpoint.read_f32(i).await?)));
    }
    Ok(Snapshot { step, seed, tensors })
}

#[cfg(test)]
mod tests {
    use super::*;
    use espalier_nets::checkpoint::{MemorySink, NoPause};
    use pollster::block_on;

    #[test]
    fn a_saved_run_comes_back_bit_for_bit() {
        let odd = vec![f32::MIN_POSITIVE, -0.0, 1.0e-40, 3.5, f32::MAX, 0.1];
        let tensors = vec![("a.weight".to_owned(), Array::from_f32(&[2, 3], odd)), ("logit_scale".to_owned(), Array::from_f32(&[], vec![2.5]))];
        let snapshot = Snapshot { step: 77, seed: u64::MAX, tensors };
        let mut sink = MemorySink::default();
        block_on(write_run(&snapshot, &BTreeMap::new(), &mut sink, &NoPause)).unwrap();
        let checkpoint = block_on(Checkpoint::from_bytes("run.safetensors", sink.bytes)).unwrap();
        let mut back = block_on(read_run(&checkpoint)).unwrap();
        back.tensors.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!((back.step, back.seed), (77, u64::MAX));
        for ((n, a), (m, b)) in back.tensors.iter().zip(&snapshot.tensors) {
            assert_eq!((n, a.spec()), (m, b.spec()));
            assert!(a.f32().iter().zip(b.f32()).all(|(x, y)| x.to_bits() == y.to_bits()));
        }
    }
}
