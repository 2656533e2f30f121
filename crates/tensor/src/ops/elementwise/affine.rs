//! `y = scale · x + shift`.

use espalier_kernels::elementwise::affine::Params;

use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance, Value};
use crate::ops::plan::{grid_of, input_part, launch, output_part, runs};
use crate::ops::sampling::{SIZES, float_array, sample, tiled};
use crate::ops::values::{ULP, flat, magnitude, ulps};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `y = scale · x + shift`, elementwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Factor.
    pub scale: f32,
    /// Summand.
    pub shift: f32,
}

impl Affine {
    /// `scale · x`.
    pub fn scale(scale: f32) -> Self {
        Self { scale, shift: 0.0 }
    }
}

impl Op for Affine {
    fn name(&self) -> &'static str {
        "elementwise/affine"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        Spec::f32(inputs[0].shape.clone())
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let y = flat(inputs[0]).iter().map(|x| self.scale * x + self.shift).collect();
        Array::from_f32(&inputs[0].spec().shape, y)
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        let n = output.len();
        let launches = runs(n).map(|run| {
            let (x, y) = (input_part(0, run, n), output_part(run, n));
            launch(Params::new(run.len as u32, self.scale, self.shift, x.base, y.base), vec![x.slot, y.slot], grid_of(run.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// A device may round once (fused) or twice: half a unit of `scale · x`, beside half a unit of the sum on each side.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let Tolerance { absolute, relative } = ulps(1.0);
        Tolerance { absolute: absolute + self.scale.abs() * magnitude(inputs[0]) * 0.5 * ULP, relative }
    }

    fn looks_at(&self, _value: Value, _wanted: &[bool]) -> bool {
        false
    }

    /// `dx = scale · g`.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Ok(vec![Some(vjp.session.run(&Self::scale(self.scale), &[vjp.grad]))])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let op = Affine { scale: -1.5, shift: 0.3 };
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), op, vec![float_array(&[n], 1)])).collect();
    all.push(sample("scalar", op, vec![float_array(&[], 2)]));
    all.push(tiled("1031", op, vec![float_array(&[1031], 3)], 1024));
    all
}
