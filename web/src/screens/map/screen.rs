//! The screen: map and live curves at the left, questions, key, probes, settings and data at the right.

use std::rc::Rc;

use espalier_lab::protocol::Command;
use espalier_methods::urban::town::Source;
use yew::prelude::*;

use super::charts::{charts, source, spectrum};
use super::controls::{controls, settings};
use super::encoder;
use super::export::export;
use super::import::{import, show};
use super::layer::layer;
use super::probes::probes;
use super::query::{Asking, Question, hits};
use super::say;
use super::scatter::scatter;
use super::selection::panel;
use super::surface::Surface;
use super::view::{Mode, Shown, Split};
use crate::app::action::Action;
use crate::app::context::{Lab, use_lab};
use crate::app::state::Place;
use crate::app::town::TownAct;
use crate::figures::Figure;
use crate::figures::hooks::use_theme;
use crate::plot::city::{Camera, hex};
use crate::plot::city::hex::inside;
use crate::plot::city::ground::{Ring, furniture, ground};
use crate::plot::number::count;
use crate::plot::scene::{Paint, Scene};
use crate::plot::table::{Cell, Table};
use crate::screens::parts::{Choice, choice, segments};
use crate::teach::strip::buttons;

/// The Map.
#[component]
pub fn MapScreen() -> Html {
    let lab = use_lab();
    let theme = use_theme();
    let shown = use_state_eq(Shown::default);
    let question = use_state_eq(|| None::<Question>);
    let lasso = use_state_eq(|| false);
    let view = use_mut_ref(|| (Camera { centre: [0.0; 2], scale: 1.0 }, [0.0; 2]));
    use_first_city(&lab);
    let town = lab.state.town.clone();
    {
        // Another city: what was asked of the old one means nothing here.
        let (question, shown) = (question.clone(), shown.clone());
        use_effect_with(town.cities, move |_| {
            question.set(None);
            shown.set(Shown::default());
        });
    }
    {
        // A table that an open encoder has made goes back to the worker, and the city is read anew with it.
        let lab = lab.clone();
        use_effect_with(town.table.clone(), move |table| {
            let Some(table) = table else { return };
            let mut city = lab.state.town.config.city.clone();
            let (Source::Made { sentences, .. } | Source::File { sentences, .. }) = &mut city;
            sentences.clone_from(&table.name);
            lab.port.command.emit(Command::Points((**table).clone()));
            lab.act(Action::Town(TownAct::Taken));
            show(&lab, city);
        });
    }
    let answer = use_memo((town.looks, town.cities, town.words.clone(), (*question).clone()), |(.., q)| q.as_ref().and_then(|q| q.answer(&town)));
    let looked = Shown { direction: (*answer).as_ref().map(|a| a.direction.clone()), ..(*shown).clone() };
    let layer = use_memo((town.looks, town.cities, town.probes.is_some(), looked.clone(), theme), |(.., looked, theme)| Rc::new(layer(&town, looked, *theme)));
    let layer = (*layer).clone();
    let chosen: Rc<Vec<usize>> = Rc::new((*answer).as_ref().map(|a| a.hits.iter().map(|h| h.0).collect()).unwrap_or_default());
    let rings = use_memo((town.cities, chosen.clone()), |(_, chosen)| Rc::new(rings(&lab, chosen)));
    let rings = (*rings).clone();
    let asked = (*answer).as_ref().map_or_else(String::new, |a| a.asked.clone());
    let sentence = say::map(&town, &looked, &asked);
    let ask = || {
        let (question, shown, lab) = (question.clone(), shown.clone(), lab.clone());
        move |q: Question| {
            lab.act(Action::Town(TownAct::Asked));
            question.set(Some(q));
            shown.set(Shown { mode: Mode::Similarity, ..(*shown).clone() });
        }
    };
    let (pick, words) = (ask(), ask());
    let on_pick = Callback::from(move |i: usize| pick(Question::Place(i)));
    let on_words = {
        let lab = lab.clone();
        Callback::from(move |w: String| {
            if encoder::is_the_citys(&lab.state) && lab.state.run.is_none() {
                encoder::ask(&lab, &w);
            }
            words(Question::Words(w));
        })
    };
    let select = {
        let (shown, lasso) = (shown.clone(), lasso.clone());
        Callback::from(move |selected: Vec<u32>| {
            lasso.set(false);
            shown.set(Shown { selected: Rc::new(selected), ..(*shown).clone() });
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
                <Figure {title} {what} sentence={sentence.clone()} {legend} head={modes(&shown)} source={source(&town)} table={Some(table)} scene={Some(scene)} class={classes!("mapfig")} test="map-figure">
                    <Surface picture={town.picture.clone()} cities={town.cities} layer={layer.clone()} rings={rings} label={sentence} lasso={*lasso} {on_tool} {on_lasso} {on_pick} {on_view} />
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
                { settings(&lab) }
                { import(&lab) }
                { export(&lab, &looked) }
            </aside>
        </div>
        </>
    }
}

/// Shows the bundled city when nothing is there yet and nothing else runs.
#[hook]
fn use_first_city(lab: &Lab) {
    let asked = use_mut_ref(|| false);
    let wanted = lab.state.town.picture.is_none() && lab.state.run.is_none() && lab.state.device.is_some();
    let lab = lab.clone();
    use_effect_with(wanted, move |wanted| {
        if *wanted && !asked.replace(true) {
            show(&lab, lab.state.town.config.city.clone());
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

/// Made city or own points.
fn data(lab: &Lab) -> Html {
    let made = matches!(lab.state.town.config.city, Source::Made { .. });
    let choices = [choice(true, "Made city"), choice(false, "Your points")];
    let choose = {
        let lab = lab.clone();
        Callback::from(move |made: bool| {
            if made {
                show(&lab, Source::bundled());
            } else if let Some(input) = gloo::utils::document().query_selector("[data-test=map-file]").ok().flatten() {
                use wasm_bindgen::JsCast;
                if let Ok(input) = input.dyn_into::<web_sys::HtmlElement>() {
                    input.click();
                }
            }
        })
    };
    segments("City", "map-city", &choices, &made, &choose)
}

/// What the colours mean, and what belongs to that.
fn modes(shown: &UseStateHandle<Shown>) -> Html {
    let set = |change: fn(&mut Shown, usize)| {
        let shown = shown.clone();
        Callback::from(move |v: usize| {
            let mut next = (*shown).clone();
            change(&mut next, v);
            shown.set(next);
        })
    };
    let all = [choice(Mode::Embedding, "embedding"), choice(Mode::Similarity, "similarity"), choice(Mode::Clusters, "clusters"), choice(Mode::LandUse, "land use")];
    let mode = {
        let shown = shown.clone();
        Callback::from(move |mode: Mode| shown.set(Shown { mode, ..(*shown).clone() }))
    };
    let which = usize::from(!shown.truth) + usize::from(!shown.truth && shown.errors);
    html! {
        <span class="modes">
            { segments("Colour", "map-modes", &all, &shown.mode, &mode) }
            { segments("Drawn as", "map-hexagons", &[choice(0_usize, "points"), choice(1, "hexagons")], &usize::from(shown.hexagons), &set(|s, v| s.hexagons = v == 1)) }
            if shown.mode == Mode::Clusters {
                { segments("Clusters", "map-clusters", &[2_usize, 4, 6, 8, 10].map(|k| Choice { value: k, word: k.to_string().into(), test: k.to_string().into() }), &shown.clusters, &set(|s, v| s.clusters = v)) }
            }
            if shown.mode == Mode::LandUse {
                { segments("Land use", "map-truth", &[choice(0_usize, "known"), choice(1, "told"), choice(2, "errors")], &which, &set(|s, v| (s.truth, s.errors) = (v == 0, v == 2))) }
                if !shown.truth { { segments("Split", "map-split", &[choice(0_usize, "random"), choice(1, "blocks")], &usize::from(shown.split == Split::Blocks), &set(|s, v| s.split = if v == 1 { Split::Blocks } else { Split::Random })) } }
            }
        </span>
    }
}

fn rings(lab: &Lab, chosen: &[usize]) -> Vec<Ring> {
    let Some(picture) = &lab.state.town.picture else { return Vec::new() };
    let place = |i: usize| Some([f64::from(*picture.points.get(2 * i)?), f64::from(*picture.points.get(2 * i + 1)?)]);
    chosen.iter().enumerate().filter_map(|(k, i)| Some(Ring { at: place(*i)?, word: (k + 1).to_string() })).collect()
}

/// The map as marks, for SVG and PNG.
fn drawing(lab: &Lab, layer: &super::layer::Layer, rings: &[Ring], camera: &Camera, size: [f64; 2]) -> Scene {
    let Some(picture) = &lab.state.town.picture else { return Scene::new(size[0], size[1]) };
    let mut s = ground(picture, camera, size);
    s.marks.extend(hex::drawing(&layer.cells, layer.across, camera, size).marks);
    for set in layer.sets.iter().filter(|_| layer.cells.is_empty()) {
        for (p, c) in set.places().chunks_exact(2).zip(&set.colors).filter(|(_, c)| c[3] > 0) {
            let [x, y] = camera.screen(size, [f64::from(p[0]), f64::from(p[1])]);
            if x >= 0.0 && y >= 0.0 && x <= size[0] && y <= size[1] {
                s.rect([x - 0.5 * set.side, y - 0.5 * set.side, set.side, set.side], Paint::Fixed([c[0], c[1], c[2]]));
            }
        }
    }
    s.marks.extend(furniture(camera, size, rings, "Espalier").marks);
    s
}

fn points(lab: &Lab) -> Table {
    let mut t = Table::new(["east [m]", "north [m]", "text"]);
    if let Some(p) = &lab.state.town.picture {
        for (i, text) in p.text_of.iter().enumerate() {
            let at = |axis: usize| p.points.get(2 * i + axis).map_or(f64::NAN, |v| f64::from(*v) + p.origin[axis]);
            t.push([Cell::Number(at(0)), Cell::Number(at(1)), p.texts.get(*text as usize).cloned().unwrap_or_default().into()]);
        }
    }
    t
}
