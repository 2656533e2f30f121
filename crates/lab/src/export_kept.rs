//! Tensors of a calibrated pruning: zeros where weights went, new weights where those that stayed were updated, or masks.

use std::collections::{BTreeMap, HashMap};

use espalier_methods::kept::Kept;
use espalier_nets::checkpoint::codec::zero_where;
use espalier_nets::checkpoint::{CheckpointError, Dtype, MatrixRef, Origin, Output};

use crate::engine::{End, Open};
use crate::export::Make;
use crate::protocol::Fault;

/// The tensors of the copy (or of the masks), and how those that are not copied come to be.
pub(crate) fn outputs(open: &Open, kept: &Kept, masks: bool) -> Result<(Vec<Output>, HashMap<String, Make>), End> {
    let mut by_tensor: BTreeMap<usize, Vec<MatrixRef>> = BTreeMap::new();
    for matrix in open.matrices.iter().filter(|m| kept.of(&m.label()).is_some()) {
        by_tensor.entry(matrix.tensor).or_default().push(matrix.clone());
    }
    let mut outputs = Vec::new();
    let mut makes = HashMap::new();
    for (tensor, entry) in open.checkpoint.tensors.iter().enumerate() {
        match by_tensor.remove(&tensor) {
            Some(matrices) => {
                if !masks && !entry.dtype.is_writable() {
                    return Err(Fault::from(&CheckpointError::NotDecoded { tensor: entry.name.clone(), dtype: entry.dtype }).into());
                }
                let dtype = if masks { Dtype::U8 } else { entry.dtype };
                outputs.push(Output { name: entry.name.clone(), dtype, shape: entry.shape.clone(), origin: Origin::Produced });
                makes.insert(entry.name.clone(), Make::Kept { tensor, matrices, masks });
            }
            None if masks => {}
            None => outputs.extend(Output::copied(&open.checkpoint, tensor)),
        }
    }
    Ok((outputs, makes))
}

/// The bytes of one tensor. Weights that stay and were not updated keep their very bits.
pub(crate) async fn bytes(open: &Open, kept: &Kept, tensor: usize, matrices: &[MatrixRef], masks: bool, encode: impl Fn(&str, Dtype, &[f32]) -> Result<Vec<u8>, End>) -> Result<Vec<u8>, End> {
    let c = &open.checkpoint;
    let entry = c.entry(tensor)?;
    let width = if masks { 1 } else { (entry.dtype.bits() / 8) as usize };
    let mut out = if masks { vec![1u8; usize::try_from(entry.elements()).unwrap_or(usize::MAX)] } else { c.read_bytes(tensor, 0..entry.bytes()).await? };
    for matrix in matrices {
        let Some(linear) = kept.of(&matrix.label()) else { continue };
        let range = c.elements_of(matrix)?;
        let part = &mut out[range.start as usize * width..range.end as usize * width];
        match &linear.weights {
            Some(weights) if !masks => part.copy_from_slice(&encode(&matrix.label(), entry.dtype, &matrix.to_file_order(weights))?),
            _ => {
                let mask = matrix.to_file_order(&linear.mask());
                if masks {
                    part.iter_mut().zip(mask).for_each(|(k, m)| *k = u8::from(m == 0));
                } else if !zero_where(entry.dtype, part, |i| mask[i] != 0) {
                    return Err(Fault::from(&CheckpointError::NotDecoded { tensor: entry.name.clone(), dtype: entry.dtype }).into());
                }
            }
        }
    }
    Ok(out)
}
