//! The grids: what woke, what is kept; balance and pairs below.

use std::rc::Rc;

use espalier_methods::experts::Measure;
use espalier_methods::report::Axis;
use yew::prelude::*;

use super::{View, change, say};
use crate::app::context::Lab;
use crate::app::history::Gesture;
use crate::app::state::Selection;
use crate::figures::{ExpertGridChart, HeatMap, LineChart};
use crate::plot::expert_grid::ExpertGrid;
use crate::plot::lines::{Curve, Values};
use crate::plot::scene::Paint;

const MEASURES: [(Measure, &str, &str); 3] = [(Measure::Count, "counts", "tokens"), (Measure::Weight, "weight", "mean gate weight"), (Measure::Norm, "norm", "mean gate-weighted norm")];

/// The grid without values.
pub fn bare(lab: &Lab, view: &View) -> ExpertGrid {
    let shape = &view.shape;
    ExpertGrid {
        size: [0.0, 0.0],
        layers: shape.blocks.clone(),
        experts: shape.experts,
        values: vec![f64::NAN; shape.blocks.len() * shape.experts],
        diverging: false,
        unit: String::new(),
        hits: Vec::new(),
        fates: lab.state.edit.experts.fates(shape),
        ghosts: super::hand::ghosts(lab, view),
        row: Some(view.row),
        cursor: None,
        entropy: Vec::new(),
    }
}

/// Drops the expert of a cell or brings it back.
fn on_cell(lab: &Lab, view: &View) -> Callback<(usize, usize)> {
    let (lab, shape) = (lab.clone(), view.shape.clone());
    Callback::from(move |(row, expert): (usize, usize)| {
        if let Some(block) = shape.blocks.get(row).copied() {
            change(&lab, Gesture::Step, |s| s.toggle(block, expert as u32));
        }
    })
}

/// Drops a layer or brings it back.
fn on_layer(lab: &Lab, view: &View) -> Callback<usize> {
    let (lab, shape) = (lab.clone(), view.shape.clone());
    Callback::from(move |row: usize| {
        if let Some(block) = shape.blocks.get(row).copied() {
            change(&lab, Gesture::Step, |s| s.toggle_layer(block, shape.experts));
        }
    })
}

/// Points everywhere at a layer.
fn on_row(lab: &Lab, view: &View) -> Callback<usize> {
    let (lab, shape) = (lab.clone(), view.shape.clone());
    Callback::from(move |row: usize| {
        let block = shape.blocks.get(row).copied();
        if block.is_some() && lab.state.selection().block != block {
            lab.act(crate::app::action::Action::Select(Selection { block, ..lab.state.selection() }));
        }
    })
}

/// Which experts the text has woken so far.
pub fn wake(lab: &Lab, view: &View) -> Html {
    let chosen = lab.state.view("experts-measure").unwrap_or_default();
    let (measure, word, unit) = MEASURES.iter().find(|(_, w, _)| **w == *chosen).copied().unwrap_or(MEASURES[1]);
    let mut grid = bare(lab, view);
    grid.unit = unit.into();
    let sentence = match view.routing() {
        Some(r) => {
            let upto = view.token + 1;
            grid.values = r.grid(measure, upto);
            grid.hits = (0..r.layers()).map(|l| r.path(view.token, l).map(|(e, _)| e).collect()).collect();
            grid.entropy = (0..r.layers()).map(|l| r.balance(l, upto).entropy).collect();
            say::grid(r, upto, measure)
        }
        None => "Press Watch: every cell is an expert, and lights up as tokens are sent to it. A click drops one.".to_owned(),
    };
    let tools = html! { { for MEASURES.iter().map(|(_, w, _)| {
        let lab = lab.clone();
        let onclick = Callback::from(move |_: MouseEvent| lab.view("experts-measure", w));
        html! { <button type="button" aria-pressed={(*w == word).to_string()} {onclick} data-tool={*w}>{ *w }</button> }
    }) } };
    html! {
        <ExpertGridChart title="Layers × experts" what={format!("{unit} so far; outlined: this token, dot: its first choice")} {sentence} grid={Rc::new(grid)} {tools} source={view.source.clone()} test="experts-grid"
            on_cell={Some(on_cell(lab, view))} on_layer={Some(on_layer(lab, view))} on_row={Some(on_row(lab, view))} />
    }
}

/// What is kept: by hand or condensed.
pub fn kept(lab: &Lab, view: &View) -> Html {
    let mut grid = bare(lab, view);
    grid.unit = "mean gate weight".into();
    let mut what = "weights of the last text; bare: taken away, leaf bar: kept for every token";
    match view.routing() {
        Some(r) => {
            grid.values = r.grid(Measure::Weight, usize::MAX);
            grid.entropy = (0..r.layers()).map(|l| r.balance(l, usize::MAX).entropy).collect();
        }
        None => what = "bare: taken away, leaf bar: kept for every token",
    }
    let sentence = match lab.state.edit.experts.said() {
        s if s.is_empty() => "Nothing is taken away yet: click a cell to drop an expert, a layer’s number to drop the layer, or let the search choose.".to_owned(),
        s if lab.state.edit.experts.condensed.is_empty() => s + ".",
        s => s + ": in a condensed layer every token meets the same few experts.",
    };
    html! {
        <ExpertGridChart title="What is kept" {what} {sentence} grid={Rc::new(grid)} source={view.source.clone()} test="experts-kept"
            on_cell={Some(on_cell(lab, view))} on_layer={Some(on_layer(lab, view))} on_row={Some(on_row(lab, view))} />
    }
}

/// Balance by layer, and which experts of the layer come together.
pub fn below(_lab: &Lab, view: &View) -> Html {
    let Some(r) = view.routing() else { return Html::default() };
    let axis = |name: &str| Axis { name: name.into(), unit: String::new(), log: false };
    let x: Values = r.blocks.iter().map(|b| f64::from(*b)).collect();
    let load: Values = (0..r.layers()).map(|l| r.balance(l, usize::MAX).entropy).collect();
    let router: Values = (0..r.layers()).map(|l| (0..r.length()).map(|t| f64::from(r.entropy[t * r.layers() + l])).sum::<f64>() / r.length().max(1) as f64).collect();
    let curve = |name: &str, paint: &'static str, y: Values| Curve { name: name.into(), paint: Paint::Token(paint), width: 1.5, x: x.clone(), y };
    let curves = vec![curve("load of the experts", "expert", load), curve("router, a token", "router", router)];
    let n = r.experts;
    let lift: Values = r.lift(view.row).into_iter().map(|v| if v > 0.0 { v.log2() } else { f64::NAN }).collect();
    html! {
        <div class="two">
            <LineChart title="Balance" what="entropy over that of an even one; 1 is even" sentence="The load says whether a layer uses all of its experts, the router how sure it is of each token." x={axis("block")} y={axis("entropy")} {curves} legend=true source={view.source.clone()} test="experts-balance" />
            <HeatMap title="Chosen together" what={format!("block {}: log₂ of times more often than by chance", view.block())} sentence={say::pairs(r, view.row)} rows={n} cols={n} values={lift} diverging=true
                axes={[AttrValue::from("expert"), AttrValue::from("expert")]} source={view.source.clone()} test="experts-together" />
        </div>
    }
}
