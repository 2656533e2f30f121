//! The checkpoints made for this project, as they lie in `ESPALIER_SHARED`.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

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

#[test]
fn shakespeare_moe() {
    let Some(c) = open("checkpoints/shakespeare-moe") else { return };
    assert_eq!((c.family, c.blocks, c.tensors.len()), (Family::Qwen2Moe, 5, 313));
    assert_eq!(c.tensors.iter().map(|t| t.elements()).sum::<u64>(), 2_684_800);
    assert!(c.notes.is_empty(), "{:?}", c.notes);
    let matrices = c.matrices();
    let of = |role| matrices.iter().filter(|m| m.role == role).count();
    assert_eq!((of(Role::Q), of(Role::Gate), of(Role::Router), of(Role::Embedding), of(Role::Head)), (5, 5 * 17, 10, 1, 1));
    assert_eq!(matrices.iter().filter(|m| m.shared).count(), 5 * 4);
    assert_eq!(matrices.iter().filter_map(|m| m.expert).max(), Some(15));
    assert_eq!(matrices.iter().filter(|m| m.prunable).count(), 5 * (4 + 17 * 3));
    assert_eq!((c.settings.experts, c.settings.experts_per_token, c.settings.shared_width), (Some(16), Some(4), Some(128)));
}

#[test]
fn resnets() {
    for (name, tensors, elements, blocks) in [("resnet20", 97, 271_098, 9), ("resnet32", 157, 466_426, 15)] {
        let Some(c) = open(&format!("checkpoints/{name}-cifar10.safetensors")) else { return };
        assert_eq!((c.family, c.blocks, c.tensors.len()), (Family::ResNet, blocks, tensors));
        assert_eq!(c.tensors.iter().map(|t| t.elements()).sum::<u64>(), elements);
        let convs: Vec<_> = c.matrices().into_iter().filter(|m| m.role == Role::Conv).collect();
        assert_eq!(convs.len() as u32, 2 * blocks + 1);
        assert!(convs.iter().all(|m| m.prunable));
        let last = convs.iter().find(|m| m.block == Some(blocks - 1)).unwrap();
        assert_eq!(last.shape, [64, 576]);
        assert!(c.tensors.iter().any(|t| t.role == Role::Head && t.shape == [10, 64]));
    }
}

#[test]
fn models_among_the_fixtures() {
    for (path, family) in [
        ("fixtures/lowrank-moe/cdmoe_deepseek_model", Family::DeepSeekMoe),
        ("fixtures/lowrank-moe/cdmoe_qwen2moe_model", Family::Qwen2Moe),
        ("fixtures/lowrank-moe/welore_llama_tiny", Family::Llama),
    ] {
        let Some(c) = open(path) else { return };
        assert_eq!((c.family, Some(u64::from(c.blocks))), (family, c.settings.layers), "{path}");
        assert!(c.settings.rope_theta.is_some() && c.settings.dtype.is_some(), "{path}: {:?}", c.settings);
        for m in c.matrices() {
            let w = block_on(c.read_matrix(&m)).unwrap();
            assert_eq!([w.nrows() as u64, w.ncols() as u64], m.shape);
        }
    }
}

/// Every safetensors file of the fixtures opens and every tensor that can be decoded is.
#[test]
fn all_fixture_files_open() {
    let Some(root) = shared("fixtures") else { return };
    let mut folders = vec![root];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "safetensors") {
                let c = block_on(Checkpoint::open(sources_at(&[&path]).unwrap())).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                for (i, t) in c.tensors.iter().enumerate() {
                    assert_eq!(block_on(c.read_f32(i)).unwrap().len() as u64, t.elements(), "{}", t.name);
                }
                files += 1;
            }
        }
    }
    assert!(files > 0, "no fixture was found");
}
