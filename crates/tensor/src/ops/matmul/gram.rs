//! A matrix times its own transpose.

use espalier_kernels::matmul::gram::Params;

use super::matmul::{MatMul, largest_norm};
use crate::ops::pack::{Factor, cut, step};
use crate::array::{Array, Spec};
use crate::gemm::gemm;
use crate::op::{Op, Plan, Sample, Slot, Tolerance, Value};
use crate::ops::elementwise::Binary;
use crate::ops::layout::Transpose;
use crate::ops::layout::fill::set_output;
use crate::ops::plan::{Run, grid, launch, limits, made_for};
use crate::ops::sampling::{SIZES, float_array, sample, tied_array, tiled};
use crate::ops::values::{flat, gamma};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Whose inner products are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// `A·Aᵀ`, `[m, m]`.
    Rows,
    /// `Aᵀ·A`, `[n, n]`.
    Cols,
}

/// All inner products of the rows or of the columns of A `[m, n]`. Only one triangle is computed; the other mirrors it to the bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gram(
    /// Whose inner products.
    pub Side,
);

/// Rows of a block of the CPU's triangle: below it, what is computed twice costs less than smaller products would.
const BLOCK: usize = 128;

impl Gram {
    /// Size of the result and terms of each sum.
    fn sizes(self, a: &[usize]) -> (usize, usize) {
        let [m, n] = a else { panic!("a matrix has a Gram matrix, not {a:?}") };
        match self.0 {
            Side::Rows => (*m, *n),
            Side::Cols => (*n, *m),
        }
    }

    fn product(self) -> MatMul {
        if self.0 == Side::Rows { MatMul::NT } else { MatMul::TN }
    }
}

impl Op for Gram {
    fn name(&self) -> &'static str {
        "matmul/gram"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let (size, _) = self.sizes(&inputs[0].shape);
        Spec::f32([size, size])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let (size, depth) = self.sizes(&inputs[0].spec().shape);
        let a = flat(inputs[0]);
        // Strides from vector to vector and along one.
        let (across, along) = if self.0 == Side::Rows { (depth, 1) } else { (1, size) };
        let mut c = vec![0.0; size * size];
        for start in (0..size).step_by(BLOCK).filter(|_| depth > 0) {
            let rows = BLOCK.min(size - start);
            let below = &a[start * across..];
            gemm(rows, start + rows, depth, 1.0, below, (across, along), &a, (along, across), 0.0, &mut c[start * size..], (size, 1));
        }
        for i in 0..size {
            for j in 0..i {
                c[j * size + i] = c[i * size + j];
            }
        }
        Array::from_f32(&[size, size], c)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let (size, depth) = self.sizes(&inputs[0].shape);
        if output.is_empty() {
            return Plan::default();
        }
        if depth == 0 {
            return Plan { scratch: Vec::new(), launches: set_output(size * size, 0) };
        }
        let a = Factor { input: 0, width: size, depth, by_rows: self.0 == Side::Rows };
        if output.bytes() > limits().binding || a.block().0 < size {
            // The mirrored place may lie in another binding: the general product does it, computing both triangles.
            let twice = [inputs[0].clone(), inputs[0].clone()];
            let mut plan = self.product().gpu(&twice, output);
            for slot in plan.launches.iter_mut().flat_map(|l| &mut l.buffers) {
                *slot = match *slot {
                    Slot::Input(1) => Slot::Input(0),
                    Slot::InputPart(1, offset, bytes) => Slot::InputPart(0, offset, bytes),
                    other => other,
                };
            }
            return plan;
        }
        let mut launches = Vec::new();
        for terms in cut(depth, a.block().1) {
            let (left, made) = a.pack(Run { start: 0, len: size }, terms, 0);
            launches.extend(made);
            for rows in cut(size, step(terms.len * size, size)) {
                let numbers = [size, rows.start, rows.len, terms.len].map(|v| v as u32);
                let add = u32::from(terms.start > 0);
                let params = Params::new(numbers[0], numbers[1], numbers[2], numbers[3], left.stride, left.base, add);
                let groups = grid(rows.len.div_ceil(64) * (rows.start + rows.len).div_ceil(64));
                let launch = launch(params, vec![left.slot, Slot::Output], groups);
                launches.push(made_for(&[("left_by_rows", a.lies()), ("right_by_rows", a.lies())], launch));
            }
        }
        Plan { scratch: vec![a.scratch()], launches }
    }

    /// As [`MatMul`]'s: both sides' dot products err by γₖ times the product of two norms.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let (size, depth) = self.sizes(&inputs[0].spec().shape);
        let strides = if self.0 == Side::Rows { (depth, 1) } else { (1, size) };
        let norm = largest_norm(&flat(inputs[0]), size, depth, strides);
        Tolerance::absolute(2.0 * gamma(depth) * norm * norm + f32::MIN_POSITIVE)
    }

    fn looks_at(&self, value: Value, _wanted: &[bool]) -> bool {
        value == Value::Input(0)
    }

    /// `A·Aᵀ`: (g + gᵀ)·A; `Aᵀ·A`: A·(g + gᵀ).
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        let (session, a, g) = (vjp.session, &vjp.inputs[0], vjp.grad);
        let both = session.run(&Binary::Add, &[g, &session.run(&Transpose, &[g])]);
        let inputs = if self.0 == Side::Rows { [&both, a] } else { [a, &both] };
        Ok(vec![Some(session.run(&MatMul::NN, &inputs))])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for side in [Side::Rows, Side::Cols] {
        let op = Gram(side);
        let of = |size: usize, depth: usize| if side == Side::Rows { [size, depth] } else { [depth, size] };
        for n in SIZES {
            all.push(sample(format!("{side:?} 6×{n}"), op, vec![float_array(&of(6, n), 1)]));
        }
        for n in [0, 1, 3, 4, 5, 8, 9, 31, 32, 33, 63, 64, 65, 257] {
            all.push(sample(format!("{side:?} {n}×11"), op, vec![float_array(&of(n, 11), 2)]));
        }
        all.push(sample(format!("{side:?} ties"), op, vec![tied_array(&[64, 64], 3)]));
        for (size, depth) in [(30, 300), (64, 64), (9, 200), (100, 20)] {
            all.push(tiled(format!("{side:?} {size}×{depth}"), op, vec![float_array(&of(size, depth), 4)], 4096));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gram_matrix_is_symmetric_to_the_bit() {
        for side in [Side::Rows, Side::Cols] {
            let c = Gram(side).cpu(&[&float_array(&[300, 290], 5)]);
            let c = c.f32();
            let n = c.shape()[0];
            assert!((0..n).all(|i| (0..i).all(|j| c[[i, j]].to_bits() == c[[j, i]].to_bits())));
        }
    }
}
