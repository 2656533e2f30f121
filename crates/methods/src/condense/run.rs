//! The method `condense`.

use std::cell::Cell;

use espalier_nets::models::{Experts, Model};
use espalier_tensor::Session;

use super::config::{Choose, Config, Variant};
use super::rivals::{Rivals, sample};
use super::{CARD, Pick, Search, beside, figures};
use crate::calibration::{Format, PythonRandom, Recipe, draw};
use crate::config::{bad, decode};
use crate::experts::{Bench, Plan, Point, Sizes, Tally, mixtures};
use crate::figures::{percent, stat};
use crate::layerwise::Evaluation;
use crate::method::{Entry, Inputs, MethodError, Sink};
use crate::report::{Event, Finding, Report};
use crate::text;
use crate::work::Desk;

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

/// How many layers, and how many experts of each.
fn sizes_of(config: &Config, blocks: &[usize], e: Experts, model: &Model<'_>, desk: &Desk<'_>) -> Result<(usize, usize), MethodError> {
    let layers = if config.layers == 0 { (blocks.len() as f64 / 3.0).round().max(1.0) as usize } else { config.layers as usize };
    if layers > blocks.len() {
        return Err(bad("layers", format!("{layers} layers are to be condensed, but the model has {} mixtures of experts; take at most so many", blocks.len())));
    }
    if layers == blocks.len() {
        desk.warn(format!("all {layers} mixtures are condensed: no router is left in the model, and the first and last layers, which cost most, go too"));
    }
    let keep = match config.variant {
        Variant::S => 0,
        Variant::Sr if config.experts == 0 => e.per_token,
        Variant::Sr => config.experts as usize,
    };
    if keep > e.count {
        return Err(bad("experts", format!("{keep} experts are to be kept, but a layer has {}; take at most so many", e.count)));
    }
    if let Some(block) = blocks.iter().find(|b| !model.has_shared(**b)) {
        if keep == 0 {
            let why = format!("block {block} of this {} has no shared experts, so that nothing of the layer would be left; take variant sr", model.architecture().model_type);
            return Err(bad("variant", why));
        }
        desk.warn(format!("{} has no shared experts beside its routed ones: the paper condenses layers that have, and without them more is lost", model.architecture().model_type));
    }
    Ok((layers, keep))
}

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let model = Model::open(inputs.checkpoint)?;
    let (blocks, e) = mixtures(&model)?;
    let (layers, keep) = sizes_of(&config, &blocks, e, &model, &desk)?;
    let length = text::window_length(&model, config.length as usize, &desk);
    let recipe = Recipe { format: Format::Windows, samples: config.samples as usize, length, seed: inputs.seed, text_length: None, in_context: None, steps: None };
    let calibrating = text::named(&inputs, &config.calibration, "calibration", false)?;
    let calibration = draw(calibrating, &recipe)?;
    let test = text::evaluation(&inputs, &config.evaluation, length, config.windows as usize, &desk)?;
    if config.rivals && test.is_none() {
        return Err(bad("windows", "rivals are compared by perplexity, which needs at least one evaluation window"));
    }
    let mut tally = Tally::new(blocks.len(), e.count);
    let bench = Bench::new(&model, session, &desk, &calibrating.name, calibration.windows, |block, _, _, seen| {
        let Some(layer) = blocks.iter().position(|b| *b == block) else { return };
        let k = seen.routing.per_token;
        for (row, chosen) in seen.routing.experts.chunks(k.max(1)).enumerate() {
            tally.add(layer, chosen, &seen.routing.weights[row * k..][..k], &seen.norms[row * k..][..k]);
        }
    })
    .await?;
    warn_of_idle(&tally, &blocks, &config, &desk);
    let per_layer = if config.choose == Choose::Greedy && keep > 0 { (0..keep).map(|s| e.count - s).sum::<usize>() } else { 0 };
    let total = per_layer * blocks.len() + (0..layers).map(|s| blocks.len() - s).sum::<usize>();
    let search = Search { bench: &bench, blocks: &blocks, tally: &tally, metric: config.metric.op(), unrouted: config.unrouted.weight(), done: Cell::new(0), total };
    let mut picks: Vec<Pick> = Vec::new();
    let mut chosen: Vec<Vec<u32>> = Vec::new();
    for layer in 0..blocks.len() {
        let top = |order: Vec<u32>| order.into_iter().take(keep).collect();
        chosen.push(match config.choose {
            Choose::Greedy => search.experts(layer, keep, |p| taken(sink, &mut picks, p)).await?,
            Choose::Count => top(tally.by_count(layer)),
            Choose::Norm => top(tally.by_saliency(layer)),
            Choose::Random => sample(&mut PythonRandom::new(inputs.seed.wrapping_mul(31).wrapping_add(layer as u64)), e.count, keep),
        });
        figures::experts(&picks, &blocks, &config).iter().for_each(|f| desk.figure(f));
    }
    desk.figure(&figures::choices(&chosen, &blocks, &tally, e, |l, x| search.weight(l, x)));
    let order = search.layers(&chosen, layers, |p| taken(sink, &mut picks, p)).await?;
    let mut points = Vec::new();
    let config = Config { calibration: calibrating.name.clone(), evaluation: test.as_ref().map_or_else(String::new, |t| t.name.clone()), ..config };
    if let Some(test) = test {
        let (kind, seed) = (config.variant, inputs.seed);
        measure(&config, &search, test, &order, &chosen, keep, e, seed, kind, sink, &mut points).await?;
    } else {
        let plan = order.iter().fold(Plan::default(), |p, &l| p.with(blocks[l], search.condensed(l, &chosen[l])));
        points.extend([Plan::default(), plan].map(|p| unmeasured(&Sizes::of(&model), p, config.variant)));
    }
    // What the run is for carries what a copy needs beside its weights.
    let last = points.iter().enumerate().filter(|(_, p)| p.arm == arm(config.variant)).max_by_key(|(_, p)| p.step).map(|(i, _)| i);
    if let Some(i) = last {
        points[i].beside = Some(beside(&model, &points[i].plan));
    }
    desk.step(total.max(1), total.max(1), "candidates", "").await?;
    report(config, &search, picks, points, &chosen, e, &desk, &calibrating.name)
}

fn taken(sink: &dyn Sink, picks: &mut Vec<Pick>, pick: &Pick) {
    sink.event(Event::Finding(Finding::Pick(pick.clone())));
    picks.push(pick.clone());
}

fn warn_of_idle(tally: &Tally, blocks: &[usize], config: &Config, desk: &Desk<'_>) {
    let idle = tally.idle();
    if !idle.is_empty() {
        let some: Vec<String> = idle.iter().take(4).map(|(l, x)| format!("{x} of block {}", blocks[*l])).collect();
        let more = if idle.len() > 4 { format!(" and {} more", idle.len() - 4) } else { String::new() };
        let weight = config.unrouted.weight();
        desk.warn(format!("no calibration token was sent to expert {}{more}: their weight is taken as {weight}; take more samples to know them", some.join(", ")));
    }
}

/// Name of the run's own arm.
fn arm(variant: Variant) -> &'static str {
    if variant == Variant::S { "CD-MoE-S" } else { "CD-MoE-SR" }
}

fn unmeasured(sizes: &Sizes, plan: Plan, variant: Variant) -> Point {
    let stored = sizes.stored(&plan);
    let name = if plan.changes.is_empty() { "whole" } else { arm(variant) };
    let flops = sizes.flops(&plan);
    Point { arm: name.into(), step: plan.changes.len() as u32, draw: 0, plan, parameters: stored.elements, bytes: stored.bytes, flops, perplexity: f64::NAN, beside: None }
}

#[expect(clippy::too_many_arguments, reason = "what the search found, and where its marks go")]
async fn measure(
    config: &Config,
    search: &Search<'_>,
    test: Evaluation,
    order: &[usize],
    chosen: &[Vec<u32>],
    keep: usize,
    e: Experts,
    seed: u64,
    variant: Variant,
    sink: &dyn Sink,
    points: &mut Vec<Point>,
) -> Result<(), MethodError> {
    let (model, session, desk) = (search.bench.model, search.bench.session, search.bench.desk);
    let bench = Bench::new(model, session, desk, &test.name, test.windows, |_, _, _, _| ()).await?;
    let sizes = Sizes::of(model);
    let shared = search.blocks.iter().all(|b| model.has_shared(*b));
    let rivals = Rivals { search, test: &bench, sizes: &sizes, order, keep, per_token: e.per_token, draws: config.draws, seed };
    let mut found = |p: Point| {
        sink.event(Event::Finding(Finding::Point(p.clone())));
        points.push(p);
        figures::rivals(points)
    };
    found(rivals.point("whole", 0, 0, Plan::default()).await?);
    for n in 1..=order.len() {
        found(rivals.point(arm(variant), n, 0, rivals.plan(n, |l| chosen[l].clone())).await?).iter().for_each(|f| desk.figure(f));
    }
    if !config.rivals {
        return Ok(());
    }
    if variant == Variant::Sr && shared {
        // The other variant searches its layers anew: what costs little with experts need not without.
        let none = vec![Vec::new(); search.blocks.len()];
        let order = search.layers(&none, order.len(), |_| ()).await?;
        for n in 1..=order.len() {
            let plan = order[..n].iter().fold(Plan::default(), |p, &l| p.with(search.blocks[l], search.condensed(l, &[])));
            found(rivals.point("CD-MoE-S", n, 0, plan).await?);
        }
    }
    let mut last = 0;
    rivals
        .run(|p| {
            let step = p.step;
            let all = found(p);
            if step != last {
                last = step;
                all.iter().for_each(|f| desk.figure(f));
            }
        })
        .await
}

#[expect(clippy::too_many_arguments, reason = "everything that was found")]
fn report(config: Config, search: &Search<'_>, picks: Vec<Pick>, points: Vec<Point>, chosen: &[Vec<u32>], e: Experts, desk: &Desk<'_>, calibration: &str) -> Result<Report, MethodError> {
    let blocks = search.blocks;
    let mut all = figures::layers(&picks, blocks, &config);
    all.extend(figures::experts(&picks, blocks, &config));
    all.push(figures::choices(chosen, blocks, search.tally, e, |l, x| search.weight(l, x)));
    let measured = points.iter().any(|p| p.perplexity.is_finite());
    if measured {
        all.extend(figures::rivals(&points));
    }
    all.iter().for_each(|f| desk.figure(f));
    let whole = points.iter().find(|p| p.arm == "whole").cloned().ok_or_else(|| MethodError::Inputs("nothing was condensed".into()))?;
    let last = points.iter().filter(|p| p.arm == arm(config.variant)).max_by_key(|p| p.step).cloned().unwrap_or_else(|| whole.clone());
    let order: Vec<String> = picks.iter().filter(|p| p.expert.is_none()).map(|p| p.block.to_string()).collect();
    let share = last.parameters / whole.parameters.max(1.0);
    let mut summary = format!(
        "{} of {} mixtures condensed to {} routed experts each (blocks {}), calibrated on {} tokens of {calibration}: {} of the parameters are left",
        order.len(), blocks.len(), chosen.first().map_or(0, Vec::len), order.join(", "), search.tally.counts[0].iter().sum::<u64>() / e.per_token.max(1) as u64, percent(share)
    );
    if measured {
        summary.push_str(&format!("; perplexity {:.4} before, {:.4} after", whole.perplexity, last.perplexity));
    }
    summary.push('.');
    let mut stats = vec![
        stat("parameters", last.parameters, "", format!("of {}", whole.parameters)),
        stat("parameters kept", share, "%", ""),
        stat("bytes", last.bytes, "bytes", format!("of {}", whole.bytes)),
        stat("operations a token", last.flops, "", format!("of {}", whole.flops)),
    ];
    if measured {
        stats.insert(0, stat("perplexity", last.perplexity, "", format!("{:.4} whole", whole.perplexity)));
    }
    if let Some(p) = picks.iter().rfind(|p| p.expert.is_none()) {
        let (name, unit) = config.metric.axis();
        stats.push(stat("divergence", p.score, unit, name));
    }
    let findings = picks.into_iter().map(Finding::Pick).chain(points.into_iter().map(Finding::Point)).collect();
    Ok(Report { method: CARD.id.into(), summary, stats, figures: all, findings, warnings: desk.warnings(), config: serde_json::to_value(config).expect("plain data") })
}
