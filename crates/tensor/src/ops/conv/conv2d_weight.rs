//! The gradient of [`Conv2d`](super::Conv2d)'s filters.

use espalier_kernels::conv::conv2d_weight::Params;

use super::{Conv2d, Sizes, gradient_samples, no_second, shape};
use crate::array::{Array, Spec};
use crate::gemm::gemm;
use crate::op::{Op, Plan, Sample, Slot, Tolerance};
use crate::ops::layout::fill::set_output;
use crate::ops::plan::{Run, grid, input_part, launch};
use crate::ops::values::{flat, gamma, magnitude};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Images and slopes `[images, outputs, …]` of the output to slopes of the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dWeight {
    /// The convolution.
    pub conv: Conv2d,
    /// Shape of its filters.
    pub filters: [usize; 4],
}

impl Conv2dWeight {
    fn sizes(&self, inputs: &[Spec]) -> Sizes {
        let s = Sizes::new(&self.conv, &inputs[0].shape, &self.filters);
        assert_eq!(inputs[1].shape, [s.images, s.outputs, s.out[0], s.out[1]], "slopes have the output's shape");
        s
    }
}

impl Op for Conv2dWeight {
    fn name(&self) -> &'static str {
        "conv/conv2d_weight"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        self.sizes(inputs);
        Spec::f32(self.filters)
    }

    /// The slopes multiply the unfolded image, transposed.
    fn cpu(&self, inputs: &[&Array]) -> Array {
        let s = self.sizes(&[inputs[0].spec(), inputs[1].spec()]);
        let (x, g) = (flat(inputs[0]), flat(inputs[1]));
        let (depth, places, rows) = (s.depth(), s.places(), s.outputs / s.groups);
        let map: Vec<Option<usize>> = s.unfolded().collect();
        let plane = s.image() / s.groups;
        let mut dw = vec![0.0; s.outputs * depth];
        for n in 0..s.images * s.groups {
            let group = n % s.groups;
            let image = &x[n * plane..(n + 1) * plane];
            let columns: Vec<f32> = map.iter().map(|at| at.map_or(0.0, |i| image[i])).collect();
            let slopes = &g[n * rows * places..(n + 1) * rows * places];
            let own = &mut dw[group * rows * depth..(group + 1) * rows * depth];
            gemm(rows, depth, places, 1.0, slopes, (places, 1), &columns, (1, places), 1.0, own, (depth, 1));
        }
        Array::from_f32(&self.filters, dw)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let s = self.sizes(inputs);
        if output.is_empty() {
            return Plan::default();
        }
        if s.images == 0 {
            return Plan { scratch: Vec::new(), launches: set_output(output.len(), 0) };
        }
        // Runs of images are added one after the other.
        let launches = s.runs().map(|run| {
            let x = input_part(0, Run { start: run.start * s.image(), len: run.len * s.image() }, inputs[0].len());
            let g = input_part(1, Run { start: run.start * s.result(), len: run.len * s.result() }, inputs[1].len());
            let params = params!(s, run.len, [x.base, g.base, 0], u32::from(run.start > 0));
            launch(params, vec![x.slot, g.slot, Slot::Output], grid(output.len()))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// A sum over images and places: γ of so many terms times their magnitudes.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let s = self.sizes(&[inputs[0].spec(), inputs[1].spec()]);
        let k = s.images * s.places();
        Tolerance::absolute(2.0 * gamma(k) * k as f32 * magnitude(inputs[0]) * magnitude(inputs[1]) + f32::MIN_POSITIVE)
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(no_second(self.name()))
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    gradient_samples(|conv, [x, w, g]| (Conv2dWeight { conv, filters: shape(&w) }, vec![x, g]))
}
