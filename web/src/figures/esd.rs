//! The eigenvalue spectral density as a component: the start of the tail is a slider in the figure.

use std::rc::Rc;

use espalier_methods::report::{Spectrum, Tail};
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::edit::key_move;
use super::figure::{Figure, Source};
use super::hooks::{place_in, use_size};
use super::layers::drawn;
use super::look::use_look;
use crate::plot::esd::{Esd, start, starts};
use crate::plot::look::{Look, of as sign};
use crate::plot::number::{count, sig};
use crate::plot::scene::Paint;

/// Properties of [`TailChart`].
#[derive(Properties)]
pub struct TailChartProps {
    /// The spectrum.
    pub spectrum: Rc<Spectrum>,
    /// Own tools.
    #[prop_or_default]
    pub tools: Html,
    /// Where the numbers come from.
    #[prop_or_default]
    pub source: Source,
}

impl PartialEq for TailChartProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.spectrum, &other.spectrum) && self.tools == other.tools && self.source == other.source
    }
}

/// Density, random bulk, tail, and the start that is dragged.
#[component]
pub fn TailChart(props: &TailChartProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let dragging = use_mut_ref(|| false);
    let s = props.spectrum.clone();
    let (look, keep) = use_look(&AttrValue::from("tail-chart"), sign([(&*s.tensor, s.values.len() + s.slice.map_or(0, |i| i as usize + 1))]));
    let chosen = look.pin.map(|(_, n)| n);
    let choose = keep.reform(move |n: Option<usize>| Look { pin: n.map(|n| (0, n)), ..look.clone() });
    let known = use_memo(Rc::as_ptr(&s), |_| {
        let best = match &s.tail {
            Tail::Fit { count, .. } => start(&s.values, s.floor, *count as usize),
            _ => None,
        };
        // Without a fit there are no starts to compare: too few, or all equal.
        (best, if best.is_some() { starts(&s.values, s.floor) } else { Vec::new() })
    });
    let (best, all) = (known.0, known.1.clone());
    let now = best.and_then(|b| chosen.and_then(|n| start(&s.values, s.floor, n)).or(Some(b)));
    let plot = Rc::new(Esd { size, values: s.values.to_vec(), floor: s.floor, shape: s.shape.map(f64::from), now, best, starts: all });
    let laid = size[0] > 0.0 && size[1] > 0.0;
    let set = {
        let (node, plot, choose) = (node.clone(), plot.clone(), choose.clone());
        move |e: &PointerEvent| {
            if let (Some(p), true) = (place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]), plot.best.is_some()) {
                choose.emit(Some(plot.count_at(p[0])));
            }
        }
    };
    let onpointerdown = {
        let (node, dragging, set) = (node.clone(), dragging.clone(), set.clone());
        Callback::from(move |e: PointerEvent| {
            *dragging.borrow_mut() = true;
            if let Some(el) = node.cast::<Element>() {
                // Fails only for a pointer that has gone already.
                let _ = el.set_pointer_capture(e.pointer_id());
            }
            if let Some(el) = node.cast::<HtmlElement>() {
                let _ = el.focus();
            }
            set(&e);
        })
    };
    let onpointermove = {
        let dragging = dragging.clone();
        Callback::from(move |e: PointerEvent| {
            if *dragging.borrow() {
                set(&e);
            }
        })
    };
    let stop = Callback::from(move |_: PointerEvent| *dragging.borrow_mut() = false);
    let ondblclick = choose.reform(|_: MouseEvent| None);
    let (at, most) = (now.map_or(0.0, |n| f64::from(n.count)), s.values.iter().filter(|v| **v > s.floor).count() as f64);
    let onkeydown = {
        Callback::from(move |e: KeyboardEvent| {
            if e.key() == "Escape" {
                choose.emit(None);
            } else if let Some(m) = key_move(&e.key(), false, 1.0, 10.0) {
                e.prevent_default();
                // To the right the tail gets shorter.
                choose.emit(Some((most + 5.0 - m.from(most + 5.0 - at, 5.0, most)) as usize));
            }
        })
    };
    let sentence: AttrValue = plot.sentence().into();
    let table = {
        let plot = plot.clone();
        Callback::from(move |()| plot.table())
    };
    let scene = {
        let plot = plot.clone();
        Callback::from(move |()| plot.scene())
    };
    let legend = vec![
        (Paint::Token("ink-3"), AttrValue::from("eigenvalues; D")),
        (Paint::Token("ghost"), AttrValue::from("random matrix")),
        (Paint::Token("leaf"), AttrValue::from("tail; α")),
    ];
    let words = now.map_or_else(|| "no tail".to_owned(), |n| format!("{} eigenvalues, α {}, D {}", count(f64::from(n.count)), sig(n.alpha, 3), sig(n.distance, 2)));
    html! {
        <Figure title="Tail" what="density of λ; drag the start" sentence={sentence} {legend} tools={props.tools.clone()} source={props.source.clone()}
            table={Some(table)} scene={Some(scene)} class="threshold" test="tail-chart">
            <div ref={node} class="layers plot slider esd" role="slider" tabindex="0" aria-label="Start of the tail, eigenvalues in it" aria-valuemin="5" aria-valuemax={most.to_string()}
                aria-valuenow={at.to_string()} aria-valuetext={words} data-test="tail-start"
                {onpointerdown} {onpointermove} onpointerup={stop.clone()} onpointercancel={stop} {ondblclick} {onkeydown}>
                if laid { { drawn(&plot.scene()) } }
            </div>
        </Figure>
    }
}
