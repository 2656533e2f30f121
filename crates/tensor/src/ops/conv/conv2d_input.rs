//! The gradient of [`Conv2d`](super::Conv2d)'s images.

use espalier_kernels::conv::conv2d_input::Params;

use super::{Conv2d, Sizes, gradient_samples, no_second, shape};
use crate::array::{Array, Spec};
use crate::gemm::gemm;
use crate::op::{Op, Plan, Sample, Slot, Tolerance};
use crate::ops::plan::{Run, grid_of, input_part, launch, output_part};
use crate::ops::values::{flat, gamma, magnitude};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Slopes `[images, outputs, …]` of the output and filters to slopes of the images; also called a transposed convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dInput {
    /// The convolution.
    pub conv: Conv2d,
    /// Shape of its images.
    pub input: [usize; 4],
}

impl Conv2dInput {
    fn sizes(&self, inputs: &[Spec]) -> Sizes {
        let s = Sizes::new(&self.conv, &self.input, &inputs[1].shape);
        assert_eq!(inputs[0].shape, [s.images, s.outputs, s.out[0], s.out[1]], "slopes have the output's shape");
        s
    }
}

impl Op for Conv2dInput {
    fn name(&self) -> &'static str {
        "conv/conv2d_input"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        self.sizes(inputs);
        Spec::f32(self.input)
    }

    /// The filters, transposed, multiply the slopes to slopes of the unfolded image, which is folded back.
    fn cpu(&self, inputs: &[&Array]) -> Array {
        let s = self.sizes(&[inputs[0].spec(), inputs[1].spec()]);
        let (g, w) = (flat(inputs[0]), flat(inputs[1]));
        let (depth, places, rows) = (s.depth(), s.places(), s.outputs / s.groups);
        let map: Vec<Option<usize>> = s.unfolded().collect();
        let plane = s.image() / s.groups;
        let mut dx = vec![0.0; s.images * s.image()];
        let mut columns = vec![0.0; depth * places];
        for n in 0..s.images * s.groups {
            let group = n % s.groups;
            let slopes = &g[n * rows * places..(n + 1) * rows * places];
            gemm(depth, places, rows, 1.0, &w[group * rows * depth..(group + 1) * rows * depth], (1, depth), slopes, (places, 1), 0.0, &mut columns, (places, 1));
            let own = &mut dx[n * plane..(n + 1) * plane];
            map.iter().zip(&columns).for_each(|(at, v)| {
                if let Some(i) = at {
                    own[*i] += v;
                }
            });
        }
        Array::from_f32(&self.input, dx)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let s = self.sizes(inputs);
        if output.is_empty() {
            return Plan::default();
        }
        let launches = s.runs().map(|run| {
            let g = input_part(0, Run { start: run.start * s.result(), len: run.len * s.result() }, inputs[0].len());
            let y = output_part(Run { start: run.start * s.image(), len: run.len * s.image() }, output.len());
            let params = params!(s, run.len, [g.base, 0, y.base], 0);
            launch(params, vec![g.slot, Slot::Input(1), y.slot], grid_of(run.len * s.image()))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// An element collects from at most one place of each of a group's outputs for each element of a filter: γ of so many terms times their magnitudes.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let s = self.sizes(&[inputs[0].spec(), inputs[1].spec()]);
        let k = s.outputs / s.groups * s.filter[0] * s.filter[1];
        Tolerance::absolute(2.0 * gamma(k) * k as f32 * magnitude(inputs[0]) * magnitude(inputs[1]) + f32::MIN_POSITIVE)
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(no_second(self.name()))
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    gradient_samples(|conv, [x, w, g]| (Conv2dInput { conv, input: shape(&x) }, vec![g, w]))
}
