//! Rows of a table by their indices.

use espalier_kernels::layout::gather::Params;

use super::{ScatterAdd, runs_moved};
use crate::array::{Array, DType, Spec};
use crate::op::{Op, Plan, Sample, Tolerance, Value};
use crate::ops::layout::fill::set_output;
use crate::ops::plan::{Run, grid_of, input_part, launch, output_part, row_runs};
use crate::ops::sampling::{SIZES, float_array, indices, sample, tiled, wild_array};
use crate::ops::values::flat_u32;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `table [rows, width]` and `index [n]` (integers) to `[n, width]`: row `index[i]` of the table. An index past the table's end
/// gives a row of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gather;

impl Op for Gather {
    fn name(&self) -> &'static str {
        "layout/gather"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let ([_, width], [n]) = (&inputs[0].shape[..], &inputs[1].shape[..]) else {
            panic!("rows are gathered from a matrix by a list, not from {:?} by {:?}", inputs[0].shape, inputs[1].shape)
        };
        assert_eq!(inputs[1].dtype, DType::U32, "indices are integers");
        Spec { shape: vec![*n, *width], dtype: inputs[0].dtype }
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let table = inputs[0].spec();
        let (rows, width) = (table.shape[0], table.shape[1]);
        let index = flat_u32(inputs[1]);
        let starts = index.iter().map(|&i| ((i as usize) < rows).then_some(i as usize * width));
        runs_moved(inputs[0], &[index.len(), width], width, starts)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let (rows, width, n) = (inputs[0].shape[0], inputs[0].shape[1], output.shape[0]);
        if output.is_empty() {
            return Plan::default();
        }
        if rows == 0 {
            return Plan { scratch: Vec::new(), launches: set_output(output.len(), 0) };
        }
        let launches = row_runs(n, width).flat_map(|i| {
            row_runs(rows, width).map(move |r| {
                let x = input_part(0, Run { start: r.start * width, len: r.len * width }, rows * width);
                let index = input_part(1, i, n);
                let y = output_part(Run { start: i.start * width, len: i.len * width }, n * width);
                let sizes = [i.len, width, r.start, r.len, rows].map(|v| v as u32);
                let params = Params::new(sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], x.base, index.base, y.base);
                launch(params, vec![x.slot, index.slot, y.slot], grid_of(i.len * width))
            })
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Bits are moved.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn looks_at(&self, value: Value, _wanted: &[bool]) -> bool {
        value == Value::Input(1)
    }

    /// Each row of the gradient is added to the row of the table that it came from.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        let back = ScatterAdd { rows: vjp.spec(0).shape[0] };
        Ok(vec![Some(vjp.session.run(&back, &[vjp.grad, &vjp.inputs[1]])), None])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let at = |n: usize, below: usize, seed| Array::from_u32(&[n], indices(n, below, seed));
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), Gather, vec![float_array(&[65, 7], 1), at(n, 65, 2)])).collect();
    all.push(sample("past the end", Gather, vec![float_array(&[63, 5], 3), Array::from_u32(&[4], vec![62, 63, u32::MAX, 0])]));
    all.push(sample("empty table", Gather, vec![float_array(&[0, 5], 3), Array::from_u32(&[2], vec![0, 1])]));
    all.push(sample("width 0", Gather, vec![float_array(&[5, 0], 3), Array::from_u32(&[2], vec![0, 1])]));
    all.push(sample("wild", Gather, vec![wild_array(&[63, 5], 4), at(257, 63, 5)]));
    all.push(sample("integers", Gather, vec![Array::from_u32(&[2, 2], vec![1, 2, 0x7f80_0001, 4]), at(9, 2, 6)]));
    all.push(tiled("257 of 65×7", Gather, vec![float_array(&[65, 7], 7), at(257, 70, 8)], 1024));
    all
}
