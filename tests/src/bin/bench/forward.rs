//! The forward of a Llama in float64, formula by formula, for what the loss of each next token should be.

use anyhow::{Context, Result};
use espalier_nets::Checkpoint;
use ndarray::{Array2, Axis, s};
use serde_json::Value;

/// Windows in a batch.
pub const WINDOWS: usize = 16;
/// Tokens in a window.
pub const LENGTH: usize = 128;

type Matrix = Array2<f64>;

/// The first tokens of a plain text, always the longest word that fits: not the tokenizer's own way, but words that the model knows in an order that it expects.
pub fn tokens(tokenizer: &[u8], text: &str) -> Result<Vec<u32>> {
    let tokenizer: Value = serde_json::from_slice(tokenizer)?;
    // Byte-level vocabularies write spaces and ends of lines so.
    let text = text.replace(' ', "Ġ").replace('\n', "Ċ");
    let mut rest = &text[..];
    (0..WINDOWS * LENGTH)
        .map(|_| {
            let word = (1..=24).rev().filter_map(|n| rest.get(..n)).find_map(|word| Some((word, tokenizer["model"]["vocab"][word].as_u64()?)));
            let (word, id) = word.with_context(|| format!("no word begins {:?}", rest.get(..8)))?;
            rest = &rest[word.len()..];
            Ok(id as u32)
        })
        .collect()
}

/// Negative log-likelihood of every token but the first of each window.
pub fn nats(checkpoint: &Checkpoint, config: &[u8], tokens: &[u32]) -> Result<Vec<f64>> {
    let config: Value = serde_json::from_slice(config)?;
    let size = |key: &str| config[key].as_u64().map(|n| n as usize).with_context(|| key.to_owned());
    let model = Llama {
        checkpoint,
        heads: size("num_attention_heads")?,
        shared: size("num_attention_heads")? / size("num_key_value_heads")?,
        blocks: size("num_hidden_layers")?,
        epsilon: config["rms_norm_eps"].as_f64().context("rms_norm_eps")?,
        theta: config["rope_parameters"]["rope_theta"].as_f64().context("rope_theta")?,
    };
    let mut out = Vec::new();
    for window in tokens.chunks(LENGTH) {
        let logits = model.logits(window)?;
        for (row, &next) in logits.rows().into_iter().zip(&window[1..]) {
            let most = row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
            out.push(most + row.fold(0.0, |sum, v| sum + (v - most).exp()).ln() - row[next as usize]);
        }
    }
    Ok(out)
}

struct Llama<'a> {
    checkpoint: &'a Checkpoint,
    heads: usize,
    /// Query heads that share a key head.
    shared: usize,
    blocks: usize,
    epsilon: f64,
    theta: f64,
}

impl Llama<'_> {
    fn tensor(&self, name: &str) -> Result<Matrix> {
        let at = self.checkpoint.find(name).with_context(|| name.to_owned())?;
        let shape = &self.checkpoint.tensors[at].shape;
        let (rows, cols) = if let [rows, cols] = shape[..] { (rows, cols) } else { (1, shape[0]) };
        let values = pollster::block_on(self.checkpoint.read_part(at, 0..rows * cols))?;
        Ok(Matrix::from_shape_vec((rows as usize, cols as usize), values.into_iter().map(f64::from).collect())?)
    }

    fn linear(&self, x: &Matrix, name: &str) -> Result<Matrix> {
        Ok(x.dot(&self.tensor(name)?.t()))
    }

    fn norm(&self, x: &Matrix, name: &str) -> Result<Matrix> {
        let size = (x.mapv(|v| v * v).sum_axis(Axis(1)) / x.ncols() as f64 + self.epsilon).mapv(f64::sqrt).insert_axis(Axis(1));
        Ok(x / &size * self.tensor(name)?)
    }

    /// Turns element i of every head with element i + half of it.
    fn turn(&self, x: &mut Matrix, head: usize) {
        let half = head / 2;
        for (position, mut row) in x.rows_mut().into_iter().enumerate() {
            for first in (0..row.len()).filter(|at| at % head < half) {
                let (sin, cos) = (position as f64 * self.theta.powf(-((first % head) as f64) / half as f64)).sin_cos();
                let (a, b) = (row[first], row[first + half]);
                (row[first], row[first + half]) = (a * cos - b * sin, b * cos + a * sin);
            }
        }
    }

    fn attention(&self, x: &Matrix, at: &str) -> Result<Matrix> {
        let part = |name: &str| self.linear(x, &format!("{at}.self_attn.{name}_proj.weight"));
        let (mut q, mut k, v) = (part("q")?, part("k")?, part("v")?);
        let head = q.ncols() / self.heads;
        self.turn(&mut q, head);
        self.turn(&mut k, head);
        let mut out = Matrix::zeros(q.raw_dim());
        for h in 0..self.heads {
            let (own, theirs) = (h * head..(h + 1) * head, h / self.shared * head..(h / self.shared + 1) * head);
            let mut seen = q.slice(s![.., own.clone()]).dot(&k.slice(s![.., theirs.clone()]).t()) / (head as f64).sqrt();
            for (t, mut row) in seen.rows_mut().into_iter().enumerate() {
                let most = row.slice(s![..=t]).fold(f64::NEG_INFINITY, |a, &b| a.max(b));
                row.indexed_iter_mut().for_each(|(u, s)| *s = if u <= t { (*s - most).exp() } else { 0.0 });
                let sum = row.sum();
                row /= sum;
            }
            out.slice_mut(s![.., own]).assign(&seen.dot(&v.slice(s![.., theirs])));
        }
        self.linear(&out, &format!("{at}.self_attn.o_proj.weight"))
    }

    fn logits(&self, window: &[u32]) -> Result<Matrix> {
        let table = self.tensor("model.embed_tokens.weight")?;
        let mut x = table.select(Axis(0), &window.iter().map(|&t| t as usize).collect::<Vec<_>>());
        for i in 0..self.blocks {
            let at = format!("model.layers.{i}");
            x = &x + self.attention(&self.norm(&x, &format!("{at}.input_layernorm.weight"))?, &at)?;
            let h = self.norm(&x, &format!("{at}.post_attention_layernorm.weight"))?;
            let gate = self.linear(&h, &format!("{at}.mlp.gate_proj.weight"))?.mapv(|v| v / (1.0 + (-v).exp()));
            let inner = gate * self.linear(&h, &format!("{at}.mlp.up_proj.weight"))?;
            x += &self.linear(&inner, &format!("{at}.mlp.down_proj.weight"))?;
        }
        self.linear(&self.norm(&x, "model.norm.weight")?, "lm_head.weight")
    }
}
