//! From a configuration to one selection a matrix.

use std::collections::HashMap;

use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::MatrixRef;
use espalier_tensor::Session;

use super::config::{Allocation, Config, Rule, Scope};
use super::cut::{Cut, Upper, bits, take};
use super::select::Selection;
use crate::allocation::{self, Balance, Kernel, erdos_renyi};
use crate::method::{Inputs, MethodError, Sink};
use crate::report::Spectrum;
use crate::spectra;
use crate::work::{Desk, read_finite, targets, unknown_names};

/// What is to go from one matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// The matrix.
    pub matrix: MatrixRef,
    /// Which of its weights.
    pub selection: Selection,
    /// Sparsity that was asked for.
    pub target: f64,
}

/// Shapes as they are stored, for allocations: a convolution's four dimensions, a slice's two.
pub fn layers(checkpoint: &Checkpoint, matrices: &[MatrixRef]) -> Vec<Vec<u64>> {
    matrices
        .iter()
        .map(|m| match (m.slice, checkpoint.tensors.get(m.tensor)) {
            (None, Some(t)) => t.shape.clone(),
            _ => m.shape.to_vec(),
        })
        .collect()
}

/// Sparsities of an allocation, one a layer, with the budget Σ N s = `sparsity` Σ N. `shapes` are stored shapes; `spectra` are looked at by the
/// spectrum allocation only, one a layer, `None` where a matrix has none. By hand is not an allocation of a budget: it gives uniform.
pub fn allocate(allocation: Allocation, shapes: &[Vec<u64>], spectra: &[Option<Spectrum>], sparsity: f64, epsilon: f64) -> Vec<f64> {
    let sizes = || shapes.iter().map(|s| allocation::elements(s)).collect::<Vec<_>>();
    match allocation {
        Allocation::Uniform | Allocation::ByHand => vec![sparsity; shapes.len()],
        Allocation::Erk => erdos_renyi(shapes, sparsity, Kernel::Whole, Balance::Real).sparsities(),
        Allocation::Er => erdos_renyi(shapes, sparsity, Kernel::Channels, Balance::Real).sparsities(),
        Allocation::East => allocation::east(shapes, sparsity, allocation::EAST_FLOOR).0.iter().map(|d| 1.0 - d).collect(),
        Allocation::Spectrum => {
            let alphas: Vec<_> = (0..shapes.len()).map(|i| spectra.get(i).and_then(Option::as_ref).and_then(allocation::alpha)).collect();
            allocation::by_alpha(&alphas, &sizes(), sparsity, epsilon)
        }
    }
}

/// Plans for an engine that exports: the same selections the method makes.
///
/// # Errors
/// A bad configuration, those of the checkpoint and of the device, [`MethodError::Cancelled`].
pub async fn plan(config: &Config, inputs: &Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Vec<Pick>, MethodError> {
    picks(config, inputs, session, &Desk::new(sink)).await
}

pub(super) async fn picks(config: &Config, inputs: &Inputs<'_>, session: &Session, desk: &Desk<'_>) -> Result<Vec<Pick>, MethodError> {
    config.check()?;
    let matrices = targets(inputs, desk)?;
    if config.allocation == Allocation::ByHand {
        unknown_names(config.by_hand.keys(), &matrices, desk);
    }
    if !config.is_allocated() && config.allocation != Allocation::Uniform {
        desk.note(format!("scope {} sets the sparsity of each matrix itself; the allocation is not used", config.scope));
    }
    match config.scope {
        Scope::Global => global(config, inputs, matrices, desk).await,
        Scope::Groups { n, m } => Ok(groups(config, matrices, n, m, desk)),
        Scope::Tensor | Scope::Row => {
            let sparsities = sparsities(config, inputs, &matrices, session, desk).await?;
            Ok(matrices.into_iter().zip(sparsities).map(|(m, s)| within(config, m, s)).collect())
        }
    }
}

async fn sparsities(
    config: &Config,
    inputs: &Inputs<'_>,
    matrices: &[MatrixRef],
    session: &Session,
    desk: &Desk<'_>,
) -> Result<Vec<f64>, MethodError> {
    if config.allocation == Allocation::ByHand {
        return Ok(matrices.iter().map(|m| config.by_hand.get(&m.label()).copied().unwrap_or(config.sparsity)).collect());
    }
    let mut spectra = vec![None; matrices.len()];
    if config.allocation == Allocation::Spectrum {
        let found: HashMap<String, Spectrum> =
            spectra::gather(inputs, matrices, session, desk).await?.into_iter().map(|(m, s)| (m.label(), s)).collect();
        for (m, slot) in matrices.iter().zip(&mut spectra) {
            *slot = found.get(&m.label()).cloned();
        }
        let without = spectra.iter().filter(|s| s.as_ref().and_then(allocation::alpha).is_none()).count();
        if without > 0 {
            desk.note(format!("{without} matrices have no tail exponent and get the middle of the range"));
        }
    }
    Ok(allocate(config.allocation, &layers(inputs.checkpoint, matrices), &spectra, config.sparsity, config.epsilon))
}

fn within(config: &Config, matrix: MatrixRef, target: f64) -> Pick {
    let place = take(matrix.elements(), target);
    let selection = match (config.scope, config.rule) {
        (Scope::Row, _) => Selection::Rows(take(matrix.shape[1], target)),
        // The published script does not prune at all at sparsity 0.
        (_, Rule::Official) if target > 0.0 => Selection::UpTo(place),
        _ => Selection::Smallest(place),
    };
    Pick { matrix, selection, target }
}

fn groups(config: &Config, matrices: Vec<MatrixRef>, n: u32, m: u32, desk: &Desk<'_>) -> Vec<Pick> {
    let rest = config.rule == Rule::Official;
    let odd = matrices.iter().filter(|x| x.shape[1] % u64::from(m) != 0).count();
    if odd > 0 {
        let what = if rest { format!("lose {n} of the rest too where it has as many") } else { "keep the rest dense".into() };
        desk.note(format!("{odd} matrices have a number of inputs that {m} does not divide; they {what}"));
    }
    let target = f64::from(n) / f64::from(m);
    matrices.into_iter().map(|matrix| Pick { matrix, selection: Selection::Groups { n, m, rest }, target }).collect()
}

/// One cut through all matrices: two histogram passes find it, a third counts what lies under it in each matrix, so that no more than one
/// matrix and two histograms are in memory. Equal magnitudes go by the order of the matrices, then by index.
async fn global(config: &Config, inputs: &Inputs<'_>, matrices: Vec<MatrixRef>, desk: &Desk<'_>) -> Result<Vec<Pick>, MethodError> {
    let total = matrices.len();
    let mut upper = Upper::default();
    let mut usable = Vec::with_capacity(total);
    for (i, m) in matrices.into_iter().enumerate() {
        desk.at(i, 3 * total, &m.label()).await?;
        if let Some(values) = read_finite(inputs, &m, desk).await? {
            upper.add(values.iter().copied());
            usable.push(m);
        }
    }
    let place = take(upper.total(), config.sparsity);
    let official = config.rule == Rule::Official && config.sparsity > 0.0;
    let mut left = 0;
    let cut: Option<Cut> = match upper.at(place) {
        Some(mut lower) => {
            for (i, m) in usable.iter().enumerate() {
                desk.at(total + i, 3 * total, &m.label()).await?;
                lower.add(inputs.checkpoint.read_matrix(m).await?.iter().copied());
            }
            let cut = lower.finish();
            left = if official { cut.equal } else { place - cut.below };
            Some(cut)
        }
        None => None,
    };
    let mut picks = Vec::with_capacity(usable.len());
    for (i, matrix) in usable.into_iter().enumerate() {
        desk.at(2 * total + i, 3 * total, &matrix.label()).await?;
        let k = match cut {
            // Nothing lies at that place: all go.
            None => matrix.elements(),
            Some(cut) => {
                let values = inputs.checkpoint.read_matrix(&matrix).await?;
                let (mut below, mut equal) = (0u64, 0u64);
                for w in &values {
                    let b = bits(*w);
                    below += u64::from(b < cut.bits);
                    equal += u64::from(b == cut.bits);
                }
                let ties = equal.min(left);
                left -= ties;
                below + ties
            }
        };
        picks.push(Pick { matrix, selection: Selection::Smallest(k), target: config.sparsity });
    }
    Ok(picks)
}
