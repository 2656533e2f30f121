//! A small table as colour: rows up or down, names at the left, a number in every cell that has room for it.

use super::axes::text_width;
use super::color::{Sequential, pick, sequential};
use super::number::sig;
use super::scene::{Anchor, Mark, Paint, Scene, stroke};
use super::table::{Cell, Table};
use super::theme::{Theme, contrast};

/// A laid out grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Width in pixels; the height follows from the rows.
    pub width: f64,
    /// Names of the rows, from the top.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// What the rows and the columns are.
    pub axes: [String; 2],
    /// Row-major; NaN is not known yet.
    pub values: Vec<f64>,
    /// What a value is, with its unit.
    pub value: String,
    /// Colours by the logarithm; values of 0 and less take the least.
    pub log: bool,
    /// Ends of the colours; those of the values where `None`.
    pub limits: Option<[f64; 2]>,
    /// The cell that is being measured.
    pub running: Option<(usize, usize)>,
    /// The chosen row.
    pub on: Option<usize>,
}

const HEAD: f64 = 32.0;
const FOOT: f64 = 34.0;

impl Grid {
    /// Height of a row.
    pub fn step(&self) -> f64 {
        if self.rows.len() > 24 { 14.0 } else { 22.0 }
    }

    /// Height of the whole.
    pub fn height(&self) -> f64 {
        HEAD + FOOT + self.step() * self.rows.len() as f64
    }

    fn label(&self) -> f64 {
        self.rows.iter().map(|r| text_width(r)).fold(0.0, f64::max).min(self.width * 0.4) + 8.0
    }

    /// The row at a height.
    pub fn row_at(&self, y: f64) -> Option<usize> {
        let row = ((y - HEAD) / self.step()).floor();
        (row >= 0.0 && row < self.rows.len() as f64).then_some(row as usize)
    }

    fn range(&self) -> [f64; 2] {
        self.limits.unwrap_or_else(|| {
            let known = || self.values.iter().copied().filter(|v| v.is_finite() && (!self.log || *v > 0.0));
            let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
            if low > high { [0.0, 1.0] } else { [low, high] }
        })
    }

    /// The drawing; colours are fixed, so it is drawn for a theme.
    pub fn scene(&self, theme: Theme) -> Scene {
        let mut s = Scene::new(self.width, self.height());
        let (left, step) = (self.label(), self.step());
        let cols = self.columns.len().max(1);
        let wide = (self.width - left) / cols as f64;
        let lut = sequential(Sequential::Viridis, theme);
        let [low, high] = self.range();
        let place = |v: f64| if self.log { v.max(low).max(f64::MIN_POSITIVE).ln() } else { v };
        let ends = if self.log { [low.max(f64::MIN_POSITIVE).ln(), high.max(f64::MIN_POSITIVE).ln()] } else { [low, high] };
        s.text(0.0, 11.0, self.axes[0].clone(), Anchor::Start);
        s.text(self.width, 11.0, format!("{} →", self.axes[1]), Anchor::End);
        let mut free = f64::NEG_INFINITY;
        for (j, name) in self.columns.iter().enumerate() {
            let (x, half) = (left + (j as f64 + 0.5) * wide, text_width(name) / 2.0);
            if x - half >= free {
                s.text(x, HEAD - 6.0, name.clone(), Anchor::Middle).paint("ink-2");
                free = x + half + 4.0;
            }
        }
        for (i, name) in self.rows.iter().enumerate() {
            let y = HEAD + i as f64 * step;
            if self.on == Some(i) {
                s.rect([0.0, y, left - 2.0, step], "leaf-wash");
            }
            let l = s.text(left - 8.0, y + step / 2.0 + 4.0, name.clone(), Anchor::End);
            if self.on == Some(i) {
                l.bold().paint("ink");
            }
            for j in 0..cols {
                let at = [left + j as f64 * wide + 0.5, y + 0.5, wide - 1.0, step - 1.0];
                let v = self.values.get(i * cols + j).copied().unwrap_or(f64::NAN);
                match pick(&lut, place(v), ends[0], ends[1]).filter(|_| !v.is_nan()) {
                    Some(c) => {
                        s.rect(at, Paint::Fixed(c));
                        let text = sig(v, 2);
                        if text_width(&text) + 4.0 <= wide && step >= 16.0 {
                            let (ink, sheet) = (theme.rgb("ink"), theme.rgb("sheet"));
                            let paint = if contrast(c, ink) >= contrast(c, sheet) { ink } else { sheet };
                            s.text(at[0] + at[2] / 2.0, y + step / 2.0 + 4.0, text, Anchor::Middle).paint(Paint::Fixed(paint));
                        }
                    }
                    // Not reached: a wire with a dot.
                    None => {
                        s.marks.push(Mark::Rect { at, fill: None, stroke: Some(stroke("wire", 1.0)) });
                        s.dot([at[0] + at[2] / 2.0, at[1] + at[3] / 2.0], 1.2, "wire");
                    }
                }
                if self.running == Some((i, j)) {
                    s.marks.push(Mark::Rect { at: [at[0] + 0.5, at[1] + 0.5, at[2] - 1.0, at[3] - 1.0], fill: None, stroke: Some(stroke("leaf", 2.0)) });
                }
            }
        }
        self.legend(&mut s, &lut, [low, high]);
        s
    }

    fn legend(&self, s: &mut Scene, lut: &super::color::Lut, [low, high]: [f64; 2]) {
        let y = self.height() - 22.0;
        let (from, long) = (self.label(), 96.0);
        for i in 0..32 {
            s.rect([from + f64::from(i) * long / 32.0, y, long / 32.0 + 0.3, 7.0], Paint::Fixed(lut[(i * 8 + 4) as usize]));
        }
        s.text(from, y + 19.0, sig(low, 2), Anchor::Start);
        s.text(from + long, y + 19.0, sig(high, 2), Anchor::End);
        s.text(from + long + 10.0, y + 8.0, format!("{}{}", self.value, if self.log { ", log" } else { "" }), Anchor::Start);
    }

    /// The numbers behind it.
    pub fn table(&self) -> Table {
        let mut t = Table::new(std::iter::once(self.axes[0].clone()).chain(self.columns.iter().cloned()));
        for (i, name) in self.rows.iter().enumerate() {
            let cols = self.columns.len();
            t.push(std::iter::once(Cell::from(name.clone())).chain((0..cols).map(|j| Cell::from(self.values.get(i * cols + j).copied().unwrap_or(f64::NAN)))));
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        Grid {
            width: 400.0,
            rows: vec!["1".into(), "0".into()],
            columns: vec!["50 %".into(), "70 %".into()],
            axes: ["block ↑".into(), "removed".into()],
            values: vec![0.01, 0.1, f64::NAN, -0.001],
            value: "loss added, nats".into(),
            log: true,
            limits: None,
            running: Some((1, 0)),
            on: Some(0),
        }
    }

    #[test]
    fn known_cells_have_their_number_and_unknown_ones_a_wire() {
        let g = grid();
        for theme in [Theme::Light, Theme::Dark] {
            let s = g.scene(theme);
            let words: Vec<&str> = s.marks.iter().filter_map(|m| if let Mark::Text(l) = m { Some(l.text.as_str()) } else { None }).collect();
            assert!(words.iter().any(|w| w.contains("0.01") || w.contains("0.010")), "{words:?}");
            assert_eq!(s.marks.iter().filter(|m| matches!(m, Mark::Circle { .. })).count(), 1, "one is not known");
        }
        assert_eq!((g.row_at(HEAD + 1.0), g.row_at(HEAD + 23.0), g.row_at(0.0)), (Some(0), Some(1), None));
        assert_eq!(g.table().rows.len(), 2);
    }
}
