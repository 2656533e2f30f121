//! Error against sparsity for every matrix, so that a bar can be dragged and its cost seen without running anything.

use espalier_nets::checkpoint::MatrixRef;
use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use super::profile::POINTS;
use crate::config::decode;
use crate::figures::{axis, color, figure, series, stat};
use crate::method::{Card, Entry, Inputs, MethodError, Sink};
use crate::pool::{self, Answer, Step, Task};
use crate::report::{FigureKind, Finding, Profile, Report};
use crate::work::{Desk, read_finite, targets};

/// What it is.
pub static CARD: Card = Card {
    id: "profile",
    title: "Pruning profiles",
    authors: "S. Han, J. Pool, J. Tran, W. J. Dally",
    year: 2015,
    link: "https://arxiv.org/abs/1506.02626",
    paragraph: "How much of a matrix is lost when its smallest weights go, for every sparsity from 0 to 100 %: the relative error ‖W − W'‖ / ‖W‖ and the magnitude \
        at the cut. A curve that stays low until late belongs to a matrix with many weights near zero. The curves are exact, from the \
        weights alone; what they cannot say is how much the network minds, which takes data (the sensitivity that Han et al. measured layer by layer).",
    needs: "a checkpoint with linear layers or convolutions",
    knobs: &[],
};

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

/// There is nothing to choose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Config {}

async fn run(config: serde_json::Value, inputs: Inputs<'_>, _: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let _: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let matrices = targets(&inputs, &desk)?;
    let prepare = async |m: &MatrixRef| Ok(read_finite(&inputs, m, &desk).await?.map_or(Step::LeftOut, |values| Step::Task(Task::Profile(values))));
    let finish = |m: &MatrixRef, answer| match answer {
        Answer::Profile(p) => Profile { tensor: m.label(), ..p },
        Answer::Singular(_) => unreachable!("a pool answers what it was asked"),
    };
    // There is nothing in it for a GPU: whatever the device, it is the CPU that counts.
    let found = pool::map(&desk, &Session::cpu(), &matrices, pool::profiled, prepare, finish, |p| desk.finding(Finding::Profile(p.clone()))).await?;
    let x: Vec<f64> = (0..POINTS).map(|j| j as f64 / (POINTS - 1) as f64).collect();
    let lines: Vec<_> = found.iter().map(|(m, p)| series(m.label(), color(m), x.clone(), p.error.iter().map(|e| f64::from(*e)).collect())).collect();
    let findings: Vec<Profile> = found.into_iter().map(|(_, p)| p).collect();
    let elements: f64 = findings.iter().map(|p| p.elements).sum();
    let zeros: f64 = findings.iter().map(|p| p.zeros).sum();
    let sentence = format!("Relative error of {} matrices as their smallest weights are removed, from none to all.", lines.len());
    let curves = figure("profiles", "Error by sparsity", sentence, FigureKind::Lines { x: axis("sparsity", "%"), y: axis("error", "%"), series: lines });
    desk.figure(&curves);
    Ok(Report {
        method: CARD.id.into(),
        config: serde_json::json!({}),
        summary: format!("Error by sparsity of {} matrices with {elements} weights, {zeros} of them zero already.", findings.len()),
        stats: vec![
            stat("matrices", findings.len() as f64, "", ""),
            stat("weights", elements, "", ""),
            stat("zero already", if elements > 0.0 { zeros / elements } else { 0.0 }, "%", ""),
        ],
        figures: vec![curves],
        findings: findings.into_iter().map(Finding::Profile).collect(),
        warnings: desk.warnings(),
    })
}
