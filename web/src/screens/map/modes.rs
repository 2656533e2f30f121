//! What the colours of the map mean, how they are drawn, and which city it is.

use espalier_methods::urban::picture::Regions;
use espalier_methods::urban::town::Source;
use wasm_bindgen::JsCast;
use yew::prelude::*;

use super::import::show;
use super::view::{Drawn, Mode, Shown, Split};
use crate::app::context::Lab;
use crate::screens::parts::{Choice, choice, segments, select};

/// Made city or own points.
pub(super) fn data(lab: &Lab) -> Html {
    let made = matches!(lab.state.town.config.city, Source::Made { .. });
    let choices = [choice(true, "Made city"), choice(false, "Your points")];
    let choose = {
        let lab = lab.clone();
        Callback::from(move |made: bool| {
            if made {
                show(&lab, Source::bundled());
            } else if let Some(input) = gloo::utils::document().query_selector("[data-test=map-file]").ok().flatten() {
                if let Ok(input) = input.dyn_into::<web_sys::HtmlElement>() {
                    input.click();
                }
            }
        })
    };
    segments("City", "map-city", &choices, &made, &choose)
}

/// What the colours mean, and what belongs to that.
pub(super) fn modes(shown: &Shown, areas: Option<&Regions>, look: &Callback<Shown>) -> Html {
    let set = |change: fn(&mut Shown, usize)| {
        let (shown, look) = (shown.clone(), look.clone());
        Callback::from(move |v: usize| {
            let mut next = shown.clone();
            change(&mut next, v);
            look.emit(next);
        })
    };
    let mut all = vec![choice(Mode::Embedding, "embedding"), choice(Mode::Similarity, "similarity"), choice(Mode::Clusters, "clusters"), choice(Mode::LandUse, "land use")];
    let mut drawn = vec![choice(Drawn::Points, "points"), choice(Drawn::Hexagons, "hexagons")];
    if areas.is_some() {
        all.push(choice(Mode::People, "regions"));
        drawn.push(choice(Drawn::Regions, "regions"));
    }
    let draw = {
        let (shown, look) = (shown.clone(), look.clone());
        Callback::from(move |drawn: Drawn| look.emit(Shown { drawn, ..shown.clone() }))
    };
    let mode = {
        let (shown, look) = (shown.clone(), look.clone());
        Callback::from(move |mode: Mode| look.emit(Shown { mode, ..shown.clone() }))
    };
    let which = usize::from(!shown.truth) + usize::from(!shown.truth && shown.errors);
    html! {
        <span class="modes">
            { segments("Colour", "map-modes", &all, &shown.mode, &mode) }
            { segments("Drawn as", "map-hexagons", &drawn, &shown.drawn, &draw) }
            if shown.mode == Mode::Clusters {
                { segments("Clusters", "map-clusters", &[2_usize, 4, 6, 8, 10].map(|k| Choice { value: k, word: k.to_string().into(), test: k.to_string().into() }), &shown.clusters, &set(|s, v| s.clusters = v)) }
            }
            if let (Mode::People, Some(areas)) = (shown.mode, areas) {
                { select("Class of the regions", "map-class", &areas.classes, Some(shown.class), set(|s, v| s.class = v)) }
            }
            if matches!(shown.mode, Mode::LandUse | Mode::People) {
                { segments("Known or told", "map-truth", &[choice(0_usize, "known"), choice(1, "told"), choice(2, "errors")], &which, &set(|s, v| (s.truth, s.errors) = (v == 0, v == 2))) }
                if !shown.truth { { segments("Split", "map-split", &[choice(0_usize, "random"), choice(1, "blocks")], &usize::from(shown.split == Split::Blocks), &set(|s, v| s.split = if v == 1 { Split::Blocks } else { Split::Random })) } }
            }
        </span>
    }
}
