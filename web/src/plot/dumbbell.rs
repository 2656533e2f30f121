//! Before and after on one axis: an open circle, a filled cut, the way between them.

use espalier_methods::report::Axis;

use super::axes::text_width;
use super::number::{count, fixed};
use super::scale::Scale;
use super::scene::{Anchor, Scene, stroke};
use super::table::{Cell, Table};
use super::ticks::ticks;

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Its name.
    pub name: String,
    /// Before and after.
    pub values: [f64; 2],
}

/// Laid out rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Dumbbells {
    /// Width in pixels; the height follows from the rows.
    pub width: f64,
    /// Axis.
    pub axis: Axis,
    /// What stands at the circle and at the cut: `dense`, `pruned`.
    pub ends: [String; 2],
    /// Rows.
    pub rows: Vec<Pair>,
    /// Numbers of others, measured elsewhere: drawn in grey, so that nobody takes them for this model's.
    pub published: bool,
}

const STEP: f64 = 27.0;
const HEAD: f64 = 20.0;
const FOOT: f64 = 34.0;

impl Dumbbells {
    /// Height of the whole.
    pub fn height(&self) -> f64 {
        HEAD + FOOT + STEP * self.rows.len() as f64
    }

    /// The drawing.
    pub fn scene(&self) -> Scene {
        let mut s = Scene::new(self.width, self.height());
        // Numbers of the papers are written as they stand there, without decimals where they are far beyond use.
        let written = |v: f64| if v >= 1e4 { count(v) } else { fixed(v, 2) };
        let [before, after, way] = if self.published { ["ghost", "ghost", "wire"] } else { ["ink", "cut", "ink-2"] };
        let ink = if self.published { "ink-3" } else { "ink" };
        let names = self.rows.iter().map(|r| text_width(&r.name)).fold(0.0, f64::max).min(self.width * 0.36);
        let all = || self.rows.iter().flat_map(|r| r.values).filter(|v| v.is_finite() && (!self.axis.log || *v > 0.0));
        let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        if low > high {
            return s;
        }
        // Numbers stand outside of both ends.
        let room = self.rows.iter().flat_map(|r| r.values).map(|v| text_width(&written(v))).fold(0.0, f64::max) + 12.0;
        let (low, high) = if high > low { (low, high) } else { (low * 0.9, high * 1.1 + 1e-9) };
        let range = [names + room + 8.0, (self.width - room - 2.0).max(names + room + 48.0)];
        let x = Scale::new(self.axis.log, [low, high], range);
        let bottom = HEAD + STEP * self.rows.len() as f64;
        s.hair_h([range[0], range[1]], bottom, stroke("edge", 1.0));
        for t in ticks(&x, 42.0) {
            let px = x.at(t.value);
            s.hair_v(px, [if t.minor { bottom } else { HEAD }, bottom + if t.minor { 2.5 } else { 4.0 }], stroke(if t.minor { "edge" } else { "wire" }, 1.0));
            s.text(px, bottom + 15.0, t.label, Anchor::Middle);
        }
        s.text(self.width, bottom + 29.0, super::axes::named(&self.axis), Anchor::End);
        for (i, r) in self.rows.iter().enumerate() {
            let y = HEAD + STEP * (i as f64 + 0.5);
            s.text(0.0, y + 4.0, r.name.clone(), Anchor::Start).paint("ink");
            let [a, b] = r.values.map(|v| x.at(v));
            if a.is_finite() && b.is_finite() {
                s.line([a, y], [b, y], stroke(way, 1.5));
                s.ring([a, y], 4.0, before);
                s.dot([b, y], 4.0, after);
            }
            // The smaller number at the left of its mark, the larger at the right.
            let turned = b < a;
            let place = |p: f64, left: bool| if left { (p - 8.0, Anchor::End) } else { (p + 8.0, Anchor::Start) };
            let (px, anchor) = place(a, !turned);
            s.text(px, y + 4.0, written(r.values[0]), anchor).paint("ink-2");
            let (px, anchor) = place(b, turned);
            s.text(px, y + 4.0, written(r.values[1]), anchor).paint(ink).bold();
        }
        s.ring([5.0, 8.0], 4.0, before);
        s.text(13.0, 12.0, self.ends[0].clone(), Anchor::Start);
        let at = 13.0 + text_width(&self.ends[0]) + 14.0;
        s.dot([at, 8.0], 4.0, after);
        s.text(at + 8.0, 12.0, self.ends[1].clone(), Anchor::Start);
        s
    }

    /// The numbers behind it.
    pub fn table(&self) -> Table {
        let mut t = Table::new(["text".to_owned(), self.ends[0].clone(), self.ends[1].clone()]);
        for r in &self.rows {
            t.push([Cell::from(r.name.clone()), Cell::from(r.values[0]), Cell::from(r.values[1])]);
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;

    fn bells(values: &[[f64; 2]], width: f64) -> Dumbbells {
        let rows = values.iter().enumerate().map(|(i, v)| Pair { name: format!("text {i}"), values: *v }).collect();
        Dumbbells { width, axis: Axis { name: "perplexity".into(), unit: String::new(), log: true }, ends: ["dense".into(), "pruned".into()], rows, published: false }
    }

    #[test]
    fn every_number_stands_beside_its_mark_and_on_the_drawing() {
        for width in [300.0, 700.0] {
            let s = bells(&[[10.6, 14.3], [400.0, 380.0], [7.0, 7.0]], width).scene();
            for m in &s.marks {
                if let Mark::Text(l) = m {
                    let w = text_width(&l.text);
                    let start = if l.anchor == Anchor::End { l.at[0] - w } else if l.anchor == Anchor::Middle { l.at[0] - w / 2.0 } else { l.at[0] };
                    assert!(start >= -2.0 && start + w <= width + 12.0, "{} at {start}, {width}", l.text);
                }
            }
            assert_eq!(s.marks.iter().filter(|m| matches!(m, Mark::Circle { .. })).count(), 8);
        }
    }

    #[test]
    fn what_has_no_place_on_a_log_axis_is_left_out() {
        assert!(bells(&[[f64::NAN, f64::INFINITY]], 300.0).scene().marks.is_empty());
        assert_eq!(bells(&[[1.0, 2.0]], 300.0).table().rows.len(), 1);
    }
}
