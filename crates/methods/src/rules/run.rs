//! The runs of a comparison.

use std::collections::HashMap;

use espalier_nets::models::{Model, perplexity};
use espalier_tensor::Session;
use serde_json::Value;

use super::config::{CARD, Config};
use super::figures::{Row, report};
use crate::calibration::{Format, Recipe, draw};
use crate::config::decode;
use crate::layerwise::Loop;
use crate::method::{Entry, Inputs, MethodError, Sink};
use crate::own;
use crate::prune::{Allocation, Config as PruneConfig, Wanda, chosen, shares};
use crate::report::Report;
use crate::text;
use crate::work::{Desk, Quiet};

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

async fn run(config: Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let contestants = config.contestants()?;
    let desk = Desk::new(sink);
    let model = Model::open(inputs.checkpoint)?;
    let matrices = chosen("all", &inputs, &desk)?;
    let length = text::window_length(&model, config.length as usize, &desk);
    let inputs = own::supplied(inputs, &[&config.calibration, &config.evaluation], &model, length, session, &desk).await?;
    let calibrating = text::named(&inputs, &config.calibration, "calibration", false)?;
    let evaluation = text::evaluations(&inputs, &config.evaluation, length, config.windows as usize, &desk)?;
    let total: usize = contestants.iter().map(|c| config.draws(c) as usize).sum();
    desk.step(0, total, "runs", "the dense model").await?;
    let mut dense = Vec::new();
    for e in &evaluation {
        dense.push(perplexity(&model.nats(session, &e.windows).await?));
        desk.breathe().await?;
    }
    let quiet = Quiet(sink);
    let own = Desk::new(&quiet);
    let mut rows: Vec<Row> = Vec::new();
    let mut done = 0;
    for &contestant in &contestants {
        let mut row = Row::new(contestant);
        for n in 0..config.draws(&contestant) {
            desk.step(done, total, "runs", &row.name()).await?;
            let seed = inputs.seed.wrapping_add(u64::from(n));
            let recipe = Recipe { format: Format::Windows, samples: config.samples as usize, length, seed, text_length: None, in_context: None, steps: None };
            let calibration = draw(calibrating, &recipe)?;
            let target = contestant.target;
            let mut job = Loop {
                model: &model,
                session,
                desk: &own,
                calibration: &calibration,
                options: contestant.options(),
                targets: HashMap::new(),
                true_sequential: false,
                count_padding: true,
                evaluation: evaluation.clone(),
                dense: false,
            };
            let allocation = if contestant.owl.is_some() { Allocation::Owl } else { Allocation::Uniform };
            let mut shared = PruneConfig::<Wanda>::default();
            (shared.criterion, shared.sparsity, shared.pattern, shared.allocation) = (contestant.rule, target.sparsity, target.pattern, allocation);
            if let Some(owl) = contestant.owl {
                (shared.multiple, shared.lambda) = (owl.multiple, owl.lambda);
            }
            job.targets = shares(&shared, &inputs, &matrices, &mut job, session, &own).await?.targets;
            let (sparsity, perplexity) = job.measured(drop).await?;
            row.add(sparsity, perplexity);
            done += 1;
        }
        rows.push(row);
        super::figures::all(&rows, &evaluation, &dense).iter().for_each(|f| desk.figure(f));
    }
    desk.step(total, total, "runs", "").await?;
    Ok(report(config, &rows, &evaluation, &dense, desk.warnings()))
}
