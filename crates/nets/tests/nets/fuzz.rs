//! Random files: whole ones come back as they were made, broken ones give an error and never a panic.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::BTreeMap;

use espalier_nets::checkpoint::{Checkpoint, Dtype};
use espalier_nets::testing::{Builder, source};
use pollster::block_on;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn dtype() -> impl Strategy<Value = Dtype> {
    (0..Dtype::ALL.len()).prop_map(|i| Dtype::ALL[i])
}

/// A type, a shape of few elements, and its bytes.
fn tensor() -> impl Strategy<Value = (Dtype, Vec<u64>, Vec<u8>)> {
    (dtype(), vec(0u64..5, 0..4)).prop_flat_map(|(d, mut shape)| {
        // Packed types need a whole number of bytes.
        if !d.bits().is_multiple_of(8) {
            shape.push(4);
        }
        let bytes = d.bytes(shape.iter().product()).unwrap() as usize;
        vec(any::<u8>(), bytes).prop_map(move |b| (d, shape.clone(), b))
    })
}

fn file() -> impl Strategy<Value = BTreeMap<String, (Dtype, Vec<u64>, Vec<u8>)>> {
    let name = prop_oneof![
        "\\PC{1,20}",
        "(model\\.)?layers\\.[0-9]{1,2}\\.(self_attn\\.[qkvo]_proj|mlp\\.experts\\.[0-9]\\.w[123]|mlp\\.gate)\\.(weight|bias)",
        "h\\.[0-9]\\.attn\\.c_(attn|proj)\\.weight",
        "layer[1-4]\\.[0-9]\\.conv[12]\\.weight",
        "mlp\\.experts\\.(gate_up|down)_proj",
    ];
    btree_map(name.prop_filter("reserved", |n| n != "__metadata__"), tensor(), 0..12)
}

fn build(file: &BTreeMap<String, (Dtype, Vec<u64>, Vec<u8>)>) -> Builder {
    file.iter().fold(Builder::new(), |b, (n, (d, s, bytes))| b.raw(n, d.name(), s, bytes))
}

/// Opens and, where that works, reads everything.
fn exercise(bytes: &[u8]) {
    match block_on(Checkpoint::open(vec![source("x.safetensors", bytes)])) {
        Ok(c) => {
            for i in 0..c.tensors.len() {
                let _ = block_on(c.read_f32(i));
            }
            for m in c.matrices() {
                let w = block_on(c.read_matrix(&m)).expect("a matrix that is listed can be read");
                assert_eq!([w.nrows() as u64, w.ncols() as u64], m.shape);
                assert!(m.block.is_none_or(|b| b < c.blocks));
            }
        }
        Err(e) => assert!(!e.what().is_empty() && !e.why().is_empty() && !e.advice().is_empty()),
    }
}

proptest! {
    #[test]
    fn whole_files_come_back(file in file()) {
        let bytes = build(&file).build();
        let c = block_on(Checkpoint::open(vec![source("x.safetensors", &bytes)])).unwrap();
        prop_assert_eq!(c.tensors.len(), file.len());
        for (i, t) in c.tensors.iter().enumerate() {
            let (d, shape, data) = &file[&t.name];
            prop_assert_eq!((&t.dtype, &t.shape), (d, shape));
            prop_assert_eq!(&block_on(c.read_bytes(i, 0..t.bytes())).unwrap(), data);
        }
        exercise(&bytes);
    }

    #[test]
    fn garbage_is_an_error(bytes in vec(any::<u8>(), 0..600)) {
        exercise(&bytes);
    }

    #[test]
    fn garbage_behind_a_plausible_length_is_an_error(mut bytes in vec(any::<u8>(), 9..600)) {
        let n = bytes.len() as u64 - 8;
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        bytes[8] = b'{';
        exercise(&bytes);
    }

    #[test]
    fn changed_bytes_never_panic(file in file(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = build(&file).build();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        exercise(&bytes);
    }

    #[test]
    fn changed_numbers_never_panic(file in file(), at in any::<prop::sample::Index>(), number in prop_oneof![Just(u64::MAX), Just(1 << 40), Just(1 << 63), 0u64..100]) {
        // One number of the header becomes another.
        let builder = build(&file);
        let header = builder.header();
        let spans: Vec<(usize, usize)> = {
            let b = header.as_bytes();
            let starts = (0..b.len()).filter(|&i| b[i].is_ascii_digit() && (i == 0 || !b[i - 1].is_ascii_digit()));
            starts.map(|s| (s, (s..b.len()).find(|&i| !b[i].is_ascii_digit()).unwrap_or(b.len()))).collect()
        };
        if spans.is_empty() {
            return Ok(());
        }
        let (s, e) = spans[at.index(spans.len())];
        let header = format!("{}{number}{}", &header[..s], &header[e..]);
        let whole = builder.build();
        let data = &whole[8 + u64::from_le_bytes(*whole.first_chunk().unwrap()) as usize..];
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        exercise(&bytes);
    }

    #[test]
    fn cut_files_never_panic(file in file(), keep in any::<prop::sample::Index>()) {
        let bytes = build(&file).build();
        exercise(&bytes[..keep.index(bytes.len())]);
    }

    #[test]
    fn an_index_or_configuration_of_garbage_never_panics(json in "[\\[\\]{}:,\"a-z0-9_]{0,60}") {
        let weights = Builder::new().made_up("a.weight", &[2, 2]);
        let shards = vec![source("model.safetensors.index.json", json.as_bytes()), source("config.json", json.as_bytes()), weights.source("model-1-of-1.safetensors")];
        let _ = block_on(Checkpoint::open(shards));
    }
}
