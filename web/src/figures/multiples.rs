//! Small multiples: one panel a block on one scale; a click chooses the block.

use std::rc::Rc;

use espalier_methods::report::Axis;
use yew::prelude::*;

use super::figure::{Figure, Source};
use super::hooks::{place_in, use_size};
use super::layers::{Painted, drawn};
use super::look::{use_crosshair, use_look};
use super::line::Mode;
use crate::plot::look::Look;
use crate::plot::panels::{Panel, Panels};
use crate::plot::scene::{Paint, Scene};

/// Properties of [`SmallMultiples`].
#[derive(Properties, PartialEq)]
pub struct SmallMultiplesProps {
    /// Title, sentence case.
    pub title: AttrValue,
    /// What, unit, kind of axis.
    #[prop_or_default]
    pub what: AttrValue,
    /// What is seen, in one sentence.
    #[prop_or_default]
    pub sentence: AttrValue,
    /// x axis of all panels. `log` is taken from the mode where there are modes.
    pub x: Axis,
    /// y axis of all panels.
    pub y: Axis,
    /// Panels in reading order.
    pub panels: Vec<Panel>,
    /// Legend: the roles.
    #[prop_or_default]
    pub legend: Vec<(Paint, AttrValue)>,
    /// Height of the red line through all panels.
    #[prop_or_default]
    pub threshold: Option<f64>,
    /// Domain of y on a linear and on a logarithmic axis, where it should not come from the data.
    #[prop_or_default]
    pub y_domain: Option<[[f64; 2]; 2]>,
    /// Domain of x, where it should not come from the data.
    #[prop_or_default]
    pub x_domain: Option<[f64; 2]>,
    /// Words at both ends of x; empty: the numbers.
    #[prop_or_default]
    pub x_ends: [AttrValue; 2],
    /// Ways to look; empty for the axes as given.
    #[prop_or_default]
    pub modes: Vec<Mode>,
    /// Chosen way at the start.
    #[prop_or_default]
    pub mode: usize,
    /// Own tools, in front of the ways to look.
    #[prop_or_default]
    pub tools: Html,
    /// A panel was chosen.
    #[prop_or_default]
    pub on_select: Option<Callback<usize>>,
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

/// Small multiples.
#[component]
pub fn SmallMultiples(props: &SmallMultiplesProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let (look, keep) = use_look(&props.test, 0);
    let (mut x, mut y) = (props.x.clone(), props.y.clone());
    if let Some([log_x, log_y]) = look.logs.or_else(|| props.modes.get(props.mode).map(|m| [m.log_x, m.log_y])).filter(|_| !props.modes.is_empty()) {
        (x.log, y.log) = (log_x, log_y);
    }
    let (pointed, point_at) = use_crosshair(&x.name);
    let y_domain = props.y_domain.map(|d| d[usize::from(y.log)]);
    let panels = Rc::new(Panels {
        size,
        x,
        y,
        panels: props.panels.clone(),
        threshold: props.threshold,
        y_domain,
        x_domain: props.x_domain,
        x_ends: props.x_ends.clone().map(|e| e.to_string()),
    });
    let laid = size[0] > 0.0 && size[1] > 0.0;
    let ink = use_memo(panels.clone(), |p| if laid { p.ink() } else { Scene::default() });
    let frame = use_memo(Rc::new(Panels { threshold: None, ..(*panels).clone() }), |p| if laid { drawn(&p.frame()) } else { Html::default() });
    let chosen = props.panels.iter().position(|p| p.on);
    let onclick = props.on_select.clone().map(|select| {
        let (node, panels) = (node.clone(), panels.clone());
        Callback::from(move |e: MouseEvent| {
            let at = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]);
            if let Some(i) = at.and_then(|p| panels.at(p[0], p[1])) {
                select.emit(i);
            }
        })
    });
    let onpointermove = {
        let (node, panels, point_at) = (node.clone(), panels.clone(), point_at.clone());
        Callback::from(move |e: PointerEvent| {
            let at = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]);
            point_at.emit(at.and_then(|p| panels.x_at(p[0], p[1])));
        })
    };
    let onpointerleave = Callback::from(move |_: PointerEvent| point_at.emit(None));
    let onkeydown = props.on_select.clone().map(|select| {
        let (cols, _) = panels.grid();
        let n = props.panels.len() as i64;
        Callback::from(move |e: KeyboardEvent| {
            let step = match e.key().as_str() {
                "ArrowRight" => 1,
                "ArrowLeft" => -1,
                "ArrowDown" => cols as i64,
                "ArrowUp" => -(cols as i64),
                _ => return,
            };
            let to = chosen.map_or(0, |c| c as i64 + step);
            if (0..n).contains(&to) {
                e.prevent_default();
                select.emit(to as usize);
            }
        })
    });
    let modes = props.modes.iter().map(|m| {
        let to = [m.log_x, m.log_y];
        let on = to == [panels.x.log, panels.y.log];
        let (look, keep) = (look.clone(), keep.clone());
        let onclick = Callback::from(move |_: MouseEvent| keep.emit(Look { logs: Some(to), ..look.clone() }));
        html! { <button type="button" aria-pressed={on.to_string()} {onclick} data-mode={m.label.clone()}>{ &m.label }</button> }
    });
    let tools = html! { <>{ props.tools.clone() }{ for modes }</> };
    let table = {
        let panels = panels.clone();
        Callback::from(move |()| panels.table())
    };
    let scene = {
        let panels = panels.clone();
        Callback::from(move |()| panels.whole())
    };
    html! {
        <Figure title={props.title.clone()} what={props.what.clone()} sentence={props.sentence.clone()} legend={props.legend.clone()} {tools}
            source={props.source.clone()} table={Some(table)} scene={Some(scene)} class={classes!("multiples", props.class.clone())} test={props.test.clone()}>
            <div ref={node} class="layers panels" role="img" aria-label={props.sentence.clone()} tabindex="0" {onclick} {onkeydown} {onpointermove} {onpointerleave}>
                if laid {
                    { (*frame).clone() }
                    <Painted scene={ink} />
                    if props.threshold.is_some() { { drawn(&panels.line()) } }
                    if let Some(at) = pointed { { drawn(&panels.crosshair(at)) } }
                }
            </div>
        </Figure>
    }
}
