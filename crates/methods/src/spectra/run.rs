//! Spectra of many matrices as one job.

use std::collections::HashMap;

use espalier_nets::checkpoint::MatrixRef;
use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use super::figures;
use super::summary::summary;
use crate::config::decode;
use crate::method::{Card, Entry, Inputs, MethodError, Sink};
use crate::pool::{self, Answer, Step, Task};
use crate::report::{Finding, Report, Spectrum, Tail};
use crate::work::{Desk, read_finite, shape};

/// What it is.
pub static CARD: Card = Card {
    id: "spectra",
    title: "Spectra",
    authors: "C. H. Martin, T. Peng, M. W. Mahoney",
    year: 2021,
    link: "https://arxiv.org/abs/2002.06716",
    paragraph: "Every matrix stretches some directions more than others; its singular values say by how much. A matrix fresh from random \
        initialisation has a smooth bulk of them. Training pulls a few out of the bulk and, in well-trained networks, gives the large ones a \
        power-law tail. From the values alone this page reads how many directions a matrix really uses (stable rank, effective rank, the rank that \
        holds 90, 95 or 99 % of the energy), where random noise would end (the Marchenko–Pastur edge), and the exponent of the tail with its \
        goodness of fit. No data and no forward pass are needed.",
    needs: "a checkpoint with at least one matrix",
    knobs: &[],
};

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

/// There is nothing to choose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Config {}

/// Spectra of the matrices, in their order, each given away as a finding as soon as it is there. Those in [`Inputs::known`] are taken from there
/// and given away too; matrices with NaN or infinities are left out with a warning. Cancelled, what was given away stays good and comes back
/// through [`Inputs::known`].
///
/// # Errors
/// Those of the checkpoint and of the device, and [`MethodError::Cancelled`].
pub async fn gather(
    inputs: &Inputs<'_>,
    matrices: &[MatrixRef],
    session: &Session,
    desk: &Desk<'_>,
) -> Result<Vec<(MatrixRef, Spectrum)>, MethodError> {
    let known: HashMap<(&str, Option<u32>), &Spectrum> = inputs.known.iter().map(|s| ((s.tensor.as_str(), s.slice), s)).collect();
    // A spectrum of another shape is of another checkpoint.
    let prepare = async |m: &MatrixRef| match known.get(&(m.name.as_str(), m.slice)).filter(|s| s.shape == shape(m)) {
        Some(s) => Ok(Step::Known((*s).clone())),
        None => Ok(read_finite(inputs, m, desk).await?.map_or(Step::LeftOut, |values| Step::Task(Task::Singular(values)))),
    };
    let finish = |m: &MatrixRef, answer| match answer {
        Answer::Singular(s) => summary(&m.name, m.slice, shape(m), s.values, s.floor, &s.route),
        Answer::Profile(_) => unreachable!("a pool answers what it was asked"),
    };
    pool::map(desk, session, matrices, pool::decomposed, prepare, finish, |s| desk.finding(Finding::Spectrum(s.clone()))).await
}

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let _: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    if inputs.matrices.is_empty() {
        return Err(MethodError::Inputs("the checkpoint has no matrix; it needs a tensor with two or more dimensions".into()));
    }
    let spectra = gather(&inputs, &inputs.matrices, session, &desk).await?;
    let figures = figures::all(&spectra);
    for f in &figures {
        desk.figure(f);
    }
    Ok(Report {
        method: CARD.id.into(),
        config: serde_json::json!({}),
        summary: sentence(&spectra, inputs.matrices.len()),
        stats: figures::stats(&spectra),
        figures,
        findings: spectra.into_iter().map(|(_, s)| Finding::Spectrum(s)).collect(),
        warnings: desk.warnings(),
    })
}

fn sentence(spectra: &[(MatrixRef, Spectrum)], asked: usize) -> String {
    let values: usize = spectra.iter().map(|(_, s)| s.values.len()).sum();
    let fits = spectra.iter().filter(|(_, s)| matches!(s.tail, Tail::Fit { .. })).count();
    let all = if spectra.len() == asked { format!("{asked}") } else { format!("{} of {asked}", spectra.len()) };
    format!("{values} singular values of {all} matrices; {fits} have a power-law tail that could be fitted.")
}
