//! The first pass of OWL alone: how many weights of each block stand out, for bars and for an allocation that follows M and λ without running again.

use std::collections::HashMap;

use espalier_nets::models::Model;
use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use super::allocation::{finding, ladder};
use super::chosen;
use crate::calibration::{Format, Recipe, draw};
use crate::config::decode;
use crate::figures::{axis, digits, figure, series, stat};
use crate::layerwise::{Loop, Options, Pattern};
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::own;
use crate::report::{FigureKind, Report};
use crate::text;
use crate::work::Desk;

/// What it is.
pub static CARD: Card = Card {
    id: "outliers",
    title: "Outliers by block",
    authors: "L. Yin, Y. Wu, Z. Zhang, C.-Y. Hsieh, Y. Wang, Y. Jia, M. Pechenizkiy, Y. Liang, Z. Wang, S. Liu",
    year: 2023,
    link: "https://arxiv.org/abs/2310.05175",
    paragraph: "Calibration texts run once through the dense model. In each block the weights are counted whose metric |w|·‖x‖ is over M times the block's mean, for M from 1 to 20. \
        OWL prunes the less where the more stand out. Nothing is removed; the counts serve to look at, and to share a sparsity out.",
    needs: "a language model that can be run here, and a text",
    knobs: &[
        Knob { key: "roles", label: "Targets", help: "Roles of the linears that are counted, separated by commas; or all.", unit: "", range: Range::Elsewhere, paper: "\"all\"" },
        text::CALIBRATION,
        Knob { key: "format", label: "Format", help: "What fills a calibration window.", unit: "", range: Range::Choice(&["windows", "zero", "single", "in_context", "chain_of_thought"]), paper: "\"windows\"" },
        text::SAMPLES,
        text::LENGTH,
        text::COUNT_PADDING,
    ],
};

/// Configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Roles, separated by commas.
    pub roles: String,
    /// Name of the text that calibrates.
    pub calibration: String,
    /// What fills a calibration window.
    pub format: Format,
    /// Calibration windows.
    pub samples: u32,
    /// Tokens a window.
    pub length: u32,
    /// Whether rows of padding count.
    pub count_padding: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { roles: "all".into(), calibration: String::new(), format: Format::Windows, samples: 128, length: 2048, count_padding: true }
    }
}

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

/// The multiple of the headline numbers: the paper's command for 70 %.
const SHOWN: f64 = 5.0;

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let model = Model::open(inputs.checkpoint)?;
    let matrices = chosen(&config.roles, &inputs, &desk)?;
    let length = text::window_length(&model, config.length as usize, &desk);
    let inputs = own::supplied(inputs, &[&config.calibration], &model, length, session, &desk).await?;
    let calibrating = text::named(&inputs, &config.calibration, "calibration", false)?;
    let recipe = Recipe { format: config.format, samples: config.samples as usize, length, seed: inputs.seed, text_length: None, in_context: None, steps: None };
    let calibration = draw(calibrating, &recipe)?;
    let job = Loop {
        model: &model,
        session,
        desk: &desk,
        calibration: &calibration,
        options: Options::default(),
        targets: matrices.iter().map(|m| (m.label(), (Pattern::Unstructured, 0.0))).collect::<HashMap<_, _>>(),
        true_sequential: false,
        count_padding: config.count_padding,
        evaluation: Vec::new(),
        dense: false,
    };
    let multiples = ladder();
    let found = job.outliers(&multiples).await?;
    desk.step(model.blocks(), model.blocks(), "blocks", "").await?;
    let findings: Vec<_> = found.iter().enumerate().map(|(b, o)| finding(b, &multiples, o)).collect();
    findings.iter().for_each(|f| desk.finding(f.clone()));
    let x: Vec<f64> = (0..found.len()).map(|b| b as f64).collect();
    let at = |m: f64| multiples.iter().position(|v| *v == m).unwrap_or(0);
    let curves = [3.0, 5.0, 7.0, 10.0].iter().enumerate().map(|(i, m)| series(format!("M = {m}"), ["c1", "c2", "c3", "c4"][i], x.clone(), found.iter().map(|o| o[at(*m)]).collect())).collect();
    let shown: Vec<f64> = found.iter().map(|o| o[at(SHOWN)]).collect();
    let most = (0..shown.len()).max_by(|a, b| shown[*a].total_cmp(&shown[*b]).then(b.cmp(a))).unwrap_or(0);
    let least = (0..shown.len()).min_by(|a, b| shown[*a].total_cmp(&shown[*b]).then(a.cmp(b))).unwrap_or(0);
    let of = |b: usize| shown.get(b).copied().unwrap_or(0.0);
    let summary = format!(
        "At M = {SHOWN} block {most} has the most outliers, {} %, and block {least} the fewest, {} %, after {} windows of {length} tokens of {}.",
        digits(of(most)),
        digits(of(least)),
        calibration.windows.len(),
        calibrating.name
    );
    let kind = FigureKind::Lines { x: axis("block", ""), y: axis("outliers", "%"), series: curves };
    let figures = vec![figure("outliers", "Outliers by block", summary.clone(), kind)];
    figures.iter().for_each(|f| desk.figure(f));
    let stats = vec![stat("most outliers", of(most), "% of weights", format!("block {most}")), stat("fewest outliers", of(least), "% of weights", format!("block {least}"))];
    Ok(Report { method: CARD.id.into(), summary, stats, figures, findings, warnings: desk.warnings(), config: serde_json::to_value(config).expect("plain data") })
}
