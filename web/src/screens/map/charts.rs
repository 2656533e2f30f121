//! Live curves of a run: loss, how often text and place find each other, temperature; and the spectrum of the embedding.

use espalier_methods::report::Axis;
use yew::prelude::*;

use super::say;
use crate::app::context::Lab;
use crate::app::town::TownState;
use crate::figures::{LineChart, Source};
use crate::plot::lines::{Curve, Reference, Values};
use crate::plot::scene::Paint;

/// The three curves.
pub(super) fn charts(lab: &Lab) -> Html {
    let town = &lab.state.town;
    let steps = Axis { name: "step".into(), unit: String::new(), log: false };
    let y = |name: &str, unit: &str| Axis { name: name.into(), unit: unit.into(), log: false };
    let loss = vec![curve(town, "below chance", "training", "c8", 1.0), curve(town, "held out below chance", "held out", "leaf", 1.0)];
    let found = vec![curve(town, "text finds place", "text finds place", "leaf", 100.0), curve(town, "place finds text", "place finds text", "c1", 100.0)];
    let last = |series: &str, scale: f64| town.last(series).map_or(f64::NAN, |v| v * scale);
    let finds = match town.seen {
        Some(_) => format!("{:.1} % of held-out texts find their place, {:.1} % of places their text; by chance 2.0 %.", last("text finds place", 100.0), last("place finds text", 100.0)),
        None => String::new(),
    };
    let temperature = match town.last("temperature") {
        Some(t) => format!("{t:.4}; it is learnt and began at 0.0700."),
        None => String::new(),
    };
    html! {
        <>
        <LineChart title="Loss" what="nats below chance" x={steps.clone()} y={y("ln n − loss", "nats")} curves={some(loss)} references={vec![Reference::Level { at: 0.0, label: "chance".into() }]}
            legend=true sentence={say::loss(town)} source={source(town)} class={classes!("live")} test="map-loss" />
        <LineChart title="Found" what="top 10 of 512" x={steps.clone()} y={y("found", "%")} curves={some(found)} legend=true sentence={finds} source={source(town)} class={classes!("live")} test="map-found" />
        <LineChart title="Temperature" x={steps} y={y("temperature", "")} curves={some(vec![curve(town, "temperature", "temperature", "leaf", 1.0)])} sentence={temperature} source={source(town)} class={classes!("live")} test="map-temperature" />
        </>
    }
}

/// The share of variance of each principal component.
pub(super) fn spectrum(lab: &Lab) -> Html {
    let town = &lab.state.town;
    let Some(seen) = &town.seen else { return Html::default() };
    let y: Values = seen.shares.iter().map(|s| s.max(1e-9) * 100.0).collect();
    let curve = Curve { name: "variance".into(), paint: Paint::Token("leaf"), width: 1.5, x: Values::ranks(y.len()), y };
    html! {
        <LineChart title="Spectrum of the embedding" what="% of variance" x={Axis { name: "component".into(), unit: String::new(), log: false }}
            y={Axis { name: "variance".into(), unit: "%".into(), log: true }} curves={vec![curve]} sentence={say::spectrum(town)} source={source(town)} class={classes!("live")} test="map-spectrum" />
    }
}

/// Where a figure's numbers come from.
pub(super) fn source(town: &TownState) -> Source {
    let model = town.picture.as_ref().map_or_else(String::new, |p| p.name.clone());
    let settings = town.seen.as_ref().map_or_else(String::new, |s| format!("CaLLiPer, {} steps", s.step));
    Source { model: model.into(), tensor: AttrValue::default(), settings: settings.into() }
}

fn curve(town: &TownState, series: &str, name: &str, token: &'static str, scale: f64) -> Curve {
    let (x, y) = town.curves.get(series).cloned().unwrap_or_default();
    Curve { name: name.into(), paint: Paint::Token(token), width: 1.5, x: x.into(), y: y.into_iter().map(|v| v * scale).collect() }
}

/// Curves that have begun.
fn some(curves: Vec<Curve>) -> Vec<Curve> {
    curves.into_iter().filter(|c| !c.x.is_empty()).collect()
}
