//! Which city: a made one of some seed, or a file of points; and how a file was read.

use espalier_lab::protocol::Command;
use espalier_methods::urban::calliper::Config;
use espalier_methods::urban::picture::Reading;
use espalier_methods::urban::town::{Given, PointFile, Source};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{File, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::town::TownAct;
use crate::plot::number::{count, plural};

/// Shows another city; how the last one was looked at means nothing here.
pub(super) fn show(lab: &Lab, city: Source) {
    ["map", "map-view", "map-ask"].iter().for_each(|name| lab.view(name, ""));
    let mut config = (*lab.state.town.config).clone();
    config.city = city.clone();
    lab.act(Action::Town(TownAct::Config(Box::new(config))));
    ask(lab, &city);
}

/// Asks the worker for a city.
pub(super) fn ask(lab: &Lab, city: &Source) {
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
        lab.act(Action::Town(TownAct::Given(name.clone())));
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
                hand_over(&lab, file, |lab, name| match &lab.state.town.config.city {
                    // The file that a link or a saved run asks for, with its columns.
                    Source::File(wanted) if lab.state.town.picture.is_none() && wanted.files().any(|w| w == name) => lab.act(Action::Town(TownAct::City)),
                    _ => show(lab, Source::File(Given { name, ..Given::default() })),
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
    let Source::File(file) = lab.state.town.config.city.clone() else { return Html::default() };
    let [x, y, text] = reading.taken.clone();
    let file = Given { x, y, text, ..file };
    let pick = |place: usize, word: &'static str, test: &'static str| {
        let (lab, file) = (lab.clone(), file.clone());
        let now = reading.taken[place].clone();
        let onchange = Callback::from(move |e: Event| {
            let Some(chosen) = e.target_dyn_into::<HtmlSelectElement>().map(|s| s.value()) else { return };
            let mut to = file.clone();
            match place {
                0 => to.x = chosen,
                1 => to.y = chosen,
                // Other descriptions: a table of the old ones has no rows of them.
                _ => (to.text, to.sentences) = (chosen, String::new()),
            }
            show(&lab, Source::File(to));
        });
        html! {
            <label class="pair">{ word }
                <select class="in" disabled={busy} {onchange} data-test={test}>{ for reading.columns.iter().map(|c| html! { <option value={c.clone()} selected={*c == now}>{ c }</option> }) }</select>
            </label>
        }
    };
    let column = labels_of(lab, &file, busy);
    let regions = regions_of(lab, &file, busy);
    html! {
        <>
        <p class="d" data-test="map-reading">{ format!("{}: {}, {}", file.name, plural(reading.rows as usize, "row", "rows"), reading.system) }</p>
        <div class="acts">{ pick(0, "east", "map-x") }{ pick(1, "north", "map-y") }{ pick(2, "text", "map-text") }</div>
        { column }
        { regions }
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
fn labels_of(lab: &Lab, file: &Given, busy: bool) -> Html {
    let field = |e: &Event| e.target_dyn_into::<HtmlInputElement>().map(|i| i.value()).unwrap_or_default();
    let set = {
        let (lab, file) = (lab.clone(), file.clone());
        Callback::from(move |e: Event| {
            let city = Source::File(Given { label: field(&e), ..file.clone() });
            if file.labels.is_empty() {
                let config = Config { city, ..(*lab.state.town.config).clone() };
                lab.act(Action::Town(TownAct::Config(Box::new(config))));
            } else {
                show(&lab, city);
            }
        })
    };
    let give = {
        let (lab, now) = (lab.clone(), file.clone());
        Callback::from(move |e: Event| {
            if let Some(file) = files(&e) {
                let label = if now.label.is_empty() { "landuse".to_owned() } else { now.label.clone() };
                let now = Given { label, ..now.clone() };
                hand_over(&lab, file, move |lab, labels| show(lab, Source::File(Given { labels, ..now })));
            }
        })
    };
    html! {
        <div class="acts">
            <label class="pair">{ "class column" }<input class="in" type="text" value={if file.label.is_empty() { "landuse".into() } else { file.label.clone() }} disabled={busy} onchange={set} data-test="map-label" /></label>
            <label class="btn sm file">{ if file.labels.is_empty() { "Places of known land use".to_owned() } else { file.labels.clone() } }<input type="file" class="vh" accept=".csv,.geojson,.json" disabled={busy} onchange={give} data-test="map-labels" /></label>
        </div>
    }
}

/// A third file with regions, and its columns of classes.
fn regions_of(lab: &Lab, file: &Given, busy: bool) -> Html {
    let set = {
        let (lab, file) = (lab.clone(), file.clone());
        Callback::from(move |e: Event| {
            let text = e.target_dyn_into::<HtmlInputElement>().map(|i| i.value()).unwrap_or_default();
            let shares = text.split(',').map(str::trim).filter(|c| !c.is_empty()).map(str::to_owned).collect();
            show(&lab, Source::File(Given { shares, ..file.clone() }));
        })
    };
    let give = {
        let (lab, now) = (lab.clone(), file.clone());
        Callback::from(move |e: Event| {
            if let Some(file) = files(&e) {
                let now = Given { shares: Vec::new(), ..now.clone() };
                hand_over(&lab, file, move |lab, regions| show(lab, Source::File(Given { regions, ..now })));
            }
        })
    };
    let taken = lab.state.town.picture.as_ref().and_then(|p| p.areas.as_ref());
    html! {
        <>
        <div class="acts">
            <label class="btn sm file">{ if file.regions.is_empty() { "Regions with shares of classes".to_owned() } else { file.regions.clone() } }<input type="file" class="vh" accept=".csv,.geojson,.json" disabled={busy} onchange={give} data-test="map-regions" /></label>
            if let Some(areas) = taken {
                <label class="pair">{ "classes" }<input class="in" type="text" value={areas.classes.join(", ")} disabled={busy} onchange={set} data-test="map-shares" /></label>
            }
        </div>
        if let Some(areas) = taken { <p class="d" data-test="map-regions-read">{ format!("{} with shares of {} classes; each point belongs to the nearest", plural(areas.names.len(), "region", "regions"), areas.classes.len()) }</p> }
        </>
    }
}
