//! The runs of a study.

use std::collections::BTreeMap;

use espalier_nets::checkpoint::MatrixRef;
use espalier_nets::models::{Model, perplexity};
use espalier_tensor::Session;
use serde_json::Value;

use super::agreement::Pruned;
use super::config::{CARD, Config, Known, cell};
use super::report::{Study, matrix};
use super::sources;
use crate::calibration::Calibration;
use crate::config::{bad, decode};
use crate::findings::{Language, StudyRun};
use crate::kept::KeptLinear;
use crate::layerwise::{Evaluation, Loop};
use crate::method::{Entry, Inputs, MethodError, Sink};
use crate::own;
use crate::prune::chosen;
use crate::report::{Finding, Report};
use crate::text;
use crate::work::{Desk, Quiet};

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

/// Most bits of masks that are held to be compared; of larger models the agreement is left out.
const MOST_BITS: f64 = 4e9;

/// What every pruning of a study shares.
struct Bench<'a> {
    config: &'a Config,
    model: &'a Model<'a>,
    session: &'a Session,
    desk: &'a Desk<'a>,
    matrices: &'a [MatrixRef],
    evaluation: &'a [Evaluation],
    compares: bool,
}

impl Bench<'_> {
    /// Prunes after reading these windows: what it measured, and the masks where they are to be compared.
    async fn prune(&self, calibration: &Calibration, asked: f64) -> Result<(Known, Pruned), MethodError> {
        let job = Loop {
            model: self.model,
            session: self.session,
            desk: self.desk,
            calibration,
            options: self.config.options(),
            targets: self.matrices.iter().map(|m| (m.label(), (self.config.pattern, asked))).collect(),
            true_sequential: false,
            count_padding: self.config.count_padding,
            evaluation: self.evaluation.to_vec(),
            dense: false,
        };
        let mut kept = Pruned::new();
        let (sparsity, after) = job
            .measured(|l| {
                if self.compares {
                    kept.insert(l.label.clone(), KeptLinear::new([l.weights.nrows(), l.weights.ncols()], &l.mask, None));
                }
            })
            .await?;
        Ok((Known { sparsity, nats: after.into_iter().map(f64::ln).collect() }, kept))
    }
}

async fn run(config: Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let mut config: Config = decode(&CARD, config)?;
    config.check()?;
    let ladder = config.asked()?;
    let desk = Desk::new(sink);
    let model = Model::open(inputs.checkpoint)?;
    let matrices = chosen("all", &inputs, &desk)?;
    let length = text::window_length(&model, config.length as usize, &desk);
    let inputs = own::supplied(inputs, &[&config.sources, &config.domains], &model, length, session, &desk).await?;
    let (sources, domains) = sources::plan(&config, &inputs)?;
    let general = if config.general.is_empty() { sources[0].clone() } else { config.general.clone() };
    let mut evaluation = Vec::new();
    for domain in &domains {
        evaluation.extend(text::evaluation(&inputs, domain, length, config.windows as usize, &desk)?);
    }
    if let Some((name, _)) = config.known.iter().find(|(_, k)| k.nats.len() != domains.len()) {
        return Err(bad("known", format!("{name} was measured on another number of texts than {}; leave it out, or name the same domains", domains.len())));
    }
    let seeds: Vec<u64> = (0..config.seeds).map(|n| inputs.seed.wrapping_add(u64::from(n))).collect();
    let vocabulary = model.architecture().vocabulary;
    let total = ladder.len() * sources.len() * seeds.len();
    let compares = matrices.iter().map(|m| m.elements() as f64).sum::<f64>() * sources.len() as f64 <= MOST_BITS;
    if !compares {
        desk.note("the masks of so many sources of so large a model find no room; how far they agree is left out");
    }
    // Masks of a study with the same settings are taken up again.
    let which = serde_json::to_string(&Config { known: BTreeMap::new(), ..config.clone() }).expect("plain data");
    let masks = inputs.kept.study.clone();
    let held = masks.take().of(&format!("{which} {} {}", inputs.seed, matrices.len()));
    masks.replace(held);
    let cells = |asked: f64, seed: u64| sources.iter().map(|s| cell(s, seed, asked)).collect::<Vec<_>>();
    let all: Vec<String> = ladder.iter().flat_map(|a| seeds.iter().flat_map(|s| cells(*a, *s)).collect::<Vec<_>>()).collect();
    config.known.retain(|k, _| all.contains(k));
    desk.step(config.known.len(), total, "runs", "the dense model").await?;
    let mut dense: Vec<f64> = Vec::new();
    for e in &evaluation {
        dense.push(perplexity(&model.nats(session, &e.windows).await?).ln());
        desk.breathe().await?;
    }
    let quiet = Quiet(sink);
    let own = Desk::new(&quiet);
    let mut runs: Vec<StudyRun> = Vec::new();
    // Sparsity by sparsity and seed by seed, so that masks are compared and let go as soon as they can be.
    for &asked in &ladder {
        for &seed in &seeds {
            for source in &sources {
                let key = cell(source, seed, asked);
                let fresh = !config.known.contains_key(&key);
                if fresh {
                    desk.step(config.known.len(), total, "runs", &key).await?;
                    let calibration = sources::windows(source, &sources, &config, &inputs, length, seed, vocabulary)?;
                    let bench = Bench { config: &config, model: &model, session, desk: &own, matrices: &matrices, evaluation: &evaluation, compares };
                    let (known, kept) = bench.prune(&calibration, asked).await?;
                    masks.borrow_mut().add(key.clone(), kept);
                    config.known.insert(key.clone(), known);
                }
                let Known { sparsity, nats } = config.known[&key].clone();
                let one = StudyRun { source: source.clone(), seed, sparsity, asked, domains: domains.clone(), dense: dense.clone().into(), nats: nats.into() };
                runs.push(one.clone());
                desk.finding(Finding::Language(Language::Study(one)));
                if fresh {
                    desk.figure(&matrix(&sources, &domains, &runs, asked));
                }
            }
            masks.borrow_mut().compare(asked, seed, &cells(asked, seed));
        }
    }
    desk.step(total, total, "runs", "").await?;
    if compares && ladder.iter().any(|a| masks.borrow().lacks(*a, seeds.len())) {
        desk.warn("some prunings were taken from an earlier start and their masks are gone; agreement is over the seeds whose masks are here, and blank where there is none");
    }
    let agreements = ladder.iter().filter_map(|a| masks.borrow().agreement(*a, &sources)).collect();
    Study { config, ladder, sources, domains, runs, agreements, evaluation, general }.report(&desk)
}
