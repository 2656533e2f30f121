//! The embedding on its plane: the key to the map's colours.

use std::rc::Rc;

use yew::prelude::*;

use super::charts::source;
use super::layer::Layer;
use crate::app::context::Lab;
use crate::figures::Figure;
use crate::figures::hooks::use_size;
use crate::figures::layers::{Painted, drawn};
use crate::plot::city::hues::radius;
use crate::plot::city::rings::{Ring, draw, placed};
use crate::plot::number::percent;
use crate::plot::scene::{Anchor, Paint, Scene, stroke};
use crate::plot::table::{Cell, Table};

/// Points that are drawn here at most.
const MOST: usize = 5000;

/// Properties of [`Scatter`].
#[derive(Properties, PartialEq)]
struct ScatterProps {
    /// The laboratory.
    pub lab: Lab,
    /// The map's points and colours.
    pub layer: Rc<Layer>,
    /// Results: index of the point and its number.
    pub chosen: Rc<Vec<usize>>,
}

/// The scatter, once there is an embedding.
pub(super) fn scatter(lab: &Lab, layer: &Rc<Layer>, chosen: &Rc<Vec<usize>>) -> Html {
    match &lab.state.town.seen {
        Some(_) => html! { <Scatter lab={lab.clone()} layer={layer.clone()} chosen={chosen.clone()} /> },
        None => Html::default(),
    }
}

/// The scatter.
#[component]
fn Scatter(props: &ScatterProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let town = &props.lab.state.town;
    let seen = town.seen.clone().unwrap_or_default();
    let scene = use_memo((town.looks, props.layer.clone(), size, props.chosen.clone()), |(_, layer, size, chosen)| {
        let at = |i: usize| Some([f64::from(*seen.plane.get(2 * i)?), f64::from(*seen.plane.get(2 * i + 1)?)]);
        let rings: Vec<Ring> = chosen.iter().enumerate().filter_map(|(k, i)| Some(Ring { at: at(*i)?, word: (k + 1).to_string() })).collect();
        Rc::new(scene(*size, &seen.plane, layer, &rings))
    });
    let scene = (*scene).clone();
    let two: f64 = seen.shares.iter().take(2).sum();
    let sentence = AttrValue::from(format!("The plane of the first two principal components, {} of the variance; it is turned as little as can be from look to look, so that colours stay.", percent(two)));
    let table = {
        let (seen, picture) = (seen.clone(), town.picture.clone());
        Callback::from(move |()| {
            let mut t = Table::new(["point", "text", "plane x", "plane y"]);
            let text = |i: usize| picture.as_ref().and_then(|p| p.texts.get(*p.text_of.get(i)? as usize).cloned()).unwrap_or_default();
            for (i, p) in seen.plane.chunks_exact(2).enumerate() {
                t.push([Cell::Number(i as f64), text(i).into(), f64::from(p[0]).into(), f64::from(p[1]).into()]);
            }
            t
        })
    };
    let export = {
        let scene = scene.clone();
        Callback::from(move |()| (*scene).clone())
    };
    let mut frame = Scene::new(size[0], size[1]);
    frame.text(0.0, 0.5 * size[1] - 5.0, "plane x", Anchor::Start).halo();
    frame.text(0.5 * size[0] - 6.0, 10.0, "plane y", Anchor::End).halo();
    html! {
        <Figure title="Embedding" what="the key to the map’s colours" sentence={sentence.clone()} source={source(town)} table={Some(table)} scene={Some(export)} test="map-scatter">
            <div ref={node} class="layers plane" role="img" aria-label={sentence}>
                if size[0] > 0.0 {
                    <Painted {scene} />
                    { drawn(&frame) }
                }
            </div>
        </Figure>
    }
}

fn scene(size: [f64; 2], plane: &[f32], layer: &Layer, rings: &[Ring]) -> Scene {
    let mut s = Scene::new(size[0], size[1]);
    let radius = radius(plane).max(1e-9);
    let scale = 0.42 * size[0].min(size[1]) / radius;
    let at = |x: f64, y: f64| [0.5 * size[0] + x * scale, 0.5 * size[1] - y * scale];
    s.hair_h([0.0, size[0]], 0.5 * size[1], stroke("wire", 1.0));
    s.hair_v(0.5 * size[0], [0.0, size[1]], stroke("wire", 1.0));
    let colors = layer.sets.first().map_or(&[][..], |set| &set.colors);
    let every = (plane.len() / 2).div_ceil(MOST).max(1);
    for (p, c) in plane.chunks_exact(2).zip(colors).step_by(every).filter(|(_, c)| c[3] > 0) {
        let [x, y] = at(f64::from(p[0]), f64::from(p[1]));
        if x >= 0.0 && y >= 0.0 && x <= size[0] && y <= size[1] {
            s.rect([x - 0.9, y - 0.9, 1.8, 1.8], Paint::Fixed([c[0], c[1], c[2]]));
        }
    }
    let seen: Vec<_> = rings.iter().map(|ring| (at(ring.at[0], ring.at[1]), ring.word.as_str())).collect();
    draw(&mut s, &placed(&seen, 5.0), 1.5);
    s
}
