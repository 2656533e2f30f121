//! Which city: a made one of some seed, or a file of points; and how a file was read.

use espalier_lab::protocol::Command;
use espalier_methods::urban::picture::Reading;
use espalier_methods::urban::town::{PointFile, Source};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{File, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::town::TownAct;
use crate::plot::number::{count, plural};

/// Asks for the city of the settings.
pub(super) fn show(lab: &Lab, city: Source) {
    let mut config = (*lab.state.town.config).clone();
    config.city = city.clone();
    lab.act(Action::Town(TownAct::Config(Box::new(config))));
    if let Ok(city) = serde_json::to_value(city) {
        lab.run("city", serde_json::json!({ "city": city }), None);
    }
}

/// Reads a file on the page and hands it to the worker; `then` is called with its name.
fn hand_over(lab: &Lab, file: File, then: impl FnOnce(&Lab, String) + 'static) {
    let lab = lab.clone();
    spawn_local(async move {
        let bytes = JsFuture::from(file.array_buffer()).await.map(|b| js_sys::Uint8Array::new(&b).to_vec());
        // What could not be read is an empty file, of which the worker says so.
        let bytes = bytes.unwrap_or_default();
        let name = file.name();
        lab.port.command.emit(Command::Points(PointFile { name: name.clone(), bytes: bytes.into() }));
        then(&lab, name);
    });
}

fn files(e: &Event) -> Option<File> {
    let input: HtmlInputElement = e.target()?.dyn_into().ok()?;
    let file = input.files()?.get(0);
    // The same file can be chosen again.
    input.set_value("");
    file
}

/// The panel.
pub(super) fn import(lab: &Lab) -> Html {
    let source = &lab.state.town.config.city;
    let busy = lab.state.running("calliper").is_some();
    let base = if let Source::Made { .. } = source { source.clone() } else { Source::bundled() };
    let (seed, points) = if let Source::Made { seed, points, .. } = &base { (*seed, *points) } else { (0, 0) };
    let number = |label: &'static str, test: &'static str, value: u64, range: [&'static str; 2], set: fn(&mut u64, &mut u32, f64)| {
        let (lab, base) = (lab.clone(), base.clone());
        let onchange = Callback::from(move |e: Event| {
            let v = e.target_dyn_into::<HtmlInputElement>().map_or(f64::NAN, |i| i.value_as_number());
            let mut city = base.clone();
            if let (true, Source::Made { seed, points, .. }) = (v.is_finite(), &mut city) {
                set(seed, points, v);
                show(&lab, city);
            }
        });
        html! { <label class="pair">{ label }<input class="in" type="number" min={range[0]} max={range[1]} value={value.to_string()} disabled={busy} {onchange} data-test={test} /></label> }
    };
    let give = {
        let lab = lab.clone();
        Callback::from(move |e: Event| {
            if let Some(file) = files(&e) {
                hand_over(&lab, file, |lab, name| {
                    show(lab, Source::File { name, x: String::new(), y: String::new(), text: String::new(), labels: String::new(), label: String::new(), sentences: String::new() });
                });
            }
        })
    };
    html! {
        <section class="sec" data-test="map-data">
            <h2>{ "City" }</h2>
            <div class="acts">
                { number("Made, seed", "map-seed", seed, ["0", "4294967295"], |seed, _, v| *seed = v.max(0.0) as u64) }
                { number("points", "map-count", u64::from(points), ["100", "200000"], |_, points, v| *points = v.clamp(100.0, 200_000.0) as u32) }
                <label class="btn sm file">{ "Your points: CSV or GeoJSON" }<input type="file" class="vh" accept=".csv,.geojson,.json,.tsv,.txt" disabled={busy} onchange={give} data-test="map-file" /></label>
            </div>
            { super::encoder::side(lab, busy) }
            { for lab.state.town.picture.iter().flat_map(|p| p.warnings.iter()).map(|w| html! { <p class="note">{ w }</p> }) }
            if let Some(reading) = lab.state.town.picture.as_ref().and_then(|p| p.reading.clone()) { { read(lab, &reading, busy) } }
        </section>
    }
}

/// How a file was read: columns, first rows, what was left out.
fn read(lab: &Lab, reading: &Reading, busy: bool) -> Html {
    let Source::File { name, labels, label, sentences, .. } = lab.state.town.config.city.clone() else { return Html::default() };
    let taken = reading.taken.clone();
    let given = [name.clone(), taken[0].clone(), taken[1].clone(), taken[2].clone(), labels.clone(), label.clone(), sentences];
    let pick = |place: usize, word: &'static str, test: &'static str| {
        let (lab, given) = (lab.clone(), given.clone());
        let onchange = Callback::from(move |e: Event| {
            let Some(chosen) = e.target_dyn_into::<HtmlSelectElement>().map(|s| s.value()) else { return };
            let mut to = given.clone();
            to[place] = chosen;
            if place == 3 {
                // Other descriptions: a table of the old ones has no rows of them.
                to[6].clear();
            }
            let [name, x, y, text, labels, label, sentences] = to;
            show(&lab, Source::File { name, x, y, text, labels, label, sentences });
        });
        let now = taken[place - 1].clone();
        html! {
            <label class="pair">{ word }
                <select class="in" disabled={busy} {onchange} data-test={test}>{ for reading.columns.iter().map(|c| html! { <option value={c.clone()} selected={*c == now}>{ c }</option> }) }</select>
            </label>
        }
    };
    let column = labels_of(lab, &given, busy);
    html! {
        <>
        <p class="d" data-test="map-reading">{ format!("{}: {}, {}", name, plural(reading.rows as usize, "row", "rows"), reading.system) }</p>
        <div class="acts">{ pick(1, "east", "map-x") }{ pick(2, "north", "map-y") }{ pick(3, "text", "map-text") }</div>
        { column }
        { for reading.notes.iter().map(|n| html! { <p class="note">{ n }</p> }) }
        if reading.left > 0 {
            <details class="left" data-test="map-faults">
                <summary>{ format!("{} left out", plural(reading.left as usize, "row was", "rows were")) }</summary>
                <ul>{ for reading.faults.iter().map(|f| html! { <li>{ format!("row {}: {}", f.row, f.why) }</li> }) }</ul>
                if reading.left as usize > reading.faults.len() { <p class="d">{ format!("and {} more", count(f64::from(reading.left) - reading.faults.len() as f64)) }</p> }
            </details>
        }
        <details class="left">
            <summary>{ "First rows" }</summary>
            <div class="scroll figtable" tabindex="0">
                <table><thead><tr>{ for reading.columns.iter().map(|c| html! { <th scope="col">{ c }</th> }) }</tr></thead>
                <tbody>{ for reading.head.iter().map(|r| html! { <tr>{ for r.iter().map(|c| html! { <td>{ c }</td> }) }</tr> }) }</tbody></table>
            </div>
        </details>
        </>
    }
}

/// A second file with places of known class, and its column.
fn labels_of(lab: &Lab, given: &[String; 7], busy: bool) -> Html {
    let field = |e: &Event| e.target_dyn_into::<HtmlInputElement>().map(|i| i.value()).unwrap_or_default();
    let set = {
        let (lab, given) = (lab.clone(), given.clone());
        Callback::from(move |e: Event| {
            let [name, x, y, text, labels, _, sentences] = given.clone();
            let label = field(&e);
            if labels.is_empty() {
                let mut config = (*lab.state.town.config).clone();
                config.city = Source::File { name, x, y, text, labels, label, sentences };
                lab.act(Action::Town(TownAct::Config(Box::new(config))));
            } else {
                show(&lab, Source::File { name, x, y, text, labels, label, sentences });
            }
        })
    };
    let give = {
        let (lab, given) = (lab.clone(), given.clone());
        Callback::from(move |e: Event| {
            if let Some(file) = files(&e) {
                let [name, x, y, text, _, label, sentences] = given.clone();
                let label = if label.is_empty() { "landuse".to_owned() } else { label };
                hand_over(&lab, file, move |lab, labels| show(lab, Source::File { name, x, y, text, labels, label, sentences }));
            }
        })
    };
    html! {
        <div class="acts">
            <label class="pair">{ "class column" }<input class="in" type="text" value={if given[5].is_empty() { "landuse".into() } else { given[5].clone() }} disabled={busy} onchange={set} data-test="map-label" /></label>
            <label class="btn sm file">{ if given[4].is_empty() { "Places of known land use".to_owned() } else { given[4].clone() } }<input type="file" class="vh" accept=".csv,.geojson,.json" disabled={busy} onchange={give} data-test="map-labels" /></label>
        </div>
    }
}
