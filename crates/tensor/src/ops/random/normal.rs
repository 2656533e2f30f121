//! Normally distributed random numbers.

use espalier_kernels::random::normal::Params;

use super::{fill_samples, plan};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::plan::launch;
use crate::ops::values::ULP;
use crate::random::Stream;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Normally distributed random numbers, made of the same integers as [`Bits`](super::Bits) on every device.
#[derive(Clone, Debug, PartialEq)]
pub struct Normal {
    /// Shape.
    pub shape: Vec<usize>,
    /// Which numbers.
    pub stream: Stream,
    /// Mean.
    pub mean: f32,
    /// Standard deviation.
    pub deviation: f32,
}

impl Op for Normal {
    fn name(&self) -> &'static str {
        "random/normal"
    }

    fn output(&self, _inputs: &[Spec]) -> Spec {
        Spec::f32(self.shape.clone())
    }

    fn cpu(&self, _inputs: &[&Array]) -> Array {
        let n: usize = self.shape.iter().product();
        Array::from_f32(&self.shape, (0..n as u32).map(|i| self.mean + self.deviation * self.stream.normal(i)).collect())
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        plan(self.stream, output.len(), |[count, start, low, high, stream], y, slots, groups| {
            launch(Params::new(count, start, low, high, stream, self.mean, self.deviation, y), slots, groups)
        })
    }

    /// WGSL grants `log` an error of 2⁻²¹ = 4 units of 1 near 1, where the quantile grows by 0.35 a unit of the logarithm, and 3 units of
    /// up to 17 in the tail (51 units), where it grows by 1/√(2·17) = 0.17; the polynomial's nine steps and the products round the
    /// quantile, at most 5.5, by 2 units each at most: 9 + 110 units of 1.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance { absolute: 128.0 * ULP * self.deviation.abs(), relative: ULP }
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Ok(Vec::new())
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    fill_samples(|shape, stream| Normal { shape, stream, mean: 0.5, deviation: 2.0 })
}
