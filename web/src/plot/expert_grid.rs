//! Layers × experts as colour, depth up: what woke, what a token chose, what was taken away. On a narrow drawing cells would say nothing, so the strongest
//! experts of each layer stand there, sorted.

use super::color::{Sequential, diverging, pick, sequential};
use super::number::{fixed, number};
use super::scene::{Anchor, Mark, Scene, Seg, stroke};
use super::table::Table;
use super::theme::{Rgb, Theme};

/// What became of an expert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// Nothing.
    #[default]
    Stays,
    /// Taken away; its layer routes on without it.
    Dropped,
    /// Its layer was condensed, and it was kept for every token.
    Fixed,
    /// Its layer was condensed without it.
    Gone,
}

/// Narrower drawings get the strongest experts instead of cells.
const NARROW: f64 = 520.0;
/// Experts of a layer that a narrow drawing shows.
const FEW: usize = 8;
const LEFT: f64 = 28.0;
const SIDE: f64 = 150.0;
const TOP: f64 = 18.0;
const FOOT: f64 = 36.0;

/// A laid out grid.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpertGrid {
    /// Size in pixels.
    pub size: [f64; 2],
    /// Numbers of the layers, lowest first.
    pub layers: Vec<u32>,
    /// Experts of a layer.
    pub experts: usize,
    /// Layers × experts, row-major, lowest layer first; NaN: never woken.
    pub values: Vec<f64>,
    /// Red–blue about zero.
    pub diverging: bool,
    /// What the colour means: `mean gate weight`.
    pub unit: String,
    /// Experts of the token that is looked at, by layer, the first choice first.
    pub hits: Vec<Vec<u32>>,
    /// What became of each expert, row-major; empty: all stay.
    pub fates: Vec<Fate>,
    /// Experts that another way would keep, row-major; empty: none shown.
    pub ghosts: Vec<bool>,
    /// The chosen layer, by its place.
    pub row: Option<usize>,
    /// The cell under the keyboard.
    pub cursor: Option<(usize, usize)>,
    /// Load entropy by layer; empty: not shown.
    pub entropy: Vec<f64>,
}

impl ExpertGrid {
    /// Whether cells would be too small to be told apart by a finger.
    pub fn narrow(&self) -> bool {
        self.size[0] < NARROW
    }

    fn side(&self) -> f64 {
        if self.narrow() || self.entropy.is_empty() { 4.0 } else { SIDE }
    }

    /// The rectangle of the cells: left, top, width, height.
    pub fn place(&self) -> [f64; 4] {
        [LEFT, TOP, (self.size[0] - LEFT - self.side()).max(16.0), (self.size[1] - TOP - FOOT).max(16.0)]
    }

    fn cell(&self) -> [f64; 2] {
        let [_, _, w, h] = self.place();
        [w / self.experts.max(1) as f64, h / self.layers.len().max(1) as f64]
    }

    /// Left upper corner of a cell.
    fn corner(&self, row: usize, expert: usize) -> [f64; 2] {
        let ([l, t, ..], [cw, ch]) = (self.place(), self.cell());
        [l + expert as f64 * cw, t + (self.layers.len() - 1 - row) as f64 * ch]
    }

    /// Low and high end of the colours.
    pub fn range(&self) -> [f64; 2] {
        let (low, high) = self.values.iter().filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
        if self.diverging {
            let m = if low > high { 1.0 } else { low.abs().max(high.abs()) };
            let m = if m > 0.0 { m } else { 1.0 };
            return [-m, m];
        }
        [0.0, if high > 0.0 { high } else { 1.0 }]
    }

    /// Colours of the cells in the order in which they lie on the drawing, the highest layer first; never woken and exact zero is `well`, taken away is the ground.
    pub fn colors(&self, theme: Theme) -> Vec<Option<Rgb>> {
        let lut = if self.diverging { diverging(theme) } else { sequential(Sequential::Viridis, theme) };
        let [low, high] = self.range();
        let mut out = Vec::with_capacity(self.values.len());
        for row in (0..self.layers.len()).rev() {
            for e in 0..self.experts {
                let at = row * self.experts + e;
                let v = self.values.get(at).copied().unwrap_or(f64::NAN);
                out.push(match self.fate(at) {
                    Fate::Dropped | Fate::Gone => Some(theme.rgb("ground")),
                    _ if v.is_nan() || v == 0.0 && !self.diverging => Some(theme.rgb("well")),
                    _ => pick(&lut, v, low, high),
                });
            }
        }
        out
    }

    fn fate(&self, at: usize) -> Fate {
        self.fates.get(at).copied().unwrap_or_default()
    }

    /// Layer and expert at a pixel; only a layer where its number is.
    pub fn at(&self, x: f64, y: f64) -> Option<(usize, Option<usize>)> {
        let ([l, t, w, h], [cw, ch]) = (self.place(), self.cell());
        if y < t || y >= t + h || self.layers.is_empty() {
            return None;
        }
        let row = self.layers.len() - 1 - (((y - t) / ch) as usize).min(self.layers.len() - 1);
        if x < l {
            return Some((row, None));
        }
        if self.narrow() {
            let i = ((x - l) / (w / FEW as f64)) as usize;
            return self.strongest(row).get(i).map(|e| (row, Some(*e)));
        }
        (x < l + w).then(|| (row, Some((((x - l) / cw) as usize).min(self.experts.saturating_sub(1)))))
    }

    /// The strongest experts of a layer that are still there, then those that were dropped by hand.
    pub fn strongest(&self, row: usize) -> Vec<usize> {
        let at = |e: usize| row * self.experts + e;
        let mut all: Vec<usize> = (0..self.experts).filter(|e| matches!(self.fate(at(*e)), Fate::Stays | Fate::Fixed)).collect();
        let value = |e: usize| self.values.get(at(e)).copied().filter(|v| !v.is_nan()).unwrap_or(f64::NEG_INFINITY);
        espalier_methods::order::by(&mut all, |a, b| value(*b).total_cmp(&value(*a)).then(a.cmp(b)));
        let dropped: Vec<usize> = (0..self.experts).filter(|e| self.fate(at(*e)) == Fate::Dropped).take(FEW / 2).collect();
        all.truncate(FEW - dropped.len());
        all.extend(dropped);
        all
    }

    /// How many experts of a layer are left, in words: `12 of 16`.
    pub fn kept(&self, row: usize) -> String {
        let left = (0..self.experts).filter(|e| matches!(self.fate(row * self.experts + e), Fate::Stays | Fate::Fixed)).count();
        format!("{left}/{}", self.experts)
    }

    /// Everything over the cells: outlines of the token's experts, cuts, ghosts, the cursor.
    pub fn over(&self) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        if self.narrow() {
            return s;
        }
        let [cw, ch] = self.cell();
        for row in 0..self.layers.len() {
            for e in 0..self.experts {
                let ([x, y], at) = (self.corner(row, e), row * self.experts + e);
                match self.fate(at) {
                    Fate::Dropped => {
                        let cut = vec![Seg::M(x + cw * 0.15, y + ch * 0.88), Seg::L(x + cw * 0.85, y + ch * 0.12)];
                        s.path(cut, stroke("cut", 1.8).rounded());
                    }
                    Fate::Gone => s.rect([x + cw / 2.0 - 1.0, y + ch / 2.0 - 1.0, 2.0, 2.0], "wire"),
                    Fate::Fixed => s.rect([x + 1.0, y + ch - 3.0, cw - 2.0, 2.5], "leaf"),
                    Fate::Stays => {}
                }
                if self.ghosts.get(at) == Some(&true) {
                    s.path(vec![Seg::M(x + cw / 2.0 - 3.0, y + 1.0), Seg::L(x + cw / 2.0 + 3.0, y + 1.0), Seg::L(x + cw / 2.0, y + 5.5), Seg::Z], stroke("c4", 1.2));
                }
            }
            for (i, e) in self.hits.get(row).into_iter().flatten().enumerate().filter(|(_, e)| (**e as usize) < self.experts) {
                let [x, y] = self.corner(row, *e as usize);
                s.marks.push(Mark::Rect { at: [x + 0.5, y + 0.5, cw - 1.0, ch - 1.0], fill: None, stroke: Some(stroke("ink", 1.5)) });
                if i == 0 && cw >= 8.0 {
                    s.marks.push(Mark::Circle { at: [x + cw / 2.0, y + ch / 2.0], r: 2.6, fill: Some("sheet".into()), stroke: Some(stroke("ink", 1.0)) });
                }
            }
        }
        if let Some((row, e)) = self.cursor.filter(|(r, e)| *r < self.layers.len() && *e < self.experts) {
            let [x, y] = self.corner(row, e);
            s.marks.push(Mark::Rect { at: [x - 1.0, y - 1.0, cw + 2.0, ch + 2.0], fill: None, stroke: Some(stroke("focus", 2.0)) });
        }
        s
    }

    /// Numbers of layers and experts, entropy and what is left at the right, the colours' legend.
    pub fn frame(&self, theme: Theme) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        let ([l, t, w, h], [cw, ch]) = (self.place(), self.cell());
        for (row, layer) in self.layers.iter().enumerate() {
            let y = self.corner(row, 0)[1];
            let on = self.row == Some(row);
            if on {
                s.rect([0.0, y, l - 2.0, ch], "leaf-wash");
                s.rect([l - 3.0, y + 1.0, 2.5, ch - 2.0], "leaf");
            }
            if ch >= 10.0 || row % 4 == 0 || on {
                let label = s.text(l - 8.0, y + ch / 2.0 + 4.0, layer.to_string(), Anchor::End);
                if on {
                    label.paint("ink").bold();
                }
            }
        }
        if self.narrow() {
            self.few(&mut s, theme);
            return s;
        }
        let step = ((26.0 / cw).ceil() as usize).next_power_of_two().max(1);
        for e in (0..self.experts).step_by(step) {
            s.text(l + (e as f64 + 0.5) * cw, 12.0, e.to_string(), Anchor::Middle);
        }
        s.text(l, t + h + 14.0, "expert →", Anchor::Start);
        s.text(l, t + h + 28.0, "↑ layer", Anchor::Start);
        self.legend(&mut s, theme, l + w - 190.0, t + h + 8.0);
        self.right(&mut s);
        s
    }

    /// Colour bar with its ends.
    fn legend(&self, s: &mut Scene, theme: Theme, x: f64, y: f64) {
        let lut = if self.diverging { diverging(theme) } else { sequential(Sequential::Viridis, theme) };
        let [low, high] = self.range();
        s.marks.push(Mark::Cells { at: [x, y, 90.0, 7.0], cols: 64, colors: (0..64).map(|i| Some(lut[i * 255 / 63])).collect() });
        s.text(x - 6.0, y + 7.0, number(low), Anchor::End);
        s.text(x + 96.0, y + 7.0, number(high), Anchor::Start);
        s.text(x + 90.0, y + 20.0, self.unit.clone(), Anchor::End);
    }

    fn right(&self, s: &mut Scene) {
        if self.entropy.is_empty() {
            return;
        }
        let x = self.size[0] - SIDE + 18.0;
        let ch = self.cell()[1];
        s.text(x, 12.0, "load entropy", Anchor::Start);
        s.text(self.size[0], 12.0, "kept", Anchor::End);
        let least = self.entropy.iter().copied().filter(|v| v.is_finite()).fold(1.0, f64::min);
        for row in 0..self.layers.len() {
            let y = self.corner(row, 0)[1] + ch / 2.0;
            let v = self.entropy.get(row).copied().unwrap_or(f64::NAN);
            if v.is_finite() {
                // From 0.5 to 1: loads of trained routers lie there.
                let width = ((v - 0.5) / 0.5).clamp(0.04, 1.0) * 46.0;
                s.rect([x, y - 2.0, width, 4.0], if v == least { "cut" } else { "ink-3" });
                if ch >= 10.0 {
                    s.text(x + 50.0, y + 4.0, fixed(v, 2), Anchor::Start);
                }
            }
            if ch >= 10.0 {
                s.text(self.size[0], y + 4.0, self.kept(row), Anchor::End);
            }
        }
    }

    /// A narrow drawing: the strongest experts of each layer, number over bar.
    fn few(&self, s: &mut Scene, theme: Theme) {
        let lut = sequential(Sequential::Viridis, theme);
        let ([l, t, w, h], [_, ch]) = (self.place(), self.cell());
        let ([low, high], step) = (self.range(), w / FEW as f64);
        s.text(l, 12.0, format!("{} of {} in each layer, strongest first →", FEW.min(self.experts), self.experts), Anchor::Start);
        for row in 0..self.layers.len() {
            let y = self.corner(row, 0)[1];
            s.hair_h([0.0, self.size[0]], y + ch, stroke("wire", 1.0));
            for (i, e) in self.strongest(row).into_iter().enumerate() {
                let (x, at) = (l + i as f64 * step, row * self.experts + e);
                let v = self.values.get(at).copied().filter(|v| v.is_finite()).unwrap_or(0.0);
                let hit = self.hits.get(row).and_then(|h| h.iter().position(|x| *x as usize == e));
                let label = s.text(x + 3.0, y + ch - 11.0, e.to_string(), Anchor::Start);
                if hit == Some(0) {
                    label.paint("ink").bold();
                }
                if self.fate(at) == Fate::Dropped {
                    s.path(vec![Seg::M(x + 2.0, y + ch - 8.0), Seg::L(x + 14.0, y + ch - 22.0)], stroke("cut", 2.0).rounded());
                    continue;
                }
                s.rect([x + 2.0, y + ch - 7.0, step - 8.0, 4.0], "well");
                let share = if high > low { ((v - low.max(0.0)) / (high - low.max(0.0))).clamp(0.0, 1.0) } else { 0.0 };
                if let Some(color) = pick(&lut, 0.35 + 0.65 * share, 0.0, 1.0) {
                    s.marks.push(Mark::Rect { at: [x + 2.0, y + ch - 7.0, ((step - 8.0) * share).max(0.5), 4.0], fill: Some(super::scene::Paint::Fixed(color)), stroke: None });
                }
                if let Some(i) = hit {
                    s.marks.push(Mark::Rect { at: [x - 1.0, y + 1.5, step - 2.0, ch - 3.0], fill: None, stroke: Some(stroke("ink", if i == 0 { 1.6 } else { 1.0 })) });
                }
            }
        }
        s.text(l, t + h + 16.0, format!("full bar: {} {}; framed: this token", number(high), self.unit), Anchor::Start);
    }

    /// Everything: what is exported.
    pub fn whole(&self, theme: Theme) -> Scene {
        let mut s = self.frame(theme);
        if !self.narrow() {
            s.marks.insert(0, Mark::Cells { at: self.place(), cols: self.experts.max(1), colors: self.colors(theme) });
        }
        s.marks.extend(self.over().marks);
        s
    }

    /// The numbers behind it: one row a layer.
    pub fn table(&self) -> Table {
        let mut t = Table::new(std::iter::once("layer".to_string()).chain((0..self.experts).map(|e| e.to_string())));
        for (row, layer) in self.layers.iter().enumerate() {
            t.push(std::iter::once(f64::from(*layer)).chain((0..self.experts).map(|e| self.values.get(row * self.experts + e).copied().unwrap_or(f64::NAN))));
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(width: f64) -> ExpertGrid {
        ExpertGrid {
            size: [width, 200.0],
            layers: vec![1, 2],
            experts: 4,
            values: vec![1.0, f64::NAN, 3.0, 0.0, 4.0, 2.0, 1.0, 8.0],
            diverging: false,
            unit: "tokens".into(),
            hits: vec![vec![2, 0], vec![3]],
            fates: vec![Fate::Stays, Fate::Dropped, Fate::Stays, Fate::Stays, Fate::Gone, Fate::Fixed, Fate::Gone, Fate::Gone],
            ghosts: vec![],
            row: Some(1),
            cursor: None,
            entropy: vec![0.8, 0.9],
        }
    }

    #[test]
    fn cells_are_found_where_they_are_drawn_and_depth_goes_up() {
        let g = grid(800.0);
        let [l, t, w, h] = g.place();
        assert_eq!(g.at(l + w * 0.9, t + h * 0.9), Some((0, Some(3))), "the lowest layer is at the foot");
        assert_eq!(g.at(l + w * 0.1, t + h * 0.1), Some((1, Some(0))));
        assert_eq!(g.at(3.0, t + h * 0.1), Some((1, None)), "a layer's number");
        assert_eq!((g.at(l + w + 5.0, t + 5.0), g.at(l + 5.0, t + h + 5.0)), (None, None));
    }

    #[test]
    fn never_woken_is_quiet_and_what_is_gone_is_bare() {
        let g = grid(800.0);
        let c = g.colors(Theme::Light);
        assert_eq!(c.len(), 8);
        assert_eq!((c[0], c[2]), (Some(Theme::Light.rgb("ground")), Some(Theme::Light.rgb("ground"))), "the highest layer comes first");
        assert_eq!((c[5], c[7]), (Some(Theme::Light.rgb("ground")), Some(Theme::Light.rgb("well"))));
        assert_eq!((g.kept(0), g.kept(1)), ("3/4".into(), "1/4".into()));
        assert!(g.over().marks.len() >= 8 && g.whole(Theme::Dark).marks.len() > g.over().marks.len());
        assert_eq!(g.table().rows.len(), 2);
    }

    #[test]
    fn a_phone_shows_the_strongest_first_and_finds_them() {
        let g = grid(340.0);
        assert!(g.narrow());
        assert_eq!(g.strongest(0), [2, 0, 3, 1], "what was dropped by hand stands at the end");
        let [l, t, w, h] = g.place();
        assert_eq!(g.at(l + w * 0.01, t + h * 0.9), Some((0, Some(2))));
        assert!(g.frame(Theme::Light).marks.len() > 10);
    }
}
