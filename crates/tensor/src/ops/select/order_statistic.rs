//! The element of a given rank.

use espalier_kernels::select::order_statistic::Params;

use super::k_smallest::{FOUND, kth, search, search_scratch};
use super::{By, no_gradient};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Slot, Tolerance};
use crate::ops::plan::{Part, launch};
use crate::ops::sampling::{SIZES, float_array, sample, tied_array, tiled, wild_array};
use crate::ops::values::flat;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `sort(x)[rank]` (from 0) as a scalar: a quantile without interpolation. By magnitude it is a magnitude; a zero comes out as +0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderStatistic {
    /// How many elements come before it.
    pub rank: usize,
    /// What is compared.
    pub by: By,
}

impl Op for OrderStatistic {
    fn name(&self) -> &'static str {
        "select/order_statistic"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        assert!(self.rank < inputs[0].len(), "rank {} of {} elements", self.rank, inputs[0].len());
        Spec::f32([])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let (key, _) = kth(&flat(inputs[0]), self.rank + 1, self.by);
        Array::from_f32(&[], vec![self.by.element(key)])
    }

    fn gpu(&self, inputs: &[Spec], _output: &Spec) -> Plan {
        let n = inputs[0].len();
        // The search binds a mask that it does not touch.
        let unused = Part { slot: Slot::Scratch(2), base: 0 };
        let mut launches = search(n, self.rank + 1, self.by, |_| unused);
        launches.push(launch(Params::new(self.by as u32), vec![FOUND, Slot::Output], [1, 1, 1]));
        let mut scratch = search_scratch(n);
        scratch.push(4);
        Plan { scratch, launches }
    }

    /// An element, to the bit.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        no_gradient(self.name())
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for by in [By::Magnitude, By::Value] {
        let op = |rank| OrderStatistic { rank, by };
        for n in SIZES.into_iter().filter(|&n| n > 0) {
            for rank in [0, n / 2, n - 1] {
                all.push(sample(format!("{by:?} {rank} of {n}"), op(rank), vec![float_array(&[n], 1)]));
                all.push(sample(format!("{by:?} ties {rank} of {n}"), op(rank), vec![tied_array(&[n], 2)]));
            }
        }
        for rank in [0, 100, 200, 500, 1030] {
            all.push(sample(format!("{by:?} wild {rank} of 1031"), op(rank), vec![wild_array(&[1031], 3)]));
        }
        all.push(tiled(format!("{by:?} 5000 of 9001"), op(5000), vec![float_array(&[9001], 4)], 4096));
    }
    all
}
