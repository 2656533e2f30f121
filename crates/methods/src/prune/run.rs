//! The run that the three methods share.

use espalier_nets::checkpoint::{MatrixRef, Role};
use espalier_nets::models::{Model, perplexity};
use espalier_tensor::Session;
use serde_json::Value;

use super::cards::{OWL, SPARSEGPT, WANDA};
use super::config::{Config, Kind, Owl, SparseGpt, Wanda};
use super::{figures, shares};
use crate::calibration::draw;
use crate::config::{bad, decode};
use crate::figures::percent;
use crate::kept::Kept;
use crate::layerwise::{Criterion, LinearDone, Loop, Pattern};
use crate::method::{Card, Entry, Inputs, MethodError, Sink};
use crate::own;
use crate::report::{Finding, Report};
use crate::text;
use crate::work::{Desk, targets};

/// For the registry.
pub const WANDA_ENTRY: Entry = Entry { card: &WANDA, run: |c, i, s, sink| Box::pin(async move { Ok(prune::<Wanda>(&WANDA, c, i, s, sink, None).await?) }) };
/// For the registry.
pub const SPARSEGPT_ENTRY: Entry = Entry { card: &SPARSEGPT, run: |c, i, s, sink| Box::pin(async move { Ok(prune::<SparseGpt>(&SPARSEGPT, c, i, s, sink, None).await?) }) };
/// For the registry.
pub const OWL_ENTRY: Entry = Entry { card: &OWL, run: |c, i, s, sink| Box::pin(async move { Ok(prune::<Owl>(&OWL, c, i, s, sink, None).await?) }) };

/// Takes each linear as it is done: an export writes its weights.
pub type Keep<'k> = &'k mut dyn FnMut(&LinearDone);

/// Prunes a model with calibration. `keep`, where it is given, sees every linear with its new weights.
///
/// # Errors
/// A bad configuration, a model that cannot run, texts that are missing or too short, those of the device, [`MethodError::Cancelled`].
pub async fn prune<K: Kind>(card: &'static Card, config: Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink, mut keep: Option<Keep<'_>>) -> Result<Report, MethodError> {
    let config: Config<K> = decode(card, config)?;
    config.check()?;
    let desk = Desk::new(sink);
    let model = Model::open(inputs.checkpoint)?;
    let matrices = chosen(&config.roles, &inputs, &desk)?;
    let length = text::window_length(&model, config.length as usize, &desk);
    let inputs = own::supplied(inputs, &[&config.calibration, &config.evaluation], &model, length, session, &desk).await?;
    let calibrating = text::named(&inputs, &config.calibration, "calibration", false)?;
    let calibration = draw(calibrating, &config.recipe(length, inputs.seed))?;
    let evaluation = text::evaluations(&inputs, &config.evaluation, length, config.windows as usize, &desk)?;
    odd_widths(&config, &matrices, &desk)?;
    let mut job = Loop {
        model: &model,
        session,
        desk: &desk,
        calibration: &calibration,
        options: config.options(),
        targets: std::collections::HashMap::new(),
        true_sequential: config.true_sequential,
        count_padding: config.count_padding,
        evaluation,
        dense: true,
    };
    let shared = shares(&config, &inputs, &matrices, &mut job, session, &desk).await?;
    job.targets = shared.targets;
    let mut done: Vec<(usize, LinearDone)> = Vec::new();
    let mut kept = Kept::default();
    let updated = config.criterion == Criterion::SparseGpt && config.update;
    inputs.kept.put(None);
    let mut block = 0;
    let outcome = job
        .run(|b| {
            for mut linear in b.linears {
                if let Some(keep) = keep.as_deref_mut() {
                    keep(&linear);
                }
                kept.add(&linear, updated);
                // The numbers are wanted for the report, the weights no longer.
                (linear.weights, linear.mask) = (ndarray::Array2::zeros((0, 0)), Vec::new());
                done.push((block, linear));
            }
            block += 1;
        })
        .await?;
    if kept.dropped > 0 {
        desk.warn(format!("the new weights of {} linears found no room in the page: the pruned model cannot go on with a text or be saved here; the command line has no such limit", kept.dropped));
    } else {
        inputs.kept.put(Some(kept));
    }
    let mut all = figures::blocks(&done, &shared.outliers);
    all.extend([figures::errors(&done), figures::table(&done)]);
    all.iter().for_each(|f| desk.figure(f));
    let (zeros, elements, asked) = figures::totals(done.iter().map(|(_, l)| &l.pruned));
    let (zeros, asked) = if elements > 0.0 { (zeros / elements, asked / elements) } else { (0.0, 0.0) };
    let measured: Vec<String> = job.evaluation.iter().zip(&outcome.nats).map(|(e, [before, after])| {
        format!("on {} ({} windows of {length}) from {:.4} to {:.4}", e.name, before.len(), perplexity(before), perplexity(after))
    }).collect();
    let measured = if measured.is_empty() { String::new() } else { format!("; perplexity went {}", measured.join(", ")) };
    let mut findings = figures::likelihoods(&job.evaluation, &outcome, length);
    findings.extend(shared.findings);
    findings.iter().for_each(|f| desk.finding(f.clone()));
    let summary = format!(
        "{} linears have {} zeros (asked for {}) after {} windows of {length} tokens of {}{}.",
        done.len(),
        percent(zeros),
        percent(asked),
        calibration.windows.len(),
        calibrating.name,
        measured
    );
    Ok(Report {
        method: card.id.into(),
        summary,
        stats: figures::stats(&done, &job.evaluation, &outcome),
        figures: all,
        findings: done.into_iter().flat_map(|(_, l)| [Finding::Language(l.lost()), Finding::Pruned(l.pruned)]).chain(findings).collect(),
        warnings: desk.warnings(),
        config: serde_json::to_value(config).expect("a configuration is plain data"),
    })
}

/// The matrices of the chosen roles.
///
/// # Errors
/// As [`by_roles`], and none at all.
pub(crate) fn chosen(roles: &str, inputs: &Inputs<'_>, desk: &Desk<'_>) -> Result<Vec<MatrixRef>, MethodError> {
    let all: Vec<MatrixRef> = targets(inputs, desk)?.into_iter().filter(|m| m.block.is_some() && m.role != Role::Router).collect();
    let chosen = by_roles(roles, all)?;
    if chosen.is_empty() {
        return Err(MethodError::Inputs("no linear of a block was chosen; choose attention or feed-forward projections".into()));
    }
    Ok(chosen)
}

/// Matrices whose role's label is named; `all` keeps all.
///
/// # Errors
/// A role that none of them has.
pub fn by_roles(roles: &str, all: Vec<MatrixRef>) -> Result<Vec<MatrixRef>, MethodError> {
    let wanted: Vec<&str> = roles.split(',').map(str::trim).filter(|r| !r.is_empty()).collect();
    if wanted.is_empty() || wanted == ["all"] {
        return Ok(all);
    }
    let known: std::collections::BTreeSet<&str> = all.iter().map(|m| m.role.label()).collect();
    if let Some(stranger) = wanted.iter().find(|r| !known.contains(*r)) {
        return Err(bad("roles", format!("no linear has the role “{stranger}”; there are {}", known.into_iter().collect::<Vec<_>>().join(", "))));
    }
    Ok(all.into_iter().filter(|m| wanted.contains(&m.role.label())).collect())
}

/// Widths that the pattern does not divide: what then happens is said, or refused where the update could not be right.
fn odd_widths<K: Kind>(config: &Config<K>, matrices: &[MatrixRef], desk: &Desk<'_>) -> Result<(), MethodError> {
    let Pattern::Groups { n, m } = config.pattern else { return Ok(()) };
    let odd: Vec<&MatrixRef> = matrices.iter().filter(|x| x.shape[1] % u64::from(m) != 0).collect();
    if odd.is_empty() {
        return Ok(());
    }
    if config.criterion == Criterion::SparseGpt {
        let short = odd.iter().find(|x| x.shape[1] % u64::from(m) < u64::from(n));
        if let Some(x) = short {
            return Err(bad("pattern", format!("{} has {} inputs; the last group has fewer than the {n} that are to go of it", x.label(), x.shape[1])));
        }
    }
    desk.warn(format!("{} matrices have a number of inputs that {m} does not divide ({} for instance); {n} of the rest go too where it has as many", odd.len(), odd[0].label()));
    Ok(())
}
