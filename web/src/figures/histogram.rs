//! The histogram as a component.

use std::rc::Rc;

use espalier_methods::report::Axis;
use yew::prelude::*;

use super::figure::{Figure, Source};
use super::hooks::{place_in, use_size};
use super::layers::drawn;
use super::look::use_look;
use super::readout::{Readout, readout};
use crate::plot::hit::Corner;
use crate::plot::histogram::Histogram;
use crate::plot::look::Look;
use crate::plot::number::{count, number};

/// Properties of [`HistogramChart`].
#[derive(Properties, PartialEq)]
pub struct HistogramProps {
    /// Title, sentence case.
    pub title: AttrValue,
    /// What, unit, kind of axis.
    #[prop_or_default]
    pub what: AttrValue,
    /// What is seen, in one sentence.
    #[prop_or_default]
    pub sentence: AttrValue,
    /// What is counted: `weight`.
    pub x: Axis,
    /// Left edge of the first bin and right edge of the last.
    pub range: [f64; 2],
    /// Counts of equal bins.
    pub counts: Rc<[u32]>,
    /// Places marked by dots: value and name (`−4 std`).
    #[prop_or_default]
    pub limits: Vec<(f64, AttrValue)>,
    /// Counts before, drawn as an outline.
    #[prop_or_default]
    pub before: Option<Rc<[u32]>>,
    /// Where the numbers come from.
    #[prop_or_default]
    pub source: Source,
    /// Classes of the figure.
    #[prop_or_default]
    pub class: Classes,
    /// Stable name for tests.
    #[prop_or_default]
    pub test: AttrValue,
}

/// A histogram; counts are on a log axis until the tool says otherwise.
#[component]
pub fn HistogramChart(props: &HistogramProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let (look, keep) = use_look(&props.test, 0);
    // Counts are on a log axis until the visitor says otherwise.
    let log = look.logs.is_none_or(|[_, y]| y);
    let hover = use_state_eq(|| None::<(usize, bool)>);
    let chart = Rc::new(Histogram {
        size,
        x: props.x.clone(),
        range: props.range,
        counts: props.counts.to_vec(),
        log,
        limits: props.limits.iter().map(|(v, n)| (*v, n.to_string())).collect(),
        before: props.before.as_ref().map(|b| b.to_vec()),
    });
    let laid = size[0] > 0.0 && size[1] > 0.0;
    let onpointermove = {
        let (node, hover, chart) = (node.clone(), hover.clone(), chart.clone());
        Callback::from(move |e: PointerEvent| {
            let at = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]);
            hover.set(at.and_then(|p| Some((chart.bin_at(p[0])?, p[0] > chart.size[0] / 2.0))));
        })
    };
    let onpointerleave = {
        let hover = hover.clone();
        Callback::from(move |_: PointerEvent| hover.set(None))
    };
    let box_ = hover.filter(|_| laid).and_then(|(bin, right)| {
        let (edges, counts) = chart.joined();
        let r = Readout { head: count(*counts.get(bin)?), lines: vec![format!("{} to {}", number(edges[bin]), number(edges[bin + 1]))] };
        Some(readout(&r, if right { Corner::TopLeft } else { Corner::TopRight }, false))
    });
    let pick = |label: &'static str, value: bool| {
        let (look, keep) = (look.clone(), keep.clone());
        let onclick = Callback::from(move |_: MouseEvent| keep.emit(Look { logs: Some([false, value]), ..look.clone() }));
        html! { <button type="button" aria-pressed={(log == value).to_string()} {onclick} data-mode={label}>{ label }</button> }
    };
    let tools = html! { <>{ pick("lin", false) }{ pick("log", true) }</> };
    let table = {
        let chart = chart.clone();
        Callback::from(move |()| chart.table())
    };
    let scene = {
        let chart = chart.clone();
        Callback::from(move |()| chart.scene())
    };
    html! {
        <Figure title={props.title.clone()} what={props.what.clone()} sentence={props.sentence.clone()} {tools} source={props.source.clone()}
            table={Some(table)} scene={Some(scene)} class={classes!("histogram", props.class.clone())} test={props.test.clone()}>
            <div ref={node} class="layers plot" role="img" aria-label={props.sentence.clone()} {onpointermove} {onpointerleave}>
                if laid { { drawn(&chart.scene()) } }
                { for box_ }
            </div>
        </Figure>
    }
}
