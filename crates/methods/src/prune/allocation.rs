//! From an allocation to a pattern and a sparsity for every matrix.

use std::collections::HashMap;

use espalier_nets::checkpoint::MatrixRef;
use espalier_tensor::Session;

use super::config::{Allocation, Config, Kind};
use crate::allocation::{self, Balance, Kernel, erdos_renyi};
use crate::figures::percent;
use crate::findings::{Language, Outliers};
use crate::layerwise::{Criterion, Loop, Pattern, patterns, ratios};
use crate::magnitude::layers;
use crate::method::{Inputs, MethodError};
use crate::report::{Finding, Spectrum};
use crate::spectra;
use crate::work::{Desk, unknown_names};

/// What each matrix gives.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    /// Pattern and sparsity by label.
    pub targets: HashMap<String, (Pattern, f64)>,
    /// Outlier shares in percent, `[block][multiple]`, where OWL looked at them; the first multiple is the configuration's.
    pub outliers: Vec<Vec<f64>>,
    /// The same over a ladder of multiples, for those who choose another M afterwards.
    pub findings: Vec<Finding>,
}

/// Multiples of the mean that are counted beside the chosen one.
pub const MULTIPLES: [f64; 4] = [3.0, 5.0, 7.0, 10.0];

/// Multiples that are counted for a choice afterwards: 1 to 20 by halves.
pub fn ladder() -> Vec<f64> {
    (2..=40).map(|i| f64::from(i) / 2.0).collect()
}

/// One block's outliers for a report.
pub fn finding(block: usize, multiples: &[f64], percent: &[f64]) -> Finding {
    Finding::Language(Language::Outliers(Outliers { block: block as u32, multiples: multiples.to_vec().into(), percent: percent.to_vec().into() }))
}

fn block(m: &MatrixRef) -> usize {
    m.block.unwrap_or(0) as usize
}

/// Shares the sparsity out over `matrices`.
///
/// # Errors
/// Those of the model, for OWL; those of the checkpoint, for spectra.
pub async fn shares<K: Kind>(config: &Config<K>, inputs: &Inputs<'_>, matrices: &[MatrixRef], job: &mut Loop<'_>, session: &Session, desk: &Desk<'_>) -> Result<Shares, MethodError> {
    let mut out = Shares::default();
    let sparsities: Vec<f64> = match config.allocation {
        Allocation::Uniform => vec![config.sparsity; matrices.len()],
        Allocation::Erk => erdos_renyi(&layers(inputs.checkpoint, matrices), config.sparsity, Kernel::Whole, Balance::Real).sparsities(),
        Allocation::Alpha => alpha(config, inputs, matrices, session, desk).await?,
        Allocation::ByHand => {
            let by_block: Vec<String> = matrices.iter().map(|m| format!("block {}", block(m))).collect();
            let strange: Vec<String> = config.by_hand.keys().filter(|k| !by_block.contains(k)).cloned().collect();
            unknown_names(strange.iter(), matrices, desk);
            let of = |m: &MatrixRef, b: &String| config.by_hand.get(&m.label()).or_else(|| config.by_hand.get(b)).copied().unwrap_or(config.sparsity);
            matrices.iter().zip(&by_block).map(|(m, b)| of(m, b)).collect()
        }
        Allocation::Sensitivity => {
            let blocks = matrices.iter().map(block).max().map_or(0, |b| b + 1);
            let costs: Vec<f64> = (0..blocks).map(|b| config.measured.get(&format!("block {b}")).copied().unwrap_or(0.0)).collect();
            by_block(config, &costs, matrices, desk, "sensitivities")
        }
        Allocation::Owl => {
            job.targets = matrices.iter().map(|m| (m.label(), (config.pattern, config.sparsity))).collect();
            let criterion = std::mem::replace(&mut job.options.criterion, Criterion::Wanda);
            let first: Vec<f64> = std::iter::once(config.multiple).chain(MULTIPLES).collect();
            let ladder = ladder();
            let multiples: Vec<f64> = first.iter().chain(&ladder).copied().collect();
            out.outliers = job.outliers(&multiples).await?;
            out.findings = out.outliers.iter().enumerate().map(|(b, o)| finding(b, &ladder, &o[first.len()..])).collect();
            out.findings.iter().for_each(|f| desk.finding(f.clone()));
            out.outliers.iter_mut().for_each(|o| o.truncate(first.len()));
            job.options.criterion = criterion;
            let lod: Vec<f64> = out.outliers.iter().map(|o| o[0]).collect();
            if let Pattern::Groups { n, m } = config.pattern {
                let removed = patterns(&lod, n, m, config.lambda, false);
                out.targets = matrices.iter().map(|x| (x.label(), (Pattern::Groups { n: removed[block(x)], m }, 0.0))).collect();
                return Ok(out);
            }
            by_block(config, &lod, matrices, desk, "outlier shares")
        }
    };
    out.targets = matrices.iter().zip(sparsities).map(|(m, s)| (m.label(), (config.pattern, s))).collect();
    Ok(out)
}

/// OWL's map from a number a block to a sparsity a matrix, with what was held in range said aloud.
fn by_block<K: Kind>(config: &Config<K>, numbers: &[f64], matrices: &[MatrixRef], desk: &Desk<'_>, what: &str) -> Vec<f64> {
    let found = ratios(numbers, config.sparsity, config.lambda, config.criterion != Criterion::Magnitude);
    if found.equal {
        desk.warn(format!("all {what} are equal, so that there is nothing to share out by: every block gets {}", percent(config.sparsity)));
    }
    for &b in &found.clamped {
        desk.warn(format!("block {b} would get a sparsity of {}; it is held at {}, so the whole is not {}", percent(found.raw[b]), percent(found.sparsities[b]), percent(config.sparsity)));
    }
    matrices.iter().map(|m| found.sparsities.get(block(m)).copied().unwrap_or(config.sparsity)).collect()
}

async fn alpha<K: Kind>(config: &Config<K>, inputs: &Inputs<'_>, matrices: &[MatrixRef], session: &Session, desk: &Desk<'_>) -> Result<Vec<f64>, MethodError> {
    let found: HashMap<String, Spectrum> = spectra::gather(inputs, matrices, session, desk).await?.into_iter().map(|(m, s)| (m.label(), s)).collect();
    let alphas: Vec<Option<f64>> = matrices.iter().map(|m| found.get(&m.label()).and_then(allocation::alpha)).collect();
    let without = alphas.iter().filter(|a| a.is_none()).count();
    if without > 0 {
        desk.note(format!("{without} matrices have no tail exponent and get the middle of the range"));
    }
    let sizes: Vec<f64> = matrices.iter().map(|m| m.elements() as f64).collect();
    Ok(allocation::by_alpha(&alphas, &sizes, config.sparsity, config.epsilon))
}
