//! The chosen matrix of a pruning that read a text: weights, norms of its inputs, the metric, what an update changed, and a row in order with its cut.

use espalier_methods::findings::Closeup;
use espalier_methods::report::Axis;
use serde_json::json;
use yew::prelude::*;

use super::view::View;
use crate::app::context::Lab;
use crate::figures::{HeatMap, LineChart, Source};
use crate::plot::lines::{Curve, Reference, Values};
use crate::plot::number::{count, number};
use crate::plot::scene::Paint;
use crate::screens::parts::progress;

/// The section: a button, and the figures once it was asked for.
pub fn closeup(lab: &Lab, view: &View) -> Html {
    let Some(e) = view.selected(lab).map(|i| &view.entries[i]) else { return Html::default() };
    let pruned = lab.state.language.pruned_by.as_ref().is_some_and(|a| a.method != "magnitude");
    if !pruned {
        return Html::default();
    }
    let name = e.key.to_string();
    let found = lab.state.language.closeup.as_ref().filter(|c| c.tensor == name);
    let ask = {
        let (lab, name) = (lab.clone(), name.clone());
        Callback::from(move |row: u32| {
            lab.run("closeup", json!({ "matrix": name, "row": row }), None);
        })
    };
    let go = ask.reform(|_: MouseEvent| 0);
    html! {
        <section class="closeup" data-test="prune-closeup">
            <header class="headrow"><h2>{ format!("{}, closely", e.word()) }</h2>
                if found.is_none() { <button type="button" class="btn" disabled={lab.state.run.is_some()} onclick={go} data-test="closeup-go">{ "Weights, metric and a row" }</button> }</header>
            { progress(lab, "closeup") }
            if let Some(c) = found { { figures(lab, view, c, &ask) } }
        </section>
    }
}

fn values(of: &[f32]) -> Values {
    of.iter().map(|v| f64::from(*v)).collect()
}

fn figures(lab: &Lab, view: &View, c: &Closeup, ask: &Callback<u32>) -> Html {
    let [rows, cols] = c.cells;
    let of = c.shape.map(u64::from);
    let axes = [AttrValue::from(format!("{} inputs", count(of[1] as f64))), AttrValue::from(format!("{} outputs", count(of[0] as f64)))];
    let rule = lab.state.language.pruned_by.as_ref().map_or_else(String::new, |a| a.method.clone());
    let source = Source { model: view.name.clone(), tensor: c.tensor.clone().into(), settings: rule.into() };
    // A cell stands for several rows: the one in its middle is put in order.
    let brush = ask.reform(move |r: u32| ((f64::from(r) + 0.5) * of[0] as f64 / f64::from(rows.max(1))) as u32);
    let at = (f64::from(c.row) * f64::from(rows) / of[0].max(1) as f64) as u32;
    let map = |title: &'static str, what: &'static str, of_cells: &[f32], sentence: String, test: &'static str| {
        html! { <HeatMap {title} {what} {sentence} {rows} {cols} values={values(of_cells)} axes={axes.clone()} of={of} row={Some(at)} on_row={Some(brush.clone())} source={source.clone()} {test} /> }
    };
    let loud = c.norms.iter().fold(0.0f32, |a, b| a.max(*b));
    let mean = c.norms.iter().sum::<f32>() / c.norms.len().max(1) as f32;
    let changed = c.delta.iter().sum::<f32>() / c.weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    let part = |gone: u32, name: &'static str, token: &'static str| {
        let (x, y): (Vec<f64>, Vec<f64>) = c.places(gone).unzip();
        Curve { name: name.into(), paint: Paint::Token(token), width: if gone == 1 { 2.4 } else { 1.4 }, x: x.into(), y: y.into() }
    };
    let gone = c.gone.iter().filter(|g| **g == 1).count();
    let sentence = match c.cut() {
        Some(cut) => format!("Row {}: the {gone} smallest of {} are gone, up to {}.", c.row, c.gone.len(), number(f64::from(cut))),
        None => format!("Row {}: {gone} of {} are gone, and no one cut of this metric parts them: the rule judged otherwise, or group by group.", c.row, c.gone.len()),
    };
    let cut: Vec<Reference> = c.cut().map(|_| Reference::Limit { at: gone as f64 - 0.5, label: "cut".into() }).into_iter().collect();
    html! {
        <div class="after judged">
            { map("|W|", "mean of a cell", &c.weights, "The sizes of the weights, which is all that magnitude sees. Click a row to put it in order.".into(), "closeup-weights") }
            { map("|W|·‖x‖", "mean of a cell", &c.metric, "Wanda’s metric: columns whose input is loud stand out.".into(), "closeup-metric") }
            if c.delta.is_empty() {
                <div class="empty"><h2>{ "Update" }</h2><p class="say">{ "This rule leaves the weights that stay as they were; SparseGPT’s update would show here." }</p></div>
            } else {
                { map("Update", "mean |change| of what stayed", &c.delta, format!("What stayed has moved by {} of the weights’ size, to make up for what went.", crate::plot::number::percent(f64::from(changed))), "closeup-delta") }
            }
            <div class="published">
                <HeatMap title="‖x‖ of each input" what="over the calibration text" rows={1} {cols} values={values(&c.norms)} axes={[axes[0].clone(), AttrValue::from("")]} of={[0, 0]} source={source.clone()} test="closeup-norms"
                    sentence={format!("The loudest is {} times the mean.", number(f64::from(loud / mean.max(f32::MIN_POSITIVE))))} />
            </div>
            <div class="published">
                <LineChart title="A row in order" what={format!("|w|·‖x‖ of row {}, ascending", c.row)} test="closeup-row" x={Axis { name: "place".into(), unit: String::new(), log: false }} y={Axis { name: "metric".into(), unit: String::new(), log: false }}
                    curves={vec![part(1, "removed", "cut"), part(0, "kept", "leaf")]} references={cut} legend=true mode={0} modes={vec![crate::figures::Mode { label: "lin".into(), log_x: false, log_y: false }, crate::figures::Mode { label: "log".into(), log_x: false, log_y: true }]} {source} {sentence} />
            </div>
        </div>
    }
}
