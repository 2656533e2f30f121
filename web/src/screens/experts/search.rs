//! The search as it runs, and what the rivals cost.

use std::rc::Rc;

use espalier_methods::condense::{ARMS, Pick};
use espalier_methods::report::Axis;
use yew::prelude::*;

use super::View;
use crate::app::context::Lab;
use crate::figures::{RaceChart, ReportFigure};
use crate::plot::number::{fixed, params, percent, plural, sig};
use crate::plot::race::{Race, RaceStep};
use crate::screens::parts::progress;

fn axis(metric: &str) -> Axis {
    let (name, unit) = match metric {
        "mse" => ("mean square", ""),
        "cosine" => ("1 − cosine", ""),
        _ => ("divergence", "nats"),
    };
    Axis { name: name.into(), unit: unit.into(), log: false }
}

fn steps(picks: &[&Pick], name: impl Fn(&Pick) -> String) -> Vec<RaceStep> {
    picks.iter().map(|p| RaceStep { name: name(p), taken: p.score, tried: p.tried.to_vec() }).collect()
}

/// Both races, the marks, the steps.
pub fn charts(lab: &Lab, view: &View) -> Html {
    let found = &lab.state.experts;
    let state = &lab.state.edit.experts;
    let busy = lab.state.running("condense").is_some();
    if found.picks.is_empty() {
        return html! {
            <div class="standing" data-test="experts-nosearch">
                <p class="say">{ "The search tries every expert in every layer, keeps those that change the layer’s output least, then tries every layer. Press Search at the right." }</p>
                { progress(lab, "condense") }
            </div>
        };
    }
    let layers: Vec<&Pick> = found.picks.iter().filter(|p| p.expert.is_none()).collect();
    let mine: Vec<&Pick> = found.picks.iter().filter(|p| p.expert.is_some() && p.block == view.block()).collect();
    let wanted = if state.layers == 0 { ((view.shape.blocks.len() as f64 / 3.0).round() as usize).max(1) } else { state.layers as usize };
    let order = layers.iter().map(|p| p.block.to_string()).collect::<Vec<_>>().join(", ");
    let of_layers = match layers.last() {
        Some(p) => format!("Layers were condensed in the order {order}; the last hidden state is {} {} away. Rings are what else was tried.", sig(p.score, 3), axis(state.metric).unit),
        None => "The layers follow when the experts of all layers are known.".into(),
    };
    let of_experts = match mine.last() {
        Some(p) => format!("Block {}: with {} its output is {} {} away. Choose another layer in the grid above.", view.block(), plural(mine.len(), "expert", "experts"), sig(p.score, 3), axis(state.metric).unit),
        None => format!("Block {} has not been searched.", view.block()),
    };
    let keep = if state.keep == 0 { view.shape.per_token } else { state.keep as usize };
    let race = |steps: Vec<RaceStep>, wanted: usize, x: &str| Rc::new(Race { size: [0.0, 0.0], steps, wanted, x: x.into(), y: axis(state.metric) });
    let figure = |id: &str| lab.state.figures.get(id).cloned().map(|figure| html! { <ReportFigure {figure} source={view.source.clone()} /> });
    let chart = |id: &str| figure(id).map(|f| html! { <div data-test={format!("experts-{id}")}>{ f }</div> });
    html! {
        <>
        { progress(lab, "condense") }
        <div class="two">
            <RaceChart title="Layer search" what="divergence of the last hidden state" sentence={of_layers} race={race(steps(&layers, |p| format!("block {}", p.block)), wanted, "layers condensed")} source={view.source.clone()} test="experts-layers" />
            <RaceChart title="Expert search" what={format!("divergence of block {}’s output", view.block())} sentence={of_experts} race={race(steps(&mine, |p| format!("expert {}", p.expert.unwrap_or(0))), keep, "experts taken")} source={view.source.clone()} test="experts-race" />
        </div>
        { taken(lab, busy) }
        <div class="two">{ for chart("condense-memory") }{ for chart("condense-flops") }</div>
        { for chart("condense-table") }
        { for chart("condense-choices") }
        </>
    }
}

/// The layers that were taken, with what each costs.
fn taken(lab: &Lab, busy: bool) -> Html {
    let found = &lab.state.experts;
    let layers: Vec<&Pick> = found.picks.iter().filter(|p| p.expert.is_none()).collect();
    let whole = found.points.iter().find(|p| p.arm == ARMS[0].0);
    let arm = if lab.state.edit.experts.variant == "s" { ARMS[2].0 } else { ARMS[1].0 };
    if layers.is_empty() {
        return Html::default();
    }
    let row = |(i, p): (usize, &&Pick)| {
        let point = found.points.iter().find(|x| x.arm == arm && x.step as usize == i + 1);
        let (ppl, left) = point.map_or_else(|| (if busy { "…".to_owned() } else { "–".to_owned() }, String::new()), |x| {
            (fixed(x.perplexity, 3), whole.map_or_else(|| params(x.parameters), |w| percent(x.parameters / w.parameters.max(1.0))))
        });
        html! { <tr><td class="n">{ i + 1 }</td><td class="n">{ p.block }</td><td class="n">{ sig(p.score, 3) }</td><td class="n">{ ppl }</td><td class="n">{ left }</td></tr> }
    };
    html! {
        <section class="steps" data-test="experts-steps"><h2>{ "Steps" }</h2><div class="scroll" tabindex="0">
            <table><thead><tr><th class="n" scope="col">{ "step" }</th><th class="n" scope="col">{ "block" }</th><th class="n" scope="col">{ "divergence" }</th><th class="n" scope="col">{ "perplexity" }</th><th class="n" scope="col">{ "parameters left" }</th></tr></thead>
            <tbody>
                if let Some(w) = whole { <tr><td class="n">{ "whole" }</td><td class="n">{ "–" }</td><td class="n">{ "0" }</td><td class="n">{ fixed(w.perplexity, 3) }</td><td class="n">{ percent(1.0) }</td></tr> }
                { for layers.iter().enumerate().map(row) }
            </tbody></table></div></section>
    }
}
