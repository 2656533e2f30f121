//! Every malformed file of the corpus gives its own message, and a fuzzer that starts from them and from whole files finds nothing that panics.
//!
//! `ESPALIER_FUZZ_RUNS=10000000 cargo test --workspace --test nets -- corpus::fuzz --nocapture` runs longer; `ESPALIER_FUZZ_SEED` starts elsewhere.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::BTreeSet;
use std::time::Instant;

use espalier_nets::checkpoint::{Checkpoint, Dtype};
use espalier_nets::testing::corpus::malformed;
use espalier_nets::testing::{Builder, source};
use pollster::block_on;

#[test]
fn every_malformed_file_has_its_own_message() {
    let all = malformed();
    assert!(all.len() >= 60, "{} files", all.len());
    let mut wrong = Vec::new();
    let mut names = BTreeSet::new();
    let mut messages = BTreeSet::new();
    for m in &all {
        assert!(names.insert(m.name), "{} twice", m.name);
        let Err(e) = block_on(Checkpoint::open(vec![source(m.file, &m.bytes)])) else {
            wrong.push(format!("{}: it was opened", m.name));
            continue;
        };
        for part in [e.what(), e.why(), e.advice()] {
            assert!(part.len() > 10 && part.len() < 1200, "{}: {part}", m.name);
        }
        let text = e.to_string();
        if !text.contains(m.says) {
            wrong.push(format!("{}: {:?} is not in: {text}", m.name, m.says));
        }
        messages.insert(text);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} files, {} different messages", all.len(), messages.len());
}

/// splitmix64: the same runs for the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next() % n as u64) as usize }
    }
    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

const TOKENS: [&str; 34] = [
    "{", "}", "[", "]", ",", ":", "\"", "null", "true", "-1", "1e999", "0", "1", "4", "18446744073709551615", "18446744073709551616", "9223372036854775808", "4294967296", "1.5", "\"F32\"", "\"F16\"", "\"BF16\"", "\"F4\"", "\"BOOL\"", "\"dtype\"",
    "\"shape\"", "\"data_offsets\"", "\"__metadata__\"", "\"model.layers.0.mlp.experts.gate_up_proj\"", "\"h.0.attn.c_attn.weight\"", "\\u0000", "\\ud800", "é", " ",
];

const NAMES: [&str; 8] = ["model.layers.0.self_attn.q_proj.weight", "h.0.attn.c_attn.weight", "model.layers.1.mlp.experts.3.w1.weight", "mlp.experts.gate_up_proj", "layer1.0.conv1.weight", "model.layers.4294967295.mlp.gate.weight", "w", ""];

/// A file that is well formed or nearly so.
fn whole(dice: &mut Dice) -> Vec<u8> {
    let mut b = Builder::new();
    let count = dice.below(4);
    for i in 0..count {
        let dtype = dice.of(Dtype::ALL);
        let rank = dice.below(5);
        let mut shape: Vec<u64> = (0..rank).map(|_| dice.below(4) as u64).collect();
        if !dtype.bits().is_multiple_of(8) {
            shape.push(8);
        }
        let bytes = dtype.bytes(shape.iter().product()).unwrap_or(0) as usize;
        let data: Vec<u8> = (0..bytes).map(|_| dice.next() as u8).collect();
        let name = format!("{}{}", dice.of(&NAMES), if dice.below(8) == 0 { String::new() } else { i.to_string() });
        b = b.raw(&name, dtype.name(), &shape, &data);
    }
    if dice.below(4) == 0 {
        b = b.metadata("format", "pt");
    }
    b.build()
}

/// One change that keeps the structure, or breaks it in one place.
fn change(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    match dice.below(9) {
        0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        1 if at < bytes.len() => bytes[at] = dice.next() as u8,
        2 => bytes.truncate(at),
        3 => {
            let n = dice.below(9);
            bytes.splice(at..at, (0..n).map(|_| b' '));
        }
        4 | 5 => {
            let end = (at + dice.below(6)).min(bytes.len());
            bytes.splice(at..end, dice.of(&TOKENS).bytes());
        }
        6 if bytes.len() >= 8 => {
            let n = dice.of(&[0, 1, 2, 8, 100, bytes.len() as u64 - 8, bytes.len() as u64, 99_999_999, 100_000_001, 1 << 32, 1 << 63, u64::MAX]);
            bytes[..8].copy_from_slice(&n.to_le_bytes());
        }
        // One number of the header becomes another.
        7 => {
            let digits: Vec<usize> = (8..bytes.len().min(400)).filter(|&i| bytes[i].is_ascii_digit()).collect();
            if !digits.is_empty() {
                let start = dice.of(&digits);
                let end = (start..bytes.len()).find(|&i| !bytes[i].is_ascii_digit()).unwrap_or(bytes.len());
                bytes.splice(start..end, dice.of(&TOKENS[11..18]).bytes());
            }
        }
        _ => {
            let from = dice.below(bytes.len());
            let part: Vec<u8> = bytes[from..(from + dice.below(24)).min(bytes.len())].to_vec();
            bytes.splice(at..at, part);
        }
    }
}

/// The header's length made right again, so that the changes reach the parser behind it.
fn mend(bytes: &mut [u8], dice: &mut Dice) {
    if bytes.len() > 8 && dice.below(3) > 0 {
        let end = bytes.iter().rposition(|b| *b == b'}').map_or(bytes.len(), |i| i + 1).max(8);
        bytes[..8].copy_from_slice(&(end as u64 - 8).to_le_bytes());
    }
}

/// Opens and, where that works, reads everything; says whether it opened.
fn exercise(file: &str, bytes: &[u8]) -> bool {
    match block_on(Checkpoint::open(vec![source(file, bytes)])) {
        Ok(c) => {
            let mut end = 0;
            for (i, t) in c.tensors.iter().enumerate() {
                assert!(t.range.start <= t.range.end && t.range.end <= bytes.len() as u64, "inside the file");
                assert!(t.range.is_empty() || t.range.start >= end, "no two share a byte");
                end = end.max(t.range.end);
                assert_eq!(t.dtype.bytes(t.elements()), Some(t.bytes()));
                if let Ok(values) = block_on(c.read_f32(i)) {
                    assert_eq!(values.len() as u64, t.elements());
                }
            }
            for m in c.matrices() {
                let w = block_on(c.read_matrix(&m)).expect("a matrix that is listed can be read");
                assert_eq!([w.nrows() as u64, w.ncols() as u64], m.shape);
                assert!(m.block.is_none_or(|b| b < c.blocks));
            }
            true
        }
        Err(e) => {
            let parts = [e.what(), e.why(), e.advice()];
            assert!(parts.iter().all(|p| !p.is_empty() && p.len() < 4000), "{parts:?}");
            assert!(!parts.concat().chars().any(|c| c.is_control()), "{parts:?}");
            false
        }
    }
}

#[test]
fn fuzz_the_reader() {
    let number = |key: &str, default: u64| std::env::var(key).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (runs, seed) = (number("ESPALIER_FUZZ_RUNS", 100_000), number("ESPALIER_FUZZ_SEED", 1));
    let corpus = malformed();
    let mut dice = Dice(seed);
    let (mut opened, start) = (0u64, Instant::now());
    for run in 0..runs {
        let pick = dice.below(4);
        let (file, mut bytes) = if pick == 0 {
            let m = &corpus[dice.below(corpus.len())];
            (m.file, m.bytes.clone())
        } else {
            ("m.safetensors", whole(&mut dice))
        };
        for _ in 0..dice.below(5) {
            change(&mut bytes, &mut dice);
        }
        if pick != 0 {
            mend(&mut bytes, &mut dice);
        }
        let outcome = std::panic::catch_unwind(|| exercise(file, &bytes));
        match outcome {
            Ok(open) => opened += u64::from(open),
            Err(_) => panic!("run {run} of seed {seed}: {file}: {:?}", String::from_utf8_lossy(&bytes)),
        }
    }
    println!("{runs} runs in {:.1} s, {opened} files were opened", start.elapsed().as_secs_f64());
    assert!(opened > runs / 100 && opened < runs, "the mutations reach both ends: {opened} of {runs}");
}
