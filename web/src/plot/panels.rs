//! Small multiples: one panel a block, one scale for all, a threshold through all of them.

use espalier_methods::report::Axis;

use super::decimate::thin;
use super::lines::Curve;
use super::scale::{Scale, extent};
use super::scene::{Anchor, Scene, stroke};
use super::table::{Cell, Table};
use super::ticks::ticks;

/// What a panel has to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ready {
    /// Everything there is.
    #[default]
    Done,
    /// Not computed yet; the word is said once, in the first such panel.
    Running,
    /// Not begun.
    Waiting,
}

/// One panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Title at its top left: the block's number.
    pub title: String,
    /// Curves.
    pub curves: Vec<Curve>,
    /// State.
    pub ready: Ready,
    /// The chosen one.
    pub on: bool,
}

/// A laid out set of panels.
#[derive(Clone, Debug, PartialEq)]
pub struct Panels {
    /// Size in pixels.
    pub size: [f64; 2],
    /// x axis of all.
    pub x: Axis,
    /// y axis of all.
    pub y: Axis,
    /// Panels in reading order.
    pub panels: Vec<Panel>,
    /// Height of the line through all, with its letter at the left axis.
    pub threshold: Option<f64>,
    /// Domain of y where it should not come from the data.
    pub y_domain: Option<[f64; 2]>,
    /// Domain of x where it should not come from the data.
    pub x_domain: Option<[f64; 2]>,
    /// Labels of the two ends of x: `0` and `100 %`, `1` and `2 048`; empty: from the domain.
    pub x_ends: [String; 2],
}

const GAP: f64 = 8.0;
const LEFT: f64 = 28.0;
const HEAD: f64 = 14.0;
const FOOT: f64 = 18.0;
/// Points of one curve in one panel; panels are rarely wider than this.
const POINTS: usize = 96;

/// Columns of panels on a given width: as many as keep a panel at least 56 px (72 px on a phone), and rows of even length.
pub fn columns(n: usize, width: f64) -> usize {
    let least = if width < 500.0 { 64.0 } else { 58.0 };
    let most = (((width - LEFT + GAP) / (least + GAP)).floor() as usize).clamp(1, 12);
    let rows = n.div_ceil(most).max(1);
    n.div_ceil(rows).max(1)
}

impl Panels {
    /// Columns and rows.
    pub fn grid(&self) -> (usize, usize) {
        let c = columns(self.panels.len(), self.size[0]);
        (c, self.panels.len().div_ceil(c).max(1))
    }

    /// Rectangle of a panel: left, top, width, height.
    pub fn place(&self, i: usize) -> [f64; 4] {
        let (cols, rows) = self.grid();
        let w = ((self.size[0] - LEFT - GAP * (cols - 1) as f64) / cols as f64).max(8.0);
        let h = ((self.size[1] - (HEAD + 4.0) * rows as f64 - FOOT) / rows as f64).max(8.0);
        let (c, r) = (i % cols, i / cols);
        [LEFT + c as f64 * (w + GAP), HEAD + r as f64 * (h + HEAD + 4.0), w, h]
    }

    /// Panel at a pixel.
    pub fn at(&self, x: f64, y: f64) -> Option<usize> {
        (0..self.panels.len()).find(|&i| {
            let [l, t, w, h] = self.place(i);
            (l - GAP / 2.0..=l + w + GAP / 2.0).contains(&x) && (t - HEAD..=t + h + 4.0).contains(&y)
        })
    }

    fn domains(&self) -> [[f64; 2]; 2] {
        let points = || self.panels.iter().flat_map(|p| &p.curves).flat_map(|c| c.x.iter().copied().zip(c.y.iter().copied()));
        let ok = |p: &(f64, f64)| (!self.x.log || p.0 > 0.0) && (!self.y.log || p.1 > 0.0);
        let dx = self.x_domain.or_else(|| extent(points().filter(ok).map(|p| p.0), self.x.log)).unwrap_or([1.0, 10.0]);
        let dy = self.y_domain.or_else(|| extent(points().filter(ok).map(|p| p.1), self.y.log)).unwrap_or([0.1, 1.0]);
        [dx, if self.y.log || self.y_domain.is_some() { dy } else { [dy[0].min(0.0), dy[1]] }]
    }

    /// Scales of one panel.
    pub fn scales(&self, i: usize) -> (Scale, Scale) {
        let [l, t, w, h] = self.place(i);
        let [dx, dy] = self.domains();
        (Scale::new(self.x.log, dx, [l, l + w]), Scale::new(self.y.log, dy, [t + h, t]))
    }

    /// The curves alone, for a canvas. Above the threshold in their colour, below it bare.
    pub fn ink(&self) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        for (i, p) in self.panels.iter().enumerate() {
            let (x, y) = self.scales(i);
            for c in &p.curves {
                let (kept, bare) = self.split(c, &x, &y);
                s.curve(&bare, stroke("edge", 0.7));
                s.curve(&kept, stroke(c.paint.clone(), c.width));
            }
        }
        s
    }

    fn split(&self, c: &Curve, x: &Scale, y: &Scale) -> (Vec<[f64; 2]>, Vec<[f64; 2]>) {
        let foot = y.range[0];
        let place = |i: usize| {
            let py = y.at(c.y[i]);
            // What is smaller than the axis shows runs along its foot's edge and is cut there.
            if py.is_nan() || py > foot + 0.5 { [f64::NAN; 2] } else { [x.at(c.x[i]), py] }
        };
        let Some(k) = self.threshold else { return (thin(c.x.len(), POINTS).into_iter().map(place).collect(), Vec::new()) };
        // The values fall, so one place parts them; it is put in exactly.
        let cut = c.y.partition_point(|v| *v >= k);
        let (mut kept, mut bare) = (Vec::new(), Vec::new());
        for i in thin(c.x.len(), POINTS) {
            if i < cut { kept.push(place(i)) } else { bare.push(place(i)) }
        }
        if cut > 0 {
            let edge = if cut < c.x.len() { [(x.at(c.x[cut - 1]) + x.at(c.x[cut])) / 2.0, y.at(k)] } else { place(cut - 1) };
            kept.push(edge);
            bare.insert(0, edge);
        }
        (kept, bare)
    }

    /// Axes, titles, the wash of the chosen panel.
    pub fn frame(&self) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        let (cols, _) = self.grid();
        let mut said = false;
        let n = self.panels.len();
        for (i, p) in self.panels.iter().enumerate() {
            let [l, t, w, h] = self.place(i);
            let (_, y) = self.scales(i);
            if p.on {
                s.rect([l - 3.0, t - 2.0, w + 6.0, h + 4.0], "leaf-wash");
            }
            let label = s.text(l, t - 4.0, p.title.clone(), Anchor::Start).paint(if p.on { "ink" } else { "ink-2" });
            if p.on {
                label.bold();
            }
            let marks = ticks(&y, 28.0);
            for tick in marks.iter().filter(|t| !t.label.is_empty()) {
                let py = y.at(tick.value);
                if (t + 1.0..t + h - 1.0).contains(&py) {
                    s.hair_h([l, l + w], py, stroke("wire", 1.0));
                }
                let near_k = self.threshold.is_some_and(|k| (y.at(k) - py).abs() < 11.0);
                if i % cols == 0 && !near_k {
                    s.text(l - 5.0, py + if py < t + 6.0 { 7.0 } else { 4.0 }, short(&tick.label), Anchor::End);
                }
            }
            s.hair_v(l, [t, t + h], stroke("edge", 1.0));
            s.hair_h([l, l + w], t + h, stroke("edge", 1.0));
            if i + cols >= n {
                let [a, b] = self.ends();
                s.text(l, t + h + 13.0, a, Anchor::Start);
                s.text(l + w, t + h + 13.0, b, Anchor::End);
            }
            if p.ready == Ready::Running && p.curves.is_empty() && !said {
                s.text(l + w / 2.0, t + h / 2.0 + 4.0, "running", Anchor::Middle);
                said = true;
            }
        }
        s
    }

    /// The threshold's line and letter.
    pub fn line(&self) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        let Some(k) = self.threshold else { return s };
        let (cols, _) = self.grid();
        for i in 0..self.panels.len() {
            let [l, t, w, h] = self.place(i);
            let (_, y) = self.scales(i);
            let py = y.clamped(k);
            let joins = i % cols + 1 < cols && i + 1 < self.panels.len();
            s.hair_h([l - 2.0, l + w + if joins { GAP - 2.0 } else { 2.0 }], py.clamp(t, t + h), stroke("cut", 1.2));
            if i % cols == 0 {
                s.text(l - 5.0, py + 4.0, "k", Anchor::End).paint("ink").bold();
            }
        }
        s
    }

    /// A line through every panel where this figure or another with the same x axis is pointed at.
    pub fn crosshair(&self, at: f64) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        for i in 0..self.panels.len() {
            let [l, t, w, h] = self.place(i);
            let px = self.scales(i).0.at(at);
            if px.is_finite() && (l..=l + w).contains(&px) {
                s.hair_v(px, [t, t + h], stroke("ink-3", 1.0).dashed(1.0, 2.0));
            }
        }
        s
    }

    /// Place on the x axis at a pixel, inside a panel.
    pub fn x_at(&self, px: f64, py: f64) -> Option<f64> {
        let i = self.at(px, py)?;
        let [l, _, w, _] = self.place(i);
        (l..=l + w).contains(&px).then(|| self.scales(i).0.value(px))
    }

    /// Everything: what is exported.
    pub fn whole(&self) -> Scene {
        let mut s = self.frame();
        s.marks.extend(self.ink().marks);
        s.marks.extend(self.line().marks);
        s
    }

    fn ends(&self) -> [String; 2] {
        if self.x_ends.iter().any(|e| !e.is_empty()) {
            return self.x_ends.clone();
        }
        self.domains()[0].map(super::number::number)
    }

    /// The numbers behind it.
    pub fn table(&self) -> Table {
        let mut t = Table::new(["panel".to_string(), "series".into(), super::axes::named(&self.x), super::axes::named(&self.y)]);
        for p in &self.panels {
            for c in &p.curves {
                for (x, y) in c.x.iter().zip(c.y.iter()) {
                    t.push([Cell::from(p.title.clone()), Cell::from(c.name.clone()), Cell::from(*x), Cell::from(*y)]);
                }
            }
        }
        t
    }
}

/// `0.1` as `.1`: the first column has room for three signs.
fn short(label: &str) -> String {
    label.strip_prefix("0.").map_or_else(|| label.to_string(), |rest| format!(".{rest}"))
}

#[cfg(test)]
mod tests {
    use super::super::lines::Values;
    use super::super::scene::Mark;
    use super::*;

    fn panels(n: usize, width: f64, threshold: Option<f64>) -> Panels {
        let curve = |b: usize| Curve {
            name: "q".into(),
            paint: "q".into(),
            width: 1.1,
            x: Values::ranks(200),
            y: (0..200).map(|i| (1.0 - f64::from(i) / 199.0).powi(2 + b as i32 % 3)).collect(),
        };
        let panel = |b: usize| Panel { title: b.to_string(), curves: if b + 2 < n { vec![curve(b)] } else { Vec::new() }, ready: Ready::Running, on: b == 1 };
        Panels {
            size: [width, 240.0],
            x: Axis { name: "rank".into(), unit: String::new(), log: false },
            y: Axis { name: "σ̂".into(), unit: String::new(), log: true },
            panels: (0..n).map(panel).collect(),
            threshold,
            y_domain: Some([0.02, 1.0]),
            x_domain: None,
            x_ends: Default::default(),
        }
    }

    #[test]
    fn panels_lie_side_by_side_and_are_found_again() {
        for (n, w) in [(1, 300.0), (5, 340.0), (22, 900.0), (22, 336.0), (32, 1100.0)] {
            let p = panels(n, w, None);
            for i in 0..n {
                let [l, t, pw, ph] = p.place(i);
                assert!(l + pw <= w + 0.01 && t + ph <= 240.0, "{n} on {w}");
                assert_eq!(p.at(l + pw / 2.0, t + ph / 2.0), Some(i));
            }
        }
        assert_eq!(panels(22, 900.0, None).grid(), (11, 2));
    }

    #[test]
    fn the_threshold_parts_every_curve_at_its_height() {
        let p = panels(3, 300.0, Some(0.25));
        let (x, y) = p.scales(0);
        let (kept, bare) = p.split(&p.panels[0].curves[0], &x, &y);
        assert!(kept.iter().all(|q| q[1] <= y.at(0.25) + 1e-9));
        assert!(bare.iter().all(|q| q[1].is_nan() || q[1] >= y.at(0.25) - 1e-9));
        assert_eq!(kept.last(), bare.first());
    }

    #[test]
    fn running_is_said_once() {
        let said = panels(8, 500.0, None).frame().marks.iter().filter(|m| matches!(m, Mark::Text(l) if l.text == "running")).count();
        assert_eq!(said, 1);
        assert!(panels(0, 500.0, Some(0.1)).whole().marks.is_empty());
    }
}
