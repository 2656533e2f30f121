//! Random words.

use espalier_kernels::random::bits::Params;

use super::{fill_samples, plan};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::plan::launch;
use crate::random::Stream;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Random words: element i is word i of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    /// Shape.
    pub shape: Vec<usize>,
    /// Which words.
    pub stream: Stream,
}

impl Op for Bits {
    fn name(&self) -> &'static str {
        "random/bits"
    }

    fn output(&self, _inputs: &[Spec]) -> Spec {
        Spec::u32(self.shape.clone())
    }

    fn cpu(&self, _inputs: &[&Array]) -> Array {
        let n: usize = self.shape.iter().product();
        Array::from_u32(&self.shape, (0..n as u32).map(|i| self.stream.word(i)).collect())
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        plan(self.stream, output.len(), |[count, start, low, high, stream], y, slots, groups| {
            launch(Params::new(count, start, low, high, stream, y), slots, groups)
        })
    }

    /// Integers.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Ok(Vec::new())
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    fill_samples(|shape, stream| Bits { shape, stream })
}
