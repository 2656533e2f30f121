//! Rows added to the rows of a table: the gradient of [`Gather`](super::Gather).

use espalier_kernels::layout::scatter_add::Params;

use super::Gather;
use super::fill::set_output;
use crate::array::{Array, DType, Spec};
use crate::op::{Op, Plan, Sample, Slot, Tolerance, Value};
use crate::ops::plan::{Run, grid_of, input_part, launch, output_part, row_runs};
use crate::ops::sampling::{SIZES, float_array, indices, sample, tiled};
use crate::ops::values::{flat, flat_u32, gamma};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Indices of one launch: linking them compares each with each.
const CHUNK: usize = 16_384;

/// `x [n, width]` and `index [n]` (integers) to `[rows, width]`: row i of x is added to row `index[i]` of zeros, in ascending order of i.
/// An index past the end is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScatterAdd {
    /// Rows of the result.
    pub rows: usize,
}

impl Op for ScatterAdd {
    fn name(&self) -> &'static str {
        "layout/scatter_add"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let ([n, width], [m]) = (&inputs[0].shape[..], &inputs[1].shape[..]) else {
            panic!("the rows of a matrix are scattered by a list, not {:?} by {:?}", inputs[0].shape, inputs[1].shape)
        };
        assert!(n == m && inputs[1].dtype == DType::U32, "one integer index a row");
        Spec::f32([self.rows, *width])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let width = inputs[0].spec().shape[1];
        let (x, index) = (flat(inputs[0]), flat_u32(inputs[1]));
        let mut y = vec![0.0; self.rows * width];
        for (i, &row) in index.iter().enumerate().filter(|(_, row)| (**row as usize) < self.rows) {
            let at = row as usize * width;
            y[at..at + width].iter_mut().zip(&x[i * width..]).for_each(|(y, x)| *y += x);
        }
        Array::from_f32(&[self.rows, width], y)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let (n, width) = (inputs[0].shape[0], inputs[0].shape[1]);
        if output.is_empty() {
            return Plan::default();
        }
        let mut launches = set_output(output.len(), 0);
        if n == 0 {
            return Plan { scratch: Vec::new(), launches };
        }
        let chunks = row_runs(n, width).flat_map(|run| {
            (0..run.len).step_by(CHUNK).map(move |start| Run { start: run.start + start, len: CHUNK.min(run.len - start) })
        });
        for i in chunks {
            let x = input_part(0, Run { start: i.start * width, len: i.len * width }, n * width);
            let index = input_part(1, i, n);
            for (part, r) in row_runs(self.rows, width).enumerate() {
                let y = output_part(Run { start: r.start * width, len: r.len * width }, output.len());
                // Links are made once a chunk; each part of the result then looks for its rows.
                for stage in if part == 0 { 0..2 } else { 1..2 } {
                    let sizes = [stage, i.len, width, r.start, r.len].map(|v| v as u32);
                    let params = Params::new(sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], x.base, index.base, y.base);
                    let invocations = if stage == 0 { i.len } else { i.len * width };
                    launches.push(launch(params, vec![x.slot, index.slot, y.slot, Slot::Scratch(0)], grid_of(invocations)));
                }
            }
        }
        Plan { scratch: vec![8 * n.min(CHUNK) as u64], launches }
    }

    /// γₙ times the largest sum of magnitudes, for both orders of adding: chunks may be added first within themselves.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let width = inputs[0].spec().shape[1];
        let index = flat_u32(inputs[1]);
        let mut sums = vec![0.0_f32; self.rows * width];
        let mut most = vec![0_usize; self.rows];
        for (x, &row) in flat(inputs[0]).chunks(width.max(1)).zip(index.iter()).filter(|(_, row)| (**row as usize) < self.rows) {
            most[row as usize] += 1;
            x.iter().enumerate().for_each(|(c, x)| sums[row as usize * width + c] += x.abs());
        }
        let terms = most.into_iter().max().unwrap_or(0);
        Tolerance::absolute(2.0 * gamma(terms) * sums.into_iter().fold(0.0, f32::max))
    }

    fn looks_at(&self, value: Value, _wanted: &[bool]) -> bool {
        value == Value::Input(1)
    }

    /// Each row of x gets the gradient of the row that it was added to.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Ok(vec![Some(vjp.session.run(&Gather, &[vjp.grad, &vjp.inputs[1]])), None])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let at = |n: usize, below: usize, seed| Array::from_u32(&[n], indices(n, below, seed));
    let op = ScatterAdd { rows: 65 };
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), op, vec![float_array(&[n, 7], 1), at(n, 65, 2)])).collect();
    all.push(sample("all to one row", op, vec![float_array(&[257, 3], 3), at(257, 1, 4)]));
    all.push(sample("past the end", op, vec![float_array(&[3, 5], 5), Array::from_u32(&[3], vec![64, 65, u32::MAX])]));
    all.push(sample("no rows", ScatterAdd { rows: 0 }, vec![float_array(&[3, 5], 5), at(3, 1, 6)]));
    all.push(tiled("257 to 65×7", op, vec![float_array(&[257, 7], 7), at(257, 70, 8)], 1024));
    all
}
