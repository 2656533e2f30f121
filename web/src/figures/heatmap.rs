//! The heat-map as a component: one canvas pixel a cell, scaled without smoothing; axes, colour bar and row bars in SVG.

use std::rc::Rc;

use web_sys::HtmlCanvasElement;
use yew::prelude::*;

use super::canvas::pixels;
use super::figure::{Figure, Source};
use super::hooks::{place_in, use_size, use_theme};
use super::layers::drawn;
use super::look::use_look;
use super::readout::{Readout, readout};
use crate::plot::color::Sequential;
use crate::plot::heat::Heat;
use crate::plot::hit::Corner;
use crate::plot::lines::Values;
use crate::plot::look::Look;
use crate::plot::number::number;
use crate::plot::scene::{Mark, Scene, stroke};

/// Properties of [`HeatMap`].
#[derive(Properties, PartialEq)]
pub struct HeatMapProps {
    /// Title, sentence case.
    pub title: AttrValue,
    /// What, unit: `32 × 88 means`.
    #[prop_or_default]
    pub what: AttrValue,
    /// What is seen, in one sentence.
    #[prop_or_default]
    pub sentence: AttrValue,
    /// Rows of cells.
    pub rows: u32,
    /// Columns of cells.
    pub cols: u32,
    /// Row-major values; NaN is missing.
    pub values: Values,
    /// Red–blue about zero.
    #[prop_or_default]
    pub diverging: bool,
    /// Colours of a sequential map.
    #[prop_or_default]
    pub map: Sequential,
    /// A scale held fixed.
    #[prop_or_default]
    pub limits: Option<[f64; 2]>,
    /// Words of the axes: `5 632 inputs`, `2 048 outputs`.
    pub axes: [AttrValue; 2],
    /// How many real rows and columns the cells stand for, for the read-out; `[0, 0]`: the cells themselves.
    #[prop_or_default]
    pub of: [u64; 2],
    /// One number a row, drawn at the right.
    #[prop_or_default]
    pub row_bars: Option<Values>,
    /// A row marked by a frame.
    #[prop_or_default]
    pub row: Option<u32>,
    /// A row was chosen.
    #[prop_or_default]
    pub on_row: Option<Callback<u32>>,
    /// Own tools.
    #[prop_or_default]
    pub tools: Html,
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

/// A heat-map.
#[component]
pub fn HeatMap(props: &HeatMapProps) -> Html {
    let node = use_node_ref();
    let canvas = use_node_ref();
    let size = use_size(&node);
    let theme = use_theme();
    let hover = use_state_eq(|| None::<(usize, usize)>);
    // A scale that the visitor holds stays while tensors change: that is what it is for.
    let (look, keep) = use_look(&props.test, 0);
    let heat = Rc::new(Heat {
        size,
        rows: props.rows as usize,
        cols: props.cols as usize,
        values: props.values.to_vec(),
        diverging: props.diverging,
        map: props.map,
        limits: props.limits.or(look.scale),
        axes: props.axes.clone().map(|a| a.to_string()),
        row_bars: props.row_bars.as_ref().map(|b| b.to_vec()),
    });
    let laid = size[0] > 0.0 && size[1] > 0.0;
    {
        let (canvas, heat) = (canvas.clone(), heat.clone());
        use_effect_with((heat.clone(), theme, laid), move |(_, theme, _)| {
            if let Some(c) = canvas.cast::<HtmlCanvasElement>() {
                pixels(&c, heat.cols, heat.rows, &heat.colors(*theme));
                let [l, t, w, h] = heat.place();
                let style = c.style();
                for (k, v) in [("left", l), ("top", t), ("width", w), ("height", h)] {
                    // Known properties with lengths are always taken.
                    let _ = style.set_property(k, &format!("{v}px"));
                }
            }
        });
    }
    let onpointermove = {
        let (node, hover, heat) = (node.clone(), hover.clone(), heat.clone());
        Callback::from(move |e: PointerEvent| {
            let at = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]);
            hover.set(at.and_then(|p| heat.at(p[0], p[1])));
        })
    };
    let onpointerleave = {
        let hover = hover.clone();
        Callback::from(move |_: PointerEvent| hover.set(None))
    };
    let onclick = props.on_row.clone().map(|choose| {
        let (node, heat) = (node.clone(), heat.clone());
        Callback::from(move |e: MouseEvent| {
            let at = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]);
            if let Some((r, _)) = at.and_then(|p| heat.at(p[0], p[1])) {
                choose.emit(r as u32);
            }
        })
    });
    let onkeydown = props.on_row.clone().map(|choose| {
        let (row, rows) = (props.row, props.rows);
        Callback::from(move |e: KeyboardEvent| {
            let to = match e.key().as_str() {
                "ArrowDown" => row.map_or(0, |r| r + 1),
                "ArrowUp" => row.unwrap_or(1).saturating_sub(1),
                _ => return,
            };
            if to < rows {
                e.prevent_default();
                choose.emit(to);
            }
        })
    });
    let over = laid.then(|| {
        let mut s = Scene::new(size[0], size[1]);
        let [l, t, w, h] = heat.place();
        let (ch, cw) = (h / heat.rows.max(1) as f64, w / heat.cols.max(1) as f64);
        if let Some(r) = props.row.filter(|r| (*r as usize) < heat.rows) {
            s.marks.push(Mark::Rect { at: [l - 0.5, t + f64::from(r) * ch - 0.5, w + 1.0, ch + 1.0], fill: None, stroke: Some(stroke("ink", 1.2)) });
        }
        let words = hover.filter(|(r, c)| *r < heat.rows && *c < heat.cols).map(|(r, c)| {
            s.marks.push(Mark::Rect { at: [l + c as f64 * cw, t + r as f64 * ch, cw, ch], fill: None, stroke: Some(stroke("ink", 1.0)) });
            let span = |i: usize, cells: usize, of: u64| {
                if of <= cells as u64 { i.to_string() } else { format!("{}–{}", i as u64 * of / cells as u64, ((i as u64 + 1) * of / cells as u64).saturating_sub(1)) }
            };
            let [of_rows, of_cols] = props.of;
            let r_ = Readout {
                head: number(heat.values.get(r * heat.cols + c).copied().unwrap_or(f64::NAN)),
                lines: vec![format!("row {}", span(r, heat.rows, of_rows)), format!("column {}", span(c, heat.cols, of_cols))],
            };
            let corner = match (r * 2 < heat.rows, c * 2 < heat.cols) {
                (true, true) => Corner::BottomRight,
                (true, false) => Corner::BottomLeft,
                (false, true) => Corner::TopRight,
                (false, false) => Corner::TopLeft,
            };
            readout(&r_, corner, false)
        });
        html! { <>{ drawn(&s) }{ for words }</> }
    });
    let table = {
        let heat = heat.clone();
        Callback::from(move |()| heat.table())
    };
    let scene = {
        let heat = heat.clone();
        Callback::from(move |()| heat.whole(super::hooks::theme_now()))
    };
    let hold = props.limits.is_none().then(|| {
        let (now, held) = (heat.range(), look.scale);
        let onclick = Callback::from(move |_: MouseEvent| keep.emit(Look { scale: held.is_none().then_some(now), ..look.clone() }));
        html! { <button type="button" aria-pressed={held.is_some().to_string()} {onclick} title="Keep this colour scale for the next tensors" data-tool="hold">{ "hold" }</button> }
    });
    let tools = html! { <>{ props.tools.clone() }{ for hold }</> };
    let tabindex = props.on_row.is_some().then_some("0");
    html! {
        <Figure title={props.title.clone()} what={props.what.clone()} sentence={props.sentence.clone()} {tools} source={props.source.clone()}
            table={Some(table)} scene={Some(scene)} class={classes!("heat", props.class.clone())} test={props.test.clone()}>
            <div ref={node} class="layers heatmap" role="img" aria-label={props.sentence.clone()} {tabindex} {onpointermove} {onpointerleave} {onclick} {onkeydown}>
                if laid {
                    <canvas ref={canvas} class="cells" aria-hidden="true" />
                    { drawn(&heat.frame(theme)) }
                    { for over }
                }
            </div>
        </Figure>
    }
}
