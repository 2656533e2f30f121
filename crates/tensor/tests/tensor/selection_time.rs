//! How long exact selection of half of every row takes on the CPU. Run by hand: `cargo test --release -p espalier-tensor --test tensor -- half_of_4096 --ignored --nocapture`.

use std::time::Instant;

use espalier_tensor::ops::select::{By, KSmallest, RowSmallest};
use espalier_tensor::{Array, Op};

#[test]
#[ignore = "a measurement, not a test"]
fn half_of_4096_rows_of_4096() {
    let n = 4096;
    // bfloat16 values, so that ties occur.
    let word = |i: u32| i.wrapping_mul(0x9e37_79b9).rotate_left(13).wrapping_mul(0x85eb_ca6b);
    let x: Vec<f32> = (0..(n * n) as u32).map(|i| f32::from_bits((word(i) as f32 / 4.0e9 - 0.5).to_bits() & 0xffff_0000)).collect();
    let x = Array::from_f32(&[n, n], x);
    for _ in 0..5 {
        let start = Instant::now();
        let mask = RowSmallest { k: n / 2, by: By::Magnitude }.cpu(&[&x]);
        let rows = start.elapsed();
        assert_eq!(mask.u32().sum() as usize, n * n / 2);
        let start = Instant::now();
        let mask = KSmallest::magnitude(n * n / 2).cpu(&[&x]);
        assert_eq!(mask.u32().sum() as usize, n * n / 2);
        println!("rows {rows:?}, whole {:?}", start.elapsed());
    }
}
