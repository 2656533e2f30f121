//! The runs of a study.

use std::collections::BTreeMap;

use espalier_nets::models::{Model, perplexity};
use espalier_tensor::Session;
use serde_json::Value;

use super::config::{CARD, Config};
use super::{claims, sources};
use crate::config::decode;
use crate::figures::{axis, digits, figure, percent, stat};
use crate::findings::{Agreement, Language, StudyRun};
use crate::kept::KeptLinear;
use crate::layerwise::{Evaluation, Loop};
use crate::method::{Entry, Inputs, MethodError, Sink};
use crate::prune::chosen;
use crate::report::{Cells, Figure, FigureKind, Finding, Report};
use crate::text;
use crate::work::{Desk, Quiet};

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

/// Most bits of masks that are held to be compared; of larger models the agreement is left out.
const MOST_BITS: f64 = 4e9;

type Masks = BTreeMap<String, KeptLinear>;

async fn run(config: Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    config.check()?;
    let desk = Desk::new(sink);
    let model = Model::open(inputs.checkpoint)?;
    let matrices = chosen("all", &inputs, &desk)?;
    let length = text::window_length(&model, config.length as usize, &desk);
    let (sources, domains) = sources::plan(&config, &inputs)?;
    let general = if config.general.is_empty() { sources[0].clone() } else { config.general.clone() };
    let mut evaluation = Vec::new();
    for domain in &domains {
        evaluation.extend(text::evaluation(&inputs, domain, length, config.windows as usize, &desk)?);
    }
    let vocabulary = model.architecture().vocabulary;
    let total = sources.len() * config.seeds as usize;
    let bits = matrices.iter().map(|m| m.elements() as f64).sum::<f64>() * total as f64;
    let compares = bits <= MOST_BITS;
    if !compares {
        desk.note("the masks of so many runs of so large a model find no room; how far they agree is left out");
    }
    desk.step(0, total, "runs", "the dense model").await?;
    let mut dense: Vec<f64> = Vec::new();
    for e in &evaluation {
        dense.push(perplexity(&model.nats(session, &e.windows).await?).ln());
        desk.breathe().await?;
    }
    let quiet = Quiet(sink);
    let own = Desk::new(&quiet);
    let (mut runs, mut masks): (Vec<StudyRun>, Vec<Vec<Masks>>) = (Vec::new(), vec![Vec::new(); config.seeds as usize]);
    for n in 0..config.seeds {
        let seed = inputs.seed.wrapping_add(u64::from(n));
        for source in &sources {
            desk.step(runs.len(), total, "runs", &format!("{source}, seed {seed}")).await?;
            let calibration = sources::windows(source, &sources, &config, &inputs, length, seed, vocabulary)?;
            let job = Loop {
                model: &model,
                session,
                desk: &own,
                calibration: &calibration,
                options: config.options(),
                targets: matrices.iter().map(|m| (m.label(), (config.pattern, config.sparsity))).collect(),
                true_sequential: false,
                count_padding: config.count_padding,
                evaluation: evaluation.clone(),
                dense: false,
            };
            let (mut zeros, mut elements, mut kept) = (0.0, 0.0, Masks::new());
            let outcome = job
                .run(|block| {
                    for l in block.linears {
                        zeros += l.pruned.zeros;
                        elements += l.pruned.elements;
                        if compares {
                            kept.insert(l.label.clone(), KeptLinear::new([l.weights.nrows(), l.weights.ncols()], &l.mask, None));
                        }
                    }
                })
                .await?;
            masks[n as usize].push(kept);
            let nats: Vec<f64> = outcome.nats.iter().map(|[_, after]| perplexity(after).ln()).collect();
            let sparsity = if elements > 0.0 { zeros / elements } else { 0.0 };
            let one = StudyRun { source: source.clone(), seed, sparsity, domains: domains.clone(), dense: dense.clone().into(), nats: nats.into() };
            desk.finding(Finding::Language(Language::Study(one.clone())));
            runs.push(one);
            desk.figure(&matrix(&sources, &domains, &runs));
        }
    }
    desk.step(total, total, "runs", "").await?;
    let agreement = agreement(&sources, &masks);
    report(config, &sources, &domains, runs, agreement, &evaluation, &general, &desk)
}

/// Mean over seeds of the added loss, source × domain.
fn matrix(sources: &[String], domains: &[String], runs: &[StudyRun]) -> Figure {
    let cell = |s: &String, d: usize| {
        let all: Vec<f64> = runs.iter().filter(|r| r.source == *s).map(|r| r.nats[d] - r.dense[d]).collect();
        if all.is_empty() { f32::NAN } else { (all.iter().sum::<f64>() / all.len() as f64) as f32 }
    };
    let values: Vec<f32> = sources.iter().flat_map(|s| (0..domains.len()).map(|d| cell(s, d)).collect::<Vec<_>>()).collect();
    let cells = Cells { rows: sources.len() as u32, cols: domains.len() as u32, values: values.into() };
    let sentence = format!("Loss that pruning added, by source (down: {}) and domain (across: {}), mean over seeds.", sources.join(", "), domains.join(", "));
    figure("study", "Source × domain", sentence, FigureKind::HeatMap { x: axis("domain", ""), y: axis("source", ""), value: axis("loss added", "nats"), cells, diverging: false })
}

/// Jaccard indices of every pair of sources by linear, means over seeds; `None` where masks were not held.
fn agreement(sources: &[String], masks: &[Vec<Masks>]) -> Option<Agreement> {
    let linears: Vec<String> = masks.first()?.first()?.keys().cloned().collect();
    if linears.is_empty() {
        return None;
    }
    let mut jaccard = Vec::new();
    for a in 0..sources.len() {
        for b in a + 1..sources.len() {
            for l in &linears {
                let each: Vec<f64> = masks.iter().filter_map(|seed| Some(seed.get(a)?.get(l)?.jaccard(seed.get(b)?.get(l)?))).collect();
                jaccard.push((each.iter().sum::<f64>() / each.len().max(1) as f64) as f32);
            }
        }
    }
    Some(Agreement { sources: sources.to_vec(), linears, jaccard: jaccard.into() })
}

#[expect(clippy::too_many_arguments, reason = "everything that a study has")]
fn report(
    config: Config,
    sources: &[String],
    domains: &[String],
    runs: Vec<StudyRun>,
    agreement: Option<Agreement>,
    evaluation: &[Evaluation],
    general: &str,
    desk: &Desk<'_>,
) -> Result<Report, MethodError> {
    let found = claims(&runs, general);
    let mean = |s: &String| {
        let all: Vec<f64> = runs.iter().filter(|r| r.source == *s).flat_map(|r| r.nats.iter().zip(r.dense.iter()).map(|(a, b)| a - b).collect::<Vec<_>>()).collect();
        all.iter().sum::<f64>() / all.len().max(1) as f64
    };
    let best = sources.iter().min_by(|a, b| mean(a).total_cmp(&mean(b))).cloned().unwrap_or_default();
    let worst = sources.iter().max_by(|a, b| mean(a).total_cmp(&mean(b))).cloned().unwrap_or_default();
    let (low, high) = runs.iter().fold((1.0f64, 0.0f64), |(a, b), r| (a.min(r.sparsity), b.max(r.sparsity)));
    let removed = if high - low < 5e-5 { percent(high) } else { format!("{} to {}", percent(low), percent(high)) };
    let columns = ["source", "seed", "sparsity", "domain", "dense", "pruned", "added"].map(|n| axis(n, "")).to_vec();
    let rows = runs.iter().flat_map(|r| {
        let row = |d: usize| vec![r.source.clone(), r.seed.to_string(), percent(r.sparsity), r.domains[d].clone(), digits(r.dense[d]), digits(r.nats[d]), digits(r.nats[d] - r.dense[d])];
        (0..r.domains.len()).map(row).collect::<Vec<_>>()
    });
    let said = ["claim", "what was subtracted", "mean", "spread", "seeds", "here"].map(|n| axis(n, "")).to_vec();
    let words = found.iter().map(|c| vec![c.claim.clone(), c.difference.clone(), digits(c.mean), digits(c.spread), c.seeds.to_string(), format!("{:?}", c.verdict).to_lowercase()]);
    let figures = vec![
        matrix(sources, domains, &runs),
        figure("study-runs", "All runs", format!("{} runs on {} domains, losses in nats a token.", runs.len(), domains.len()), FigureKind::Table { columns, rows: rows.collect() }),
        figure("study-claims", "Claims", "What the paper claims and what this model shows; differences of added loss in nats a token.", FigureKind::Table { columns: said, rows: words.collect() }),
    ];
    figures.iter().for_each(|f| desk.figure(f));
    let summary = format!(
        "{} runs removed {removed} each; averaged over {} domains {best} adds least, {} nats a token, and {worst} most, {}.",
        runs.len(),
        domains.len(),
        digits(mean(&best)),
        digits(mean(&worst))
    );
    let windows = evaluation.first().map_or(0, |e| e.windows.len());
    let stats = vec![stat("runs", runs.len() as f64, "", ""), stat("sparsity", high, "%", format!("asked for {}", percent(config.sparsity))), stat("evaluation windows", windows as f64, "", "of the first domain")];
    let mut findings: Vec<Finding> = runs.into_iter().map(|r| Finding::Language(Language::Study(r))).collect();
    findings.extend(agreement.map(|a| Finding::Language(Language::Agreement(a))));
    findings.extend(found.into_iter().map(|c| Finding::Language(Language::Claim(c))));
    Ok(Report { method: CARD.id.into(), summary, stats, figures, findings, warnings: desk.warnings(), config: serde_json::to_value(config).expect("plain data") })
}
