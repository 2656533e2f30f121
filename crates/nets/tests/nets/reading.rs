//! What is read, and how fast a long header is.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use espalier_nets::checkpoint::{Checkpoint, Dtype};
use espalier_nets::testing::{Builder, Watched};
use pollster::block_on;

#[test]
fn opening_reads_the_header_only_and_a_tensor_its_bytes_only() {
    let b = Builder::new().made_up("model.layers.0.self_attn.q_proj.weight", &[40, 50]).made_up("model.layers.0.mlp.experts.gate_up_proj", &[3, 8, 40]);
    let file = Watched::new("model.safetensors", &b.values("lm_head.weight", Dtype::BF16, &[30, 40], &[0.5; 1200]).build());
    let c = block_on(Checkpoint::open(vec![file.clone()])).unwrap();
    let reads = file.reads.take();
    assert!(reads.len() <= 2, "{reads:?}");
    assert_eq!(reads.iter().map(|r| r.end - r.start).sum::<u64>(), c.header_bytes);
    assert!(c.header_bytes <= c.headers[0].end.max(512));
    assert_eq!(block_on(c.read_header(0)).unwrap().len() as u64, c.headers[0].end);
    file.reads.take();
    for m in c.matrices() {
        let t = &c.tensors[m.tensor];
        block_on(c.read_matrix(&m)).unwrap();
        let width = t.dtype.bits() / 8;
        let at = t.range.start + u64::from(m.slice.unwrap_or(0)) * m.elements() * width;
        assert_eq!(file.reads.take(), vec![at..at + m.elements() * width], "{}", m.label());
    }
}

#[test]
fn large_tensors_are_read_by_pieces() {
    // 2^24 + 3 bytes of I8 stay one piece; 2^23 + 1 doubles are three pieces of at most 32 MiB.
    let n = (1u64 << 23) + 1;
    let bytes: Vec<u8> = (0..n).flat_map(|i| (i as f64).to_le_bytes()).collect();
    let file = Watched::new("model.safetensors", &Builder::new().raw("a", "F64", &[n], &bytes).build());
    let c = block_on(Checkpoint::open(vec![file.clone()])).unwrap();
    file.reads.take();
    let values = block_on(c.read_f32(0)).unwrap();
    assert!(values.iter().enumerate().all(|(i, v)| *v == i as f32));
    let reads = file.reads.take();
    assert_eq!(reads.len(), 3);
    assert!(reads.windows(2).all(|w| w[0].end == w[1].start) && reads[0].start == c.tensors[0].range.start && reads[2].end == c.tensors[0].range.end);
    assert_eq!(block_on(c.read_part(0, 5..8)).unwrap(), [5.0, 6.0, 7.0]);
    assert_eq!(file.reads.take(), vec![c.tensors[0].range.start + 40..c.tensors[0].range.start + 64]);
}

#[test]
fn a_header_of_ten_thousand_tensors_opens_quickly() {
    let mut b = Builder::new();
    for layer in 0..50 {
        for e in 0..66 {
            for p in ["gate_proj", "up_proj", "down_proj"] {
                b = b.raw(&format!("model.layers.{layer}.mlp.experts.{e}.{p}.weight"), "F16", &[2, 2], &[0; 8]);
            }
        }
        b = b.raw(&format!("model.layers.{layer}.mlp.gate.weight"), "F16", &[66, 2], &[0; 264]);
    }
    let bytes: std::rc::Rc<[u8]> = b.build().into();
    // The best of ten: the machine may be busy with other tests.
    let mut best = f64::INFINITY;
    for _ in 0..10 {
        let start = std::time::Instant::now();
        let c = block_on(Checkpoint::from_bytes("model.safetensors", bytes.clone())).unwrap();
        best = best.min(start.elapsed().as_secs_f64());
        assert_eq!((c.tensors.len(), c.matrices().len(), c.blocks), (9950, 9950, 50));
    }
    println!("9950 tensors: {:.1} ms", best * 1e3);
    assert!(best < 0.1, "{best} s");
}
