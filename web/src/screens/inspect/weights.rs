//! Histogram and picture of a tensor's values.

use std::rc::Rc;

use espalier_lab::protocol::TensorStats;
use espalier_methods::report::Axis;
use yew::prelude::*;

use super::say;
use crate::figures::figure::Source;
use crate::figures::{Figure, HeatMap, HistogramChart};
use crate::plot::lines::Values;
use crate::plot::number::sig;

/// Properties of [`Weights`].
#[derive(Properties)]
pub struct WeightsProps {
    /// Index of the tensor.
    pub index: u32,
    /// Which opening it belongs to.
    pub opened: u32,
    /// Its statistics, once they are known.
    pub stats: Option<Rc<TensorStats>>,
    /// Whether its values can be decoded.
    pub readable: bool,
    /// Element type.
    pub dtype: AttrValue,
    /// Where the numbers come from.
    pub source: Source,
}

impl PartialEq for WeightsProps {
    /// Statistics of one tensor of one opening do not change.
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && self.opened == other.opened && self.stats.is_some() == other.stats.is_some() && self.source == other.source
    }
}

/// The histogram.
#[component]
pub fn Weights(props: &WeightsProps) -> Html {
    let Some(s) = &props.stats else {
        let why = if props.readable { "reading".to_owned() } else { format!("{} values are listed but not decoded", props.dtype) };
        return html! { <Figure title="Weights" sentence={AttrValue::default()} class={classes!("waiting")}><div class="layers plot"><p class="wait d">{ why }</p></div></Figure> };
    };
    let counts: Rc<[u32]> = s.counts.to_vec().into();
    let mut limits = Vec::new();
    for (k, name) in [(-4.0, "−4 std"), (4.0, "+4 std")] {
        let at = s.mean + k * s.std;
        if s.std > 0.0 && at > s.bins[0] && at < s.bins[1] {
            limits.push((at, AttrValue::from(name)));
        }
    }
    let bin = if s.counts.is_empty() { String::new() } else { format!("{} bins of {}", s.counts.len(), sig((s.bins[1] - s.bins[0]) / s.counts.len() as f64, 2)) };
    html! {
        <HistogramChart title="Weights" what={bin} sentence={say::weights(s)} x={Axis { name: "weight".into(), unit: String::new(), log: false }}
            range={s.bins} {counts} {limits} source={props.source.clone()} test="histogram" />
    }
}

/// Properties of [`Heat`].
#[derive(Properties)]
pub struct HeatProps {
    /// Index of the tensor.
    pub index: u32,
    /// Which opening it belongs to.
    pub opened: u32,
    /// Its statistics, once they are known.
    pub stats: Option<Rc<TensorStats>>,
    /// Extents of the matrix view, and the words of its axes.
    pub words: ([u64; 2], [AttrValue; 2]),
    /// Where the numbers come from.
    pub source: Source,
}

impl PartialEq for HeatProps {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && self.opened == other.opened && self.stats.is_some() == other.stats.is_some() && self.source == other.source
    }
}

/// The matrix as colour: means of its blocks, or the largest |w| in them.
#[component]
pub fn Heat(props: &HeatProps) -> Html {
    let peaks = use_state_eq(|| false);
    let values = use_memo((props.index, props.opened, props.stats.is_some(), *peaks), |_| {
        let cells = props.stats.as_ref().map(|s| if *peaks { &s.peaks } else { &s.cells });
        cells.map(|c| c.values.iter().map(|v| f64::from(*v)).collect::<Values>())
    });
    let bars = use_memo((props.index, props.opened, props.stats.is_some()), |_| props.stats.as_ref().map(|s| s.row_norms.iter().map(|v| f64::from(*v)).collect::<Values>()));
    let (Some(s), Some(values)) = (&props.stats, (*values).clone()) else {
        return html! { <Figure title="Matrix" class={classes!("waiting")}><div class="layers heatmap"></div></Figure> };
    };
    let cells = &s.cells;
    if cells.values.is_empty() {
        return html! { <Figure title="Matrix" sentence="There is nothing to draw: the tensor has no elements."><div class="layers heatmap"></div></Figure> };
    }
    let (of, axes) = props.words.clone();
    let pick = |word: &'static str, on: bool| {
        let peaks = peaks.clone();
        let pressed = (*peaks == on).to_string();
        html! { <button type="button" aria-pressed={pressed} onclick={Callback::from(move |_: MouseEvent| peaks.set(on))} data-mode={word}>{ word }</button> }
    };
    let tools = html! { <>{ pick("mean", false) }{ pick("max |w|", true) }</> };
    let what = format!("{} × {} {}; bars: row norms", cells.rows, cells.cols, if *peaks { "peaks" } else { "means" });
    html! {
        <HeatMap title="Matrix" {what} sentence={say::cells(cells, &s.peaks, &s.row_norms, of)} rows={cells.rows} cols={cells.cols} {values}
            diverging={!*peaks} {axes} {of} row_bars={(*bars).clone()} {tools} source={props.source.clone()} test="heat-map" />
    }
}
