//! The map as marks and as a table, for files.

use super::layer::Layer;
use crate::app::context::Lab;
use crate::plot::city::ground::{furniture, ground};
use crate::plot::city::rings::Ring;
use crate::plot::city::{Camera, hex};
use crate::plot::scene::{Paint, Scene};
use crate::plot::table::{Cell, Table};

/// Numbered rings around points.
pub(super) fn rings(lab: &Lab, chosen: &[usize]) -> Vec<Ring> {
    let Some(picture) = &lab.state.town.picture else { return Vec::new() };
    let place = |i: usize| Some([f64::from(*picture.points.get(2 * i)?), f64::from(*picture.points.get(2 * i + 1)?)]);
    chosen.iter().enumerate().filter_map(|(k, i)| Some(Ring { at: place(*i)?, word: (k + 1).to_string() })).collect()
}

/// The map as marks, for SVG and PNG.
pub(super) fn drawing(lab: &Lab, layer: &Layer, rings: &[Ring], camera: &Camera, size: [f64; 2]) -> Scene {
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

/// Every point with its text.
pub(super) fn points(lab: &Lab) -> Table {
    let mut t = Table::new(["east [m]", "north [m]", "text"]);
    if let Some(p) = &lab.state.town.picture {
        for (i, text) in p.text_of.iter().enumerate() {
            let at = |axis: usize| p.points.get(2 * i + axis).map_or(f64::NAN, |v| f64::from(*v) + p.origin[axis]);
            t.push([Cell::Number(at(0)), Cell::Number(at(1)), p.texts.get(*text as usize).cloned().unwrap_or_default().into()]);
        }
    }
    t
}
