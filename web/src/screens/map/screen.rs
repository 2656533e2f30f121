//! The screen: map and live curves at the left, questions, key, probes, settings and data at the right.

use std::rc::Rc;

use espalier_lab::protocol::Command;
use espalier_methods::urban::town::Source;
use yew::prelude::*;

use super::charts::{charts, source, spectrum};
use super::controls::{controls, settings};
use super::encoder;
use super::export::export;
use super::drawing::{drawing, points, rings};
use super::import::{ask, import, show};
use super::layer::layer;
use super::modes::{data, modes};
use super::probes::{areas, probes};
use super::query::{Asking, Question, hits};
use super::say;
use super::scatter::scatter;
use super::selection::panel;
use super::surface::Surface;
use super::view::{Mode, Shown, camera, camera_words};
use crate::app::action::Action;
use crate::app::context::{Lab, use_lab};
use crate::app::state::Place;
use crate::app::town::TownAct;
use crate::figures::Figure;
use crate::figures::hooks::use_theme;
use crate::plot::city::Camera;
use crate::plot::city::hex::inside;
use crate::plot::number::count;
use crate::teach::strip::buttons;

/// The Map.
#[component]
pub fn MapScreen() -> Html {
    let lab = use_lab();
    let theme = use_theme();
    let selected = use_state_eq(Rc::<Vec<u32>>::default);
    let lasso = use_state_eq(|| false);
    let view = use_mut_ref(|| (Camera { centre: [0.0; 2], scale: 1.0 }, [0.0; 2]));
    use_city(&lab);
    let town = lab.state.town.clone();
    // How it is looked at travels in links; who is selected does not.
    let shown = Shown { selected: (*selected).clone(), ..Shown::read(lab.state.view("map").as_deref()) };
    let question = lab.state.view("map-ask").and_then(|t| Question::read(&t));
    {
        let selected = selected.clone();
        use_effect_with(town.cities, move |_| selected.set(Rc::default()));
    }
    {
        // A table that an open encoder has made goes back to the worker, and the city is read anew with it.
        let lab = lab.clone();
        use_effect_with(town.table.clone(), move |table| {
            let Some(table) = table else { return };
            let mut city = lab.state.town.config.city.clone();
            city.embed(&table.name);
            lab.port.command.emit(Command::Points((**table).clone()));
            lab.act(Action::Town(TownAct::Taken));
            show(&lab, city);
        });
    }
    let answer = use_memo((town.looks, town.cities, town.words.clone(), question), |(.., q)| q.as_ref().and_then(|q| q.answer(&town)));
    let looked = Shown { direction: (*answer).as_ref().map(|a| a.direction.clone()), ..shown.clone() };
    let layer = use_memo((town.looks, town.cities, (town.probes.is_some(), town.areas.is_some()), looked.clone(), theme), |(.., looked, theme)| Rc::new(layer(&town, looked, *theme)));
    let layer = (*layer).clone();
    let chosen: Rc<Vec<usize>> = Rc::new((*answer).as_ref().map(|a| a.hits.iter().map(|h| h.0).collect()).unwrap_or_default());
    let rings = use_memo((town.cities, chosen.clone()), |(_, chosen)| Rc::new(rings(&lab, chosen)));
    let rings = (*rings).clone();
    let asked = (*answer).as_ref().map_or_else(String::new, |a| a.asked.clone());
    let sentence = say::map(&town, &looked, &asked);
    let look = {
        let lab = lab.clone();
        Callback::from(move |shown: Shown| lab.view("map", &shown.write()))
    };
    let ask = {
        let (look, shown, lab) = (look.clone(), shown.clone(), lab.clone());
        Callback::from(move |q: Question| {
            lab.act(Action::Town(TownAct::Asked));
            lab.view("map-ask", &q.write());
            look.emit(Shown { mode: Mode::Similarity, ..shown.clone() });
        })
    };
    let on_pick = ask.reform(Question::Place);
    let on_words = {
        let lab = lab.clone();
        Callback::from(move |w: String| {
            if encoder::is_the_citys(&lab.state) && lab.state.run.is_none() {
                encoder::ask(&lab, &w);
            }
            ask.emit(Question::Words(w));
        })
    };
    let select = {
        let (selected, lasso) = (selected.clone(), lasso.clone());
        Callback::from(move |now: Vec<u32>| {
            lasso.set(false);
            selected.set(Rc::new(now));
        })
    };
    let on_lasso = {
        let (select, picture) = (select.clone(), town.picture.clone());
        Callback::from(move |path: Vec<[f64; 2]>| select.emit(picture.as_ref().map(|p| inside(&path, &p.points)).unwrap_or_default()))
    };
    let in_view = {
        let (on_lasso, view) = (on_lasso.clone(), view.clone());
        Callback::from(move |_: MouseEvent| {
            let (camera, size) = *view.borrow();
            on_lasso.emit([[0.0, 0.0], [size[0], 0.0], size, [0.0, size[1]]].iter().map(|p| camera.world(size, *p)).collect());
        })
    };
    let on_tool = {
        let lasso = lasso.clone();
        Callback::from(move |on: bool| lasso.set(on))
    };
    let on_view = {
        let view = view.clone();
        Callback::from(move |v| *view.borrow_mut() = v)
    };
    let start = lab.state.view("map-view").and_then(|t| camera(&t));
    let on_rest = {
        let lab = lab.clone();
        Callback::from(move |rests: Option<Camera>| lab.view("map-view", &rests.as_ref().map(camera_words).unwrap_or_default()))
    };
    let legend = layer.legend.iter().map(|(p, n)| (p.clone(), AttrValue::from(n.clone()))).collect::<Vec<_>>();
    let title = town.picture.as_ref().map_or_else(|| "No city".to_owned(), |p| p.name.clone());
    let what = town.picture.as_ref().map_or_else(String::new, |p| format!("{} points, {} kinds", count(p.text_of.len() as f64), count(p.texts.len() as f64)));
    let scene = {
        let (lab, layer, rings, view) = (lab.clone(), layer.clone(), rings.clone(), view.clone());
        Callback::from(move |()| {
            let (camera, size) = *view.borrow();
            drawing(&lab, &layer, &rings, &camera, size)
        })
    };
    let table = {
        let lab = lab.clone();
        Callback::from(move |()| points(&lab))
    };
    let sentence = AttrValue::from(sentence);
    html! {
        <>
        <div class="head"><h1>{ "Map" }</h1><p class="say">{ "Places that are described alike take the same colour as the model learns." }</p>{ data(&lab) }{ buttons(&lab, Place::Map) }</div>
        <div class="mapg" data-test="map">
            <div class="work">
                <Figure {title} {what} sentence={sentence.clone()} {legend} head={modes(&shown, town.picture.as_ref().and_then(|p| p.areas.as_ref()), &look)} source={source(&town)} table={Some(table)} scene={Some(scene)} class={classes!("mapfig")} test="map-figure">
                    <Surface picture={town.picture.clone()} cities={town.cities} layer={layer.clone()} rings={rings} label={sentence} lasso={*lasso} {on_tool} {on_lasso} {on_pick} {on_view} {start} {on_rest} />
                </Figure>
                <div class="train">{ controls(&lab) }{ charts(&lab) }</div>
            </div>
            <aside aria-label="Questions, probes and settings">
                <Asking ready={town.seen.is_some()} ask={on_words} />
                <p class="d hint" data-test="map-words-by">{ by(&lab) }</p>
                { hits(&town, (*answer).as_ref()) }
                { panel(&lab, &shown.selected, shown.clusters, &select, in_view) }
                { scatter(&lab, &layer, &chosen) }
                { spectrum(&lab) }
                { probes(&lab) }
                { areas(&lab) }
                { settings(&lab) }
                { import(&lab) }
                { export(&lab, &looked) }
            </aside>
        </div>
        </>
    }
}

/// Shows the city of the settings while none is shown and nothing else runs: the bundled one on a first visit, else that of a link or a saved run. Each is asked for once.
#[hook]
fn use_city(lab: &Lab) {
    let asked = use_mut_ref(|| None::<Source>);
    let state = &lab.state;
    let waits = state.queue.is_empty() || state.queue_held;
    let wanted = (state.town.picture.is_none() && state.run.is_none() && state.device.is_some() && waits && state.town.is_here()).then(|| state.town.config.city.clone());
    if state.town.picture.is_some() {
        *asked.borrow_mut() = None;
    }
    let lab = lab.clone();
    use_effect_with(wanted, move |wanted| {
        if let Some(city) = wanted.clone().filter(|city| asked.borrow().as_ref() != Some(city)) {
            asked.replace(Some(city.clone()));
            ask(&lab, &city);
        }
    });
}

/// How words are understood.
fn by(lab: &Lab) -> String {
    let encoder = lab.state.town.picture.as_ref().map_or("", |p| &p.encoder);
    if encoder.is_empty() {
        "Words are embedded by hashed letter groups, which know spelling and not meaning: ask in the words of the descriptions.".into()
    } else if encoder::is_the_citys(&lab.state) {
        format!("Words are embedded by {encoder}, which is open; while a run goes on, as the description spelt most alike.")
    } else {
        format!("Words are taken as the description spelt most alike, whose meaning {encoder} has embedded. Open that model, with its tokenizer, to ask in any words.")
    }
}
