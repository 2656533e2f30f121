//! One bar a label, in rows: names at the left, numbers at the right.

use espalier_methods::report::Axis;

use super::axes::{named, text_width};
use super::number::{number, percent};
use super::scale::Scale;
use super::scene::{Anchor, Scene, stroke};

/// Laid out bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// Width in pixels; the height follows from the rows.
    pub width: f64,
    /// What the bars stand for.
    pub x: Axis,
    /// Their length.
    pub y: Axis,
    /// Labels.
    pub labels: Vec<String>,
    /// Values.
    pub values: Vec<f64>,
}

/// Height of a row.
pub const STEP: f64 = 18.0;
const HEAD: f64 = 18.0;

impl Bars {
    /// Height of the whole.
    pub fn height(&self) -> f64 {
        HEAD + STEP * self.labels.len() as f64 + 4.0
    }

    fn written(&self, v: f64) -> String {
        if self.y.unit == "%" { percent(v) } else { number(v) }
    }

    /// The drawing.
    pub fn scene(&self) -> Scene {
        let mut s = Scene::new(self.width, self.height());
        let longest = self.labels.iter().map(|l| text_width(l)).fold(0.0, f64::max);
        let left = (longest + 10.0).min(self.width * 0.5);
        let right = (self.width - 58.0).max(left + 20.0);
        let (low, high) = self.values.iter().filter(|v| v.is_finite()).fold((0.0f64, 0.0f64), |(a, b), v| (a.min(*v), b.max(*v)));
        let x = Scale::linear([low, if high > low { high } else { low + 1.0 }], [left, right]);
        s.text(left, 11.0, named(&self.y), Anchor::Start);
        let room = (left / 6.4) as usize;
        for (i, (label, v)) in self.labels.iter().zip(&self.values).enumerate() {
            let y = HEAD + STEP * (i as f64 + 0.5);
            let n = label.chars().count();
            let shown = if n > room && room > 2 { format!("…{}", label.chars().skip(n - room + 1).collect::<String>()) } else { label.clone() };
            s.text(left - 6.0, y + 4.0, shown, Anchor::End).paint("ink-2");
            s.hair_h([left, right], y, stroke("wire", 1.0));
            if v.is_finite() {
                let (a, b) = (x.at(0.0).min(x.at(*v)), x.at(0.0).max(x.at(*v)));
                s.rect([a, y - 2.5, (b - a).max(0.5), 5.0], "ink-2");
            }
            s.text(self.width, y + 4.0, self.written(*v), Anchor::End);
        }
        s.hair_v(x.at(0.0), [HEAD, self.height() - 4.0], stroke("edge", 1.0));
        s
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;

    #[test]
    fn bars_start_at_zero_and_end_at_their_value() {
        let axis = |n: &str| Axis { name: n.into(), unit: String::new(), log: false };
        let b = Bars { width: 300.0, x: axis("m"), y: axis("v"), labels: vec!["a".into(), "b".into(), "c".into()], values: vec![2.0, -1.0, f64::NAN] };
        let rects: Vec<[f64; 4]> = b.scene().marks.into_iter().filter_map(|m| if let Mark::Rect { at, .. } = m { Some(at) } else { None }).collect();
        assert_eq!(rects.len(), 2);
        assert!((rects[0][0] - (rects[1][0] + rects[1][2])).abs() < 1e-9, "both touch zero");
        assert!((rects[0][2] - 2.0 * rects[1][2]).abs() < 1e-9);
        assert!(b.scene().marks.iter().any(|m| matches!(m, Mark::Text(l) if l.text == "–")));
    }
}
