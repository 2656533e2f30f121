//! A matrix as colour: cells, axis words with arrows, a colour bar with both ends, bars of the rows at the right.

use super::color::{Lut, Sequential, diverging, pick, sequential};
use super::number::number;
use super::scene::{Anchor, Mark, Scene, stroke};
use super::table::Table;
use super::theme::{Rgb, Theme};

/// A laid out heat-map.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// Size in pixels.
    pub size: [f64; 2],
    /// Rows of cells.
    pub rows: usize,
    /// Columns of cells.
    pub cols: usize,
    /// Row-major values; NaN is missing.
    pub values: Vec<f64>,
    /// Symmetric about zero, red–blue; else sequential from zero (or the least value) up.
    pub diverging: bool,
    /// Colours of a sequential map.
    pub map: Sequential,
    /// A scale held fixed: low and high. `None`: from the values.
    pub limits: Option<[f64; 2]>,
    /// Words of the axes: `5 632 inputs`, `2 048 outputs`.
    pub axes: [String; 2],
    /// One number a row, drawn as bars at the right.
    pub row_bars: Option<Vec<f64>>,
}

impl Heat {
    /// Low and high end of the colours: symmetric for a diverging map.
    pub fn range(&self) -> [f64; 2] {
        if let Some(l) = self.limits {
            return l;
        }
        let (low, high) = self.values.iter().filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
        if low > high {
            return if self.diverging { [-1.0, 1.0] } else { [0.0, 1.0] };
        }
        if self.diverging {
            let m = low.abs().max(high.abs());
            let m = if m > 0.0 { m } else { 1.0 };
            [-m, m]
        } else {
            [low.min(0.0), if high > 0.0 { high } else { 1.0 }]
        }
    }

    /// The rectangle of the cells: left, top, width, height.
    pub fn place(&self) -> [f64; 4] {
        let bars = if self.row_bars.is_some() { 30.0 } else { 0.0 };
        [0.0, 2.0, (self.size[0] - bars).max(16.0), (self.size[1] - 52.0).max(16.0)]
    }

    fn lut(&self, theme: Theme) -> Lut {
        if self.diverging { diverging(theme) } else { sequential(self.map, theme) }
    }

    /// Colours of the cells under a theme; `None` is missing. On a sequential map an exact zero is `well`.
    pub fn colors(&self, theme: Theme) -> Vec<Option<Rgb>> {
        let lut = self.lut(theme);
        let [low, high] = self.range();
        let zero = theme.rgb("well");
        self.values.iter().map(|v| if *v == 0.0 && !self.diverging { Some(zero) } else { pick(&lut, *v, low, high) }).collect()
    }

    /// Cell at a pixel: row and column.
    pub fn at(&self, x: f64, y: f64) -> Option<(usize, usize)> {
        let [l, t, w, h] = self.place();
        if x < l || y < t || x >= l + w || y >= t + h || self.rows == 0 || self.cols == 0 {
            return None;
        }
        Some((((y - t) / h * self.rows as f64) as usize, ((x - l) / w * self.cols as f64) as usize))
    }

    /// Everything around the cells.
    pub fn frame(&self, theme: Theme) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        let [l, t, w, h] = self.place();
        let foot = t + h;
        if let Some(bars) = &self.row_bars {
            let most = bars.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
            let step = h / bars.len().max(1) as f64;
            for (i, v) in bars.iter().enumerate().filter(|(_, v)| v.is_finite() && most > 0.0) {
                s.rect([l + w + 4.0, t + i as f64 * step, v / most * 24.0, (step - if step > 3.0 { 0.6 } else { 0.0 }).max(0.5)], "ink-3");
            }
        }
        s.text(l, foot + 13.0, format!("{} →", self.axes[0]), Anchor::Start);
        s.text(self.size[0], foot + 13.0, format!("{} ↓", self.axes[1]), Anchor::End);
        let lut = self.lut(theme);
        let [low, high] = self.range();
        let bar = (w * 0.6).min(160.0).max(24.0);
        let x0 = (self.size[0] - bar) / 2.0;
        s.marks.push(Mark::Cells { at: [x0, foot + 22.0, bar, 7.0], cols: 64, colors: (0..64).map(|i| Some(lut[i * 255 / 63])).collect() });
        s.text(x0 - 5.0, foot + 29.0, number(low), Anchor::End);
        s.text(x0 + bar + 5.0, foot + 29.0, if low < 0.0 && high > 0.0 { format!("+{}", number(high)) } else { number(high) }, Anchor::Start);
        if low < 0.0 && high > 0.0 {
            let zero = x0 + bar * (-low / (high - low));
            s.hair_v(zero, [foot + 29.0, foot + 32.0], stroke("edge", 1.0));
            s.text(zero, foot + 43.0, "0", Anchor::Middle);
        }
        s
    }

    /// Everything: what is exported.
    pub fn whole(&self, theme: Theme) -> Scene {
        let mut s = self.frame(theme);
        s.marks.insert(0, Mark::Cells { at: self.place(), cols: self.cols.max(1), colors: self.colors(theme) });
        s
    }

    /// The numbers behind it: one row a row of cells.
    pub fn table(&self) -> Table {
        let mut t = Table::new(std::iter::once("row".to_string()).chain((0..self.cols).map(|c| c.to_string())));
        for r in 0..self.rows {
            t.push(std::iter::once(r as f64).chain(self.values[r * self.cols..(r + 1) * self.cols].iter().copied()));
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heat(values: Vec<f64>, diverging: bool) -> Heat {
        Heat { size: [200.0, 160.0], rows: 2, cols: 3, values, diverging, map: Sequential::Viridis, limits: None, axes: ["3 inputs".into(), "2 outputs".into()], row_bars: Some(vec![1.0, 2.0]) }
    }

    #[test]
    fn diverging_limits_are_symmetric() {
        assert_eq!(heat(vec![-0.5, 0.1, 0.0, 0.2, f64::NAN, 0.3], true).range(), [-0.5, 0.5]);
        assert_eq!(heat(vec![f64::NAN; 6], true).range(), [-1.0, 1.0]);
        assert_eq!(heat(vec![0.0; 6], false).range(), [0.0, 1.0]);
        assert_eq!(heat(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], false).range(), [0.0, 6.0]);
    }

    #[test]
    fn missing_is_not_zero_and_zero_is_well() {
        let h = heat(vec![0.0, 1.0, f64::NAN, 0.5, 0.2, 0.1], false);
        let c = h.colors(Theme::Light);
        assert_eq!(c[0], Some(Theme::Light.rgb("well")));
        assert_eq!(c[2], None);
        assert!(c[1].is_some());
    }

    #[test]
    fn cells_are_found_where_they_are_drawn() {
        let h = heat(vec![0.0; 6], false);
        let [l, t, w, ht] = h.place();
        assert_eq!(h.at(l + w * 0.9, t + ht * 0.1), Some((0, 2)));
        assert_eq!(h.at(l + w * 0.1, t + ht * 0.9), Some((1, 0)));
        assert_eq!(h.at(l + w + 1.0, t), None);
        assert_eq!(h.table().rows.len(), 2);
        assert!(h.whole(Theme::Dark).marks.len() > 4);
    }
}
