//! Inputs for samples: the same on every machine, made without a random number generator of any library.

use super::plan::{self, Limits};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Lengths that law 1 asks for: none, one, around a quarter of a workgroup, a prime, several tiles.
pub const SIZES: [usize; 8] = [0, 1, 63, 64, 65, 257, 1031, 4096];

/// A sample.
pub fn sample(label: impl Into<String>, op: impl Op + 'static, inputs: Vec<Array>) -> Sample {
    Sample { label: label.into(), op: Box::new(op), inputs }
}

/// A sample whose GPU plan is made under a binding limit of `binding` bytes, so that small tensors are tiled.
pub fn tiled(label: impl Into<String>, op: impl Op + 'static, inputs: Vec<Array>, binding: u64) -> Sample {
    let limits = Limits { binding, macs: 64 * 1024 };
    Sample { label: format!("{}, tiled at {binding} bytes", label.into()), op: Box::new(Tiled { op: Box::new(op), limits }), inputs }
}

/// A well-mixed word.
fn word(i: usize, seed: u64) -> u32 {
    let mut x = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(seed.wrapping_mul(0xd1b5_4a32_d192_ed03));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x >> 32) as u32
}

/// `n` values in [−2, 2), multiples of 2⁻¹⁴.
pub fn floats(n: usize, seed: u64) -> Vec<f32> {
    (0..n).map(|i| (word(i, seed) >> 16) as f32 / 16_384.0 - 2.0).collect()
}

/// `n` values in (0, 4].
pub fn positive(n: usize, seed: u64) -> Vec<f32> {
    (0..n).map(|i| ((word(i, seed) >> 16) + 1) as f32 / 16_384.0).collect()
}

/// `n` values of which most are equal to many others, both zeros among them.
pub fn ties(n: usize, seed: u64) -> Vec<f32> {
    const FEW: [f32; 8] = [-1.0, -0.5, -0.0, 0.0, 0.0, 0.5, 0.5, 1.0];
    (0..n).map(|i| FEW[(word(i, seed) >> 29) as usize]).collect()
}

/// `n` values with everything that a float can be: NaN of several bit patterns, infinities, subnormals, both zeros, ties.
pub fn wild(n: usize, seed: u64) -> Vec<f32> {
    const ODD: [u32; 12] = [
        0x7fc0_0000, 0xffc0_0001, 0x7f80_0001, 0x7f80_0000, 0xff80_0000, 0x0000_0001, 0x8000_0002, 0x8000_0000, 0, 0x7f7f_ffff, 0xff7f_ffff, 0x0080_0000,
    ];
    (0..n)
        .map(|i| match word(i, seed) {
            w if w % 3 == 0 => f32::from_bits(ODD[(w >> 8) as usize % ODD.len()]),
            w => (w >> 24) as f32 / 64.0 - 2.0,
        })
        .collect()
}

/// `n` indices below `below`.
pub fn indices(n: usize, below: usize, seed: u64) -> Vec<u32> {
    (0..n).map(|i| word(i, seed) % below.max(1) as u32).collect()
}

/// [`floats`] as an array.
pub fn float_array(shape: &[usize], seed: u64) -> Array {
    Array::from_f32(shape, floats(shape.iter().product(), seed))
}

/// [`positive`] as an array.
pub fn positive_array(shape: &[usize], seed: u64) -> Array {
    Array::from_f32(shape, positive(shape.iter().product(), seed))
}

/// [`ties`] as an array.
pub fn tied_array(shape: &[usize], seed: u64) -> Array {
    Array::from_f32(shape, ties(shape.iter().product(), seed))
}

/// [`wild`] as an array.
pub fn wild_array(shape: &[usize], seed: u64) -> Array {
    Array::from_f32(shape, wild(shape.iter().product(), seed))
}

/// An operation planned under smaller limits than the device has.
#[derive(Debug)]
struct Tiled {
    op: Box<dyn Op>,
    limits: Limits,
}

impl Op for Tiled {
    fn name(&self) -> &'static str {
        self.op.name()
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        self.op.output(inputs)
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        self.op.cpu(inputs)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        plan::under(self.limits, || self.op.gpu(inputs, output))
    }

    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        self.op.tolerance(inputs)
    }

    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        self.op.vjp(vjp)
    }
}
