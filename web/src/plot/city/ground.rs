//! The ground of a city as a scene: parks, water, streets in three weights; and what every map has: a scale bar, and which way is north.

use espalier_methods::urban::picture::{CityPicture, Lines};

use super::camera::Camera;
use super::rings::{Ring, draw, placed};
use crate::plot::scene::{Anchor, Mark, Paint, Scene, Seg, Stroke, stroke};

/// Ground under the points.
pub fn ground(picture: &CityPicture, camera: &Camera, size: [f64; 2]) -> Scene {
    let mut s = Scene::new(size[0], size[1]);
    s.rect([0.0, 0.0, size[0], size[1]], "sheet");
    let Some(g) = &picture.ground else { return s };
    let view = View { camera, size };
    let k = camera.scale;
    let fill = |s: &mut Scene, lines: &Lines, paint: &'static str, edge: Option<f64>| {
        let segs = view.shapes(lines);
        s.marks.push(Mark::Path { segs, fill: Some(paint.into()), stroke: edge.map(|w| stroke("edge", w)) });
    };
    fill(&mut s, &g.parks, "park", None);
    fill(&mut s, &g.water, "water", Some(0.8));
    fill(&mut s, &g.island, "park", Some(0.8));
    let line = |s: &mut Scene, lines: &Lines, stroke: Stroke| s.path(view.lines(lines), stroke.rounded());
    line(&mut s, &g.streets[2], stroke("street", (15.0 * k).max(0.8)));
    line(&mut s, &g.streets[3], stroke("street", (11.0 * k).max(0.7)));
    line(&mut s, &g.streets[1], stroke("road", (17.0 * k).max(1.0)));
    // Main roads lie on a strip of the sheet, so that they bridge water and rail.
    line(&mut s, &g.streets[0], stroke("sheet", (46.0 * k).max(3.0)));
    line(&mut s, &g.streets[0], stroke("road", (27.0 * k).max(1.8)));
    s.path(view.lines(&g.rail), stroke("edge", (11.0 * k).max(1.0)));
    s.path(view.lines(&g.rail), stroke("sheet", (6.0 * k).max(0.6)).dashed(5.0, 5.0));
    s
}

struct View<'a> {
    camera: &'a Camera,
    size: [f64; 2],
}

impl View<'_> {
    /// Polylines whose box touches the screen.
    fn lines(&self, lines: &Lines) -> Vec<Seg> {
        let mut segs = Vec::new();
        self.each(lines, |points| {
            segs.extend(points.iter().enumerate().map(|(i, p)| if i == 0 { Seg::M(p[0], p[1]) } else { Seg::L(p[0], p[1]) }));
        });
        segs
    }

    fn shapes(&self, lines: &Lines) -> Vec<Seg> {
        let mut segs = Vec::new();
        self.each(lines, |points| {
            segs.extend(points.iter().enumerate().map(|(i, p)| if i == 0 { Seg::M(p[0], p[1]) } else { Seg::L(p[0], p[1]) }));
            segs.push(Seg::Z);
        });
        segs
    }

    fn each(&self, lines: &Lines, mut give: impl FnMut(&[[f64; 2]])) {
        let mut from = 0;
        let mut points = Vec::new();
        for n in lines.lengths.iter() {
            let to = from + 2 * *n as usize;
            points.clear();
            points.extend(lines.places.get(from..to).unwrap_or_default().chunks_exact(2).map(|p| self.camera.screen(self.size, [f64::from(p[0]), f64::from(p[1])])));
            from = to;
            let beyond = |axis: usize| points.iter().all(|p| p[axis] < -20.0) || points.iter().all(|p| p[axis] > self.size[axis] + 20.0);
            if !points.is_empty() && !beyond(0) && !beyond(1) {
                give(&points);
            }
        }
    }
}

/// What lies over the points: rings, the scale bar, north, and a line that says where the map comes from.
pub fn furniture(camera: &Camera, size: [f64; 2], rings: &[Ring], source: &str) -> Scene {
    let mut s = Scene::new(size[0], size[1]);
    let [w, h] = size;
    let seen = rings.iter().map(|ring| (camera.screen(size, ring.at), ring.word.as_str()));
    let seen: Vec<_> = seen.filter(|([x, y], _)| *x >= -20.0 && *y >= -20.0 && *x <= w + 20.0 && *y <= h + 20.0).collect();
    draw(&mut s, &placed(&seen, 8.5), 1.8);
    let (metres, words) = camera.bar((0.3 * w).min(150.0));
    let long = metres * camera.scale;
    let left = w - 16.0 - long;
    s.marks.push(Mark::Rect { at: [left - 10.0, h - 32.0, long + 26.0, 32.0], fill: Some(Paint::Token("sheet")), stroke: None });
    s.path(vec![Seg::M(left, h - 14.0), Seg::L(left, h - 9.0), Seg::L(left + long, h - 9.0), Seg::L(left + long, h - 14.0)], stroke("ink", 1.2));
    s.text(left, h - 18.0, "0", Anchor::Start).paint("ink-2");
    s.text(left + long, h - 18.0, words, Anchor::End).paint("ink-2");
    s.path(vec![Seg::M(w - 22.0, 34.0), Seg::L(w - 22.0, 14.0), Seg::M(w - 26.5, 20.0), Seg::L(w - 22.0, 13.0), Seg::L(w - 17.5, 20.0)], stroke("ink", 1.4));
    s.text(w - 22.0, 47.0, "N", Anchor::Middle).paint("ink").bold().halo();
    s.text(12.0, h - 10.0, source, Anchor::Start).paint("ink-2").halo();
    s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_screen_are_left_out() {
        let lines = Lines::new(&[vec![[0.0, 0.0], [10.0, 0.0]], vec![[9000.0, 0.0], [9010.0, 0.0]]]);
        let camera = Camera { centre: [0.0, 0.0], scale: 1.0 };
        let view = View { camera: &camera, size: [100.0, 100.0] };
        assert_eq!(view.lines(&lines), [Seg::M(50.0, 50.0), Seg::L(60.0, 50.0)]);
        let rings = [Ring { at: [0.0, 0.0], word: "1".into() }, Ring { at: [9000.0, 0.0], word: "2".into() }];
        let s = furniture(&camera, [400.0, 300.0], &rings, "made");
        let words: Vec<&str> = s.marks.iter().filter_map(|m| if let Mark::Text(l) = m { Some(l.text.as_str()) } else { None }).collect();
        assert_eq!(words, ["1", "0", "100 m", "N", "made"]);
    }
}
