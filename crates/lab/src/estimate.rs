//! What a run would need, before it runs: bytes to read and to fetch, memory, and time by a probe of one tile.

use espalier_methods::cost::{cost, decomposition};
use espalier_methods::spectra::device::singular;
use espalier_nets::checkpoint::remote::SMALL;
use espalier_nets::checkpoint::{Checkpoint, MatrixRef};
use espalier_tensor::linalg::singular_values_cpu;
use espalier_tensor::ops::matmul::MatMul;
use espalier_tensor::ops::select::KSmallest;
use espalier_tensor::{Array, Session};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::{End, Open, chosen};
use crate::host::Host;
use crate::protocol::{DeviceInfo, Edits, Fault, Reply};
use crate::speeds::{Speeds, Stopwatch};

/// Work whose needs are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// A run, as [`Command::Run`](crate::protocol::Command::Run) would ask for it.
    Run {
        /// Registry key.
        method: String,
        /// Configuration.
        config: serde_json::Value,
        /// Names of the matrices; `None` for all.
        matrices: Option<Vec<String>>,
        /// Names of matrices whose spectra are known already.
        known: Vec<String>,
        /// Bytes of the longest text that is measured, which has no more tokens than that; `None` where it is not known.
        text: Option<f64>,
    },
    /// A copy.
    Export {
        /// What to change.
        edits: Edits,
    },
    /// Statistics of one tensor.
    Stats {
        /// Index of the tensor.
        tensor: u32,
    },
}

impl Work {
    /// What a later question about the same work takes the place of.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Run { method, .. } => format!("run {method}"),
            Self::Export { .. } => "export".into(),
            Self::Stats { tensor } => format!("stats {tensor}"),
        }
    }
}

/// What it would need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Bytes read from the files.
    pub reads: f64,
    /// Bytes of them that come over the network; at most, where some are here already.
    pub fetches: f64,
    /// Bytes written.
    pub writes: f64,
    /// Most bytes held at once on the device (its memory, or the page's on the CPU).
    pub memory: f64,
    /// What may be held, in bytes, where that is known: on a GPU in one buffer, on the CPU at once.
    pub limit: Option<f64>,
    /// Bytes that are missing; 0 where it fits as far as limits are known.
    pub short: f64,
    /// Seconds, without the network; `None` where the time does not follow from shapes.
    pub seconds: Option<f64>,
    /// What was timed for it, in words.
    pub probe: String,
    /// Why it would not work and what to do about it, one sentence each; empty where nothing speaks against it.
    pub over: Vec<String>,
}

/// Side of the square that is decomposed as a probe.
const TILE: usize = 192;
/// A decomposition with its factors takes so many times what the singular values alone take on a CPU: 3.5 to 5 were seen from 192 to 768 a side. Timed itself it
/// would bring its code, a tenth of the small worker's, to every visit.
const FACTORED: f64 = 4.5;
/// Rows of the product that is timed: tokens of a batch.
const PRODUCT: usize = 2048;
/// Elements that are selected from as a probe.
const SCAN: usize = 1 << 18;
/// Share of the memory that a run may take; the rest is the program's own.
const SHARE: f64 = 0.9;
/// Tokens of a window where a configuration names none.
const LENGTH: u64 = 2048;

pub(crate) async fn estimate(open: &Open, work: &Work, session: &Session, device: &DeviceInfo, speeds: &Speeds, host: &dyn Host, job: u32) -> Result<Reply, End> {
    let c = &open.checkpoint;
    let mut out = Estimate::default();
    let mut flops = None;
    let mut factored = 0.0;
    let (mut scanned, mut multiplied) = (0.0, 0.0);
    let largest: f64;
    let (mut run, mut held) = (None, 0.0);
    match work {
        Work::Stats { tensor } => {
            let t = c.tensors.get(*tensor as usize).ok_or_else(|| Fault::no_tensor(*tensor, c.tensors.len()))?;
            out.reads = t.bytes() as f64;
            out.fetches = fetched(c, [*tensor as usize], 1.0);
            largest = t.elements() as f64;
            scanned = largest * 3.0;
            flops = Some(0.0);
        }
        Work::Run { method, config, matrices, known, text } => {
            let config = readable(config.clone(), c.settings.context, *text);
            let matrices = targets(open, method, matrices.as_deref(), known)?;
            let shapes: Vec<[u64; 2]> = matrices.iter().map(|m| m.shape).collect();
            largest = matrices.iter().map(|m| m.elements() as f64).fold(0.0, f64::max);
            let cost = cost(method, &config, &shapes);
            let passes = cost.as_ref().map_or(1.0, |c| f64::from(c.passes));
            out.reads = matrices.iter().map(|m| bytes(c, m)).sum::<f64>() * passes;
            out.fetches = fetched(c, matrices.iter().map(|m| m.tensor), passes);
            if let Some(cost) = cost {
                flops = Some(cost.decomposed.iter().map(|s| decomposition(*s)).sum());
                (scanned, multiplied, held) = (cost.scanned, cost.multiplied, cost.held);
                run = Some((method, config, shapes));
            }
        }
        Work::Export { edits } => {
            let total: f64 = c.tensors.iter().map(|t| t.bytes() as f64).sum();
            (out.reads, out.writes, out.fetches) = (total, total, fetched(c, 0..c.tensors.len(), 1.0));
            let edited: Vec<MatrixRef> = match edits {
                Edits::Rank { ranks, .. } => {
                    let names: Vec<String> = ranks.iter().map(|(n, _)| n.clone()).collect();
                    chosen(&open.matrices, Some(&names))?
                }
                Edits::Thin { .. } => Vec::new(),
                Edits::Magnitude { matrices, .. } | Edits::Masks { matrices, .. } | Edits::Calibrated { matrices, .. } => targets(open, "magnitude", matrices.as_deref(), &[])?,
            };
            largest = edited.iter().map(|m| m.elements() as f64).fold(0.0, f64::max);
            flops = Some(0.0);
            if let Edits::Rank { ranks, factors } = edits {
                factored = edited.iter().map(|m| decomposition(m.shape)).sum();
                if *factors {
                    for (m, (_, rank)) in edited.iter().zip(ranks) {
                        let width = bytes(c, m) / (m.elements() as f64).max(1.0);
                        out.writes += width * (f64::from(*rank) * (m.shape[0] + m.shape[1]) as f64 - m.elements() as f64);
                    }
                }
            } else {
                scanned = edited.iter().map(|m| m.elements() as f64).sum();
            }
            if let Edits::Masks { .. } | Edits::Calibrated { masks: true, .. } = edits {
                out.writes = scanned;
            }
        }
    }
    // A matrix in single precision and its working copies: bits for selection and masks, or double precision for a decomposition.
    let decomposes = flops.is_some_and(|f| f > 0.0) || factored > 0.0;
    out.memory = held + largest * if decomposes { 4.0 + 16.0 } else { 4.0 + 8.0 };
    let room = host.memory().map(|m| m * SHARE);
    if device.gpu {
        in_one_buffer(&mut out, device, room, largest);
    } else if let Some(room) = room {
        let less = run.map_or_else(Vec::new, |(method, config, shapes)| ways(method, &config, &shapes, room - (out.memory - held)));
        at_once(&mut out, room, less);
    }
    out.probe = match probe(&mut out, session, &speeds.on(device, host), flops, [scanned, factored, multiplied]).await {
        // Nobody asked for the probe: that it finds no room is no failure of what was asked.
        Err(End::Device(espalier_tensor::Error::OutOfMemory { .. })) => "the device has no room for anything to be timed".into(),
        other => other?,
    };
    Ok(Reply::Estimate { job, estimate: Box::new(out) })
}

/// The matrices that a method will choose: of all, those that may be pruned, but for spectra.
fn targets(open: &Open, method: &str, names: Option<&[String]>, known: &[String]) -> Result<Vec<MatrixRef>, Fault> {
    let mut all = chosen(&open.matrices, names)?;
    if names.is_none() && method != "spectra" && all.iter().any(|m| m.prunable) {
        all.retain(|m| m.prunable);
    }
    let known: std::collections::HashSet<&str> = known.iter().map(String::as_str).collect();
    all.retain(|m| !known.contains(m.label().as_str()));
    Ok(all)
}

fn bytes(c: &Checkpoint, m: &MatrixRef) -> f64 {
    c.tensors.get(m.tensor).map_or(0.0, |t| m.elements() as f64 * t.dtype.bits() as f64 / 8.0)
}

/// Bytes over the network: a small file comes whole and once, of others what is asked for.
fn fetched(c: &Checkpoint, tensors: impl IntoIterator<Item = usize>, passes: f64) -> f64 {
    let mut by_file = vec![0.0; c.files.len()];
    let tensors: std::collections::BTreeSet<usize> = espalier_methods::order::gather(tensors);
    for t in tensors.into_iter().filter_map(|i| c.tensors.get(i)) {
        by_file[t.file] += t.bytes() as f64;
    }
    let cost = |(file, asked): (usize, &f64)| match &c.files[file] {
        f if f.address().is_none() || *asked == 0.0 => 0.0,
        f if f.len() <= SMALL => f.len() as f64,
        _ => asked * passes,
    };
    by_file.iter().enumerate().map(cost).sum()
}

/// A configuration as it will be taken: no window is longer than the model's context, and no text has more of them than fit into it.
fn readable(mut config: Value, context: Option<u64>, text: Option<f64>) -> Value {
    if let Some(map) = config.as_object_mut() {
        let asked = map.get("length").and_then(Value::as_u64).unwrap_or(LENGTH);
        let length = context.map_or(asked, |c| asked.min(c)).max(1);
        map.insert("length".into(), length.into());
        if let (Some(text), Some(windows)) = (text, map.get("windows").and_then(Value::as_f64)) {
            map.insert("windows".into(), windows.min((text / length as f64).ceil()).into());
        }
    }
    config
}

/// On a GPU only the size of one buffer is known: how much memory there is WebGPU does not say.
fn in_one_buffer(out: &mut Estimate, device: &DeviceInfo, room: Option<f64>, largest: f64) {
    let limit = |name: &str| device.limits.iter().find(|(n, ..)| n.to_lowercase().contains(name)).map(|(_, asked, _)| *asked);
    out.limit = limit("buffer size").or_else(|| limit("buffer"));
    if let Some(most) = out.limit.filter(|most| largest * 4.0 > *most) {
        out.short = largest * 4.0 - most;
        out.over.push(format!("The largest matrix takes {} in one buffer; {} allows {}.", mib(largest * 4.0), device.name, mib(most)));
        if room.is_none_or(|room| out.memory <= room) {
            out.over.push("On the CPU it fits.".into());
        }
    }
}

/// On the CPU everything that is held at once counts.
fn at_once(out: &mut Estimate, room: f64, ways: Vec<String>) {
    out.limit = Some(room);
    if out.memory > room {
        out.short = out.memory - room;
        out.over.push(format!("It would hold {} at once; {} are to be had here.", mib(out.memory), mib(room)));
        let otherwise = "the command line, which has no such limit";
        out.over.push(if ways.is_empty() { format!("Take {otherwise}.") } else { format!("It fits with at most {}; or take {otherwise}.", ways.join(", or ")) });
    }
}

/// How much less of a text would fit: the most of each setting, the others as they are, that keeps the states within `room` bytes.
fn ways(method: &str, config: &Value, shapes: &[[u64; 2]], room: f64) -> Vec<String> {
    let held = |config: &Value| cost(method, config, shapes).map_or(0.0, |c| c.held);
    let with = |key: &str, value: f64| {
        let mut changed = config.clone();
        changed[key] = value.into();
        held(&changed)
    };
    let settings = [("samples", 1.0, "calibration windows"), ("windows", 1.0, "measured windows of each text"), ("length", 2.0, "tokens a window")];
    let most = settings.map(|(key, least, words)| {
        let asked = config.get(key).and_then(Value::as_f64)?;
        // What is held grows evenly with each of them.
        let rest = with(key, 0.0);
        let most = ((room - rest) / (with(key, asked) - rest) * asked).floor();
        (most >= least && most < asked).then(|| format!("{most} {words}"))
    });
    most.into_iter().flatten().collect()
}

fn mib(bytes: f64) -> String {
    format!("{:.0} MiB", bytes / 1_048_576.0)
}

/// Numbers between −1 and 1, the same every time.
fn tile(n: usize) -> Vec<f32> {
    (0..n as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0).collect()
}

async fn probe(out: &mut Estimate, session: &Session, watch: &Stopwatch<'_>, flops: Option<f64>, [scanned, factored, multiplied]: [f64; 3]) -> Result<String, End> {
    let Some(flops) = flops else { return Ok("the time of this method does not follow from the shapes of the matrices".into()) };
    let mut seconds = 0.0;
    let mut timed = Vec::new();
    let matrix = || Array2::from_shape_fn((TILE, TILE), {
        let t = tile(TILE * TILE);
        move |(i, j)| t[i * TILE + j]
    });
    if flops > 0.0 {
        let took = watch.time("spectrum", 1, async || singular(session, matrix()).await.map(|_| ())).await?;
        seconds += took * flops / decomposition([TILE as u64; 2]);
        timed.push(format!("one spectrum of {TILE} × {TILE}"));
    }
    if factored > 0.0 {
        let took = watch.time("decomposition", 1, async || singular_values_cpu(matrix().view()).map(|_| ())).await?;
        seconds += took * FACTORED * factored / decomposition([TILE as u64; 2]);
        timed.push(format!("the singular values of {TILE} × {TILE} on the CPU, {FACTORED} times over for their vectors"));
    }
    if multiplied > 0.0 {
        let took = watch.time("product", 2, async || {
            let [x, w] = [PRODUCT, TILE].map(|rows| session.upload(Array::from_f32(&[rows, TILE], tile(rows * TILE))));
            session.read(&session.run(&MatMul::NT, &[&x, &w])).await.map(|_| ())
        });
        seconds += took.await? * multiplied / (PRODUCT * TILE * TILE) as f64;
        timed.push(format!("one product of {PRODUCT} × {TILE} with {TILE} × {TILE}"));
    }
    if scanned > 0.0 {
        let took = watch.time("selection", 1, async || {
            let values = session.upload(Array::from_f32(&[SCAN], tile(SCAN)));
            session.read(&session.run(&KSmallest::magnitude(SCAN / 2), &[&values])).await.map(|_| ())
        });
        seconds += took.await? * scanned / SCAN as f64;
        timed.push(format!("one selection from {SCAN} weights"));
    }
    out.seconds = Some(seconds);
    Ok(if timed.is_empty() { "nothing to compute".into() } else { format!("by {} {}, without reading files", timed.join(" and "), watch.when()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MIB: f64 = 1_048_576.0;

    #[test]
    fn what_would_fit_is_the_most_that_fits() {
        // 16 bytes a token: 10 × 100 that calibrate, twice 2 × 3 × 100 that measure.
        let config = json!({ "samples": 10, "length": 100, "windows": 3, "evaluation": "a,b" });
        let shapes = [[4, 8]];
        assert_eq!(cost("wanda", &config, &shapes).unwrap().held, 16.0 * 2200.0);
        assert_eq!(ways("wanda", &config, &shapes, 16.0 * 1950.0), ["7 calibration windows", "2 measured windows of each text", "88 tokens a window"]);
        assert_eq!(ways("wanda", &config, &shapes, 16.0 * 1100.0), ["50 tokens a window"], "less than one window is no way");
        assert!(ways("spectra", &json!({}), &shapes, 1.0).is_empty());
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_do() {
        let mut out = Estimate { memory: 5120.0 * MIB, ..Estimate::default() };
        at_once(&mut out, 6000.0 * MIB, Vec::new());
        assert!(out.short == 0.0 && out.over.is_empty() && out.limit == Some(6000.0 * MIB));
        at_once(&mut out, 3686.0 * MIB, vec!["409 calibration windows".into(), "102 tokens a window".into()]);
        assert_eq!(out.short, 1434.0 * MIB);
        assert_eq!(out.over, ["It would hold 5120 MiB at once; 3686 MiB are to be had here.", "It fits with at most 409 calibration windows, or 102 tokens a window; or take the command line, which has no such limit."]);
        let device = DeviceInfo { gpu: true, name: "Some GPU".into(), limits: vec![("Max buffer size".into(), 256.0 * MIB, 0.0)], ..DeviceInfo::default() };
        let mut out = Estimate { memory: 900.0 * MIB, ..Estimate::default() };
        in_one_buffer(&mut out, &device, Some(3686.0 * MIB), 75.0 * MIB);
        assert_eq!(out.short, 44.0 * MIB);
        assert_eq!(out.over, ["The largest matrix takes 300 MiB in one buffer; Some GPU allows 256 MiB.", "On the CPU it fits."]);
    }

    #[test]
    fn windows_are_no_longer_than_the_context_and_no_more_than_the_text_has() {
        let asked = json!({ "samples": 8, "length": 2048, "windows": 4096 });
        assert_eq!(readable(asked.clone(), Some(256), Some(1000.0)), json!({ "samples": 8, "length": 256, "windows": 4.0 }));
        assert_eq!(readable(asked, None, None), json!({ "samples": 8, "length": 2048, "windows": 4096 }));
        assert_eq!(readable(Value::Null, Some(256), Some(1000.0)), Value::Null);
    }
}
