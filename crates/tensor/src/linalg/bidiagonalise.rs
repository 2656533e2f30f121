//! Reduction of a matrix to bidiagonal form on the device, by Householder reflections.
//!
//! Golub and Kahan's algorithm (1965) with the updates of one column made while the next one reads the matrix: each column reads
//! the rest of the matrix twice and writes it once, in four launches, and nothing is read back in between.

use super::{census, column, left, load, right, row, state};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Tolerance};
use crate::ops::plan::limits;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// `[m, n]` floats to `2 p + 1` integers, p = min(m, n) > 0: bits of the diagonal (p), of the elements beside it (p − 1), of the largest
/// finite magnitude, and the number of elements that are not finite.
///
/// Diagonal and off-diagonal are those of the matrix times [`load::scale`]. A wide matrix is transposed first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bidiagonalise;

impl Bidiagonalise {
    /// True where the device can hold what the plan needs: each of its buffers in one binding.
    pub fn fits(m: usize, n: usize) -> bool {
        let (m, n) = (m.max(n), m.min(n));
        n > 0 && 4 * (m * n).max(state::len(m, n)) as u64 <= limits().binding
    }
}

fn sides(spec: &Spec) -> (usize, usize) {
    let [m, n] = spec.shape[..] else { panic!("a matrix was expected, not {:?}", spec.shape) };
    (m.max(n), m.min(n))
}

impl Op for Bidiagonalise {
    fn name(&self) -> &'static str {
        "linalg/bidiagonalise"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let (_, n) = sides(&inputs[0]);
        assert!(n > 0, "an empty matrix has no bidiagonal form");
        Spec::u32([2 * n + 1])
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let (m, n) = sides(&inputs[0].spec());
        let view = inputs[0].f32();
        let view = view.into_dimensionality::<ndarray::Ix2>().expect("two dimensions");
        let view = if view.nrows() < view.ncols() { view.reversed_axes() } else { view };
        let [largest, strange] = census::cpu(view.iter());
        let mut s = state::State::new(m, n, load::cpu(view, largest));
        for k in 0..n {
            column::cpu(&mut s, k);
            left::cpu(&mut s, k);
            if k + 1 < n {
                row::cpu(&mut s, k);
                right::cpu(&mut s, k);
            }
        }
        let bits = s.diagonal.iter().chain(&s.off).map(|x| x.to_bits()).chain([largest, strange]);
        Array::from_u32(&[2 * n + 1], bits.collect())
    }

    fn gpu(&self, inputs: &[Spec], _output: &Spec) -> Plan {
        let (m, n) = sides(&inputs[0]);
        let strides = if inputs[0].shape[0] < inputs[0].shape[1] { [1, m] } else { [n, 1] };
        let shares = left::TILES.min(m.div_ceil(16)) * n;
        let scratch = [m * n, state::len(m, n), shares, 2].map(|elements| 4 * elements as u64).to_vec();
        let mut launches = vec![census::plan(m * n, 3), load::plan(m, n, strides, 2 * n - 1, 3, 0)];
        for k in 0..n {
            launches.push(column::plan(m, n, k));
            launches.push(left::plan(m, n, k));
            if k + 1 < n {
                launches.push(row::plan(m, n, k));
                launches.push(right::plan(m, n, k));
            }
        }
        Plan { scratch, launches }
    }

    /// Meaningful only for few columns: with more, rounding may turn into another bidiagonal form with the same singular values,
    /// which are then what to compare.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "its result is a step on the way to singular values" })
    }
}
