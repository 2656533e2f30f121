//! The threshold slider as a component: the curve of reduction over threshold is the track.

use std::rc::Rc;

use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::edit::key_move;
use super::figure::{Figure, Source};
use super::hooks::{place_in, use_size};
use super::layers::drawn;
use crate::plot::number::{fixed, percent};
use crate::plot::threshold::{Point, STEP, ThresholdPlot};

/// Properties of [`ThresholdSlider`].
#[derive(Properties, PartialEq)]
pub struct ThresholdSliderProps {
    /// Title, sentence case.
    pub title: AttrValue,
    /// What is seen, in one sentence.
    #[prop_or_default]
    pub sentence: AttrValue,
    /// The curve, by rising threshold.
    pub curve: Rc<[Point]>,
    /// Where the line stands.
    pub now: Point,
    /// Target as a dashed level.
    #[prop_or_default]
    pub target: Option<f64>,
    /// The paper's own thresholds: k and reduction.
    #[prop_or_default]
    pub paper: Vec<[f64; 2]>,
    /// A fresh number for a gesture.
    pub gesture: Callback<(), u32>,
    /// A threshold was set, within a gesture.
    pub on_set: Callback<(f64, u32)>,
    /// Where the numbers come from.
    #[prop_or_default]
    pub source: Source,
    /// Stable name for tests.
    #[prop_or_default]
    pub test: AttrValue,
}

/// A threshold slider.
#[component]
pub fn ThresholdSlider(props: &ThresholdSliderProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let drag = use_mut_ref(|| None::<u32>);
    let keys = use_mut_ref(|| None::<u32>);
    let plot = Rc::new(ThresholdPlot { size, curve: props.curve.to_vec(), now: props.now, target: props.target, paper: props.paper.clone() });
    let laid = size[0] > 0.0 && size[1] > 0.0;
    let set = {
        let (node, plot, on_set, now) = (node.clone(), plot.clone(), props.on_set.clone(), props.now.k);
        move |e: &PointerEvent, gesture: u32| {
            if let Some(p) = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]) {
                let k = plot.k_at(p[0]).max(STEP);
                if (k - now).abs() > 1e-9 {
                    on_set.emit((k, gesture));
                }
            }
        }
    };
    let onpointerdown = {
        let (node, drag, fresh, set) = (node.clone(), drag.clone(), props.gesture.clone(), set.clone());
        Callback::from(move |e: PointerEvent| {
            let gesture = fresh.emit(());
            *drag.borrow_mut() = Some(gesture);
            if let Some(el) = node.cast::<Element>() {
                // Fails only for a pointer that has gone already.
                let _ = el.set_pointer_capture(e.pointer_id());
            }
            if let Some(el) = node.cast::<HtmlElement>() {
                let _ = el.focus();
            }
            set(&e, gesture);
        })
    };
    let onpointermove = {
        let drag = drag.clone();
        Callback::from(move |e: PointerEvent| {
            let gesture = *drag.borrow();
            if let Some(gesture) = gesture {
                set(&e, gesture);
            }
        })
    };
    let stop = {
        let drag = drag.clone();
        Callback::from(move |_: PointerEvent| *drag.borrow_mut() = None)
    };
    let onkeydown = {
        let (keys, fresh, on_set, now) = (keys.clone(), props.gesture.clone(), props.on_set.clone(), props.now.k);
        Callback::from(move |e: KeyboardEvent| {
            if let Some(m) = key_move(&e.key(), false, STEP, 5.0 * STEP) {
                e.prevent_default();
                let gesture = *keys.borrow_mut().get_or_insert_with(|| fresh.emit(()));
                let k = (m.from(now, STEP, 1.0) / STEP).round() * STEP;
                on_set.emit((k, gesture));
            }
        })
    };
    let onkeyup = {
        let keys = keys.clone();
        Callback::from(move |_: KeyboardEvent| *keys.borrow_mut() = None)
    };
    let table = {
        let plot = plot.clone();
        Callback::from(move |()| plot.table())
    };
    let scene = {
        let plot = plot.clone();
        Callback::from(move |()| plot.scene())
    };
    html! {
        <Figure title={props.title.clone()} sentence={props.sentence.clone()} source={props.source.clone()} table={Some(table)} scene={Some(scene)} class="threshold">
            <div ref={node} class="layers slider" role="slider" tabindex="0" aria-label="Threshold k" aria-valuemin="0" aria-valuemax="1" data-test={props.test.clone()}
                aria-valuenow={fixed(props.now.k, 3)} aria-valuetext={format!("k {}, effective reduction {}", fixed(props.now.k, 3), percent(props.now.effective))}
                {onpointerdown} {onpointermove} onpointerup={stop.clone()} onpointercancel={stop} {onkeydown} {onkeyup}>
                if laid { { drawn(&plot.scene()) } }
            </div>
        </Figure>
    }
}
