//! One value everywhere.

use espalier_kernels::layout::fill::Params;

use crate::array::{Array, DType, Spec};
use crate::op::{Launch, Op, Plan, Sample, Tolerance};
use crate::ops::plan::{grid_of, launch, output_part, runs};
use crate::ops::sampling::{SIZES, sample, tiled};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// A tensor of one value, from no input.
#[derive(Clone, Debug, PartialEq)]
pub struct Fill {
    shape: Vec<usize>,
    dtype: DType,
    bits: u32,
}

impl Fill {
    /// A float everywhere.
    pub fn f32(shape: impl Into<Vec<usize>>, value: f32) -> Self {
        Self { shape: shape.into(), dtype: DType::F32, bits: value.to_bits() }
    }

    /// An integer everywhere.
    pub fn u32(shape: impl Into<Vec<usize>>, value: u32) -> Self {
        Self { shape: shape.into(), dtype: DType::U32, bits: value }
    }
}

/// Launches that set the whole output.
pub(in crate::ops) fn set_output(count: usize, bits: u32) -> Vec<Launch> {
    runs(count)
        .map(|run| {
            let y = output_part(run, count);
            launch(Params::new(run.len as u32, bits, y.base), vec![y.slot], grid_of(run.len))
        })
        .collect()
}

impl Op for Fill {
    fn name(&self) -> &'static str {
        "layout/fill"
    }

    fn output(&self, _inputs: &[Spec]) -> Spec {
        Spec { shape: self.shape.clone(), dtype: self.dtype }
    }

    fn cpu(&self, _inputs: &[&Array]) -> Array {
        let n = self.shape.iter().product();
        match self.dtype {
            DType::F32 => Array::from_f32(&self.shape, vec![f32::from_bits(self.bits); n]),
            DType::U32 => Array::from_u32(&self.shape, vec![self.bits; n]),
        }
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        Plan { scratch: Vec::new(), launches: set_output(output.len(), self.bits) }
    }

    /// Bits are moved.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Ok(Vec::new())
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), Fill::f32([n], -1.25), vec![])).collect();
    all.push(sample("scalar", Fill::f32([], 3.5), vec![]));
    all.push(sample("integers", Fill::u32([7, 65], 0xffff_ffff), vec![]));
    all.push(sample("NaN", Fill::f32([65], f32::NAN), vec![]));
    all.push(tiled("1031", Fill::u32([1031], 7), vec![], 1024));
    all
}
