//! Files of what was learnt: points with their embedding, cluster and similarity, as CSV or GeoJSON in WGS84.

use std::fmt::Write as _;
use std::rc::Rc;

use espalier_methods::urban::picture::CityPicture;
use yew::prelude::*;

use super::layer::of_clusters;
use super::view::Shown;
use crate::app::context::Lab;
use crate::app::town::{Seen, TownState};
use crate::figures::download::save_text;

/// The buttons.
pub(super) fn export(lab: &Lab, shown: &Shown) -> Html {
    html! {
        <section class="sec">
            <h2>{ "Export" }</h2>
            <p class="d">{ "Every point with its embedding, its place on the plane and its cluster." }</p>
            <div class="acts">{ files(lab, shown.clusters, Rc::default(), "city") }</div>
        </section>
    }
}

/// Buttons that save some points, or all where `of` is empty.
pub(super) fn files(lab: &Lab, clusters: usize, of: Rc<Vec<u32>>, name: &'static str) -> Html {
    let ready = lab.state.town.seen.is_some();
    let button = |geo: bool, word: &'static str, test: &'static str| {
        let (town, of) = (lab.state.town.clone(), of.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            if geo {
                save_text(&geojson(&town, clusters, &of), "application/geo+json", &format!("{name}.geojson"));
            } else {
                save_text(&csv(&town, clusters, &of), "text/csv;charset=utf-8", &format!("{name}.csv"));
            }
        });
        html! { <button type="button" class="btn sm" disabled={!ready} {onclick} data-test={format!("{}-{test}", if name == "city" { "map" } else { name })}>{ word }</button> }
    };
    html! { <>{ button(false, "CSV", "csv") }{ button(true, "GeoJSON", "geojson") }</> }
}

/// A point with all that is known of it.
struct Row<'a> {
    /// Metres in the city's system.
    metres: [f64; 2],
    degrees: [f64; 2],
    text: &'a str,
    cluster: u32,
    plane: [f32; 2],
    embedding: &'a [f32],
}

fn rows<'t>(town: &'t TownState, k: usize, of: &[u32]) -> Vec<Row<'t>> {
    let (Some(picture), Some(seen)) = (&town.picture, &town.seen) else { return Vec::new() };
    let clusters = of_clusters(seen, k);
    let row = |i: usize| one(picture, seen, i, clusters.get(i).copied().unwrap_or(0));
    if of.is_empty() { (0..picture.text_of.len()).filter_map(row).collect() } else { of.iter().filter_map(|i| row(*i as usize)).collect() }
}

fn one<'a>(picture: &'a CityPicture, seen: &'a Seen, i: usize, cluster: u32) -> Option<Row<'a>> {
    let metres = [0, 1].map(|axis| picture.points.get(2 * i + axis).map_or(f64::NAN, |v| f64::from(*v) + picture.origin[axis]));
    Some(Row {
        metres,
        degrees: picture.frame.degrees(metres),
        text: picture.texts.get(*picture.text_of.get(i)? as usize)?,
        cluster: cluster + 1,
        plane: [*seen.plane.get(2 * i)?, *seen.plane.get(2 * i + 1)?],
        embedding: seen.rows.get(i * seen.width..(i + 1) * seen.width)?,
    })
}

fn csv(town: &TownState, k: usize, of: &[u32]) -> String {
    let width = town.seen.as_ref().map_or(0, |s| s.width);
    let mut out = String::from("east,north,longitude,latitude,text,cluster,plane_x,plane_y");
    // Writing into a String cannot fail.
    (0..width).for_each(|i| { let _ = write!(out, ",e{i}"); });
    out.push('\n');
    for r in rows(town, k, of) {
        let _ = write!(out, "{:.2},{:.2},{:.7},{:.7},\"{}\",{},{},{}", r.metres[0], r.metres[1], r.degrees[0], r.degrees[1], r.text.replace('"', "\"\""), r.cluster, r.plane[0], r.plane[1]);
        r.embedding.iter().for_each(|v| { let _ = write!(out, ",{v}"); });
        out.push('\n');
    }
    out
}

fn geojson(town: &TownState, k: usize, of: &[u32]) -> String {
    let mut out = String::from("{\"type\":\"FeatureCollection\",\"features\":[");
    for (i, r) in rows(town, k, of).into_iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        let text = serde_json::Value::from(r.text);
        let embedding = r.embedding.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
        let _ = write!(
            out,
            "{comma}\n{{\"type\":\"Feature\",\"geometry\":{{\"type\":\"Point\",\"coordinates\":[{:.7},{:.7}]}},\"properties\":{{\"text\":{text},\"cluster\":{},\"plane\":[{},{}],\"embedding\":[{embedding}]}}}}",
            r.degrees[0], r.degrees[1], r.cluster, r.plane[0], r.plane[1]
        );
    }
    out.push_str("\n]}\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use espalier_methods::urban::picture::Frame;

    #[test]
    fn files_hold_every_point_and_can_be_read_again() {
        let picture = CityPicture { frame: Frame::British, origin: [530_000.0, 180_000.0], points: vec![0.5, 0.0, 10.0, 20.0].into(), texts: vec!["a \"b\", c".into()], text_of: vec![0, 0].into(), ..CityPicture::default() };
        let seen = Seen { width: 2, rows: vec![1.0, 0.0, 0.0, 1.0], plane: vec![0.5, 0.0, -0.5, 0.0], ..Seen::default() };
        let town = TownState { picture: Some(Rc::new(picture)), seen: Some(Rc::new(seen)), ..TownState::default() };
        let table = espalier_nets::geo::read_csv(csv(&town, 2, &[]).as_bytes(), 10).expect("a CSV").table;
        assert_eq!((table.rows.len(), table.names.len(), table.rows[0][4].as_str()), (2, 10, "a \"b\", c"));
        assert_eq!(table.rows[0][0], "530000.50");
        let again = espalier_nets::geo::read_geojson(geojson(&town, 2, &[]).as_bytes(), 10).expect("GeoJSON");
        assert_eq!((again.rows.len(), again.faults.len()), (2, 0));
        assert_eq!(csv(&town, 2, &[1]).lines().count(), 2, "a head and the one point that was asked for");
        assert!(geojson(&town, 2, &[]).contains("-0.1"), "degrees of London");
    }
}
