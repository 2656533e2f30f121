//! Twin of `linalg/census.wgsl`: the largest finite magnitude and how many elements are not finite.

use espalier_kernels::linalg::census::Params;

use crate::op::{Launch, Slot};
use crate::ops::plan::launch;

/// Over all elements of the input into scratch `into` (two `u32`).
pub fn plan(count: usize, into: usize) -> Launch {
    let groups = count.div_ceil(256 * 8).clamp(1, 512) as u32;
    launch(Params::new(count as u32), vec![Slot::Input(0), Slot::Scratch(into)], [groups, 1, 1])
}

/// Bits of the largest finite magnitude, and the number of NaN and infinities.
pub fn cpu<'a>(x: impl Iterator<Item = &'a f32>) -> [u32; 2] {
    x.fold([0, 0], |[most, odd], x| {
        let bits = x.abs().to_bits();
        if bits < f32::INFINITY.to_bits() { [most.max(bits), odd] } else { [most, odd + 1] }
    })
}
