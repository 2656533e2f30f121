//! Counts between edges.

use espalier_kernels::stats::histogram::Params;

use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Slot, Tolerance};
use crate::ops::layout::fill::set_output;
use crate::ops::order::By;
use crate::ops::plan::{grid, input_part, launch, runs};
use crate::ops::sampling::{SIZES, float_array, sample, tied_array, tiled, wild_array};
use crate::ops::values::flat;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Most bins: a workgroup counts in its own memory.
pub const MOST_BINS: usize = 2048;

/// `x` (any shape) and ascending `edges [bins + 1]` to integer counts `[bins]`: `counts[b]` of `edges[b] ≤ x < edges[b + 1]`, the last bin
/// with its upper edge. What lies outside the edges, and NaN, is not counted; infinities are where an edge is infinite.
/// At least one and at most [`MOST_BINS`] bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Histogram;

/// `bins + 1` edges of equal bins from `low` to `high`, the last exactly `high`.
pub fn equal_edges(low: f32, high: f32, bins: usize) -> Array {
    let (low, high) = (f64::from(low), f64::from(high));
    let edge = |b: usize| if b == bins { high } else { low + (high - low) * (b as f64 / bins as f64) };
    Array::from_f32(&[bins + 1], (0..=bins).map(|b| edge(b) as f32).collect())
}

impl Op for Histogram {
    fn name(&self) -> &'static str {
        "stats/histogram"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let [edges] = inputs[1].shape[..] else { panic!("edges are a list, not {:?}", inputs[1].shape) };
        assert!((2..=MOST_BINS + 1).contains(&edges), "{edges} edges; 2 to {} make bins", MOST_BINS + 1);
        Spec::u32([edges - 1])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let edges: Vec<u32> = flat(inputs[1]).iter().map(|&e| By::Value.key(e)).collect();
        let bins = edges.len() - 1;
        let mut counts = vec![0_u32; bins];
        for key in flat(inputs[0]).iter().map(|&x| By::Value.key(x)) {
            if key >= edges[0] && key <= edges[bins] && key != u32::MAX {
                counts[edges[1..bins].partition_point(|&edge| edge <= key)] += 1;
            }
        }
        Array::from_u32(&[bins], counts)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let n = inputs[0].len();
        let mut launches = set_output(output.len(), 0);
        launches.extend(runs(n).map(|run| {
            let x = input_part(0, run, n);
            let params = Params::new(run.len as u32, output.len() as u32, x.base);
            launch(params, vec![x.slot, Slot::Input(1), Slot::Output], grid(run.len.div_ceil(4096)))
        }));
        Plan { scratch: Vec::new(), launches }
    }

    /// Counts.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "a count is flat where it has a slope at all" })
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let edges = |bins| equal_edges(-1.5, 1.25, bins);
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), Histogram, vec![float_array(&[n], 1), edges(17)])).collect();
    for bins in [1, 2, 64, 257, MOST_BINS] {
        all.push(sample(format!("5003 in {bins}"), Histogram, vec![float_array(&[5003], 2), edges(bins)]));
    }
    // Edges that values fall on, empty bins, infinite ends.
    let own = Array::from_f32(&[8], vec![f32::NEG_INFINITY, -1.0, -0.0, 0.0, 0.0, 0.5, 1.0, f32::INFINITY]);
    all.push(sample("ties on edges", Histogram, vec![tied_array(&[1031], 3), own.clone()]));
    all.push(sample("wild", Histogram, vec![wild_array(&[1031], 4), own]));
    all.push(tiled("5003", Histogram, vec![float_array(&[5003], 5), edges(9)], 1024));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_hand() {
        let x = Array::from_f32(&[8], vec![0.0, 0.5, 1.0, 2.0, -0.1, 2.1, f32::NAN, -0.0]);
        let counts = Histogram.cpu(&[&x, &equal_edges(0.0, 2.0, 2)]);
        assert_eq!(counts.into_u32(), [3, 2]);
    }
}
