//! The line chart: canvas curves under SVG axes, hover, pin, box zoom, linear and logarithmic axes.

use std::rc::Rc;

use espalier_methods::report::Axis;
use web_sys::Element;
use yew::prelude::*;

use super::figure::{Figure, Source};
use super::hooks::{place_in, use_size, use_wheel};
use super::layers::{Painted, drawn};
use super::look::{use_crosshair, use_look};
use super::readout::{Readout, readout};
use crate::plot::hit::free_corner;
use crate::plot::lines::{Curve, Lines, Reference};
use crate::plot::look::{Look, of as sign};
use crate::plot::number::number;
use crate::plot::scene::{Scene, stroke};

/// A way to look at the same data.
#[derive(Clone, Debug, PartialEq)]
pub struct Mode {
    /// Word of its tool: `lin`, `log`, `log-log`.
    pub label: AttrValue,
    /// Logarithmic x.
    pub log_x: bool,
    /// Logarithmic y.
    pub log_y: bool,
}

/// Linear, and both axes logarithmic.
pub fn lin_and_log_log() -> Vec<Mode> {
    vec![Mode { label: "lin".into(), log_x: false, log_y: false }, Mode { label: "log-log".into(), log_x: true, log_y: true }]
}

/// Properties of [`LineChart`].
#[derive(Properties, PartialEq)]
pub struct LineChartProps {
    /// Title, sentence case.
    pub title: AttrValue,
    /// What, unit, kind of axis.
    #[prop_or_default]
    pub what: AttrValue,
    /// What is seen, in one sentence.
    #[prop_or_default]
    pub sentence: AttrValue,
    /// Name and unit of x. `log` is taken from the mode where there are modes.
    pub x: Axis,
    /// Name and unit of y.
    pub y: Axis,
    /// Curves, back to front; x rises.
    pub curves: Vec<Curve>,
    /// Levels, stands, thresholds, ghosts.
    #[prop_or_default]
    pub references: Vec<Reference>,
    /// Ways to look, the first or `mode` being chosen at the start; empty for the axes as given.
    #[prop_or_default]
    pub modes: Vec<Mode>,
    /// Chosen way at the start.
    #[prop_or_default]
    pub mode: usize,
    /// Words of the read-out for (curve, index); without it the names and values of the axes.
    #[prop_or_default]
    pub words: Option<Callback<(usize, usize), Readout>>,
    /// Name under which axes, zoom and pin are kept and travel in links; `test` where it is empty.
    #[prop_or_default]
    pub look: AttrValue,
    /// Draws a legend in the head (more than one curve).
    #[prop_or_default]
    pub legend: bool,
    /// More tools in front of the others.
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

/// A line chart.
#[component]
pub fn LineChart(props: &LineChartProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let hover = use_state_eq(|| None::<(usize, usize)>);
    let drag = use_state_eq(|| None::<[f64; 4]>);

    let (mut x, mut y) = (props.x.clone(), props.y.clone());
    // Other data: an old zoom or pin would point at nothing.
    let of = sign([&props.source.model, &props.source.tensor].into_iter().map(|s| (&**s, 0)).chain(props.curves.iter().map(|c| (&*c.name, c.x.len()))));
    let (look, keep) = use_look(if props.look.is_empty() { &props.test } else { &props.look }, of);
    if let Some([log_x, log_y]) = look.logs.or_else(|| props.modes.get(props.mode).map(|m| [m.log_x, m.log_y])) {
        (x.log, y.log) = (log_x, log_y);
    }
    let (linked, point_at) = use_crosshair(&x.name);
    let chart = Rc::new(Lines::new(size, [x, y], props.curves.clone(), props.references.clone(), look.zoom));
    let laid = size[0] > 0.0 && size[1] > 0.0;
    let ink = use_memo((props.curves.clone(), size, chart.x.log, chart.y.log, look.zoom, props.references.clone()), |_| if laid { chart.ink() } else { Scene::default() });

    let point = {
        let (node, chart) = (node.clone(), chart.clone());
        move |e: &PointerEvent| {
            let p = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())])?;
            Some((p, chart.hit(p[0], p[1])))
        }
    };
    let set_hover = {
        let (hover, chart) = (hover.clone(), chart.clone());
        move |h: Option<(usize, usize)>| {
            if *hover != h {
                hover.set(h);
                point_at.emit(h.and_then(|(c, i)| chart.curves.get(c)?.x.get(i).copied()));
            }
        }
    };
    let onpointermove = {
        let (point, drag, set_hover) = (point.clone(), drag.clone(), set_hover.clone());
        Callback::from(move |e: PointerEvent| {
            let Some((p, hit)) = point(&e) else { return };
            if let Some([a, b, ..]) = *drag {
                drag.set(Some([a, b, p[0], p[1]]));
            }
            set_hover(hit);
        })
    };
    let onpointerdown = {
        let (point, drag, node) = (point.clone(), drag.clone(), node.clone());
        Callback::from(move |e: PointerEvent| {
            if e.button() == 0 && e.pointer_type() == "mouse" {
                if let (Some((p, _)), Some(el)) = (point(&e), node.cast::<Element>()) {
                    drag.set(Some([p[0], p[1], p[0], p[1]]));
                    // Fails only for a pointer that has gone already.
                    let _ = el.set_pointer_capture(e.pointer_id());
                }
            }
        })
    };
    let onpointerup = {
        let (point, drag, look, keep, chart) = (point.clone(), drag.clone(), look.clone(), keep.clone(), chart.clone());
        Callback::from(move |e: PointerEvent| {
            let moved = drag.filter(|d| (d[2] - d[0]).abs() > 6.0 && (d[3] - d[1]).abs() > 6.0);
            drag.set(None);
            if let Some(d) = moved {
                let (sx, sy) = chart.scales();
                let order = |a: f64, b: f64| [a.min(b), a.max(b)];
                let zoom = [order(sx.value(d[0]), sx.value(d[2])), order(sy.value(d[1]), sy.value(d[3]))];
                keep.emit(Look { zoom: Some(zoom), ..look.clone() });
            } else if let Some((_, hit)) = point(&e) {
                keep.emit(Look { pin: hit.filter(|_| look.pin != hit), ..look.clone() });
            }
        })
    };
    let onpointerleave = {
        let set_hover = set_hover.clone();
        Callback::from(move |_: PointerEvent| set_hover(None))
    };
    let ondblclick = {
        let (look, keep) = (look.clone(), keep.clone());
        Callback::from(move |_: MouseEvent| keep.emit(Look { zoom: None, pin: None, ..look.clone() }))
    };
    let onkeydown = {
        let (look, keep, chart, set_hover) = (look.clone(), keep.clone(), chart.clone(), set_hover.clone());
        let at = look.pin.or(*hover);
        Callback::from(move |e: KeyboardEvent| {
            let step = match e.key().as_str() {
                "ArrowRight" => 1,
                "ArrowLeft" => -1,
                "PageDown" => 10,
                "PageUp" => -10,
                "Escape" => {
                    keep.emit(Look { zoom: None, pin: None, ..look.clone() });
                    set_hover(None);
                    return;
                }
                _ => return,
            };
            let (c, i) = at.unwrap_or((0, 0));
            if let Some(n) = chart.curves.get(c).map(|c| c.x.len()).filter(|n| *n > 0) {
                e.prevent_default();
                keep.emit(Look { pin: Some((c, (i as i64 + step).clamp(0, n as i64 - 1) as usize)), ..look.clone() });
            }
        })
    };

    {
        let (chart, look, keep) = (chart.clone(), look.clone(), keep.clone());
        use_wheel(&node, Callback::from(move |(at, turn): ([f64; 2], f64)| keep.emit(Look { zoom: chart.zoomed(at, if turn > 0.0 { 0.8 } else { 1.25 }), ..look.clone() })));
    }
    let shown = look.pin.or(*hover).filter(|(c, i)| chart.curves.get(*c).is_some_and(|c| *i < c.x.len()));
    let over = shown.map(|(c, i)| {
        let (sx, sy) = chart.scales();
        let curve = &chart.curves[c];
        let p = [sx.at(curve.x[i]), sy.at(curve.y[i])];
        let words = match &props.words {
            Some(words) => words.emit((c, i)),
            None => Readout {
                head: if chart.curves.len() > 1 { curve.name.clone() } else { format!("{} {}", chart.x.name, number(curve.x[i])) },
                lines: if chart.curves.len() > 1 {
                    vec![format!("{} {}", chart.x.name, number(curve.x[i])), format!("{} {}", chart.y.name, number(curve.y[i]))]
                } else {
                    vec![format!("{} {}", chart.y.name, number(curve.y[i]))]
                },
            },
        };
        let inner = chart.inner();
        let corner = free_corner(inner.right - inner.left, inner.bottom - inner.top, words.size(), [p[0] - inner.left, p[1] - inner.top], {
            chart.pixels(curve).into_iter().filter(|q| !q[0].is_nan()).map(move |q| [q[0] - inner.left, q[1] - inner.top]).collect::<Vec<_>>().into_iter()
        });
        let mut s = Scene::new(size[0], size[1]);
        if p[0].is_finite() && inner.contains(p[0], p[1].clamp(inner.top, inner.bottom)) {
            s.hair_v(p[0], [inner.top, inner.bottom], stroke("ink-3", 1.0).dashed(1.0, 2.0));
            if p[1].is_finite() && inner.contains(p[0], p[1]) {
                s.ring(p, 4.0, curve.paint.clone());
            }
        }
        html! { <>{ drawn(&s) }{ readout(&words, corner, look.pin.is_some()) }</> }
    });
    // Where another figure with the same axis is pointed at.
    let linked = linked.filter(|_| laid && hover.is_none() && look.pin.is_none()).map(|at| drawn(&chart.crosshair(at)));
    let zoom = drag.filter(|d| (d[2] - d[0]).abs() > 6.0).map(|d| {
        let mut s = Scene::new(size[0], size[1]);
        let at = [d[0].min(d[2]), d[1].min(d[3]), (d[2] - d[0]).abs(), (d[3] - d[1]).abs()];
        s.marks.push(crate::plot::scene::Mark::Rect { at, fill: None, stroke: Some(stroke("leaf", 1.0).dashed(3.0, 2.0)) });
        drawn(&s)
    });

    let hidden = if laid { chart.hidden_words() } else { String::new() };
    let sentence: AttrValue = if hidden.is_empty() { props.sentence.clone() } else { format!("{} {hidden}", props.sentence).trim().to_string().into() };
    // A drawing without a sentence, before there is anything to say of it, has its title for a name.
    let spoken: AttrValue = if sentence.is_empty() { format!("{}: {}", props.title, props.what).trim_end_matches([':', ' ']).to_owned().into() } else { sentence.clone() };
    let scale_tool = |label: AttrValue, on: bool, to: [bool; 2], title: &'static str| {
        let (look, keep) = (look.clone(), keep.clone());
        let onclick = Callback::from(move |_: MouseEvent| keep.emit(Look { logs: Some(to), zoom: None, ..look.clone() }));
        html! { <button type="button" aria-pressed={on.to_string()} {onclick} {title} data-mode={label.clone()}>{ label }</button> }
    };
    let modes = props.modes.iter().map(|m| scale_tool(m.label.clone(), [chart.x.log, chart.y.log] == [m.log_x, m.log_y], [m.log_x, m.log_y], "Scales of both axes"));
    // Each axis by itself, where the scales can be chosen at all.
    let [log_x, log_y] = [chart.x.log, chart.y.log];
    let named = |to: [bool; 2]| props.modes.iter().any(|m| [m.log_x, m.log_y] == to);
    let axes = (!props.modes.is_empty()).then(|| {
        let single = [("x", [!log_x, log_y], log_x), ("y", [log_x, !log_y], log_y)];
        single.into_iter().filter(|(_, to, on)| *on || !named(*to)).map(|(label, to, on)| scale_tool(format!("log {label}").into(), on, to, "A logarithmic axis")).collect::<Vec<_>>()
    });
    let tools = html! { <>{ props.tools.clone() }{ for modes }{ for axes.into_iter().flatten() }</> };
    let table = {
        let chart = chart.clone();
        Callback::from(move |()| chart.table())
    };
    let scene = {
        let chart = chart.clone();
        Callback::from(move |()| chart.whole())
    };
    let legend = if props.legend { props.curves.iter().map(|c| (c.paint.clone(), AttrValue::from(c.name.clone()))).collect() } else { Vec::new() };
    html! {
        <Figure title={props.title.clone()} what={props.what.clone()} sentence={sentence.clone()} {legend} {tools} source={props.source.clone()}
            table={Some(table)} scene={Some(scene)} class={classes!("line", props.class.clone())} test={props.test.clone()}>
            <div ref={node} class="layers plot" role="img" aria-label={spoken} tabindex="0"
                {onpointermove} {onpointerdown} {onpointerup} {onpointerleave} {ondblclick} {onkeydown}>
                if laid {
                    { drawn(&chart.frame()) }
                    <Painted scene={ink} />
                    { for linked }
                    { for over }
                    { for zoom }
                }
            </div>
        </Figure>
    }
}
