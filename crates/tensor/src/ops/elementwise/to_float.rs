//! Integers as floats: masks that enter arithmetic.

use espalier_kernels::elementwise::to_float::Params;

use crate::array::{Array, DType, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::plan::{grid_of, input_part, launch, output_part, runs};
use crate::ops::sampling::{SIZES, indices, sample, tiled};
use crate::ops::values::{ULP, flat_u32};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Each integer as the nearest float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToFloat;

impl Op for ToFloat {
    fn name(&self) -> &'static str {
        "elementwise/to_float"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        assert_eq!(inputs[0].dtype, DType::U32, "integers are turned into floats");
        Spec::f32(inputs[0].shape.clone())
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        Array::from_f32(&inputs[0].spec().shape, flat_u32(inputs[0]).iter().map(|&x| x as f32).collect())
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        let n = output.len();
        let launches = runs(n).map(|run| {
            let (x, y) = (input_part(0, run, n), output_part(run, n));
            launch(Params::new(run.len as u32, x.base, y.base), vec![x.slot, y.slot], grid_of(run.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Exact to 2²⁴; above, WGSL leaves the direction of rounding open.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        if flat_u32(inputs[0]).iter().all(|&x| x <= 1 << 24) { Tolerance::EXACT } else { Tolerance::relative(ULP) }
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "its input is an integer" })
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let words = |n: usize, below: usize| vec![Array::from_u32(&[n], indices(n, below, 1))];
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), ToFloat, words(n, 1 << 24))).collect();
    all.push(sample("whole range", ToFloat, words(257, 0xffff_ffff)));
    all.push(tiled("1031", ToFloat, words(1031, 2), 1024));
    all
}
