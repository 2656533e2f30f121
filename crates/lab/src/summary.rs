//! What a face shows of a checkpoint before any tensor is read.

use espalier_nets::checkpoint::{Checkpoint, CheckpointError, MatrixRef};
use sha2::{Digest, Sha256};

use crate::protocol::{Summary, TensorRow};

/// Names that say nothing about the model; the folder's is better.
const PLAIN: [&str; 3] = ["model", "pytorch_model", "diffusion_pytorch_model"];

/// Everything the headers say. `name` wins over what the files are called.
///
/// # Errors
/// The sources', from hashing the headers.
pub async fn summary(checkpoint: &Checkpoint, matrices: &[MatrixRef], name: Option<String>) -> Result<Summary, CheckpointError> {
    let files: Vec<(String, f64)> = checkpoint.files.iter().map(|f| (f.name().to_owned(), f.len() as f64)).collect();
    let first = files.first().map_or("", |f| f.0.as_str());
    Ok(Summary {
        name: name.unwrap_or_else(|| name_of(first)),
        family: checkpoint.family,
        architecture: checkpoint.settings.architecture.clone().unwrap_or_default(),
        blocks: checkpoint.blocks,
        bytes: files.iter().map(|f| f.1).sum(),
        header_bytes: checkpoint.header_bytes as f64,
        tensors: rows(checkpoint),
        matrices: matrices.to_vec(),
        config: checkpoint.settings.rows(),
        metadata: checkpoint.metadata.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        notes: checkpoint.notes.clone(),
        header_hash: header_hash(checkpoint).await?,
        address: checkpoint.files.iter().find_map(|f| f.address()).map(str::to_owned),
        files,
    })
}

fn rows(checkpoint: &Checkpoint) -> Vec<TensorRow> {
    checkpoint
        .tensors
        .iter()
        .map(|t| TensorRow {
            name: t.name.clone(),
            dtype: t.dtype.name().to_owned(),
            readable: t.dtype.is_readable(),
            shape: t.shape.iter().map(|&d| d as f64).collect(),
            elements: t.elements() as f64,
            bytes: t.bytes() as f64,
            role: t.role,
            block: t.block,
            expert: t.expert,
            file: t.file as u32,
        })
        .collect()
}

/// SHA-256 over the headers (length and JSON) of all files in order, in hex.
async fn header_hash(checkpoint: &Checkpoint) -> Result<String, CheckpointError> {
    let mut hash = Sha256::new();
    for file in 0..checkpoint.files.len() {
        hash.update(checkpoint.read_header(file).await?);
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// `shakespeare-llama/model.safetensors` and `shakespeare-llama.safetensors` are both `shakespeare-llama`.
pub fn name_of(path: &str) -> String {
    let mut parts = path.rsplit(['/', '\\']).filter(|p| !p.is_empty());
    let file = parts.next().unwrap_or(path);
    let stem = file.strip_suffix(".safetensors").unwrap_or(file);
    // `model-00001-of-00003`
    let digits = |s: &str| s.len() == 5 && s.bytes().all(|b| b.is_ascii_digit());
    let stem = match stem.rsplit_once("-of-") {
        Some((front, of)) if digits(of) => front.rsplit_once('-').filter(|(_, n)| digits(n)).map_or(stem, |(s, _)| s),
        _ => stem,
    };
    match parts.next() {
        Some(folder) if PLAIN.contains(&stem) => folder.to_owned(),
        _ => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn names_for_people() {
        for (path, name) in [
            ("model.safetensors", "model"),
            ("shakespeare-llama/model.safetensors", "shakespeare-llama"),
            ("a/b/resnet32-cifar10.safetensors", "resnet32-cifar10"),
            ("olmo/model-00001-of-00003.safetensors", "olmo"),
            ("pythia-00001-of-00003.safetensors", "pythia"),
            ("best-of-both.safetensors", "best-of-both"),
            ("", ""),
        ] {
            assert_eq!(name_of(path), name, "{path}");
        }
    }
}
