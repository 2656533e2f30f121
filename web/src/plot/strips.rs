//! A matrix of small strips: one column a domain on one common axis, a row a source; seeds as open dots, their mean as a tick, the number at the right.

use super::axes::text_width;
use super::number::fixed;
use super::scale::Scale;
use super::scene::{Anchor, Mark, Scene, stroke};
use super::table::{Cell, Table};
use super::ticks::ticks;

/// Laid out strips.
#[derive(Clone, Debug, PartialEq)]
pub struct Strips {
    /// Width in pixels; the height follows from the rows.
    pub width: f64,
    /// Sources.
    pub rows: Vec<String>,
    /// Domains.
    pub columns: Vec<String>,
    /// What a value is: `loss added, nats`.
    pub value: String,
    /// One list of seeds' values a cell, row-major; empty is not known yet.
    pub cells: Vec<Vec<f64>>,
    /// Rows whose source is the domain of a column, to be boxed: (row, column).
    pub own: Vec<(usize, usize)>,
}

const STEP: f64 = 24.0;
const HEAD: f64 = 22.0;
const FOOT: f64 = 36.0;
const NUMBER: f64 = 46.0;

fn mean(v: &[f64]) -> f64 {
    v.iter().sum::<f64>() / v.len().max(1) as f64
}

impl Strips {
    /// Height of the whole.
    pub fn height(&self) -> f64 {
        HEAD + FOOT + STEP * self.rows.len() as f64
    }

    /// One column of it.
    pub fn only(&self, c: usize) -> Self {
        let cols = self.columns.len();
        Self {
            columns: vec![self.columns[c].clone()],
            cells: (0..self.rows.len()).map(|r| self.cells.get(r * cols + c).cloned().unwrap_or_default()).collect(),
            own: self.own.iter().filter(|o| o.1 == c).map(|o| (o.0, 0)).collect(),
            ..self.clone()
        }
    }

    fn cell(&self, r: usize, c: usize) -> &[f64] {
        self.cells.get(r * self.columns.len() + c).map_or(&[], Vec::as_slice)
    }

    /// End of the common axis: what nine of ten values reach, so that one that leaves the scale does not press the others flat.
    fn end(&self) -> f64 {
        let mut all: Vec<f64> = self.cells.iter().filter(|c| !c.is_empty()).map(|c| mean(c)).filter(|v| v.is_finite()).collect();
        espalier_methods::order::by_number(&mut all, |v| *v);
        let at = |share: f64| all.get(((all.len().max(1) - 1) as f64 * share).round() as usize).copied().unwrap_or(1.0);
        let (most, usual) = (at(1.0), at(0.85));
        (if most > 2.5 * usual { usual * 1.25 } else { most * 1.08 }).max(1e-6)
    }

    /// The best row of a column; `None` while nothing is known.
    fn best(&self, c: usize) -> Option<usize> {
        let known = (0..self.rows.len()).filter(|&r| !self.cell(r, c).is_empty());
        known.min_by(|&a, &b| mean(self.cell(a, c)).total_cmp(&mean(self.cell(b, c))))
    }

    /// The drawing.
    pub fn scene(&self) -> Scene {
        let mut s = Scene::new(self.width, self.height());
        let names = self.rows.iter().map(|r| text_width(r)).fold(0.0, f64::max).min(self.width * 0.34) + 10.0;
        let cols = self.columns.len().max(1);
        let wide = (self.width - names) / cols as f64;
        let least = self.cells.iter().flatten().copied().filter(|v| v.is_finite()).fold(0.0, f64::min);
        let end = self.end();
        let bottom = HEAD + STEP * self.rows.len() as f64;
        for (r, name) in self.rows.iter().enumerate() {
            let y = HEAD + STEP * (r as f64 + 0.5);
            s.text(0.0, y + 4.0, name.clone(), Anchor::Start).paint("ink");
            s.hair_h([names, self.width], HEAD + STEP * (r as f64 + 1.0), stroke("wire", 1.0));
        }
        for (c, name) in self.columns.iter().enumerate() {
            let left = names + c as f64 * wide;
            let x = Scale::linear([least, end], [left + 4.0, (left + wide - NUMBER - 6.0).max(left + 24.0)]);
            s.text(left + 4.0, 12.0, name.clone(), Anchor::Start).paint("ink-2").bold();
            s.hair_h([x.at(least), x.at(end)], bottom, stroke("edge", 1.0));
            for t in ticks(&x, 34.0).into_iter().filter(|t| !t.minor) {
                s.hair_v(x.at(t.value), [bottom, bottom + 4.0], stroke("edge", 1.0));
                s.text(x.at(t.value), bottom + 15.0, t.label, Anchor::Middle);
            }
            s.hair_v(x.at(0.0), [HEAD, bottom], stroke("wire", 1.0));
            let best = self.best(c);
            for r in 0..self.rows.len() {
                self.strip(&mut s, &x, [left, left + wide, HEAD + STEP * (r as f64 + 0.5), end], (r, c), best == Some(r));
            }
        }
        s.text(self.width, bottom + 31.0, self.value.clone(), Anchor::End);
        s
    }

    fn strip(&self, s: &mut Scene, x: &Scale, [left, right, y, end]: [f64; 4], (r, c): (usize, usize), best: bool) {
        let all = self.cell(r, c);
        if self.own.contains(&(r, c)) {
            s.marks.push(Mark::Rect { at: [left + 0.5, y - STEP / 2.0 + 1.5, right - left - 4.0, STEP - 3.0], fill: None, stroke: Some(stroke("edge", 1.0)) });
        }
        if all.is_empty() {
            s.dot([x.at(0.0) + 8.0, y], 1.2, "wire");
            return;
        }
        let m = mean(all);
        let paint = if best { "leaf" } else { "ink-2" };
        if m > end {
            let at = x.at(end);
            s.line([at - 10.0, y], [at, y], stroke("cut", 1.5));
            s.line([at - 4.0, y - 4.0], [at, y], stroke("cut", 1.5));
            s.line([at - 4.0, y + 4.0], [at, y], stroke("cut", 1.5));
        } else {
            let (low, high) = all.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
            s.line([x.at(low), y], [x.at(high.min(end)), y], stroke(paint, 1.6));
            for v in all.iter().filter(|v| **v <= end) {
                s.ring([x.at(*v), y], 2.6, paint);
            }
            s.line([x.at(m), y - 6.0], [x.at(m), y + 6.0], stroke(paint, 2.0));
        }
        let l = s.text(right - 6.0, y + 4.0, fixed(m, 3), Anchor::End);
        if best {
            l.bold().paint("leaf");
        } else {
            l.paint("ink-2");
        }
    }

    /// The numbers behind it.
    pub fn table(&self) -> Table {
        let mut t = Table::new(["source".to_owned(), "domain".into(), "mean".into(), "least".into(), "most".into(), "seeds".into()]);
        for (r, source) in self.rows.iter().enumerate() {
            for (c, domain) in self.columns.iter().enumerate() {
                let all = self.cell(r, c);
                if !all.is_empty() {
                    let (low, high) = all.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
                    t.push([Cell::from(source.clone()), Cell::from(domain.clone()), Cell::from(mean(all)), Cell::from(low), Cell::from(high), Cell::from(all.len() as f64)]);
                }
            }
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Paint;
    use super::*;

    fn strips() -> Strips {
        let cell = |m: f64| vec![m - 0.01, m, m + 0.01];
        Strips {
            width: 600.0,
            rows: vec!["web".into(), "own".into(), "dots".into()],
            columns: vec!["web".into(), "own".into()],
            value: "loss added, nats".into(),
            cells: vec![cell(0.1), cell(0.3), cell(0.2), cell(0.15), cell(9.0), Vec::new()],
            own: vec![(0, 0), (1, 1)],
        }
    }

    #[test]
    fn the_best_of_each_column_is_leaf_and_what_leaves_the_scale_is_an_arrow_with_its_number() {
        let s = strips().scene();
        let text = |m: &Mark| if let Mark::Text(l) = m { Some((l.text.clone(), l.paint.clone())) } else { None };
        let words: Vec<_> = s.marks.iter().filter_map(text).collect();
        for best in ["0.100", "0.150"] {
            assert!(words.contains(&(best.into(), Paint::Token("leaf"))), "{words:?}");
        }
        assert!(words.contains(&("9.000".into(), Paint::Token("ink-2"))));
        let arrows = s.marks.iter().filter(|m| matches!(m, Mark::Path { stroke: Some(k), .. } if k.paint == Paint::Token("cut"))).count();
        assert_eq!(arrows, 3);
        assert_eq!(strips().table().rows.len(), 5);
    }

    #[test]
    fn nothing_known_draws_the_frame() {
        let empty = Strips { cells: vec![Vec::new(); 6], ..strips() };
        assert!(empty.scene().marks.len() > 6);
    }
}
