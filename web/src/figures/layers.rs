//! The ground of every drawing: a canvas for ink that is redrawn often, SVG over it for axes and words.

use std::rc::Rc;

use web_sys::HtmlCanvasElement;
use yew::prelude::*;

use super::canvas::{density, fresh};
use super::hooks::use_theme;
use crate::plot::scene::Scene;
use crate::plot::svg;

/// Properties of [`Painted`].
#[derive(Properties, PartialEq)]
pub struct PaintedProps {
    /// What is painted.
    pub scene: Rc<Scene>,
}

/// A scene on a canvas that fills its wrapper.
#[component]
pub fn Painted(props: &PaintedProps) -> Html {
    let node = use_node_ref();
    let theme = use_theme();
    {
        let node = node.clone();
        use_effect_with((props.scene.clone(), theme), move |(scene, theme)| {
            if let Some(canvas) = node.cast::<HtmlCanvasElement>() {
                fresh(&canvas, scene, *theme, density());
            }
        });
    }
    html! { <canvas ref={node} class="ink" aria-hidden="true" /> }
}

/// A scene as SVG that follows the theme by itself.
pub fn drawn(scene: &Scene) -> Html {
    Html::from_html_unchecked(AttrValue::from(svg::page(scene)))
}
