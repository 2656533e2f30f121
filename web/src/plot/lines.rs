//! Curves over axes: the layout of a line chart, from data to pixels and back.

use std::ops::Deref;
use std::rc::Rc;

use espalier_methods::report::Axis;

use super::axes::{Inner, x_axis, y_axis};
use super::decimate::{Pixels, m4};
use super::hit::nearest_by;
use super::scale::Scale;
use super::scene::{Anchor, Paint, Scene, stroke};
use super::table::{Cell, Table};

/// Below this many points each one is drawn as well as the line between them.
pub const FEW: usize = 24;

/// Numbers shared by reference: cheap to clone, and two that share their memory are equal at once.
#[derive(Clone, Debug)]
pub struct Values(Rc<[f64]>);

impl Values {
    /// 1, 2, … n: ranks.
    pub fn ranks(n: usize) -> Self {
        (1..=n).map(|i| i as f64).collect()
    }
}

impl Deref for Values {
    type Target = [f64];
    fn deref(&self) -> &[f64] {
        &self.0
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl From<&[f64]> for Values {
    fn from(v: &[f64]) -> Self {
        Self(v.into())
    }
}

impl From<Vec<f64>> for Values {
    fn from(v: Vec<f64>) -> Self {
        Self(v.into())
    }
}

impl FromIterator<f64> for Values {
    fn from_iter<I: IntoIterator<Item = f64>>(i: I) -> Self {
        Self(i.into_iter().collect())
    }
}

/// One curve; `x` rises.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Name: direct label, legend, column of the table.
    pub name: String,
    /// Colour.
    pub paint: Paint,
    /// Width in pixels.
    pub width: f64,
    /// x values, rising.
    pub x: Values,
    /// y values, as many.
    pub y: Values,
}

/// Something to compare with.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    /// A dashed horizontal line with its name.
    Level {
        /// y value.
        at: f64,
        /// Name.
        label: String,
    },
    /// A short leaf tick standing on the x axis, with its name.
    Stand {
        /// x value.
        at: f64,
        /// Name.
        label: String,
    },
    /// A red line at a height: the threshold.
    Threshold(
        /// y value.
        f64,
    ),
    /// A dotted vertical line with its name (limits, ± 4 std).
    Limit {
        /// x value.
        at: f64,
        /// Name.
        label: String,
    },
    /// Grey ticks on the curve's height (a paper's numbers).
    Ghosts(
        /// x and y.
        Vec<[f64; 2]>,
    ),
}

/// Smallest and largest values that have a place, with some room above.
fn domain([x, y]: [&Axis; 2], curves: &[Curve], references: &[Reference]) -> [[f64; 2]; 2] {
    let [mut dx, mut dy] = [[f64::INFINITY, f64::NEG_INFINITY]; 2];
    let grow = |d: &mut [f64; 2], v: f64| if v.is_finite() { *d = [d[0].min(v), d[1].max(v)] };
    for (a, b) in curves.iter().flat_map(|c| c.x.iter().zip(c.y.iter())) {
        if (!x.log || *a > 0.0) && (!y.log || *b > 0.0) {
            grow(&mut dx, *a);
            grow(&mut dy, *b);
        }
    }
    for r in references {
        if let Reference::Level { at, .. } | Reference::Threshold(at) = r && (!y.log || *at > 0.0) {
            grow(&mut dy, *at);
        }
    }
    let [dx, dy] = [dx, dy].map(|d| if d[0] <= d[1] { d } else { [0.0, 1.0] });
    [dx, if y.log { [dy[0] / 1.08, dy[1] * 1.15] } else { [dy[0].min(0.0), if dy[1] > 0.0 { dy[1] * 1.04 } else { 0.0 }] }]
}

/// A laid out line chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// Size in pixels.
    pub size: [f64; 2],
    /// x axis; `log` says what is drawn.
    pub x: Axis,
    /// y axis.
    pub y: Axis,
    /// Curves, back to front.
    pub curves: Vec<Curve>,
    /// References.
    pub references: Vec<Reference>,
    /// A part of the domain: x from, to, y from, to; `None` shows everything.
    pub view: Option<[[f64; 2]; 2]>,
    /// From where to where the axes go that show everything.
    domain: [[f64; 2]; 2],
}

impl Lines {
    /// Lays a chart out. All points are looked at here, once.
    pub fn new(size: [f64; 2], [x, y]: [Axis; 2], curves: Vec<Curve>, references: Vec<Reference>, view: Option<[[f64; 2]; 2]>) -> Self {
        let domain = domain([&x, &y], &curves, &references);
        Self { size, x, y, curves, references, view, domain }
    }

    /// The rectangle between the axes.
    pub fn inner(&self) -> Inner {
        Inner::of(self.size[0], self.size[1])
    }

    /// Both scales.
    pub fn scales(&self) -> (Scale, Scale) {
        let inner = self.inner();
        let [dx, dy] = self.view.unwrap_or(self.domain);
        (Scale::new(self.x.log, dx, inner.x()), Scale::new(self.y.log, dy, inner.y()))
    }

    /// The part that is seen after zooming about a pixel: `factor` under 1 goes closer. Never wider than everything, which is `None`.
    pub fn zoomed(&self, [px, py]: [f64; 2], factor: f64) -> Option<[[f64; 2]; 2]> {
        let (x, y) = self.scales();
        let all = self.domain;
        let part = |s: &Scale, p: f64, all: [f64; 2]| {
            let [a, b] = s.range.map(|end| s.value(p + (end - p) * factor));
            [a.max(all[0]), b.min(all[1])]
        };
        let view = [part(&x, px, all[0]), part(&y, py, all[1])];
        (view != all).then_some(view)
    }

    /// A line where another figure with the same x axis is pointed at, and a ring on each curve's nearest point.
    pub fn crosshair(&self, at: f64) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        let (x, y) = self.scales();
        let inner = self.inner();
        let px = x.at(at);
        if !px.is_finite() || !(inner.left..=inner.right).contains(&px) {
            return s;
        }
        s.hair_v(px, [inner.top, inner.bottom], stroke("ink-3", 1.0).dashed(1.0, 2.0));
        for c in &self.curves {
            let nearest = (0..c.x.len()).min_by(|a, b| (c.x[*a] - at).abs().total_cmp(&(c.x[*b] - at).abs()));
            let p = nearest.map(|i| [x.at(c.x[i]), y.at(c.y[i])]).filter(|p| p[1].is_finite() && inner.contains(p[0], p[1]));
            if let Some(p) = p {
                s.ring(p, 3.0, c.paint.clone());
            }
        }
        s
    }

    /// How many values have no place on the axes as they are (≤ 0 on a log axis, or not finite).
    pub fn hidden(&self) -> usize {
        let (x, y) = self.scales();
        self.curves.iter().map(|c| c.x.iter().zip(c.y.iter()).filter(|(a, b)| !x.has(**a) || !y.has(**b)).count()).sum()
    }

    /// What is said about hidden values: `37 values ≤ 0 are not shown.`; empty where there are none.
    pub fn hidden_words(&self) -> String {
        match self.hidden() {
            0 => String::new(),
            1 => "1 value ≤ 0 is not shown.".into(),
            n => format!("{} values ≤ 0 are not shown.", super::number::count(n as f64)),
        }
    }

    /// A curve as few pixels as its picture needs, cut off at the frame.
    pub fn pixels(&self, curve: &Curve) -> Pixels {
        let (x, y) = self.scales();
        let inner = self.inner();
        let points = curve.x.iter().zip(curve.y.iter()).map(|(a, b)| [*a, *b]);
        if self.view.is_none() {
            return m4(points, [&x, &y]);
        }
        let (dx, dy) = ([inner.left - 0.5, inner.right + 0.5].map(|p| x.value(p)), [inner.bottom + 0.5, inner.top - 0.5].map(|p| y.value(p)));
        let near = |p: &[f64; 2]| dx[0] <= p[0] && p[0] <= dx[1] && dy[0] <= p[1] && p[1] <= dy[1];
        m4(points.map(|p| if near(&p) { p } else { [f64::NAN; 2] }), [&x, &y])
    }

    /// Axes and references.
    pub fn frame(&self) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        let inner = self.inner();
        let (x, y) = self.scales();
        y_axis(&mut s, inner, &y, &self.y);
        x_axis(&mut s, inner, &x, &self.x);
        let mut stands = 0.0;
        for r in &self.references {
            match r {
                Reference::Level { at, label } => {
                    let py = y.at(*at);
                    if (inner.top..=inner.bottom).contains(&py) {
                        s.hair_h(inner.x(), py, stroke("ghost", 1.0).dashed(4.0, 3.0));
                        s.text(inner.left + 12.0, py + 13.0, label.clone(), Anchor::Start).halo();
                    }
                }
                Reference::Threshold(at) => {
                    let py = y.at(*at);
                    if (inner.top..=inner.bottom).contains(&py) {
                        s.hair_h(inner.x(), py, stroke("cut", 1.2));
                    }
                }
                Reference::Stand { at, label } => {
                    let px = x.at(*at);
                    if (inner.left..=inner.right).contains(&px) {
                        s.hair_v(px, [inner.bottom - 12.0 - stands, inner.bottom], stroke("leaf", 1.2));
                        s.text(px - 3.0, inner.bottom - 6.0 - stands, label.clone(), Anchor::End).halo();
                        stands += 13.0;
                    }
                }
                Reference::Limit { at, label } => {
                    let px = x.at(*at);
                    if (inner.left..=inner.right).contains(&px) {
                        s.hair_v(px, [inner.top, inner.bottom], stroke("cut", 1.0).dashed(2.0, 2.0));
                        s.text(px + 4.0, inner.top + 10.0, label.clone(), Anchor::Start).halo();
                    }
                }
                Reference::Ghosts(points) => {
                    for p in points {
                        let (px, py) = (x.at(p[0]), y.at(p[1]));
                        if inner.contains(px, py) {
                            s.line([px, py - 4.0], [px, py + 4.0], stroke("ghost", 1.6));
                        }
                    }
                }
            }
        }
        s
    }

    /// The curves alone: what lies on the canvas.
    pub fn ink(&self) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        for c in &self.curves {
            let p = self.pixels(c);
            s.curve(&p, stroke(c.paint.clone(), c.width));
            if c.x.len() < FEW {
                for p in p.iter().filter(|p| !p[0].is_nan()) {
                    s.dot(*p, 1.5 + c.width / 2.0, c.paint.clone());
                }
            }
        }
        s
    }

    /// Everything: what is exported.
    pub fn whole(&self) -> Scene {
        let mut s = self.frame();
        s.marks.extend(self.ink().marks);
        s
    }

    /// Index of the point of a curve nearest to a pixel in x.
    pub fn nearest(&self, curve: &Curve, px: f64) -> Option<usize> {
        let (x, _) = self.scales();
        nearest_by(curve.x.len(), |i| if x.has(curve.x[i]) { x.at(curve.x[i]) } else { f64::NEG_INFINITY }, px)
    }

    /// The curve whose point under `px` is nearest to `py`, and that point.
    pub fn hit(&self, px: f64, py: f64) -> Option<(usize, usize)> {
        let (x, y) = self.scales();
        let distance = |c: usize, i: usize| {
            let p = [x.at(self.curves[c].x[i]), y.at(self.curves[c].y[i])];
            ((p[0] - px).powi(2) + (p[1] - py).powi(2), p)
        };
        self.curves
            .iter()
            .enumerate()
            .filter_map(|(c, curve)| Some((c, self.nearest(curve, px)?)))
            .filter(|&(c, i)| distance(c, i).0.is_finite())
            .min_by(|a, b| distance(a.0, a.1).0.total_cmp(&distance(b.0, b.1).0))
    }

    /// The numbers behind it. Curves over the same x values share a row.
    pub fn table(&self) -> Table {
        let name = super::axes::named;
        let shared = self.curves.windows(2).all(|w| w[0].x == w[1].x);
        if shared {
            let head = std::iter::once(name(&self.x)).chain(self.curves.iter().map(|c| if self.curves.len() == 1 { name(&self.y) } else { c.name.clone() }));
            let mut t = Table::new(head);
            let n = self.curves.first().map_or(0, |c| c.x.len());
            for i in 0..n {
                t.push(std::iter::once(self.curves[0].x[i]).chain(self.curves.iter().map(|c| c.y.get(i).copied().unwrap_or(f64::NAN))));
            }
            return t;
        }
        let mut t = Table::new(["series".to_string(), name(&self.x), name(&self.y)]);
        for c in &self.curves {
            for (x, y) in c.x.iter().zip(c.y.iter()) {
                t.push([Cell::from(c.name.clone()), Cell::from(*x), Cell::from(*y)]);
            }
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;

    fn axis(name: &str, log: bool) -> Axis {
        Axis { name: name.into(), unit: String::new(), log }
    }

    fn chart(n: usize, log: bool) -> Lines {
        let y: Vec<f64> = (0..n).map(|i| 10.0 / (1.0 + i as f64) - if i + 2 > n { 20.0 } else { 0.0 }).collect();
        let curves = vec![Curve { name: "q".into(), paint: "q".into(), width: 1.5, x: Values::ranks(n), y: y.into() }];
        let references = vec![Reference::Level { at: 2.0, label: "random matrix".into() }, Reference::Stand { at: 3.0, label: "90 %".into() }];
        Lines::new([320.0, 200.0], [axis("rank", log), axis("σ", log)], curves, references, None)
    }

    #[test]
    fn a_point_is_found_where_it_is_drawn() {
        let c = chart(500, false);
        let (x, y) = c.scales();
        for i in [0, 7, 250, 498] {
            let p = [x.at(c.curves[0].x[i]), y.at(c.curves[0].y[i])];
            assert_eq!(c.hit(p[0], p[1]), Some((0, i)));
        }
    }

    #[test]
    fn what_a_log_axis_cannot_show_is_counted_in_words() {
        let c = chart(100, true);
        assert_eq!(c.hidden(), 1);
        assert_eq!(c.hidden_words(), "1 value ≤ 0 is not shown.");
        assert_eq!(chart(100, false).hidden_words(), "");
        assert!(c.pixels(&c.curves[0]).iter().all(|p| p[0].is_finite()));
    }

    #[test]
    fn few_points_are_drawn_as_points_too() {
        let dots = |n: usize| chart(n, false).ink().marks.iter().filter(|m| matches!(m, Mark::Circle { .. })).count();
        assert_eq!(dots(23), 23);
        assert_eq!(dots(24), 0);
    }

    #[test]
    fn a_zoomed_view_keeps_within_the_frame() {
        let mut c = chart(2000, false);
        c.view = Some([[10.0, 20.0], [0.2, 1.0]]);
        let inner = c.inner();
        assert!(c.pixels(&c.curves[0]).iter().all(|p| p[0].is_nan() || p[0] >= inner.left - 1.0 && p[0] <= inner.right + 1.0));
    }

    #[test]
    fn zooming_keeps_what_is_under_the_pointer_and_ends_where_it_began() {
        for log in [false, true] {
            let mut c = chart(500, log);
            let at = [150.0, 90.0];
            let (x, y) = c.scales();
            let under = [x.value(at[0]), y.value(at[1])];
            c.view = c.zoomed(at, 0.5);
            let (x, y) = c.scales();
            assert!((x.at(under[0]) - at[0]).abs() < 1e-6 && (y.at(under[1]) - at[1]).abs() < 1e-6, "log {log}");
            c.view = c.zoomed(at, 100.0);
            assert_eq!(c.view, None);
        }
    }

    #[test]
    fn the_table_shares_x_where_it_can() {
        let mut c = chart(5, false);
        assert_eq!(c.table().columns, ["rank", "σ"]);
        c.curves.push(Curve { name: "k".into(), x: Values::ranks(3), y: vec![1.0, 2.0, 3.0].into(), ..c.curves[0].clone() });
        assert_eq!(c.table().columns[0], "series");
        assert_eq!(c.table().rows.len(), 8);
        assert!(chart(0, true).table().rows.is_empty());
    }
}
