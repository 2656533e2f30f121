//! One linear: from its weights and the moments of its inputs to what is left of it.

use espalier_tensor::Session;
use ndarray::Array2;

use super::moments::Moments;
use super::options::{Criterion, MaskSource, Options, Pattern};
use super::sparsegpt::{Marks, inverse, sweep};
use super::wanda::{masked, metric, spread_remainder, variant};
use super::Group;
use crate::magnitude::{Selection, mask, take};
use crate::method::MethodError;

/// What became of one linear.
#[derive(Clone, Debug)]
pub struct Target {
    /// `[out, in]`.
    pub weights: Array2<f32>,
    /// Row-major, 1 = removed.
    pub mask: Vec<u32>,
    /// SparseGPT's sum of losses.
    pub loss: Option<f64>,
    /// Damping that was used, where it had to be raised.
    pub raised: Option<f64>,
}

/// Prunes one linear. Without moments (an expert that no calibration token reached) all inputs count as equally large.
///
/// # Errors
/// A bad block size, a Hessian that cannot be inverted, those of the device.
pub async fn prune_linear(session: &Session, weights: &Array2<f32>, moments: Option<&Moments>, options: &Options, pattern: Pattern, sparsity: f64) -> Result<Target, MethodError> {
    if options.criterion == Criterion::SparseGpt {
        return update(session, weights, moments, options, pattern, sparsity).await;
    }
    let mask = marks(session, weights, moments, options, options.criterion, pattern, sparsity).await?;
    Ok(Target { weights: zeroed(weights, &mask), mask, loss: None, raised: None })
}

/// Weights with the marked ones set to zero.
fn zeroed(weights: &Array2<f32>, mask: &[u32]) -> Array2<f32> {
    let mut out = weights.clone();
    out.iter_mut().zip(mask).filter(|(_, m)| **m != 0).for_each(|(w, _)| *w = 0.0);
    out
}

fn scaler(weights: &Array2<f32>, moments: Option<&Moments>) -> Vec<f32> {
    moments.map_or_else(|| vec![1.0; weights.ncols()], Moments::scaler)
}

async fn marks(
    session: &Session,
    weights: &Array2<f32>,
    moments: Option<&Moments>,
    options: &Options,
    criterion: Criterion,
    pattern: Pattern,
    sparsity: f64,
) -> Result<Vec<u32>, MethodError> {
    let scores = match criterion {
        Criterion::Magnitude => weights.mapv(f32::abs),
        _ => metric(weights, &scaler(weights, moments)),
    };
    let rows = options.group == Group::Row;
    let free = pattern == Pattern::Unstructured;
    if free && options.exact {
        let (r, c) = weights.dim();
        if !rows {
            return mask(session, &scores, Selection::Smallest(take((r * c) as u64, sparsity))).await;
        }
        let mut out = masked(session, &scores, options.group, pattern, sparsity).await?;
        spread_remainder(&scores, &mut out, sparsity);
        return Ok(out);
    }
    if free && options.variant && criterion == Criterion::Wanda {
        return Ok(variant(&scores, sparsity).0);
    }
    masked(session, &scores, options.group, pattern, sparsity).await
}

async fn update(session: &Session, weights: &Array2<f32>, moments: Option<&Moments>, options: &Options, pattern: Pattern, sparsity: f64) -> Result<Target, MethodError> {
    let n = weights.ncols();
    let hessian = moments.and_then(Moments::hessian).unwrap_or_else(|| Array2::eye(n));
    let bad = hessian.iter().filter(|v| !v.is_finite()).count();
    if bad > 0 {
        return Err(espalier_tensor::Error::NotFinite { what: "the Hessian of SparseGPT", count: bad }.into());
    }
    let inverse = inverse(&hessian, options.damping)?;
    let given = match options.mask {
        MaskSource::Own => None,
        MaskSource::Wanda => Some(marks(session, weights, moments, options, Criterion::Wanda, pattern, sparsity).await?),
        MaskSource::Magnitude => Some(marks(session, weights, moments, options, Criterion::Magnitude, pattern, sparsity).await?),
    };
    let how = given.as_deref().map_or(Marks::Own { sparsity, pattern }, Marks::Given);
    let swept = sweep(session, weights, &inverse, options.blocksize, how, options.update).await?;
    let raised = (inverse.damping != options.damping).then_some(inverse.damping);
    Ok(Target { weights: swept.weights, mask: swept.mask, loss: Some(swept.loss), raised })
}
