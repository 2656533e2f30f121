//! The product of two matrices, in the three forms that training needs.

use espalier_kernels::matmul::matmul::Params;

use crate::ops::pack::{Factor, cut, step};
use crate::array::{Array, Spec};
use crate::gemm::product;
use crate::op::{Op, Plan, Sample, Tolerance, Value};
use crate::ops::layout::fill::set_output;
use crate::ops::plan::{Run, grid, launch, limits, made_for, output_part};
use crate::ops::sampling::{SIZES, float_array, sample, tied_array, tiled};
use crate::ops::values::{flat, gamma};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Which factor is transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `A·B`: `[m, k]` and `[k, n]`.
    Nn,
    /// `A·Bᵀ`: `[m, k]` and `[n, k]`; what a linear of `[out, in]` does to its inputs.
    Nt,
    /// `Aᵀ·B`: `[k, m]` and `[k, n]`.
    Tn,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nn, Self::Nt, Self::Tn];
}

/// The product `[m, n]` of two matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatMul(
    /// Which factor is transposed.
    pub Form,
);

impl MatMul {
    /// `A·B`.
    pub const NN: Self = Self(Form::Nn);
    /// `A·Bᵀ`.
    pub const NT: Self = Self(Form::Nt);
    /// `Aᵀ·B`.
    pub const TN: Self = Self(Form::Tn);

    /// Rows, columns and terms of the product.
    fn sizes(self, a: &[usize], b: &[usize]) -> [usize; 3] {
        let ([a0, a1], [b0, b1]) = (a, b) else { panic!("matrices are multiplied, not {a:?} and {b:?}") };
        let (m, k, other, n) = match self.0 {
            Form::Nn => (a0, a1, b0, b1),
            Form::Nt => (a0, a1, b1, b0),
            Form::Tn => (a1, a0, b0, b1),
        };
        assert_eq!(k, other, "{:?} of {a:?} and {b:?}: the sums have different lengths", self.0);
        [*m, *n, *k]
    }
}

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul/matmul"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let [m, n, _] = self.sizes(&inputs[0].shape, &inputs[1].shape);
        Spec::f32([m, n])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let [m, n, k] = self.sizes(&inputs[0].spec().shape, &inputs[1].spec().shape);
        let a_strides = if self.0 == Form::Tn { (1, m) } else { (k, 1) };
        let b_strides = if self.0 == Form::Nt { (1, k) } else { (n, 1) };
        Array::from_f32(&[m, n], product(m, n, k, &flat(inputs[0]), a_strides, &flat(inputs[1]), b_strides))
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let [m, n, k] = self.sizes(&inputs[0].shape, &inputs[1].shape);
        if output.is_empty() {
            return Plan::default();
        }
        if k == 0 {
            return Plan { scratch: Vec::new(), launches: set_output(m * n, 0) };
        }
        let a = Factor { input: 0, width: m, depth: k, by_rows: self.0 != Form::Tn };
        let b = Factor { input: 1, width: n, depth: k, by_rows: self.0 == Form::Nt };
        let ((a_width, a_depth), (b_width, b_depth)) = (a.block(), b.block());
        let mut launches = Vec::new();
        for terms in cut(k, a_depth.min(b_depth)) {
            for cols in cut(n, b_width) {
                let (right, made) = b.pack(cols, terms, 1);
                launches.extend(made);
                for rows in cut(m, a_width) {
                    let (left, made) = a.pack(rows, terms, 0);
                    launches.extend(made);
                    // No launch runs too long, and c's part fits a binding.
                    for part in cut(rows.len, step(terms.len * cols.len, limits().elements() / n)) {
                        let first = rows.start + part.start;
                        let c = output_part(Run { start: first * n, len: part.len * n }, m * n);
                        let params = Params::new(
                            part.len as u32,
                            cols.len as u32,
                            terms.len as u32,
                            left.stride,
                            right.stride,
                            n as u32,
                            left.at(part.start),
                            right.base,
                            c.base + cols.start as u32,
                            u32::from(terms.start > 0),
                        );
                        let groups = grid(part.len.div_ceil(64) * cols.len.div_ceil(64));
                        let launch = launch(params, vec![left.slot, right.slot, c.slot], groups);
                        launches.push(made_for(&[("left_by_rows", a.lies()), ("right_by_rows", b.lies())], launch));
                    }
                }
            }
        }
        Plan { scratch: vec![a.scratch(), b.scratch()], launches }
    }

    /// Each side's dot products of k terms err by at most γₖ·Σ|a·b| (Higham §3.1, whatever the order, fused or not), and Σ|a·b| is at most
    /// the largest row norm of A times the largest column norm of B (Cauchy and Schwarz).
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let [m, n, k] = self.sizes(&inputs[0].spec().shape, &inputs[1].spec().shape);
        let rows = largest_norm(&flat(inputs[0]), m, k, if self.0 == Form::Tn { (1, m) } else { (k, 1) });
        let cols = largest_norm(&flat(inputs[1]), n, k, if self.0 == Form::Nt { (k, 1) } else { (1, n) });
        Tolerance::absolute(2.0 * gamma(k) * rows * cols + f32::MIN_POSITIVE)
    }

    fn looks_at(&self, value: Value, wanted: &[bool]) -> bool {
        matches!(value, Value::Input(i) if wanted[1 - i])
    }

    /// With g = dL/dC. `A·B`: gBᵀ, Aᵀg. `A·Bᵀ`: gB, gᵀA. `Aᵀ·B`: Bgᵀ, Ag.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        let (a, b, g) = (&vjp.inputs[0], &vjp.inputs[1], vjp.grad);
        let run = |op: Self, x, y| Some(vjp.session.run(&op, &[x, y]));
        let da = || match self.0 {
            Form::Nn => run(Self::NT, g, b),
            Form::Nt => run(Self::NN, g, b),
            Form::Tn => run(Self::NT, b, g),
        };
        let db = || match self.0 {
            Form::Nn => run(Self::TN, a, g),
            Form::Nt => run(Self::TN, g, a),
            Form::Tn => run(Self::NN, a, g),
        };
        Ok(vec![vjp.wanted[0].then(da).flatten(), vjp.wanted[1].then(db).flatten()])
    }
}

/// Largest Euclidean norm of `vectors` vectors of `len` elements, by the strides from vector to vector and along one.
pub(super) fn largest_norm(x: &[f32], vectors: usize, len: usize, (across, along): (usize, usize)) -> f32 {
    let norm = |v: usize| (0..len).map(|i| f64::from(x[v * across + i * along]).powi(2)).sum::<f64>();
    (0..vectors).map(norm).fold(0.0, f64::max).sqrt() as f32
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for form in Form::ALL {
        let op = MatMul(form);
        let inputs = |m: usize, n: usize, k: usize, seed| {
            let a = if form == Form::Tn { [k, m] } else { [m, k] };
            let b = if form == Form::Nt { [n, k] } else { [k, n] };
            vec![float_array(&a, seed), float_array(&b, seed + 1)]
        };
        for n in SIZES {
            all.push(sample(format!("{form:?} 5×7×{n}"), op, inputs(5, 7, n, 1)));
        }
        for n in [0, 1, 3, 4, 5, 8, 9, 31, 32, 33, 63, 64, 65, 257] {
            all.push(sample(format!("{form:?} {n}×6×11"), op, inputs(n, 6, 11, 3)));
            all.push(sample(format!("{form:?} 6×{n}×11"), op, inputs(6, n, 11, 5)));
        }
        all.push(sample(format!("{form:?} 128×96×64"), op, inputs(128, 96, 64, 7)));
        all.push(sample(format!("{form:?} 131×137×139"), op, inputs(131, 137, 139, 9)));
        all.push(sample(format!("{form:?} ties"), op, vec![tied_array(&[64, 64], 11), tied_array(&[64, 64], 12)]));
        for (m, n, k) in [(131, 37, 39), (64, 64, 64), (16, 200, 20), (200, 16, 20), (12, 12, 300)] {
            all.push(tiled(format!("{form:?} {m}×{n}×{k}"), op, inputs(m, n, k, 13), 4096));
        }
    }
    all
}
