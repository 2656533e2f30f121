//! The gradient of [`Unary`]: `dx = f′(x) · g` in one launch.

use espalier_kernels::elementwise::unary_grad::Params;

use super::Unary;
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::plan::{grid_of, input_part, launch, made_for, output_part, runs};
use crate::ops::sampling::{SIZES, float_array, positive_array, sample, tied_array, tiled};
use crate::ops::values::{ULP, flat, magnitude};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `dx = f′(x) · g` from inputs x and g of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnaryGrad(
    /// f.
    pub Unary,
);

impl Op for UnaryGrad {
    fn name(&self) -> &'static str {
        "elementwise/unary_grad"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        assert_eq!(inputs[0], inputs[1], "x and g have one shape");
        inputs[0].clone()
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let (x, g) = (flat(inputs[0]), flat(inputs[1]));
        let both = x.iter().zip(g.iter());
        let dx = match self.0 {
            Unary::Relu => both.map(|(&x, g)| Unary::Relu.slope(x) * g).collect(),
            _ => both.map(|(&x, g)| self.0.slope(x) * g).collect(),
        };
        Array::from_f32(&inputs[0].spec().shape, dx)
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        let n = output.len();
        let launches = runs(n).map(|run| {
            let (x, g, y) = (input_part(0, run, n), input_part(1, run, n), output_part(run, n));
            made_for(&[("kind", self.0 as u32)], launch(Params::new(run.len as u32, x.base, y.base), vec![x.slot, g.slot, y.slot], grid_of(run.len)))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// The slopes are made of the same steps as the functions (see `Unary`), none more than twice: units of the largest slope times
    /// the largest g, and the exponential's own 2|x| units where it is not damped.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let (x, g) = (magnitude(inputs[0]), magnitude(inputs[1]));
        let largest = flat(inputs[0]).iter().map(|&x| self.0.slope(x).abs()).filter(|s| s.is_finite()).fold(1.0, f32::max);
        let units = match self.0 {
            Unary::Neg | Unary::Abs | Unary::Sign | Unary::Relu => return Tolerance::EXACT,
            Unary::Square | Unary::Log | Unary::Sqrt | Unary::Rsqrt | Unary::Reciprocal => 8.0,
            Unary::Exp => 5.0 + 2.0 * x,
            Unary::Sigmoid | Unary::Tanh => 24.0,
            Unary::Silu => 20.0 + 10.0 * x,
            Unary::Gelu => 32.0 + 8.0 * x,
            Unary::Sin => 5.0,
        };
        Tolerance::absolute(units * ULP * largest * g + f32::MIN_POSITIVE)
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "it is a gradient itself, and second derivatives are not provided" })
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for f in Unary::ALL {
        let make = if f.wants_positive() { positive_array } else { float_array };
        let op = UnaryGrad(f);
        all.extend(SIZES.iter().map(|&n| sample(format!("{f:?} {n}"), op, vec![make(&[n], 1), float_array(&[n], 2)])));
        all.push(tiled(format!("{f:?} 13×79"), op, vec![make(&[13, 79], 3), float_array(&[13, 79], 4)], 1024));
        if !f.wants_positive() {
            all.push(sample(format!("{f:?} ties"), op, vec![tied_array(&[257], 5), float_array(&[257], 6)]));
        }
    }
    all
}
