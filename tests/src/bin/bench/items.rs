//! What is measured, by whom, and what is promised of it.

use serde_json::{Value, json};

use super::{forward, step};

/// The CPU path.
pub const CPU: &str = "Espalier CPU";
/// The WGSL path.
pub const WGSL: &str = "Espalier WGSL";
/// The page that `cargo xtask dist` makes.
pub const PAGE: &str = "Espalier page";
const GRAM: &str = "faer Gram f64";
const JAX: &str = "jax-js wasm";
const JAX_GPU: &str = "jax-js webgpu";
const TFJS: &str = "tfjs wasm";
const ML: &str = "ml-matrix";

/// Name, module under `peers`, option for it.
pub const PEERS: [(&str, &str, &str); 7] = [
    (CPU, "espalier", "cpu"),
    (WGSL, "espalier", "gpu"),
    (GRAM, "espalier", "plain"),
    (JAX, "jax", "wasm"),
    (JAX_GPU, "jax", "webgpu"),
    (TFJS, "tfjs", "wasm"),
    (ML, "ml-matrix", ""),
];

/// One thing that is measured.
pub struct Item {
    /// `gemm512nt`.
    pub name: String,
    /// What the worker has to know.
    pub spec: Value,
    /// Who takes part.
    pub peers: Vec<&'static str>,
    /// A result with a larger error does not count.
    pub limit: f64,
    /// What is promised.
    pub bars: Vec<Bar>,
}

impl Item {
    /// Whether this row is a measurement of ours.
    pub fn is_ours(&self, row: &str) -> bool {
        row.starts_with("Espalier") || self.spec["kind"] == "figures"
    }
}

/// A promise.
pub enum Bar {
    /// Time of one of ours ≤ so many times that of the best of these.
    Ratio(&'static str, &'static [&'static str], f64),
    /// Time of one of ours ≤ so many milliseconds.
    Within(&'static str, f64),
    /// Error of one of ours ≤ this.
    Error(&'static str, f64),
}

/// Bundled or shared checkpoints whose spectra are measured: name and file.
pub const CHECKPOINTS: [(&str, &str); 2] =
    [("spectra shakespeare-llama", "checkpoints/shakespeare-llama/model.safetensors"), ("spectra resnet32", "checkpoints/resnet32-cifar10.safetensors")];

/// Types and shapes of a training's inputs: points, what they should come to, weights and biases in turn.
fn step_inputs() -> Value {
    let mut inputs = json!({ "x": ["f32", step::BATCH, step::LAYERS[0]], "t": ["f32", step::BATCH, step::LAYERS[3]] });
    for (i, w) in step::LAYERS.windows(2).enumerate() {
        inputs[format!("p{}", 2 * i)] = json!(["f32", w[0], w[1]]);
        inputs[format!("p{}", 2 * i + 1)] = json!(["f32", w[1]]);
    }
    inputs
}

/// Everything.
pub fn all() -> Vec<Item> {
    let mut items = Vec::new();
    for n in [512, 1024] {
        for form in ["nn", "nt", "tn"] {
            let name = format!("gemm{n}{form}");
            items.push(Item {
                spec: json!({ "name": name, "kind": "gemm", "form": form, "inputs": { "a": ["f32", n, n], "b": ["f32", n, n] }, "expected": "f64" }),
                peers: vec![CPU, WGSL, JAX, TFJS, JAX_GPU],
                limit: 1e-5,
                bars: vec![Bar::Ratio(CPU, &[JAX, TFJS], 1.1), Bar::Ratio(WGSL, &[JAX_GPU], 0.75)],
                name,
            });
        }
    }
    for (m, n, lead) in [(512, 512, None), (1024, 1024, Some(7.0)), (1024, 4096, Some(25.0))] {
        let name = if m == n { format!("svd{m}") } else { format!("svd{m}x{n}") };
        let mut bars = vec![Bar::Error(CPU, 1e-10), Bar::Ratio(CPU, &[GRAM], 1.0)];
        bars.extend(lead.map(|by: f64| Bar::Ratio(CPU, &[ML], by.recip())));
        items.push(Item {
            spec: json!({ "name": name, "kind": "svd", "inputs": { "a": ["f32", m, n] }, "expected": "f64" }),
            peers: vec![CPU, GRAM, ML],
            limit: 1e-5,
            bars,
            name,
        });
    }
    let n = 4096;
    items.push(Item {
        name: "select4096".into(),
        spec: json!({ "name": "select4096", "kind": "select", "prune": n / 2, "inputs": { "a": ["f32", n, n] }, "expected": "u32" }),
        peers: vec![CPU, WGSL, TFJS],
        limit: 0.0,
        bars: vec![Bar::Ratio(CPU, &[TFJS], 0.1)],
    });
    // Beside peers whose gradients come of themselves; a graph with gradients written by hand on onnxruntime-web took 18.5 ms on such a machine.
    items.push(Item {
        name: "step512".into(),
        spec: json!({ "name": "step512", "kind": "step", "scale": step::SCALE, "lr": step::RATE, "inputs": step_inputs(), "expected": "f64" }),
        peers: vec![CPU, WGSL, JAX, TFJS, JAX_GPU],
        limit: 1e-3,
        bars: vec![Bar::Within(CPU, 18.5), Bar::Ratio(CPU, &[JAX, TFJS], 0.2), Bar::Ratio(WGSL, &[JAX_GPU], 0.75)],
    });
    // The loss of every next token, checked one by one; its mean is off by no more than they are.
    items.push(Item {
        name: "forward".into(),
        spec: json!({ "name": "forward", "kind": "forward", "inputs": { "file": ["u8"], "config": ["u8"], "tokens": ["u32", forward::WINDOWS, forward::LENGTH] }, "expected": "f64" }),
        peers: vec![CPU, WGSL, JAX, TFJS, JAX_GPU],
        limit: 1e-5,
        bars: vec![Bar::Ratio(CPU, &[JAX, TFJS], 1.0)],
    });
    for (name, _) in CHECKPOINTS {
        items.push(Item {
            name: name.into(),
            spec: json!({ "name": name, "kind": "spectra", "inputs": { "file": ["u8"] }, "expected": "f64" }),
            peers: vec![CPU],
            limit: 1e-10,
            bars: vec![Bar::Within(CPU, 2000.0)],
        });
    }
    items.push(Item {
        name: "startup".into(),
        spec: json!({ "kind": "startup" }),
        peers: vec![PAGE, CPU, WGSL, JAX, JAX_GPU, TFJS, ML],
        limit: 0.0,
        bars: vec![Bar::Within(PAGE, 200.0)],
    });
    // No peers: each kind of figure beside the others. The program that draws them says which there are.
    for (name, what, bar) in [("figures", "redraw", Bar::Within("curve, 10 000 points", 10.0)), ("figures live", "live", Bar::Within("expert grid, 64 × 256", 1000.0 / 60.0 + 0.1))] {
        items.push(Item { name: name.into(), spec: json!({ "kind": "figures", "what": what }), peers: Vec::new(), limit: 0.0, bars: vec![bar] });
    }
    items
}
