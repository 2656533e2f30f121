//! Layers × experts as a component: one canvas pixel a cell, outlines and cuts painted over it, numbers in SVG. Cells and layers can be chosen by pointer and by keys.

use std::rc::Rc;

use web_sys::HtmlCanvasElement;
use yew::prelude::*;

use super::canvas::pixels;
use super::figure::{Figure, Source};
use super::hooks::{place_in, use_size, use_theme};
use super::layers::{Painted, drawn};
use super::readout::{Readout, readout};
use crate::plot::expert_grid::{ExpertGrid, Fate};
use crate::plot::hit::Corner;
use crate::plot::number::number;

/// Properties of [`ExpertGridChart`].
#[derive(Properties, PartialEq)]
pub struct ExpertGridProps {
    /// Title, sentence case.
    pub title: AttrValue,
    /// What the colour and the outlines mean.
    #[prop_or_default]
    pub what: AttrValue,
    /// What is seen, in one sentence.
    pub sentence: AttrValue,
    /// The grid; its size is the figure's.
    pub grid: Rc<ExpertGrid>,
    /// A cell was chosen: place of the layer, and the expert.
    #[prop_or_default]
    pub on_cell: Option<Callback<(usize, usize)>>,
    /// A layer's number was chosen: its place.
    #[prop_or_default]
    pub on_layer: Option<Callback<usize>>,
    /// A layer is pointed at by the keys or a click: its place.
    #[prop_or_default]
    pub on_row: Option<Callback<usize>>,
    /// Own tools.
    #[prop_or_default]
    pub tools: Html,
    /// Where the numbers come from.
    #[prop_or_default]
    pub source: Source,
    /// Stable name for tests.
    #[prop_or_default]
    pub test: AttrValue,
}

/// Words of the read-out for a cell.
fn words(g: &ExpertGrid, row: usize, expert: usize) -> Readout {
    let at = row * g.experts + expert;
    let v = g.values.get(at).copied().unwrap_or(f64::NAN);
    let mut lines = vec![if v.is_nan() { "not woken".to_owned() } else { format!("{} {}", number(v), g.unit) }];
    if let Some(i) = g.hits.get(row).and_then(|h| h.iter().position(|e| *e as usize == expert)) {
        lines.push(format!("choice {} of this token", i + 1));
    }
    match g.fates.get(at).copied().unwrap_or_default() {
        Fate::Dropped => lines.push("dropped".into()),
        Fate::Fixed => lines.push("kept for every token".into()),
        Fate::Gone => lines.push("not kept in the condensed layer".into()),
        Fate::Stays => {}
    }
    Readout { head: format!("layer {}, expert {expert}", g.layers.get(row).copied().unwrap_or(0)), lines }
}

/// The grid.
#[component]
pub fn ExpertGridChart(props: &ExpertGridProps) -> Html {
    let node = use_node_ref();
    let canvas = use_node_ref();
    let size = use_size(&node);
    let theme = use_theme();
    let hover = use_state_eq(|| None::<(usize, usize)>);
    let cursor = use_state_eq(|| None::<(usize, usize)>);
    let grid = Rc::new(ExpertGrid { size, cursor: *cursor, ..(*props.grid).clone() });
    let laid = size[0] > 0.0 && size[1] > 0.0;
    let narrow = grid.narrow();
    {
        let (canvas, grid) = (canvas.clone(), grid.clone());
        use_effect_with((grid.clone(), theme, laid), move |(_, theme, _)| {
            if let Some(c) = canvas.cast::<HtmlCanvasElement>() {
                pixels(&c, grid.experts, grid.layers.len(), &grid.colors(*theme));
                let [l, t, w, h] = grid.place();
                let style = c.style();
                for (k, v) in [("left", l), ("top", t), ("width", w), ("height", h)] {
                    // Known properties with lengths are always taken.
                    let _ = style.set_property(k, &format!("{v}px"));
                }
            }
        });
    }
    let place = {
        let node = node.clone();
        move |x: i32, y: i32| place_in(&node, [f64::from(x), f64::from(y)])
    };
    let onpointermove = {
        let (hover, grid, place) = (hover.clone(), grid.clone(), place.clone());
        Callback::from(move |e: PointerEvent| {
            let at = place(e.client_x(), e.client_y()).and_then(|p| grid.at(p[0], p[1]));
            hover.set(at.and_then(|(r, x)| Some((r, x?))));
        })
    };
    let onpointerleave = {
        let hover = hover.clone();
        Callback::from(move |_: PointerEvent| hover.set(None))
    };
    let onclick = {
        let (grid, place, on_cell, on_layer, on_row) = (grid.clone(), place, props.on_cell.clone(), props.on_layer.clone(), props.on_row.clone());
        Callback::from(move |e: MouseEvent| match place(e.client_x(), e.client_y()).and_then(|p| grid.at(p[0], p[1])) {
            Some((row, Some(x))) => {
                on_row.iter().for_each(|f| f.emit(row));
                on_cell.iter().for_each(|f| f.emit((row, x)));
            }
            Some((row, None)) => {
                on_row.iter().for_each(|f| f.emit(row));
                on_layer.iter().for_each(|f| f.emit(row));
            }
            None => {}
        })
    };
    let onkeydown = {
        let (grid, cursor, on_cell, on_layer, on_row) = (grid.clone(), cursor.clone(), props.on_cell.clone(), props.on_layer.clone(), props.on_row.clone());
        Callback::from(move |e: KeyboardEvent| {
            let (rows, cols) = (grid.layers.len(), grid.experts);
            let (r, c) = cursor.unwrap_or((grid.row.unwrap_or(0), 0));
            let to = match e.key().as_str() {
                "ArrowUp" => (r + 1, c),
                "ArrowDown" => (r.saturating_sub(1), c),
                "ArrowRight" => (r, c + 1),
                "ArrowLeft" => (r, c.saturating_sub(1)),
                "Home" => (r, 0),
                "End" => (r, cols.saturating_sub(1)),
                "Enter" | " " => {
                    e.prevent_default();
                    if cursor.is_some() {
                        on_cell.iter().for_each(|f| f.emit((r, c)));
                    }
                    return;
                }
                "Delete" => {
                    e.prevent_default();
                    on_layer.iter().for_each(|f| f.emit(r));
                    return;
                }
                _ => return,
            };
            e.prevent_default();
            if rows > 0 && cols > 0 {
                let to = (to.0.min(rows - 1), to.1.min(cols - 1));
                on_row.iter().for_each(|f| f.emit(to.0));
                cursor.set(Some(to));
            }
        })
    };
    let shown = hover.or(*cursor).filter(|(r, c)| *r < grid.layers.len() && *c < grid.experts);
    let over = shown.map(|(r, c)| {
        let corner = match (r * 2 < grid.layers.len(), c * 2 < grid.experts) {
            (true, true) => Corner::TopRight,
            (true, false) => Corner::TopLeft,
            (false, true) => Corner::BottomRight,
            (false, false) => Corner::BottomLeft,
        };
        readout(&words(&grid, r, c), corner, false)
    });
    let table = {
        let grid = grid.clone();
        Callback::from(move |()| grid.table())
    };
    let scene = {
        let grid = grid.clone();
        Callback::from(move |()| grid.whole(super::hooks::theme_now()))
    };
    let label = format!("{}. Arrows move from cell to cell, Enter drops an expert or brings it back, Delete a layer.", props.sentence);
    let tall = format!("layers expertgrid rows-{}", grid.layers.len().clamp(1, 64).div_ceil(8));
    html! {
        <Figure title={props.title.clone()} what={props.what.clone()} sentence={props.sentence.clone()} tools={props.tools.clone()} source={props.source.clone()}
            table={Some(table)} scene={Some(scene)} class={classes!("expertfig")} test={props.test.clone()}>
            <div ref={node} class={tall} role="group" aria-label={label} tabindex="0" {onpointermove} {onpointerleave} {onclick} {onkeydown}>
                if laid {
                    if !narrow { <canvas ref={canvas} class="cells" aria-hidden="true" /> }
                    { drawn(&grid.frame(theme)) }
                    if !narrow { <Painted scene={Rc::new(grid.over())} /> }
                    { for over }
                }
            </div>
        </Figure>
    }
}
