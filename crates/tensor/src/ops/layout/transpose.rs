//! Rows for columns.

use espalier_kernels::layout::transpose::Params;

use crate::array::{Array, Spec};
use crate::op::{Launch, Op, Plan, Sample, Tolerance, Value};
use crate::ops::plan::{Part, Run, grid, input_part, launch, output_part, row_runs};
use crate::ops::sampling::{SIZES, float_array, sample, tiled, wild_array};
use crate::ops::values::{flat, flat_u32};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Rows and columns that are moved together, and by one workgroup.
const SIDE: usize = 32;

/// `[m, n]` to `[n, m]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transpose;

/// One launch: `rows × cols` elements of `x`, whose rows are `x_stride` apart, become `cols × rows` of `y`, whose rows are `y_stride` apart.
fn transposed(rows: usize, cols: usize, x: (Part, usize), y: (Part, usize)) -> Launch {
    let params = Params::new(rows as u32, cols as u32, x.1 as u32, y.1 as u32, x.0.base, y.0.base);
    launch(params, vec![x.0.slot, y.0.slot], grid(rows.div_ceil(SIDE) * cols.div_ceil(SIDE)))
}

/// The same on the CPU, square by square, so that both sides stay in the cache.
fn turned<T: Copy + Default>(x: &[T], rows: usize, cols: usize) -> Vec<T> {
    let mut y = vec![T::default(); x.len()];
    for first_row in (0..rows).step_by(SIDE) {
        for first_col in (0..cols).step_by(SIDE) {
            for col in first_col..cols.min(first_col + SIDE) {
                let to = &mut y[col * rows..][first_row..rows.min(first_row + SIDE)];
                to.iter_mut().zip(first_row..).for_each(|(to, row)| *to = x[row * cols + col]);
            }
        }
    }
    y
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "layout/transpose"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let [rows, cols] = inputs[0].shape[..] else { panic!("a matrix is transposed, not {:?}", inputs[0].shape) };
        Spec { shape: vec![cols, rows], dtype: inputs[0].dtype }
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let spec = inputs[0].spec();
        let (rows, cols) = (spec.shape[0], spec.shape[1]);
        let shape = [cols, rows];
        match inputs[0] {
            Array::F32(_) => Array::from_f32(&shape, turned(&flat(inputs[0]), rows, cols)),
            Array::U32(_) => Array::from_u32(&shape, turned(&flat_u32(inputs[0]), rows, cols)),
        }
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let (rows, cols, n) = (inputs[0].shape[0], inputs[0].shape[1], output.len());
        if n == 0 {
            return Plan::default();
        }
        // Runs of rows of x against runs of rows of y: any two meet in a rectangle.
        let launches = row_runs(rows, cols).flat_map(|r| {
            row_runs(cols, rows).map(move |c| {
                let x = input_part(0, Run { start: r.start * cols, len: r.len * cols }, n);
                let y = output_part(Run { start: c.start * rows, len: c.len * rows }, n);
                let x = Part { base: x.base + c.start as u32, ..x };
                let y = Part { base: y.base + r.start as u32, ..y };
                transposed(r.len, c.len, (x, cols), (y, rows))
            })
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

    /// The gradient, transposed back.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Ok(vec![Some(vjp.session.run(&Self, &[vjp.grad]))])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("1×{n}"), Transpose, vec![float_array(&[1, n], 1)])).collect();
    for (m, n) in [(63, 64), (65, 16), (17, 257), (257, 17), (0, 5)] {
        all.push(sample(format!("{m}×{n}"), Transpose, vec![float_array(&[m, n], 2)]));
        all.push(tiled(format!("{m}×{n}"), Transpose, vec![float_array(&[m, n], 3)], 4096));
    }
    all.push(sample("wild", Transpose, vec![wild_array(&[13, 65], 4)]));
    all.push(sample("integers", Transpose, vec![Array::from_u32(&[2, 2], vec![1, 2, 0x7f80_0001, 4])]));
    all
}
