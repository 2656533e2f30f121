//! Seeded inputs, and what should come out, computed here in float64 by other means than those that are measured.

use std::fs;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result};
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::MemorySource;
use espalier_tests::places;
use faer::Mat;
use ndarray::{Array2, ArrayView2};
use serde_json::Value;

use super::items::{CHECKPOINTS, Item};
use super::{forward, step};

/// Writes the files of one item, unless an earlier run left them: they are the same each time.
pub fn make(folder: &Path, item: &Item) -> Result<()> {
    let expected = folder.join(format!("{}.expected.bin", item.name));
    if expected.exists() || matches!(item.spec["kind"].as_str(), Some("startup" | "figures")) {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let sizes = |key: &str| -> Vec<usize> { item.spec["inputs"][key].as_array().into_iter().flatten().filter_map(Value::as_u64).map(|n| n as usize).collect() };
    let input = |key: &str, bytes: &[u8]| fs::write(folder.join(format!("{}.{key}.bin", item.name)), bytes);
    let out = match item.spec["kind"].as_str() {
        Some("gemm") => {
            let n = sizes("a")[0];
            let (a, b) = (uniform(n * n, 1), uniform(n * n, 2));
            let form = item.spec["form"].as_str().unwrap_or_default();
            // The same product in all forms: its factors lie turned round in memory.
            input("a", &bytes(if form == "tn" { turned(&a, n) } else { a.clone() }))?;
            input("b", &bytes(if form == "nt" { turned(&b, n) } else { b.clone() }))?;
            bytes64(&product(&a, &b, n))
        }
        Some("svd") => {
            let [m, n] = sizes("a")[..] else { anyhow::bail!("a matrix") };
            let a = graded(m, n);
            input("a", &bytes(a.clone()))?;
            bytes64(&singular_values(ArrayView2::from_shape((m, n), &a)?)?)
        }
        Some("select") => {
            let [rows, cols] = sizes("a")[..] else { anyhow::bail!("a matrix") };
            let prune = item.spec["prune"].as_u64().unwrap_or_default() as usize;
            // bfloat16-valued, as weights of real checkpoints are, so that there are ties.
            let a: Vec<f32> = uniform(rows * cols, 5).into_iter().map(|v| f32::from_bits(v.to_bits() & 0xffff_0000)).collect();
            let mask = smallest(&a, cols, prune);
            input("a", &bytes(a))?;
            mask.iter().flat_map(|v| v.to_le_bytes()).collect()
        }
        Some("step") => {
            let (x, mut t) = (uniform(step::BATCH * step::LAYERS[0], 11), uniform(step::BATCH * step::LAYERS[3], 12));
            for row in t.chunks_mut(step::LAYERS[3]) {
                let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
                row.iter_mut().for_each(|v| *v /= norm);
            }
            input("x", &bytes(x.clone()))?;
            input("t", &bytes(t.clone()))?;
            let mut p = Vec::new();
            for (i, w) in step::LAYERS.windows(2).enumerate() {
                // Even numbers with the variance 2 / inputs.
                let reach = (6.0 / w[0] as f32).sqrt();
                let weights: Vec<f32> = uniform(w[0] * w[1], 13 + i as u64).into_iter().map(|v| reach * v).collect();
                input(&format!("p{}", 2 * i), &bytes(weights.clone()))?;
                input(&format!("p{}", 2 * i + 1), &bytes(vec![0.0; w[1]]))?;
                p.extend([wide(w[0], w[1], &weights)?, wide(1, w[1], &vec![0.0; w[1]])?]);
            }
            bytes64(&step::losses(&wide(step::BATCH, step::LAYERS[0], &x)?, &wide(step::BATCH, step::LAYERS[3], &t)?, p))
        }
        Some("forward") => {
            let folder = places::repository().join("assets/checkpoints/shakespeare-llama");
            for (key, name) in [("file", "model.safetensors"), ("config", "config.json")] {
                input(key, &fs::read(folder.join(name))?)?;
            }
            let tokens = forward::tokens(&fs::read(folder.join("tokenizer.json"))?, &fs::read_to_string(places::repository().join("assets/texts/plays-heldout.txt"))?)?;
            input("tokens", &tokens.iter().flat_map(|t| t.to_le_bytes()).collect::<Vec<u8>>())?;
            bytes64(&forward::nats(&open(fs::read(folder.join("model.safetensors"))?)?, &fs::read(folder.join("config.json"))?, &tokens)?)
        }
        Some("spectra") => {
            let (_, file) = CHECKPOINTS.iter().find(|c| c.0 == item.name).context("a known checkpoint")?;
            let path = places::shared().join(file);
            let file = fs::read(&path).with_context(|| path.display().to_string())?;
            input("file", &file)?;
            bytes64(&spectra(file)?.concat())
        }
        other => anyhow::bail!("no inputs for {other:?}"),
    };
    // Last, so that its presence means that all is there.
    fs::write(expected, out).map_err(Into::into)
}

/// Numbers of matrices' singular values, in order, for comparing each matrix on its own scale.
pub fn groups(item: &Item) -> Result<Option<Vec<usize>>> {
    let Some((_, file)) = CHECKPOINTS.iter().find(|c| c.0 == item.name) else { return Ok(None) };
    let checkpoint = open(fs::read(places::shared().join(file))?)?;
    Ok(Some(checkpoint.matrices().iter().map(|m| m.shape[0].min(m.shape[1]) as usize).collect()))
}

fn open(file: Vec<u8>) -> Result<Checkpoint> {
    Ok(pollster::block_on(Checkpoint::open(vec![Rc::new(MemorySource::new("model.safetensors", file))]))?)
}

fn spectra(file: Vec<u8>) -> Result<Vec<Vec<f64>>> {
    let checkpoint = open(file)?;
    checkpoint.matrices().iter().map(|m| singular_values(pollster::block_on(checkpoint.read_matrix(m))?.view())).collect()
}

/// By bidiagonalisation of the matrix itself: nothing is squared, every value is right to about 1e-15 of the largest.
fn singular_values(a: ArrayView2<'_, f32>) -> Result<Vec<f64>> {
    let a = Mat::from_fn(a.nrows(), a.ncols(), |i, j| f64::from(a[[i, j]]));
    a.singular_values().map_err(|e| anyhow::anyhow!("no singular values: {e:?}"))
}

/// A·B by the formula.
fn product(a: &[f32], b: &[f32], n: usize) -> Vec<f64> {
    let mut c = vec![0.0; n * n];
    for (row, out) in a.chunks(n).zip(c.chunks_mut(n)) {
        for (&x, other) in row.iter().zip(b.chunks(n)) {
            out.iter_mut().zip(other).for_each(|(sum, &y)| *sum += f64::from(x) * f64::from(y));
        }
    }
    c
}

/// Mask of the `k` smallest magnitudes of each row, by a stable sort.
fn smallest(a: &[f32], cols: usize, k: usize) -> Vec<u32> {
    let mut mask = vec![0; a.len()];
    for (row, out) in a.chunks(cols).zip(mask.chunks_mut(cols)) {
        let mut order: Vec<usize> = (0..cols).collect();
        order.sort_by(|&i, &j| row[i].abs().total_cmp(&row[j].abs()));
        order[..k].iter().for_each(|&i| out[i] = 1);
    }
    mask
}

fn wide(rows: usize, cols: usize, values: &[f32]) -> Result<Array2<f64>> {
    Ok(Array2::from_shape_vec((rows, cols), values.iter().copied().map(f64::from).collect())?)
}

fn turned(a: &[f32], n: usize) -> Vec<f32> {
    (0..n * n).map(|at| a[at % n * n + at / n]).collect()
}

/// Seeded numbers in [−1, 1).
fn uniform(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

/// An m×n matrix (m ≤ n) whose singular values fall from 1 to 1e-5 on a log scale: a diagonal between products of reflections.
fn graded(m: usize, n: usize) -> Vec<f32> {
    let mut a = vec![0.0f64; m * n];
    for i in 0..m {
        a[i * n + i] = 10f64.powf(-5.0 * i as f64 / (m - 1) as f64);
    }
    let unit = |len: usize, seed| {
        let v: Vec<f64> = uniform(len, seed).into_iter().map(f64::from).collect();
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        v.into_iter().map(|x| x / norm).collect::<Vec<_>>()
    };
    for round in 0..24 {
        let (u, v) = (unit(m, 100 + round), unit(n, 200 + round));
        let mut left = vec![0.0; n];
        for (row, &ui) in a.chunks(n).zip(&u) {
            left.iter_mut().zip(row).for_each(|(l, &x)| *l += ui * x);
        }
        for (row, &ui) in a.chunks_mut(n).zip(&u) {
            row.iter_mut().zip(&left).for_each(|(x, &l)| *x -= 2.0 * ui * l);
            let dot: f64 = row.iter().zip(&v).map(|(x, y)| x * y).sum();
            row.iter_mut().zip(&v).for_each(|(x, &y)| *x -= 2.0 * dot * y);
        }
    }
    a.into_iter().map(|v| v as f32).collect()
}

fn bytes(values: Vec<f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

fn bytes64(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
