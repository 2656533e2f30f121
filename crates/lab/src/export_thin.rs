//! Copies without some of their experts, in names and shapes that transformers loads.
//!
//! A condensed layer becomes an ordinary dense feed-forward, `mlp.gate_proj`, `mlp.up_proj`, `mlp.down_proj`: gate and up of the kept experts stacked by rows, down stacked by
//! columns with each expert's constant weight in it. Ungated shared experts (DeepSeek) are stacked behind them; a gated shared expert (Qwen2-MoE) stays beside, under its
//! own names. The router and the other experts are not written. Where routing goes on among fewer experts they are numbered anew and the router keeps their rows.
//! Blocks behind one that goes whole are numbered anew, too; a mixture that goes with its shared experts becomes a dense layer of width 1 that is zero.

use std::collections::HashMap;

use espalier_methods::condense::{NOTHING, unnumbered};
use espalier_methods::experts::{Change, Plan};
use espalier_nets::checkpoint::codec::encode;
use espalier_nets::checkpoint::{CheckpointError, Dtype, MatrixRef, Origin, Output, Role};
use espalier_nets::models::{MixtureLayout, Model};

use crate::engine::{End, Open};
use crate::export::Make;
use crate::protocol::Fault;

/// Some rows or columns of a matrix, each number times a factor.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub matrix: MatrixRef,
    /// Rows of the matrix.
    pub rows: std::ops::Range<usize>,
    pub scale: f32,
}

/// A made tensor of a thinned copy.
#[derive(Clone, Debug)]
pub(crate) enum Stack {
    /// Pieces below one another.
    Rows(Vec<Piece>),
    /// Pieces beside one another.
    Columns(Vec<Piece>),
    /// Whole slices of the leading axis of a fused tensor, bytes as they are.
    Slices { tensor: usize, slices: Vec<u32> },
    /// Zeros.
    Zeros,
}

/// Gate, up and down of an expert as pieces: gate and up may be one matrix.
fn pieces(part: &[MatrixRef], scale: f32) -> Option<[Piece; 3]> {
    let piece = |m: &MatrixRef, rows: std::ops::Range<usize>, scale| Piece { matrix: m.clone(), rows, scale };
    let whole = |m: &MatrixRef| 0..m.shape[0] as usize;
    match part {
        [gate, up, down] => Some([piece(gate, whole(gate), 1.0), piece(up, whole(up), 1.0), piece(down, whole(down), scale)]),
        [both, down] if both.role == Role::GateUp => {
            let half = both.shape[0] as usize / 2;
            Some([piece(both, 0..half, 1.0), piece(both, half..2 * half, 1.0), piece(down, whole(down), scale)])
        }
        _ => None,
    }
}

/// Where the dense feed-forward of a block is named: transformers calls every mixture `mlp` in memory.
fn module(router: &MatrixRef) -> String {
    let stem = router.name.strip_suffix(".gate.weight").unwrap_or(&router.name);
    stem.strip_suffix(".block_sparse_moe").map_or_else(|| stem.to_owned(), |s| format!("{s}.mlp"))
}

/// The tensors of a copy, and how those that are not copied come to be, by name.

/// Those under a plan.
pub(crate) fn outputs(open: &Open, plan: &Plan) -> Result<(Vec<Output>, HashMap<String, Make>), End> {
    let checkpoint = &open.checkpoint;
    let model = Model::open(checkpoint).map_err(espalier_methods::MethodError::from)?;
    let (blocks, experts) = espalier_methods::experts::mixtures(&model)?;
    espalier_methods::experts::check(plan, &blocks, experts, model.blocks())?;
    let mut gone: HashMap<usize, Option<Vec<Output>>> = HashMap::new();
    let mut made: Vec<(Output, Stack)> = Vec::new();
    if let Some(why) = unnumbered(&model, plan) {
        return Err(Fault::not_written(plan.dropped()[0], &why).into());
    }
    for c in &plan.changes {
        let block = c.block as usize;
        if c.change == Change::Block {
            let of = checkpoint.tensors.iter().enumerate().filter(|(_, t)| t.block == Some(c.block));
            of.for_each(|(tensor, _)| { gone.insert(tensor, None); });
            continue;
        }
        let from = made.len();
        let Some(layout) = model.mixture(block) else { return Err(Fault::not_written(block, NO_MIXTURE).into()) };
        match &c.change {
            Change::Condensed { experts, weights } => condensed(open, &layout, experts, weights, &mut gone, &mut made).ok_or_else(|| Fault::not_written(block, NO_PARTS))?,
            Change::Among { experts } => among(open, &layout, experts, &mut gone, &mut made).ok_or_else(|| Fault::not_written(block, NO_PARTS))?,
            Change::Layer | Change::Block => nothing(open, &layout, &mut gone, &mut made).ok_or_else(|| Fault::not_written(block, NO_PARTS))?,
        }
        made[from..].iter_mut().for_each(|(output, _)| output.name = numbered(&output.name, plan, block));
    }
    let mut all = Vec::new();
    for tensor in 0..checkpoint.tensors.len() {
        let outputs = gone.remove(&tensor).unwrap_or_else(|| Output::copied(checkpoint, tensor).map(|o| vec![o]));
        let name = |output: Output| match checkpoint.tensors[tensor].block {
            Some(block) => Output { name: numbered(&output.name, plan, block as usize), ..output },
            None => output,
        };
        all.extend(outputs.into_iter().flatten().map(name));
    }
    let mut makes = HashMap::new();
    for (output, stack) in made {
        makes.insert(output.name.clone(), Make::Stacked(stack));
        all.push(output);
    }
    Ok((all, makes))
}

const NO_MIXTURE: &str = "It has no mixture of experts.";
const NO_PARTS: &str = "Its experts lie in a form whose parts cannot be told apart, or nothing of the layer would be left.";

/// A name with its block's number in the copy: the first part that is the block's number.
fn numbered(name: &str, plan: &Plan, block: usize) -> String {
    let (old, new) = (block.to_string(), plan.number(block));
    let mut found = false;
    let part = |p: &str| if p == old && !std::mem::replace(&mut found, true) { new.to_string() } else { p.to_owned() };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}

/// A mixture that gives nothing.
fn nothing(open: &Open, layout: &MixtureLayout, gone: &mut Gone, made: &mut Vec<(Output, Stack)>) -> Option<()> {
    let parts = layout.experts.iter().flatten().chain(&layout.shared).chain([&layout.router]).chain(&layout.shared_gate);
    parts.for_each(|m| { gone.insert(m.tensor, None); });
    let dtype = open.checkpoint.entry(layout.router.tensor).ok()?.dtype;
    let (stem, hidden) = (module(&layout.router), layout.router.shape[1]);
    for (name, shape) in [("gate_proj", [NOTHING, hidden]), ("up_proj", [NOTHING, hidden]), ("down_proj", [hidden, NOTHING])] {
        made.push((Output { name: format!("{stem}.{name}.weight"), dtype, shape: shape.to_vec(), origin: Origin::Produced }, Stack::Zeros));
    }
    Some(())
}

type Gone = HashMap<usize, Option<Vec<Output>>>;

#[expect(clippy::cast_possible_truncation, reason = "single precision is what the model computes in")]
fn condensed(open: &Open, layout: &MixtureLayout, experts: &[u32], weights: &[f64], gone: &mut Gone, made: &mut Vec<(Output, Stack)>) -> Option<()> {
    let mut parts: Vec<[Piece; 3]> = Vec::new();
    for (e, w) in experts.iter().zip(weights) {
        parts.push(pieces(layout.experts.get(*e as usize)?, *w as f32)?);
    }
    layout.experts.iter().flatten().chain([&layout.router]).for_each(|m| { gone.insert(m.tensor, None); });
    if layout.shared_gate.is_none() && !layout.shared.is_empty() {
        parts.push(pieces(&layout.shared, 1.0)?);
        layout.shared.iter().for_each(|m| { gone.insert(m.tensor, None); });
    }
    // Nothing to write where only the gated shared expert stays; without any part the layer would be empty.
    if parts.is_empty() {
        return (!layout.shared.is_empty()).then_some(());
    }
    let dtype = open.checkpoint.entry(parts[0][0].matrix.tensor).ok()?.dtype;
    let hidden = layout.router.shape[1];
    let width: usize = parts.iter().map(|p| p[0].rows.len()).sum();
    let stem = module(&layout.router);
    let of = |i: usize| parts.iter().map(|p| p[i].clone()).collect::<Vec<Piece>>();
    let output = |name: &str, shape: Vec<u64>| Output { name: format!("{stem}.{name}.weight"), dtype, shape, origin: Origin::Produced };
    made.push((output("gate_proj", vec![width as u64, hidden]), Stack::Rows(of(0))));
    made.push((output("up_proj", vec![width as u64, hidden]), Stack::Rows(of(1))));
    made.push((output("down_proj", vec![hidden, width as u64]), Stack::Columns(of(2))));
    Some(())
}

fn among(open: &Open, layout: &MixtureLayout, experts: &[u32], gone: &mut Gone, made: &mut Vec<(Output, Stack)>) -> Option<()> {
    let mut left = experts.to_vec();
    left.sort_unstable();
    let entry = |tensor: usize| open.checkpoint.entry(tensor).ok();
    let router = entry(layout.router.tensor)?;
    gone.insert(layout.router.tensor, None);
    let rows = left.iter().map(|e| Piece { matrix: layout.router.clone(), rows: *e as usize..*e as usize + 1, scale: 1.0 }).collect();
    made.push((Output { name: router.name.clone(), dtype: router.dtype, shape: vec![left.len() as u64, layout.router.shape[1]], origin: Origin::Produced }, Stack::Rows(rows)));
    for (e, part) in layout.experts.iter().enumerate() {
        for m in part {
            let tensor = entry(m.tensor)?;
            if m.slice.is_some() {
                // One tensor holds all experts: its slices are taken once.
                if gone.insert(m.tensor, None).is_none() {
                    let shape = std::iter::once(left.len() as u64).chain(tensor.shape.iter().skip(1).copied()).collect();
                    made.push((Output { name: tensor.name.clone(), dtype: tensor.dtype, shape, origin: Origin::Produced }, Stack::Slices { tensor: m.tensor, slices: left.clone() }));
                }
                continue;
            }
            let instead = left.iter().position(|l| *l as usize == e).and_then(|new| {
                let name = tensor.name.replacen(&format!(".experts.{e}."), &format!(".experts.{new}."), 1);
                Some(vec![Output { name, ..Output::copied(&open.checkpoint, m.tensor)? }])
            });
            gone.insert(m.tensor, instead);
        }
    }
    Some(())
}

/// The bytes of a made tensor.
pub(crate) async fn bytes(open: &Open, output: &Output, stack: &Stack) -> Result<Vec<u8>, End> {
    let checkpoint = &open.checkpoint;
    let values = match stack {
        Stack::Zeros => vec![0.0; output.shape.iter().product::<u64>() as usize],
        Stack::Slices { tensor, slices } => {
            let entry = checkpoint.entry(*tensor)?;
            let one = entry.bytes() / entry.shape.first().copied().unwrap_or(1).max(1);
            let mut out = Vec::new();
            for s in slices {
                out.extend(checkpoint.read_bytes(*tensor, u64::from(*s) * one..(u64::from(*s) + 1) * one).await?);
            }
            return Ok(out);
        }
        Stack::Rows(pieces) => {
            let mut out = Vec::new();
            for p in pieces {
                let m = checkpoint.read_matrix(&p.matrix).await?;
                out.extend(m.slice(ndarray::s![p.rows.clone(), ..]).iter().map(|v| v * p.scale));
            }
            out
        }
        Stack::Columns(pieces) => {
            let mut parts = Vec::new();
            for p in pieces {
                parts.push(checkpoint.read_matrix(&p.matrix).await? * p.scale);
            }
            let rows = parts.first().map_or(0, ndarray::Array2::nrows);
            (0..rows).flat_map(|r| parts.iter().flat_map(move |m| m.row(r).to_vec())).collect()
        }
    };
    encoded(&output.name, output.dtype, &values)
}

fn encoded(name: &str, dtype: Dtype, values: &[f32]) -> Result<Vec<u8>, End> {
    let made = encode(dtype, values).ok_or_else(|| Fault::from(&CheckpointError::NotDecoded { tensor: name.into(), dtype }))?;
    Ok(made.bytes)
}
