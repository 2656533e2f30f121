//! All singular values of a matrix.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::bidiag::{bidiag_in_place, bidiag_in_place_scratch};
use faer::{Mat, MatMut, Par};
use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

use super::element::{Element, power_of_two_scale, widen_into};
use super::{Bidiagonalise, bidiagonal, gram, load, triangle};
use crate::error::{Error, Result};
use crate::order::by_number;
use crate::session::{Session, Tensor};

/// Singular values and how far they can be trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct Singular {
    /// min(m, n) values, descending, none negative.
    pub values: Vec<f64>,
    /// Every value is right to this, absolute; a value under it is noise.
    pub floor: f64,
    /// How they were computed, in words a person can read.
    pub route: String,
}

/// The share of σ₁ that the error of a value may reach on the CPU; decides which route serves.
pub const CPU_TOLERANCE: f64 = 1e-10;

/// Shorter sides up to this take the direct route at once: it costs nothing there and its floor is lower.
const SMALL: usize = 48;

/// Singular values of a matrix `[m, n]` on the CPU, each right to 1e-10 of the largest.
///
/// Through the Gram matrix of the shorter side in `f64` where that is exact enough, else by orthogonal reduction (QR,
/// bidiagonalisation) in `f64`; see [`Singular::route`]. Errors: [`crate::Error::NotFinite`].
pub fn singular_values_cpu(a: ArrayView2<'_, f32>) -> Result<Singular> {
    values(a)
}

/// [`singular_values_cpu`] for `f64` input.
pub fn singular_values_cpu_f64(a: ArrayView2<'_, f64>) -> Result<Singular> {
    values(a)
}

/// Singular values of a tensor `[m, n]` on its session's device.
///
/// On the GPU: Householder bidiagonalisation in `f32`, the bidiagonal matrix then solved on the CPU in `f64`; each value is right to
/// 1e-5 of the largest. A matrix over WebGPU's binding limit (33 million elements) is read back and takes the CPU's route, as the
/// route says. On the CPU: [`singular_values_cpu`]. Errors: [`Error::NotFinite`], and what a read reports.
pub async fn singular_values(session: &Session, a: &Tensor) -> Result<Singular> {
    let [m, n] = a.spec().shape[..] else { panic!("a matrix was expected, not {:?}", a.spec().shape) };
    if !session.is_gpu() || !Bidiagonalise::fits(m, n) {
        let array = session.read(a).await?;
        let mut found = singular_values_cpu(array.f32().into_dimensionality().expect("two dimensions"))?;
        if session.is_gpu() && !found.values.is_empty() {
            found.route.push_str(", on the CPU: larger than one GPU binding");
        }
        return Ok(found);
    }
    let result = session.take(session.run_paced(&Bidiagonalise, &[a]).await).await?;
    let bits: Vec<u32> = result.into_u32();
    let p = m.min(n);
    let (bidiagonal, census) = bits.split_at(2 * p - 1);
    if census[1] > 0 {
        return Err(Error::NotFinite { what: WHAT, count: census[1] as usize });
    }
    if census[0] == 0 {
        return Ok(Singular { values: vec![0.0; p], floor: 0.0, route: ZERO.into() });
    }
    let wide: Vec<f64> = bidiagonal.iter().map(|&b| f64::from(f32::from_bits(b))).collect();
    let scale = f64::from(load::scale(census[0]));
    let mut values = bidiagonal::singular_values(&wide[..p], &wide[p..])?;
    values.iter_mut().for_each(|x| *x /= scale);
    let floor = gpu_error(p) * values[0];
    Ok(Singular { values, floor, route: "Householder bidiagonalisation in float32 on the GPU".into() })
}

/// Bound on the error of a value from the GPU, as a share of the largest. The reflections are backward stable: roundings of both signs
/// add up like the square root of their number. `tests/tensor/spectra_gpu.rs` holds every case to it.
fn gpu_error(p: usize) -> f64 {
    f64::from(f32::EPSILON) * (4.0 + (p as f64).sqrt())
}

const WHAT: &str = "a singular value decomposition";
const ZERO: &str = "every element is zero";

fn values<T: Element>(a: ArrayView2<'_, T>) -> Result<Singular> {
    // p ≤ q: the Gram matrix is that of the rows.
    let a = if a.nrows() > a.ncols() { a.reversed_axes() } else { a };
    let p = a.nrows();
    let Some(scale) = power_of_two_scale(a, WHAT)? else {
        return Ok(Singular { values: vec![0.0; p], floor: 0.0, route: ZERO.into() });
    };
    if p > SMALL {
        let mut values = gram::eigenvalues(a, scale)?;
        by_number(&mut values, |x| -x);
        if let Some(floor) = gram_floor(p, values[0], values[p - 1]) {
            values.iter_mut().for_each(|x| *x = x.sqrt() / scale);
            return Ok(Singular { values, floor: floor / scale, route: "Gram matrix in float64, then its eigenvalues".into() });
        }
    }
    // Orthogonal reduction is backward stable; the roundings of the O(p) sweeps were seen to add up to 0.6 p ε·σ₁.
    let (values, route) = direct(a.reversed_axes(), scale)?;
    let floor = f64::EPSILON * (128.0 + 2.0 * p as f64) * values[0];
    let values = values.into_iter().map(|x| x / scale).collect();
    Ok(Singular { values, floor: floor / scale, route: route.into() })
}

/// How far a square root of a Gram matrix's eigenvalues may be from its singular value, given the largest and smallest eigenvalue;
/// `None` where that is more than [`CPU_TOLERANCE`].
///
/// Rounding moves an eigenvalue λ by a share of itself and by δ, a share of the largest: |λ̃ − λ| ≤ δ gives |σ̃ − σ| ≤ δ / (σ̃ + σ), worst
/// for the smallest value. Worst-case theory lets δ grow with both sizes; with roundings of both signs it was never seen above
/// 0.7 ε·σ₁² (`measure_the_errors_behind_the_floors`, to 1024 × 4096, where 6 ε are allowed). The switch then lies at σ_p ≈ 7e-6·σ₁.
fn gram_floor(p: usize, largest: f64, smallest: f64) -> Option<f64> {
    let growth = (p as f64).sqrt();
    let delta = f64::EPSILON * (4.0 + growth / 16.0) * largest;
    if smallest <= 2.0 * delta {
        return None;
    }
    let relative = f64::EPSILON * (64.0 + 4.0 * growth) * largest.sqrt();
    let floor = relative + delta / (smallest.sqrt() + (smallest - delta).sqrt());
    (floor <= CPU_TOLERANCE * largest.sqrt()).then_some(floor)
}

/// Singular values of s·A, descending, for A `[m, n]` with m ≥ n, by orthogonal transformations only.
pub fn direct<T: Element>(a: ArrayView2<'_, T>, scale: f64) -> Result<(Vec<f64>, &'static str)> {
    let (m, n) = a.dim();
    // From about m = 5n/3 the detour through R costs less than bidiagonalising A (Chan, "An improved algorithm for computing the
    // singular value decomposition", 1982); n = 1 needs no more than R.
    let tall = 3 * m > 5 * n;
    let (rows, mut work) = if tall {
        (n, triangle::reduce(a, scale))
    } else {
        let mut work = vec![0.0; m * n];
        widen_into(ArrayViewMut2::from_shape((m, n).f(), &mut work).expect("m · n places"), a, scale);
        (m, work)
    };
    let mut view = MatMut::from_column_major_slice_mut(&mut work, rows, n);
    let (mut left, mut right) = (Mat::<f64>::zeros(1, n), Mat::<f64>::zeros(1, n - 1));
    let mut buffer = MemBuffer::new(bidiag_in_place_scratch::<f64>(rows, n, Par::Seq, Default::default()));
    bidiag_in_place(view.as_mut(), left.as_mut(), right.as_mut(), Par::Seq, MemStack::new(&mut buffer), Default::default());
    let diagonal: Vec<f64> = (0..n).map(|i| view[(i, i)]).collect();
    let off: Vec<f64> = (1..n).map(|i| view[(i - 1, i)]).collect();
    let route = if tall { "QR, then bidiagonalisation in float64" } else { "bidiagonalisation in float64" };
    Ok((bidiagonal::singular_values(&diagonal, &off)?, route))
}
