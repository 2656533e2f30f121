//! The checkpoints made for this project, as they lie in `ESPALIER_SHARED`.

use espalier_nets::checkpoint::{Checkpoint, Dtype, Family, Role, sources_at};
use espalier_nets::testing::shared;
use pollster::block_on;

fn open(path: &str) -> Option<Checkpoint> {
    let path = shared(path)?;
    Some(block_on(Checkpoint::open(sources_at(&[path]).unwrap())).unwrap())
}

#[test]
fn shakespeare_llama() {
    let Some(c) = open("checkpoints/shakespeare-llama") else { return };
    assert_eq!((c.family, c.blocks, c.tensors.len()), (Family::Llama, 5, 48));
    assert_eq!(c.tensors.iter().map(|t| t.elements()).sum::<u64>(), 1_714_400);
    assert!(c.tensors.iter().all(|t| t.dtype == Dtype::F16));
    assert!(c.notes.is_empty(), "{:?}", c.notes);
    assert!(c.header_bytes < 8_000, "{}", c.header_bytes);
    let matrices = c.matrices();
    assert_eq!(matrices.len(), 5 * 7 + 2);
    assert_eq!(matrices.iter().filter(|m| m.prunable).count(), 5 * 7);
    let q = matrices.iter().find(|m| m.name == "model.layers.3.self_attn.q_proj.weight").unwrap();
    assert_eq!((q.role, q.block, q.shape, q.transposed), (Role::Q, Some(3), [160, 160], false));
    let w = block_on(c.read_matrix(q)).unwrap();
    assert_eq!(w.dim(), (160, 160));
    assert!(w.iter().all(|v| v.is_finite()) && w.iter().any(|v| *v != 0.0));
    assert_eq!((c.settings.hidden, c.settings.rope_theta, c.settings.dtype.as_deref()), (Some(160), Some(10000.0), Some("float16")));
}
