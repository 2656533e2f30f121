//! The column sweep of an optimal-brain-surgeon update over one block.

use espalier_kernels::update::sweep::Params;

use crate::array::{Array, DType, Spec};
use crate::op::{Op, Plan, Sample, Slot, Tolerance};
use crate::ops::plan::{grid, launch, limits};
use crate::ops::sampling::{float_array, indices, sample, tiled};
use crate::ops::values::{flat, flat_u32, gamma, magnitude};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Most columns of a block: a row and its marks lie in workgroup memory.
pub const MOST_COLUMNS: usize = 2048;

/// `W [rows, width]`, marks `[rows, width]` (integers, not 0 = removed) and an upper triangular U `[width, width]` to `[rows, 2·width]`: the new weights, and
/// the errors e = w/uᵢᵢ of the removed ones (0 for the others). Columns go from left to right; after each, `w[j] −= e·U[i, j]` for j > i
/// (Frantar and Alistarh 2023, algorithm 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// `(n, m)`: the marks are not looked at; of every m columns the n smallest (w/uᵢᵢ)² of the weights as they have become are removed, equal
    /// ones by the lower column. A last group of fewer columns loses n as well, all where it has no more.
    pub groups: Option<(usize, usize)>,
    /// Whether errors are taken off the columns to the right; without, the sweep only prunes.
    pub spread: bool,
}

impl Sweep {
    fn sizes(&self, inputs: &[Spec]) -> [usize; 2] {
        let [rows, width] = inputs[0].shape[..] else { panic!("weights are a matrix, not {:?}", inputs[0].shape) };
        assert_eq!((&inputs[1].shape[..], inputs[1].dtype), (&[rows, width][..], DType::U32), "one mark a weight");
        assert_eq!(inputs[2].shape, [width, width], "one factor a pair of columns");
        assert!(width <= MOST_COLUMNS, "{width} columns a block; at most {MOST_COLUMNS}");
        assert!(self.groups.is_none_or(|(n, m)| n <= m && m > 0), "groups {:?}", self.groups);
        [rows, width]
    }
}

impl Op for Sweep {
    fn name(&self) -> &'static str {
        "update/sweep"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let [rows, width] = self.sizes(inputs);
        Spec::f32([rows, 2 * width])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let specs: Vec<Spec> = inputs.iter().map(|a| a.spec()).collect();
        let [rows, width] = self.sizes(&specs);
        let (w, marks, u) = (flat(inputs[0]), flat_u32(inputs[1]), flat(inputs[2]));
        let mut y = vec![0.0; rows * 2 * width];
        let mut order: Vec<usize> = Vec::new();
        for r in 0..rows {
            let mut row = w[r * width..][..width].to_vec();
            let mut gone = marks[r * width..][..width].to_vec();
            let (kept, errors) = y[r * 2 * width..][..2 * width].split_at_mut(width);
            for i in 0..width {
                if let Some((n, m)) = self.groups
                    && i % m == 0
                {
                    let end = (i + m).min(width);
                    order.clear();
                    order.extend(i..end);
                    let score = |j: usize| (row[j] / u[j * width + j]).abs();
                    order.sort_by(|&a, &b| score(a).total_cmp(&score(b)).then(a.cmp(&b)));
                    order.iter().enumerate().for_each(|(rank, &j)| gone[j] = u32::from(rank < n));
                }
                if gone[i] == 0 {
                    kept[i] = row[i];
                    continue;
                }
                let error = row[i] / u[i * width + i];
                errors[i] = error;
                if self.spread {
                    row[i + 1..].iter_mut().zip(&u[i * width + i + 1..(i + 1) * width]).for_each(|(x, f)| *x -= error * f);
                }
            }
        }
        Array::from_f32(&[rows, 2 * width], y)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let [rows, width] = self.sizes(inputs);
        if output.is_empty() {
            return Plan::default();
        }
        assert!(output.bytes() <= limits().binding, "the rows are given in parts that fit a binding");
        let (n, m) = self.groups.unwrap_or((0, 1));
        let step = ((limits().macs / (width * width) as u64) as usize).clamp(1, 1 << 20);
        let launches = (0..rows).step_by(step).map(|first| {
            let count = step.min(rows - first);
            let [count, width, n, m, first] = [count, width, n, m, first].map(|v| v as u32);
            let params = Params::new(count, width, n, m, first, u32::from(self.spread));
            launch(params, (0..3).map(Slot::Input).chain([Slot::Output]).collect(), grid(count as usize))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Both sides do the same steps in the same order; each rounds a product, a quotient (WGSL: 2.5 units) and a difference, or fuses. A rounding of
    /// column i reaches column j multiplied by |u|/uᵢᵢ, and so on from column to column: with r the largest Σⱼ|u[i, j]|/uᵢᵢ, and as no weight
    /// of a sweep grows beyond (1 + r)·max|w| in the samples, width roundings of that size are passed on at most r-fold. Errors e are 1/min uᵢᵢ times as large.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let u = flat(inputs[2]);
        let width = inputs[2].spec().shape[0];
        let diagonal = |i: usize| u[i * width + i].abs();
        let reach = (0..width).map(|i| (i + 1..width).map(|j| u[i * width + j].abs()).sum::<f32>() / diagonal(i)).fold(0.0, f32::max);
        let least = (0..width).map(diagonal).fold(1.0, f32::min);
        let largest = (1.0 + reach) * magnitude(inputs[0]);
        Tolerance::absolute(8.0 * gamma(width + 4) * largest * (1.0 + reach) / least + f32::MIN_POSITIVE)
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "it chooses weights, and choices have no slope" })
    }
}

/// A factor as Cholesky's are: a positive diagonal and a decaying row.
fn factor(width: usize) -> Array {
    let values = (0..width * width).map(|at| {
        let (i, j) = (at / width, at % width);
        match j.checked_sub(i) {
            None => 0.0,
            Some(0) => 0.75 + (i * 29 % 16) as f32 / 64.0,
            Some(d) => ((i * 37 + j * 11) % 32) as f32 / 64.0 / (1 + d * d) as f32 - 0.1 / (1 + d * d) as f32,
        }
    });
    Array::from_f32(&[width, width], values.collect())
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let inputs = |rows: usize, width: usize| {
        let marks = Array::from_u32(&[rows, width], indices(rows * width, 2, 5));
        vec![float_array(&[rows, width], 3), marks, factor(width)]
    };
    let mut all = Vec::new();
    for (rows, width) in [(3, 1), (3, 63), (3, 64), (5, 65), (65, 128), (2, 257), (0, 8), (4, 0)] {
        for spread in [true, false] {
            all.push(sample(format!("{rows}×{width}, spread {spread}"), Sweep { groups: None, spread }, inputs(rows, width)));
        }
    }
    for (n, m) in [(2, 4), (4, 8), (1, 3), (3, 3)] {
        all.push(sample(format!("{n}:{m} of 9×48"), Sweep { groups: Some((n, m)), spread: true }, inputs(9, 48)));
        all.push(sample(format!("{n}:{m} of 9×50"), Sweep { groups: Some((n, m)), spread: true }, inputs(9, 50)));
    }
    all.push(tiled("200×40", Sweep { groups: None, spread: true }, inputs(200, 40), 65536));
    all
}
