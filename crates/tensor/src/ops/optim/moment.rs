//! Exponential averages of gradients.

use espalier_kernels::optim::moment::Params;

use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::plan::{grid_of, input_part, launch, output_part, runs};
use crate::ops::sampling::{SIZES, float_array, positive_array, sample, tiled};
use crate::ops::values::{ULP, flat, magnitude, ulps};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `β m + (1 − β) g`, or `β v + (1 − β) g²`, from the average and the gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// β.
    pub beta: f64,
    /// Whether the square of the gradient is averaged.
    pub square: bool,
}

impl Moment {
    /// β and 1 − β, each rounded once.
    fn factors(self) -> (f32, f32) {
        (self.beta as f32, (1.0 - self.beta) as f32)
    }
}

impl Op for Moment {
    fn name(&self) -> &'static str {
        "optim/moment"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        assert_eq!(inputs[0], inputs[1], "the average and the gradient have one shape");
        inputs[0].clone()
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let (beta, rest) = self.factors();
        let term = |g: f32| if self.square { g * g } else { g };
        let averages = flat(inputs[0]).iter().zip(flat(inputs[1]).iter()).map(|(m, &g)| beta * m + rest * term(g)).collect();
        Array::from_f32(&inputs[0].spec().shape, averages)
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        let n = output.len();
        let (beta, rest) = self.factors();
        let launches = runs(n).map(|run| {
            let (m, g, y) = (input_part(0, run, n), input_part(1, run, n), output_part(run, n));
            let params = Params::new(run.len as u32, beta, rest, u32::from(self.square), m.base, y.base);
            launch(params, vec![m.slot, g.slot, y.slot], grid_of(run.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// A device may fuse a product into the sum: half a unit of the larger product, two of the square's; and one of the result.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let (m, g) = (magnitude(inputs[0]), magnitude(inputs[1]));
        let term = if self.square { g * g } else { g };
        Tolerance { absolute: ULP * (m + term), ..ulps(1.0) }
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "an optimiser's step is not part of what is trained" })
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for (op, make) in [(Moment { beta: 0.9, square: false }, float_array as fn(&[usize], u64) -> Array), (Moment { beta: 0.999, square: true }, positive_array)] {
        all.extend(SIZES.iter().map(|&n| sample(format!("{op:?} {n}"), op, vec![make(&[n], 1), float_array(&[n], 2)])));
        all.push(tiled(format!("{op:?} 13×79"), op, vec![make(&[13, 79], 3), float_array(&[13, 79], 4)], 1024));
    }
    all
}
