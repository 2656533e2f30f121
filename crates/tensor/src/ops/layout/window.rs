//! A rectangle of a matrix, or a matrix with a margin.

use espalier_kernels::layout::window::Params;

use super::moved;
use crate::array::{Array, Spec};
use crate::op::{Launch, Op, Plan, Sample, Slot, Tolerance, Value};
use crate::ops::plan::{Part, Run, grid_of, input_part, launch, output_part, row_runs};
use crate::ops::sampling::{SIZES, float_array, sample, tiled, wild_array};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `y[r, c] = x[r + down, c + right]`, and 0 where that lies outside x. With `down = right = 0` it cuts off or pads at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the result.
    pub shape: [usize; 2],
    /// Row of x for the first row of the result.
    pub down: i32,
    /// Column of x for the first column of the result.
    pub right: i32,
}

/// One launch that copies `rows × cols` elements into a scratch buffer whose rows are `y_stride` long, zeros behind.
pub(in crate::ops) fn padded_into(scratch: usize, rows: usize, cols: usize, x: Part, y_stride: usize) -> Launch {
    let params = Params::new(rows as u32, y_stride as u32, rows as u32, cols as u32, 0, 0, x.base, 0);
    launch(params, vec![x.slot, Slot::Scratch(scratch)], grid_of(rows * y_stride))
}

impl Op for Window {
    fn name(&self) -> &'static str {
        "layout/window"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        assert_eq!(inputs[0].shape.len(), 2, "a window looks at a matrix, not {:?}", inputs[0].shape);
        Spec { shape: self.shape.to_vec(), dtype: inputs[0].dtype }
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let spec = inputs[0].spec();
        let (rows, cols) = (spec.shape[0] as i64, spec.shape[1] as i64);
        let [m, n] = self.shape;
        let places = (0..m * n).map(|i| {
            let (r, c) = ((i / n) as i64 + i64::from(self.down), (i % n) as i64 + i64::from(self.right));
            ((0..rows).contains(&r) && (0..cols).contains(&c)).then_some((r * cols + c) as usize)
        });
        moved(inputs[0], &self.shape, places)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let (rows, cols, whole) = (inputs[0].shape[0], inputs[0].shape[1], inputs[0].len());
        let [m, n] = self.shape;
        if output.is_empty() {
            return Plan::default();
        }
        // Runs of rows of the result, and of them as many as reach into a binding's worth of rows of x.
        let launches = row_runs(m, n.max(cols)).map(|run| {
            let first = (run.start as i64 + i64::from(self.down)).clamp(0, rows as i64) as usize;
            let end = ((run.start + run.len) as i64 + i64::from(self.down)).clamp(0, rows as i64) as usize;
            let x = input_part(0, Run { start: first * cols, len: (end - first) * cols }, whole);
            let y = output_part(Run { start: run.start * n, len: run.len * n }, output.len());
            let down = (run.start as i64 + i64::from(self.down) - first as i64) as i32;
            // Where nothing of x is seen, any binding will do: no element of it is read.
            let x = if end == first { Part { slot: input_part(0, Run { start: 0, len: whole.min(64) }, whole).slot, base: 0 } } else { x };
            let params = Params::new(run.len as u32, n as u32, (end - first) as u32, cols as u32, down, self.right, x.base, y.base);
            launch(params, vec![x.slot, y.slot], grid_of(run.len * n))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Bits are moved.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn looks_at(&self, _value: Value, _wanted: &[bool]) -> bool {
        false
    }

    /// The gradient seen through the window back: what was cut off gets 0.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        let shape = [vjp.spec(0).shape[0], vjp.spec(0).shape[1]];
        let back = Self { shape, down: -self.down, right: -self.right };
        Ok(vec![Some(vjp.session.run(&back, &[vjp.grad]))])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let at = |m, n, down, right| Window { shape: [m, n], down, right };
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("1×{n}"), at(2, n + 3, 0, 0), vec![float_array(&[1, n], 1)])).collect();
    for (op, shape) in [
        (at(5, 7, 2, 3), [13, 17]),
        (at(20, 30, -3, -4), [13, 17]),
        (at(20, 3, -30, 0), [13, 17]),
        (at(13, 17, 100, 100), [13, 17]),
        (at(3, 3, 0, 0), [0, 5]),
        (at(65, 257, 5, -2), [64, 300]),
    ] {
        all.push(sample(format!("{op:?} of {shape:?}"), op, vec![float_array(&shape, 2)]));
        all.push(tiled(format!("{op:?} of {shape:?}"), op, vec![float_array(&shape, 3)], 2048));
    }
    all.push(sample("wild", at(9, 60, 1, 2), vec![wild_array(&[13, 65], 4)]));
    all
}
