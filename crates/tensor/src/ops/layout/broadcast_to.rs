//! A tensor repeated to a larger shape.

use espalier_kernels::layout::broadcast_to::Params;

use super::moved;
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance, Value};
use crate::ops::broadcast::{Walk, common, words};
use crate::ops::elementwise::unbroadcast;
use crate::ops::plan::{Run, grid_of, input_part, launch, limits, output_part};
use crate::ops::sampling::{SIZES, float_array, sample, tiled, wild_array};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// The input repeated to this shape, as NumPy's `broadcast_to` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastTo(
    /// The new shape.
    pub Vec<usize>,
);

impl Op for BroadcastTo {
    fn name(&self) -> &'static str {
        "layout/broadcast_to"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        assert_eq!(common(&inputs[0].shape, &self.0), self.0, "{:?} does not broadcast to {:?}", inputs[0].shape, self.0);
        Spec { shape: self.0.clone(), dtype: inputs[0].dtype }
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let n: usize = self.0.iter().product();
        let walk = Walk::new(&self.0, [&inputs[0].spec().shape]);
        moved(inputs[0], &self.0, (0..n).map(|i| Some(walk.places(i)[0])))
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let n = output.len();
        if n == 0 {
            return Plan::default();
        }
        let walk = Walk::new(&output.shape, [&inputs[0].shape]);
        let launches = walk.cut(limits().elements()).into_iter().map(|(start, part)| {
            let [first] = walk.places(start);
            let len = part.extent.iter().product();
            let x = input_part(0, Run { start: first, len: part.reach(0) }, inputs[0].len());
            let y = output_part(Run { start, len }, n);
            launch(Params::new(words(part.extent), words(part.strides[0]), x.base, y.base), vec![x.slot, y.slot], grid_of(len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Bits are moved.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn looks_at(&self, _value: Value, _wanted: &[bool]) -> bool {
        false
    }

    /// The gradient summed over the repetitions.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Ok(vec![Some(unbroadcast(vjp.session, vjp.grad.clone(), &vjp.spec(0).shape))])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let to = |shape: &[usize]| BroadcastTo(shape.to_vec());
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), to(&[3, n]), vec![float_array(&[n], 1)])).collect();
    let shapes: [(&[usize], &[usize]); 5] =
        [(&[], &[65]), (&[7, 1], &[7, 65]), (&[3, 1, 5, 1], &[3, 4, 5, 6]), (&[1], &[0]), (&[4, 1, 6], &[3, 4, 5, 6])];
    for (from, shape) in shapes {
        all.push(sample(format!("{from:?} {shape:?}"), to(shape), vec![float_array(from, 2)]));
        all.push(tiled(format!("{from:?} {shape:?}"), to(shape), vec![float_array(from, 3)], 512));
    }
    all.push(sample("wild", to(&[5, 65]), vec![wild_array(&[65], 4)]));
    all.push(sample("integers", to(&[2, 3]), vec![Array::from_u32(&[3], vec![1, 2, 0x7f80_0001])]));
    all
}
