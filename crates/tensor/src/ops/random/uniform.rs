//! Evenly spread random numbers.

use espalier_kernels::random::uniform::Params;

use super::{fill_samples, plan};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::plan::launch;
use crate::ops::values::ULP;
use crate::random::Stream;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Random numbers of `[low, high)`: `low + (high − low) · u`, u a multiple of 2⁻²⁴. Rounding can make one equal to `high`.
#[derive(Clone, Debug, PartialEq)]
pub struct Uniform {
    /// Shape.
    pub shape: Vec<usize>,
    /// Which numbers.
    pub stream: Stream,
    /// Lower end.
    pub low: f32,
    /// Upper end.
    pub high: f32,
}

impl Op for Uniform {
    fn name(&self) -> &'static str {
        "random/uniform"
    }

    fn output(&self, _inputs: &[Spec]) -> Spec {
        Spec::f32(self.shape.clone())
    }

    fn cpu(&self, _inputs: &[&Array]) -> Array {
        let n: usize = self.shape.iter().product();
        let span = self.high - self.low;
        Array::from_f32(&self.shape, (0..n as u32).map(|i| self.low + span * self.stream.uniform(i)).collect())
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        plan(self.stream, output.len(), |[count, start, low, high, stream], y, slots, groups| {
            launch(Params::new(count, start, low, high, stream, self.low, self.high - self.low, y), slots, groups)
        })
    }

    /// u is exact; a device may fuse the product and the sum: half a unit of the span, and one of the result.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance { absolute: 0.5 * ULP * (self.high - self.low), relative: ULP }
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Ok(Vec::new())
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    fill_samples(|shape, stream| Uniform { shape, stream, low: -0.3, high: 1.7 })
}
