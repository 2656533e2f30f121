//! SparseGPT: pruning with an update of what stays (Frantar and Alistarh 2023, arXiv 2301.00774; specification prune §5).

use espalier_tensor::linalg::Cholesky;
use espalier_tensor::ops::elementwise::Binary;
use espalier_tensor::ops::layout::Window;
use espalier_tensor::ops::matmul::MatMul;
use espalier_tensor::ops::select::KSmallest;
use espalier_tensor::ops::update::{MOST_COLUMNS, Sweep};
use espalier_tensor::{Array, Error, Session, Spec, Tensor};
use ndarray::{Array2, s};

use super::options::Pattern;
use crate::config::bad;
use crate::magnitude::take;
use crate::method::MethodError;

/// The inverse Hessian's upper factor, and what was needed to get it.
#[derive(Clone, Debug)]
pub struct Inverse {
    /// U `[in, in]`, upper triangular, H⁻¹ = Uᵀ·U.
    pub upper: Array2<f64>,
    /// Columns that no input reached.
    pub dead: Vec<usize>,
    /// Damping that was used, as a share of the mean of the diagonal.
    pub damping: f64,
}

/// Damps and inverts H. Dead columns (a diagonal of 0) get a 1 there. Where the damped matrix is not positive definite the damping is raised
/// tenfold, from 1e-6 on, up to the mean of the diagonal itself; `Inverse::damping` says what it came to.
///
/// # Errors
/// A Hessian that holds NaN, or one that no damping makes positive definite.
pub fn inverse(hessian: &Array2<f64>, damping: f64) -> Result<Inverse, MethodError> {
    let n = hessian.nrows();
    let mut h = hessian.clone();
    let dead: Vec<usize> = (0..n).filter(|&i| h[(i, i)] == 0.0).collect();
    dead.iter().for_each(|&i| h[(i, i)] = 1.0);
    let mean = h.diag().iter().sum::<f64>() / n.max(1) as f64;
    let mut share = damping;
    loop {
        let mut damped = h.clone();
        damped.diag_mut().iter_mut().for_each(|d| *d += share * mean);
        let factored = Cholesky::new(damped.view()).and_then(|c| Cholesky::new(c.inverse().view()));
        match factored {
            Ok(c) => return Ok(Inverse { upper: c.lower().t().as_standard_layout().into_owned(), dead, damping: share }),
            Err(Error::NotPositiveDefinite { .. }) if share < 1.0 => share = (share * 10.0).clamp(1e-6, 1.0),
            Err(e) => return Err(e.into()),
        }
    }
}

/// How the sweep marks.
#[derive(Clone, Copy, Debug)]
pub enum Marks<'a> {
    /// By its own scores, at this sparsity or in this pattern.
    Own {
        /// Fraction of each block of columns.
        sparsity: f64,
        /// Or a pattern.
        pattern: Pattern,
    },
    /// As given, `[out, in]` row-major, not 0 = removed.
    Given(&'a [u32]),
}

/// Weights after the sweep.
#[derive(Clone, Debug)]
pub struct Swept {
    /// `[out, in]`.
    pub weights: Array2<f32>,
    /// Row-major, 1 = zero.
    pub mask: Vec<u32>,
    /// Σ(w/d)²/2 of what was removed: the published "error".
    pub loss: f64,
}

/// Sweeps the columns block by block: marks (jointly over all rows of a block), sets to zero, updates the block, then what lies to its right.
///
/// # Errors
/// A block size that the pattern does not divide or that is too large, and those of the device.
pub async fn sweep(session: &Session, weights: &Array2<f32>, inverse: &Inverse, blocksize: usize, marks: Marks<'_>, update: bool) -> Result<Swept, MethodError> {
    let (rows, columns) = weights.dim();
    if blocksize == 0 || blocksize > MOST_COLUMNS {
        return Err(bad("blocksize", format!("{blocksize} columns a block; it lies between 1 and {MOST_COLUMNS}")));
    }
    let groups = match marks {
        Marks::Own { pattern: Pattern::Groups { n, m }, .. } => Some((n as usize, m as usize)),
        _ => None,
    };
    if let Some((n, m)) = groups
        && (!blocksize.is_multiple_of(m) || columns % m > 0 && columns % m < n)
    {
        return Err(bad("blocksize", format!("blocks of {blocksize} columns (of {columns}) do not hold whole groups of {m}; take a multiple of {m}")));
    }
    let mut start = weights.clone();
    for &c in &inverse.dead {
        start.column_mut(c).fill(0.0);
    }
    #[expect(clippy::cast_possible_truncation, reason = "the device computes in single precision")]
    let upper = inverse.upper.mapv(|v| v as f32);
    let mut rest = matrix(session, &start);
    let mut out = Array2::zeros((rows, columns));
    let mut loss = 0.0;
    let mut a = 0;
    while a < columns && rows > 0 {
        let b = (a + blocksize).min(columns);
        let width = b - a;
        let block = session.run(&Window { shape: [rows, width], down: 0, right: 0 }, &[&rest]);
        let factor = matrix(session, &upper.slice(s![a..b, a..b]).to_owned());
        let marked = match marks {
            Marks::Given(all) => {
                let part = all.chunks(columns).flat_map(|row| row[a..b].iter().copied()).collect();
                session.upload(Array::from_u32(&[rows, width], part))
            }
            Marks::Own { .. } if groups.is_some() => session.allocate(Spec::u32([rows, width])),
            Marks::Own { sparsity, .. } => own(session, &block, &upper.slice(s![a..b, a..b]).diag().to_vec(), sparsity),
        };
        let swept = session.run(&Sweep { groups, spread: update }, &[&block, &marked, &factor]);
        if update && b < columns {
            let errors = session.run(&Window { shape: [rows, width], down: 0, right: width as i32 }, &[&swept]);
            let beside = matrix(session, &upper.slice(s![a..b, b..]).to_owned());
            let behind = session.run(&Window { shape: [rows, columns - b], down: 0, right: width as i32 }, &[&rest]);
            rest = session.run(&Binary::Sub, &[&behind, &session.run(&MatMul::NN, &[&errors, &beside])]);
        } else if b < columns {
            rest = session.run(&Window { shape: [rows, columns - b], down: 0, right: width as i32 }, &[&rest]);
        }
        let values = session.read(&swept).await?.into_f32();
        for (mut row, part) in out.rows_mut().into_iter().zip(values.chunks(2 * width)) {
            row.slice_mut(s![a..b]).iter_mut().zip(part).for_each(|(w, v)| *w = *v);
            loss += part[width..].iter().map(|e| f64::from(*e) * f64::from(*e)).sum::<f64>() / 2.0;
        }
        a = b;
    }
    let mask = out.iter().map(|w: &f32| u32::from(*w == 0.0)).collect();
    Ok(Swept { weights: out, mask, loss })
}

fn matrix(session: &Session, values: &Array2<f32>) -> Tensor {
    session.upload(Array::from_f32(&[values.nrows(), values.ncols()], values.iter().copied().collect()))
}

/// All up to and with the (w/d)² at place int(elements · S) of a block's sorted ones.
fn own(session: &Session, block: &Tensor, diagonal: &[f32], sparsity: f64) -> Tensor {
    let (rows, width) = (block.spec().shape[0], block.spec().shape[1]);
    let place = usize::try_from(take((rows * width) as u64, sparsity)).unwrap_or(usize::MAX);
    if sparsity <= 0.0 {
        return session.allocate(Spec::u32([rows, width]));
    }
    if place >= rows * width {
        return session.upload(Array::from_u32(&[rows, width], vec![1; rows * width]));
    }
    // The order of the squares is that of the magnitudes.
    let d = session.upload(Array::from_f32(&[1, width], diagonal.to_vec()));
    session.run(&KSmallest::at_most_rank(place), &[&session.run(&Binary::Div, &[block, &d])])
}
