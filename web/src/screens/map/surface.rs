//! The map itself: two canvases that can be moved, zoomed and clicked.

use std::rc::Rc;

use espalier_methods::urban::picture::CityPicture;
use web_sys::{Element, HtmlCanvasElement};
use yew::prelude::*;

use super::layer::Layer;
use super::pointers::Held;
use super::readout::read_out;
use super::stage::{Stage, whole};
use crate::figures::hooks::{place_in, use_size, use_theme, use_wheel};
use crate::plot::city::rings::Ring;
use crate::plot::city::{Camera, nearest};

/// How far from a point a click may be, in pixels.
const REACH: f64 = 48.0;

/// Properties of [`Surface`].
#[derive(Properties, PartialEq)]
pub(super) struct SurfaceProps {
    /// The city.
    pub picture: Option<Rc<CityPicture>>,
    /// Which city of the page's it is.
    pub cities: u32,
    /// Points and colours.
    pub layer: Rc<Layer>,
    /// Numbered results.
    pub rings: Rc<Vec<Ring>>,
    /// What is seen, for those who cannot see it.
    pub label: AttrValue,
    /// A point was chosen.
    pub on_pick: Callback<usize>,
    /// A pointer draws around points instead of moving the map.
    pub lasso: bool,
    /// The lasso was taken up or laid down.
    pub on_tool: Callback<bool>,
    /// A line was drawn, in metres.
    pub on_lasso: Callback<Vec<[f64; 2]>>,
    /// Is told the view and size, for exports.
    pub on_view: Callback<(Camera, [f64; 2])>,
    /// The view to begin with; all of the city without one.
    pub start: Option<Camera>,
    /// Is told the view when it has come to rest after a move; `None` where it is all of the city.
    pub on_rest: Callback<Option<Camera>>,
}

/// The map.
#[component]
pub(super) fn Surface(props: &SurfaceProps) -> Html {
    let node = use_node_ref();
    let (base, ink, words) = (use_node_ref(), use_node_ref(), use_node_ref());
    let size = use_size(&node);
    let theme = use_theme();
    let stage = (*use_memo((), |()| Stage::default())).clone();
    let fitted = use_mut_ref(|| None::<u32>);
    {
        let (stage, base, ink, fitted) = (stage.clone(), base.clone(), ink.clone(), fitted.clone());
        let (picture, layer, rings, on_view) = (props.picture.clone(), props.layer.clone(), props.rings.clone(), props.on_view.clone());
        let (start, on_rest) = (props.start, props.on_rest.clone());
        use_effect_with((props.cities, props.layer.clone(), props.rings.clone(), size, theme), move |(cities, _, _, size, theme)| {
            {
                let mut p = stage.painter.borrow_mut();
                p.canvases = base.cast::<HtmlCanvasElement>().zip(ink.cast::<HtmlCanvasElement>()).map(|(a, b)| [a, b]);
                (p.size, p.theme, p.layer, p.rings) = (*size, *theme, layer, rings);
                if let (Some(picture), true) = (&picture, size[0] > 0.0 && *fitted.borrow() != Some(*cities)) {
                    p.camera = start.unwrap_or_else(|| whole(picture, *size));
                    p.forget();
                    fitted.replace(Some(*cities));
                }
                let all = picture.as_ref().map(|c| whole(c, *size));
                stage.rested.replace(on_rest.reform(move |camera| Some(camera).filter(|c| Some(*c) != all)));
                p.picture = picture;
                on_view.emit((p.camera, p.size));
            }
            stage.draw();
        });
    }
    {
        let stage = stage.clone();
        use_effect_with((), move |()| move || stage.leave());
    }
    let tell = {
        let (stage, on_view) = (stage.clone(), props.on_view.clone());
        move || {
            let p = stage.painter.borrow();
            on_view.emit((p.camera, p.size));
        }
    };
    let zoom = {
        let stage = stage.clone();
        let tell = tell.clone();
        Callback::from(move |factor: f64| {
            stage.look(|c, s| c.zoomed(s, s.map(|v| 0.5 * v), factor));
            tell();
        })
    };
    let fit = {
        let (stage, picture, told) = (stage.clone(), props.picture.clone(), tell.clone());
        Callback::from(move |()| {
            if let Some(p) = &picture {
                stage.look(|_, s| whole(p, s));
            }
            told();
        })
    };
    {
        let (stage, tell) = (stage.clone(), tell.clone());
        use_wheel(&node, Callback::from(move |(at, turn): ([f64; 2], f64)| {
            stage.look(|c, s| c.zoomed(s, at, (turn / 400.0).clamp(-1.0, 1.0).exp()));
            tell();
        }));
    }
    let held = use_mut_ref(Held::default);
    let lasso = props.lasso;
    let onpointerdown = {
        let (held, node, stage) = (held.clone(), node.clone(), stage.clone());
        Callback::from(move |e: PointerEvent| {
            let Some(at) = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]) else { return };
            if let Some(element) = node.cast::<Element>() {
                // Without the capture a pointer that leaves the map stops moving it: no more than that.
                let _ = element.set_pointer_capture(e.pointer_id());
            }
            if lasso {
                let mut p = stage.painter.borrow_mut();
                p.lasso = vec![p.camera.world(p.size, at)];
                return;
            }
            held.borrow_mut().down(e.pointer_id(), at);
        })
    };
    let onpointermove = {
        let (held, node, stage, words, picture) = (held.clone(), node.clone(), stage.clone(), words.clone(), props.picture.clone());
        Callback::from(move |e: PointerEvent| {
            let Some(at) = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]) else { return };
            let drawn = {
                let mut p = stage.painter.borrow_mut();
                let place = p.camera.world(p.size, at);
                let drawn = lasso && !p.lasso.is_empty();
                if drawn {
                    p.lasso.push(place);
                }
                drawn
            };
            if drawn {
                stage.draw();
            } else if let Some(change) = held.borrow_mut().moved(e.pointer_id(), at) {
                stage.look(|c, s| change.apply(c, s));
            }
            if let (Some(words), Some(picture)) = (words.cast::<Element>(), &picture) {
                let p = stage.painter.borrow();
                words.set_text_content(Some(&read_out(picture, &p.camera, p.size, at)));
            }
        })
    };
    let onpointerup = {
        let (held, node, stage, tell) = (held.clone(), node.clone(), stage.clone(), tell.clone());
        let (picture, on_pick, on_lasso) = (props.picture.clone(), props.on_pick.clone(), props.on_lasso.clone());
        Callback::from(move |e: PointerEvent| {
            let path = std::mem::take(&mut stage.painter.borrow_mut().lasso);
            if path.len() > 2 {
                stage.draw();
                return on_lasso.emit(path);
            }
            let clicked = held.borrow_mut().up(e.pointer_id());
            tell();
            let at = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]);
            if let (true, Some(at), Some(picture)) = (clicked, at, &picture) {
                let p = stage.painter.borrow();
                let found = nearest(&picture.points, &p.camera, p.size, at, REACH);
                drop(p);
                if let Some(i) = found {
                    on_pick.emit(i);
                }
            }
        })
    };
    let onpointercancel = {
        let (held, stage) = (held.clone(), stage.clone());
        Callback::from(move |e: PointerEvent| {
            held.borrow_mut().up(e.pointer_id());
            stage.painter.borrow_mut().lasso.clear();
        })
    };
    let onkeydown = {
        let (stage, zoom, fit, tell) = (stage.clone(), zoom.clone(), fit.clone(), tell.clone());
        let (picture, on_pick) = (props.picture.clone(), props.on_pick.clone());
        Callback::from(move |e: KeyboardEvent| {
            let pan = |by: [f64; 2]| stage.look(|c, _| c.panned(by));
            match e.key().as_str() {
                "ArrowLeft" => pan([60.0, 0.0]),
                "ArrowRight" => pan([-60.0, 0.0]),
                "ArrowUp" => pan([0.0, 60.0]),
                "ArrowDown" => pan([0.0, -60.0]),
                "+" | "=" => zoom.emit(1.5),
                "-" => zoom.emit(1.0 / 1.5),
                "Home" => fit.emit(()),
                "Enter" => {
                    let p = stage.painter.borrow();
                    let middle = p.size.map(|v| 0.5 * v);
                    let found = picture.as_ref().and_then(|c| nearest(&c.points, &p.camera, p.size, middle, f64::INFINITY));
                    drop(p);
                    if let Some(i) = found {
                        on_pick.emit(i);
                    }
                }
                _ => return,
            }
            e.prevent_default();
            tell();
        })
    };
    let button = |label: &'static str, face: Html, act: Callback<MouseEvent>, test: &'static str| html! { <button type="button" aria-label={label} title={label} onclick={act} data-test={test}>{ face }</button> };
    let corners = html! { <svg width="12" height="12" fill="none" stroke="currentColor" stroke-width="1.3" aria-hidden="true"><path d="M1 4V1h3M8 1h3v3M11 8v3H8M4 11H1V8" /></svg> };
    html! {
        <div class="city">
            <div ref={node} class={classes!("surface", lasso.then_some("drawing"))} role="application" aria-label={props.label.clone()} aria-description="Arrows move the map, plus and minus zoom, Home shows all of it, Enter chooses the point nearest to the middle."
                tabindex="0" data-test="map-surface" {onpointerdown} {onpointermove} {onpointerup} {onpointercancel} {onkeydown}>
                <canvas ref={base} class="ink" aria-hidden="true" />
                <canvas ref={ink} class="ink" aria-hidden="true" data-test="map-ink" />
            </div>
            <div class="zoom" role="group" aria-label="Zoom">
                { button("Zoom in", html! { "+" }, zoom.reform(|_: MouseEvent| 1.5), "zoom-in") }
                { button("Zoom out", html! { "−" }, zoom.reform(|_: MouseEvent| 1.0 / 1.5), "zoom-out") }
                { button("Show all of it", corners, fit.reform(|_: MouseEvent| ()), "zoom-fit") }
                <button type="button" aria-label="Lasso: draw around points" title="Lasso: draw around points" aria-pressed={lasso.to_string()} onclick={props.on_tool.reform(move |_: MouseEvent| !lasso)} data-test="map-lasso">
                    <svg width="14" height="14" fill="none" stroke="currentColor" stroke-width="1.3" aria-hidden="true"><path d="M7 1.5c3.3 0 5.5 1.5 5.5 3.6S10.300 8.700 7 8.700 1.500 7.200 1.500 5.100 3.700 1.500 7 1.500zM4 8.300c-1.200 1 .2 2.200-.7 4.200" /></svg>
                </button>
            </div>
            <p ref={words} class="where" aria-hidden="true" data-test="where"></p>
        </div>
    }
}
