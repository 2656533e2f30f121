//! Rank selection as a method: spectra where they are missing, then a plan.

use std::collections::{BTreeSet, HashMap};

use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::{MatrixRef, Role};
use espalier_tensor::Session;

use super::card::CARD;
use super::config::{Config, Rule};
use super::figures;
use super::plan::RankPlan;
use super::ranker::Ranker;
use crate::config::{bad, decode};
use crate::edit::factor_names;
use crate::method::{Entry, Inputs, MethodError, Sink};
use crate::report::{Finding, Report};
use crate::spectra;
use crate::work::{Desk, targets, unknown_names};

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    config.check()?;
    let desk = Desk::new(sink);
    let matrices = targets(&inputs, &desk)?;
    unknown_names(config.by_hand.keys(), &matrices, &desk);
    if let Some(m) = matrices.iter().find(|m| config.by_hand.get(&m.label()).is_some_and(|r| u64::from(*r) > m.shape[0].min(m.shape[1]))) {
        let full = m.shape[0].min(m.shape[1]);
        return Err(bad("by_hand", format!("{} has {full} ranks; {} were asked for", m.label(), config.by_hand[&m.label()])));
    }
    let spectra = spectra::gather(&inputs, &matrices, session, &desk).await?;
    let refs: Vec<MatrixRef> = spectra.iter().map(|(m, _)| m.clone()).collect();
    let spectra: Vec<_> = spectra.into_iter().map(|(_, s)| s).collect();
    let ranker = Ranker::new(&spectra);
    let plan = ranker.plan(&config);
    warn(&plan, &config, &desk);
    for choice in &plan.choices {
        desk.finding(Finding::Rank(choice.clone()));
    }
    let figures = figures::all(&ranker, &plan, &refs);
    for f in &figures {
        desk.figure(f);
    }
    Ok(Report {
        method: CARD.id.into(),
        summary: sentence(&plan, &config),
        stats: figures::stats(&plan, parameters(inputs.checkpoint)),
        figures,
        findings: plan.choices.into_iter().map(Finding::Rank).collect(),
        warnings: desk.warnings(),
        config: serde_json::to_value(config).expect("a configuration is plain data"),
    })
}

fn warn(plan: &RankPlan, config: &Config, desk: &Desk<'_>) {
    if !plan.flat.is_empty() {
        desk.warn(format!(
            "all singular values of {} are equal but for rounding, so no threshold means anything there; full rank is kept",
            plan.flat.join(", ")
        ));
    }
    if !plan.reached {
        desk.warn(format!("no threshold reaches a reduction of {}; the largest there is was taken", config.target));
    }
    if plan.compressed_params > plan.dense_params {
        let more = 100.0 * (plan.parameter_ratio() - 1.0);
        desk.warn(format!(
            "the result is {more:.1} % larger than before: many ranks are over break-even, mn/(m+n); cut more or factor only where it saves"
        ));
    }
    if plan.attempted > 0.0 && plan.effective == 0.0 {
        desk.warn(format!("no matrix loses more than {} of its rank, so none is factored; lower the least cut or raise the target", config.min_ratio));
    }
}

fn sentence(plan: &RankPlan, config: &Config) -> String {
    let how = match (config.rule, plan.threshold) {
        (Rule::Uniform, _) => "The same cut for all".to_owned(),
        (Rule::Energy, _) => format!("Keeping {} % of each matrix's energy", 100.0 * config.energy),
        (Rule::ByHand, _) => "Ranks by hand".to_owned(),
        (_, k) => format!("Threshold {}", k.unwrap_or_default()),
    };
    format!(
        "{how}: {:.1} % of ranks asked for, {:.1} % removed in {} of {} matrices; parameters × {:.3}, error {:.1} % of ‖W‖ against {:.1} % for a uniform cut.",
        100.0 * plan.attempted,
        100.0 * plan.effective,
        plan.factored().count(),
        plan.choices.len(),
        plan.parameter_ratio(),
        100.0 * plan.error,
        100.0 * plan.uniform_error
    )
}

/// Elements of all tensors.
pub fn parameters(checkpoint: &Checkpoint) -> f64 {
    checkpoint.tensors.iter().map(|t| t.elements() as f64).sum()
}

/// Elements of all tensors after a plan's factored matrices were replaced by their factors.
pub fn parameters_after(checkpoint: &Checkpoint, plan: &RankPlan) -> f64 {
    parameters(checkpoint) - plan.dense_params + plan.compressed_params
}

/// Tensors that the published fine-tuning leaves trainable, with their numbers of elements: both factors of every low-rank component and,
/// because nothing switches them off, the norms. Embeddings, the head and the dense linears (with their biases) are frozen.
pub fn trainable(checkpoint: &Checkpoint, plan: &RankPlan) -> Vec<(String, f64)> {
    let by_name: HashMap<&str, _> = plan.factored().map(|c| (c.tensor.as_str(), c)).collect();
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for m in checkpoint.matrices() {
        if let Some(c) = by_name.get(m.label().as_str())
            && seen.insert(m.label())
        {
            let (u, v) = factor_names(&m);
            out.push((u, f64::from(c.kept) * f64::from(c.shape[0])));
            out.push((v, f64::from(c.kept) * f64::from(c.shape[1])));
        }
    }
    out.extend(checkpoint.tensors.iter().filter(|t| t.role == Role::Norm).map(|t| (t.name.clone(), t.elements() as f64)));
    out
}
