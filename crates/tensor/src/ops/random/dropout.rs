//! Dropout.

use espalier_kernels::random::dropout::Params;

use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance, Value};
use crate::ops::plan::{grid_of, input_part, launch, output_part, runs};
use crate::ops::sampling::{SIZES, float_array, sample, tiled};
use crate::ops::values::{flat, ulps};
use crate::random::Stream;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Sets each element to zero with probability `share` and multiplies the others by `1 / (1 − share)` (Srivastava et al. 2014, the inverted form). Which ones is
/// a hash of the element's index, so the mask is never stored: the gradient makes it again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Probability of zero, in [0, 1], rounded to a multiple of 2⁻²⁴.
    pub share: f64,
    /// Which numbers.
    pub stream: Stream,
}

impl Dropout {
    /// The elements are kept whose 24 bits are below the first; the second is what they are multiplied by.
    fn factors(self) -> (u32, f32) {
        assert!((0.0..=1.0).contains(&self.share), "a share of {} is dropped", self.share);
        let kept = ((1.0 - self.share) * 16_777_216.0).round() as u32;
        (kept, if kept == 0 { 0.0 } else { (1.0 / (1.0 - self.share)) as f32 })
    }
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "random/dropout"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        assert!(u32::try_from(inputs[0].len()).is_ok(), "{} random numbers are more than there are counters", inputs[0].len());
        Spec::f32(inputs[0].shape.clone())
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let (kept, scale) = self.factors();
        let x = flat(inputs[0]);
        let y = x.iter().enumerate().map(|(i, x)| if self.stream.word(i as u32) >> 8 < kept { x * scale } else { 0.0 });
        Array::from_f32(&inputs[0].spec().shape, y.collect())
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        let n = output.len();
        let (kept, scale) = self.factors();
        let Stream { seed, stream } = self.stream;
        let launches = runs(n).map(|run| {
            let (x, y) = (input_part(0, run, n), output_part(run, n));
            let params = Params::new(run.len as u32, run.start as u32, seed as u32, (seed >> 32) as u32, stream, kept, scale, x.base, y.base);
            launch(params, vec![x.slot, y.slot], grid_of(run.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// One product, rounded correctly on both paths (subnormals may be flushed).
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        ulps(0.0)
    }

    fn looks_at(&self, _value: Value, _wanted: &[bool]) -> bool {
        false
    }

    /// The gradient is dropped where the element was.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Ok(vec![Some(vjp.session.run(self, &[vjp.grad]))])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let stream = Stream::new(0x0123_4567_89ab_cdef, 3);
    let op = |share| Dropout { share, stream };
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), op(0.5), vec![float_array(&[n], 1)])).collect();
    all.push(sample("nothing dropped", op(0.0), vec![float_array(&[65], 2)]));
    all.push(sample("all dropped", op(1.0), vec![float_array(&[65], 3)]));
    all.push(sample("a tenth, 13×19", op(0.1), vec![float_array(&[13, 19], 4)]));
    all.push(sample("other stream", Dropout { share: 0.3, stream: Stream { stream: 9, ..stream } }, vec![float_array(&[257], 5)]));
    all.push(tiled("1031", op(0.3), vec![float_array(&[1031], 6)], 1024));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_kept_as_was_asked_for() {
        let n = 100_000;
        let x = Array::from_f32(&[n], vec![1.0; n]);
        for share in [0.1, 0.5, 0.9] {
            let y = Dropout { share, stream: Stream::new(5, 1) }.cpu(&[&x]).into_f32();
            let zeros = y.iter().filter(|y| **y == 0.0).count() as f64 / n as f64;
            // Five standard errors of a share.
            assert!((zeros - share).abs() < 5.0 * (share * (1.0 - share) / n as f64).sqrt(), "{share}: {zeros}");
            assert!(y.iter().all(|y| *y == 0.0 || (f64::from(*y) - 1.0 / (1.0 - share)).abs() < 1e-6 / (1.0 - share)));
        }
    }
}
