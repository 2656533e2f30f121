//! Rotary position embedding.

use espalier_kernels::attention::rope::Params;

use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::elementwise::{Affine, Binary};
use crate::ops::layout::Window;
use crate::ops::plan::{Run, grid_of, input_part, launch, limits, output_part, row_runs};
use crate::ops::reduce::{Fold, FoldKind};
use crate::ops::sampling::{float_array, sample, tiled};
use crate::ops::values::{ULP, flat, magnitude};
use crate::session::{Session, Tensor};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `x [rows, heads · head]` and a table `[positions, 2·half]` (cosines, then sines) to x with the pairs (i, i + half) of each head turned
/// (Su et al. 2021, in the order that GPT-NeoX and Llama use). Row r is at position r mod positions; elements from 2·half on stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rope {
    /// Elements a head.
    pub head: usize,
    /// Turns back.
    pub back: bool,
}

impl Rope {
    fn way(self) -> f32 {
        if self.back { -1.0 } else { 1.0 }
    }

    /// Rows, elements a row, pairs a head, positions.
    fn sizes(self, inputs: &[Spec]) -> [usize; 4] {
        let ([rows, width], [positions, twice]) = (&inputs[0].shape[..], &inputs[1].shape[..]) else {
            panic!("a matrix is turned by a table, not {:?} by {:?}", inputs[0].shape, inputs[1].shape)
        };
        assert!(self.head > 0 && width % self.head == 0, "{width} elements a row are no whole heads of {}", self.head);
        assert!(twice % 2 == 0 && *twice <= self.head && *positions > 0, "a table {:?} for heads of {}", inputs[1].shape, self.head);
        [*rows, *width, twice / 2, *positions]
    }
}

impl Op for Rope {
    fn name(&self) -> &'static str {
        "attention/rope"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        self.sizes(inputs);
        Spec::f32(inputs[0].shape.clone())
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let [_, width, half, positions] = self.sizes(&[inputs[0].spec(), inputs[1].spec()]);
        let mut y = flat(inputs[0]).into_owned();
        let table = flat(inputs[1]);
        for (r, row) in y.chunks_mut(width.max(1)).enumerate() {
            let (cos, sin) = table[r % positions * 2 * half..][..2 * half].split_at(half);
            for head in row.chunks_mut(self.head) {
                let (low, high) = head[..2 * half].split_at_mut(half);
                for i in 0..half {
                    let (a, b) = (low[i], high[i]);
                    low[i] = a * cos[i] - b * sin[i] * self.way();
                    high[i] = b * cos[i] + a * sin[i] * self.way();
                }
            }
        }
        Array::from_f32(&inputs[0].spec().shape, y)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let [rows, width, half, positions] = self.sizes(inputs);
        if output.is_empty() {
            return Plan::default();
        }
        assert!(inputs[1].bytes() <= limits().binding, "a table of positions fits a binding");
        let launches = row_runs(rows, width).map(|run| {
            let elements = Run { start: run.start * width, len: run.len * width };
            let (x, y) = (input_part(0, elements, rows * width), output_part(elements, rows * width));
            let numbers = [elements.len, width, self.head, half, positions, run.start].map(|v| v as u32);
            let [count, width, head, half, positions, first] = numbers;
            let params = Params::new(count, width, head, half, positions, first, self.way(), x.base, y.base);
            launch(params, vec![x.slot, crate::op::Slot::Input(1), y.slot], grid_of(elements.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Two products and a sum of them round, or one is fused: three halves of a unit of at most 2·max|x|·max|table|, on each side.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        Tolerance::absolute(3.0 * ULP * 2.0 * magnitude(inputs[0]) * magnitude(inputs[1]).max(1.0) + f32::MIN_POSITIVE)
    }

    /// x: turned the other way. Table: cos gets g₁x₁ + g₂x₂ and sin gets ±(g₂x₁ − g₁x₂), summed over heads and over rows of one position.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        let (s, x, table, g) = (vjp.session, &vjp.inputs[0], &vjp.inputs[1], vjp.grad);
        let dx = vjp.wanted[0].then(|| s.run(&Self { back: !self.back, ..*self }, &[g, table]));
        let dt = vjp.wanted[1].then(|| self.table_gradient(s, x, g, table.spec()));
        Ok(vec![dx, dt])
    }
}

impl Rope {
    fn table_gradient(self, s: &Session, x: &Tensor, g: &Tensor, table: &Spec) -> Tensor {
        let [rows, width, half, positions] = self.sizes(&[x.spec().clone(), table.clone()]);
        let heads = width / self.head;
        let part = |t: &Tensor, right: usize| {
            let shape = [rows * heads, half];
            s.run(&Window { shape, down: 0, right: right as i32 }, &[&t.reshape([rows * heads, self.head])])
        };
        let [x1, x2, g1, g2] = [part(x, 0), part(x, half), part(g, 0), part(g, half)];
        let mul = |a, b| s.run(&Binary::Mul, &[a, b]);
        let cos = s.run(&Binary::Add, &[&mul(&g1, &x1), &mul(&g2, &x2)]);
        let sin = s.run(&Affine::scale(self.way()), &[&s.run(&Binary::Sub, &[&mul(&g2, &x1), &mul(&g1, &x2)])]);
        // Over heads, then over the rows of one position: padded to whole rounds of positions.
        let rounds = rows.div_ceil(positions);
        let summed = |t: &Tensor, right: i32| {
            let by_row = s.run(&Fold::along(FoldKind::Sum, 1), &[&t.reshape([rows, heads, half])]);
            let whole = s.run(&Window { shape: [rounds * positions, 2 * half], down: 0, right }, &[&by_row]);
            s.run(&Fold::along(FoldKind::Sum, 0), &[&whole.reshape([rounds, positions, 2 * half])])
        };
        s.run(&Binary::Add, &[&summed(&cos, 0), &summed(&sin, -(half as i32))])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for (rows, heads, head, half, positions) in [(3, 2, 8, 4, 3), (7, 1, 6, 2, 4), (64, 3, 64, 32, 64), (65, 2, 16, 8, 13), (0, 2, 4, 2, 5), (1, 1, 2, 1, 1), (5, 2, 6, 0, 5)] {
        for back in [false, true] {
            let inputs = vec![float_array(&[rows, heads * head], 1), float_array(&[positions, 2 * half], 2)];
            all.push(sample(format!("{rows}×{heads}·{head}, {half} pairs, {positions} positions, back {back}"), Rope { head, back }, inputs));
        }
    }
    all.push(tiled("257×3·8", Rope { head: 8, back: false }, vec![float_array(&[257, 24], 3), float_array(&[11, 6], 4)], 1024));
    all
}
