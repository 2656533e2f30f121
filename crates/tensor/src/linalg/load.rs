//! Twin of `linalg/load.wgsl`: a matrix scaled by a power of two, transposed where asked.

use espalier_kernels::linalg::load::Params;
use ndarray::ArrayView2;

use crate::op::{Launch, Slot};
use crate::ops::plan::{grid_of, launch};

/// Copies the input, seen as `[m, n]` by `strides`, to scratch `matrix`, scaled after scratch `census`, which goes to `tail` of the output.
pub fn plan(m: usize, n: usize, strides: [usize; 2], tail: usize, census: usize, matrix: usize) -> Launch {
    let params = Params::new(m as u32, n as u32, strides[0] as u32, strides[1] as u32, tail as u32);
    launch(params, vec![Slot::Input(0), Slot::Scratch(census), Slot::Scratch(matrix), Slot::Output], grid_of(m * n))
}

/// The power of two by which a matrix whose largest magnitude has these bits is multiplied.
pub fn scale(largest: u32) -> f32 {
    f32::from_bits((254 - (largest >> 23)).clamp(1, 254) << 23)
}

/// Row-major values of the scaled matrix.
pub fn cpu(x: ArrayView2<'_, f32>, largest: u32) -> Vec<f32> {
    let scale = scale(largest);
    x.iter().map(|x| x * scale).collect()
}

#[cfg(test)]
mod tests {
    use super::scale;

    #[test]
    fn the_largest_comes_into_one_to_two() {
        for x in [1.0_f32, 1.999, 0.1, 3e-30, 7e30, f32::MIN_POSITIVE] {
            assert!((1.0..2.0).contains(&(x * scale(x.to_bits()))), "{x}");
        }
        assert_eq!(f32::MAX * scale(f32::MAX.to_bits()), f32::MAX * 2f32.powi(-126));
        assert!(scale(0).is_finite());
    }
}
