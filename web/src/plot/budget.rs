//! One bar of what is removed, split by role, with a tick at the target.

use super::scene::{Anchor, Paint, Scene, stroke};
use super::table::{Cell, Table};

/// A laid out strip.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// Width in pixels; the height is [`HEIGHT`].
    pub width: f64,
    /// What the shares are of: `ranks cut, % of all ranks`.
    pub title: String,
    /// Name, colour, share of the whole (fractions).
    pub parts: Vec<(String, Paint, f64)>,
    /// Share that was attempted and given back, hatched behind the parts.
    pub given_back: f64,
    /// Target, a fraction.
    pub target: f64,
}

/// Height of a strip.
pub const HEIGHT: f64 = 42.0;

impl Budget {
    /// Share of all parts.
    pub fn done(&self) -> f64 {
        self.parts.iter().map(|p| p.2).sum()
    }

    /// The drawing.
    pub fn scene(&self) -> Scene {
        let mut s = Scene::new(self.width, HEIGHT);
        let x = |f: f64| f.clamp(0.0, 1.0) * (self.width - 1.0);
        let wide = self.width > 330.0;
        let title = if wide { self.title.clone() } else { self.title.split(',').next().unwrap_or_default().to_string() };
        let title_left = self.width - super::axes::text_width(&title) - 8.0;
        s.text(self.width, 9.0, title, Anchor::End);
        s.hair_h([0.0, self.width], 22.0, stroke("edge", 1.0));
        for t in 0..=20 {
            s.hair_v(x(f64::from(t) / 20.0), [22.0, if t % 5 == 0 { 28.0 } else { 25.0 }], stroke("edge", 1.0));
        }
        let (mut at, mut free) = (0.0, f64::NEG_INFINITY);
        for (name, paint, share) in &self.parts {
            let (a, b) = (x(at), x(at + share));
            s.rect([a + 0.4, 14.0, (b - a - 0.8).max(0.0), 8.0], paint.clone());
            let half = super::axes::text_width(name) / 2.0;
            let middle = (a + b) / 2.0;
            if b - a > 16.0 && middle - half > free && middle + half < title_left {
                s.text(middle, 9.0, name.clone(), Anchor::Middle).paint("ink-2");
                free = middle + half + 6.0;
            }
            at += share;
        }
        hatch(&mut s, x(at), x(at + self.given_back), "edge");
        if at > self.target + 1e-3 {
            hatch(&mut s, x(self.target), x(at), "cut");
        }
        s.line([x(self.target) + 0.5, 11.0], [x(self.target) + 0.5, 23.0], stroke("ink", 2.0));
        for t in [0, 25, 50, 75, 100] {
            let anchor = if t == 0 { Anchor::Start } else if t == 100 { Anchor::End } else { Anchor::Middle };
            s.text(x(f64::from(t) / 100.0), 39.0, t.to_string(), anchor);
        }
        s
    }

    /// The numbers behind it.
    pub fn table(&self) -> Table {
        let mut t = Table::new(["role", "share [%]"]);
        for (name, _, share) in &self.parts {
            t.push([Cell::from(name.clone()), Cell::from(share * 100.0)]);
        }
        if self.given_back > 0.0 {
            t.push([Cell::from("given back"), Cell::from(self.given_back * 100.0)]);
        }
        t.push([Cell::from("target"), Cell::from(self.target * 100.0)]);
        t
    }
}

fn hatch(s: &mut Scene, from: f64, to: f64, paint: &'static str) {
    let mut x = from + 2.0;
    while x < to - 3.0 {
        s.line([x, 22.0], [x + 3.0, 14.0], stroke(paint, 1.2));
        x += 4.0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;

    fn strip(target: f64) -> Budget {
        Budget { width: 400.0, title: "ranks cut, % of all ranks".into(), parts: vec![("q".into(), "q".into(), 0.1), ("gate".into(), "gate".into(), 0.25)], given_back: 0.1, target }
    }

    #[test]
    fn parts_lie_end_to_end() {
        let rects: Vec<_> = strip(0.5).scene().marks.into_iter().filter_map(|m| if let Mark::Rect { at, .. } = m { Some(at) } else { None }).collect();
        assert_eq!(rects.len(), 2);
        assert!((rects[0][0] + rects[0][2] + 0.8 - rects[1][0]).abs() < 1e-9);
        assert!((strip(0.5).done() - 0.35).abs() < 1e-12);
    }

    #[test]
    fn over_budget_is_hatched_in_red() {
        let red = |t: f64| strip(t).scene().marks.iter().filter(|m| matches!(m, Mark::Path { stroke: Some(s), .. } if s.paint == Paint::Token("cut"))).count();
        assert_eq!(red(0.5), 0);
        assert!(red(0.2) > 3);
    }
}
