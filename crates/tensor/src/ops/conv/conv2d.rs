//! Convolution.

use espalier_kernels::conv::conv2d::Params;

use super::{Conv2dInput, Conv2dWeight, Sizes, cases};
use crate::array::{Array, Spec};
use crate::gemm::gemm;
use crate::op::{Op, Plan, Sample, Slot, Tolerance, Value};
use crate::ops::plan::{Run, grid_of, input_part, launch, output_part};
use crate::ops::sampling::{sample, tiled};
use crate::ops::values::{flat, gamma, magnitude};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `x [images, channels, height, width]` and filters `w [outputs, channels / groups, h, w]` to `[images, outputs, …]`, as PyTorch's `conv2d` (a cross-correlation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Steps between places, down and right.
    pub step: [usize; 2],
    /// Zeros on either side, vertically and horizontally.
    pub pad: [usize; 2],
    /// Groups of channels that have nothing to do with each other; as many as channels for a depthwise convolution.
    pub groups: usize,
}

impl Conv2d {
    fn sizes(&self, inputs: &[Spec]) -> Sizes {
        Sizes::new(self, &inputs[0].shape, &inputs[1].shape)
    }
}

impl Op for Conv2d {
    fn name(&self) -> &'static str {
        "conv/conv2d"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let s = self.sizes(inputs);
        Spec::f32([s.images, s.outputs, s.out[0], s.out[1]])
    }

    /// Each image is unfolded to a matrix, which the filters multiply.
    fn cpu(&self, inputs: &[&Array]) -> Array {
        let s = self.sizes(&[inputs[0].spec(), inputs[1].spec()]);
        let (x, w) = (flat(inputs[0]), flat(inputs[1]));
        let (depth, places, rows) = (s.depth(), s.places(), s.outputs / s.groups);
        let map: Vec<Option<usize>> = s.unfolded().collect();
        let plane = s.image() / s.groups;
        let mut y = vec![0.0; s.images * s.result()];
        for n in 0..s.images * s.groups {
            let group = n % s.groups;
            let image = &x[n * plane..(n + 1) * plane];
            let columns: Vec<f32> = map.iter().map(|at| at.map_or(0.0, |i| image[i])).collect();
            let own = &mut y[n * rows * places..(n + 1) * rows * places];
            gemm(rows, places, depth, 1.0, &w[group * rows * depth..(group + 1) * rows * depth], (depth, 1), &columns, (places, 1), 0.0, own, (places, 1));
        }
        Array::from_f32(&[s.images, s.outputs, s.out[0], s.out[1]], y)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let s = self.sizes(inputs);
        if output.is_empty() {
            return Plan::default();
        }
        let launches = s.runs().map(|run| {
            let x = input_part(0, Run { start: run.start * s.image(), len: run.len * s.image() }, inputs[0].len());
            let y = output_part(Run { start: run.start * s.result(), len: run.len * s.result() }, output.len());
            let params = params!(s, run.len, [x.base, 0, y.base], 0);
            launch(params, vec![x.slot, Slot::Input(1), y.slot], grid_of(run.len * s.result()))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// A dot product of `depth` terms on each side: γ times the sum of magnitudes.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let k = self.sizes(&[inputs[0].spec(), inputs[1].spec()]).depth();
        Tolerance::absolute(2.0 * gamma(k) * k as f32 * magnitude(inputs[0]) * magnitude(inputs[1]) + f32::MIN_POSITIVE)
    }

    fn looks_at(&self, value: Value, wanted: &[bool]) -> bool {
        matches!(value, Value::Input(i) if wanted[1 - i])
    }

    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        let (x, w) = (&vjp.inputs[0], &vjp.inputs[1]);
        let of = |t: &crate::session::Tensor| <[usize; 4]>::try_from(&t.spec().shape[..]).unwrap_or_else(|_| unreachable!("the shape rule saw four axes"));
        let dx = vjp.wanted[0].then(|| vjp.session.run(&Conv2dInput { conv: *self, input: of(x) }, &[vjp.grad, w]));
        let dw = vjp.wanted[1].then(|| vjp.session.run(&Conv2dWeight { conv: *self, filters: of(w) }, &[x, vjp.grad]));
        Ok(vec![dx, dw])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all: Vec<_> = cases().into_iter().map(|(label, op, [x, w, _])| sample(label, op, vec![x, w])).collect();
    let op = Conv2d { step: [1, 1], pad: [1, 1], groups: 1 };
    all.push(tiled("nine images", op, vec![crate::ops::sampling::float_array(&[9, 2, 6, 7], 4), crate::ops::sampling::float_array(&[3, 2, 3, 3], 5)], 2048));
    all
}
