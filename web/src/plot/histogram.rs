//! A histogram: ink bars without gaps darker than the data, log count by default, limits as cut-red dots.

use espalier_methods::report::Axis;

use super::axes::{Inner, x_axis, y_axis};
use super::hist::{edges, join};
use super::scale::Scale;
use super::scene::{Anchor, Scene, stroke};
use super::table::Table;

/// A laid out histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Size in pixels.
    pub size: [f64; 2],
    /// x axis: what is counted.
    pub x: Axis,
    /// Left edge of the first bin and right edge of the last.
    pub range: [f64; 2],
    /// Counts of equal bins.
    pub counts: Vec<u32>,
    /// Counts on a log axis.
    pub log: bool,
    /// Places marked by dotted lines: value and name (`−4 std`).
    pub limits: Vec<(f64, String)>,
    /// Counts before, drawn as an outline (same range and bins).
    pub before: Option<Vec<u32>>,
}

impl Histogram {
    /// The rectangle between the axes.
    pub fn inner(&self) -> Inner {
        Inner::of(self.size[0], self.size[1])
    }

    fn bins(&self) -> usize {
        // A bar of three pixels and more is still a bar; finer bins are joined.
        ((self.inner().right - self.inner().left) / 3.0).max(8.0) as usize
    }

    /// Joined bins: edges and counts.
    pub fn joined(&self) -> (Vec<f64>, Vec<f64>) {
        (edges(self.range, self.counts.len(), self.bins()), join(&self.counts, self.bins()))
    }

    /// Both scales.
    pub fn scales(&self) -> (Scale, Scale) {
        let inner = self.inner();
        let before = self.before.as_deref().map(|b| join(b, self.bins())).unwrap_or_default();
        let most = self.joined().1.into_iter().chain(before).fold(1.0, f64::max);
        let y = if self.log { Scale::log([0.7, most * 1.6], inner.y()) } else { Scale::linear([0.0, most * 1.04], inner.y()) };
        (Scale::linear(self.range, inner.x()), y)
    }

    /// The drawing.
    pub fn scene(&self) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        let inner = self.inner();
        let (x, y) = self.scales();
        y_axis(&mut s, inner, &y, &Axis { name: "count".into(), unit: String::new(), log: self.log });
        let (edges, counts) = self.joined();
        for (e, n) in edges.windows(2).zip(&counts) {
            if *n > 0.0 {
                let (a, b, top) = (x.at(e[0]), x.at(e[1]), y.at(*n));
                s.rect([a + 0.25, top, (b - a - 0.5).max(0.5), inner.bottom - top], "ink-2");
            }
        }
        if let Some(before) = &self.before {
            let mut points = vec![[inner.left, inner.bottom]];
            for (e, n) in edges.windows(2).zip(join(before, self.bins())) {
                let top = if n > 0.0 { y.at(n) } else { inner.bottom };
                points.extend([[x.at(e[0]), top], [x.at(e[1]), top]]);
            }
            s.curve(&points, stroke("c1", 1.0));
        }
        let mut taken: Vec<[f64; 2]> = Vec::new();
        for (at, name) in &self.limits {
            let px = x.at(*at);
            if !(inner.left..=inner.right).contains(&px) {
                continue;
            }
            s.hair_v(px, [inner.top + 14.0, inner.bottom], stroke("cut", 1.0).dashed(2.0, 2.0));
            let w = super::axes::text_width(name);
            let left = px < (inner.left + inner.right) / 2.0;
            let span = if left { [px - w - 3.0, px] } else { [px, px + w + 3.0] };
            if taken.iter().all(|t| span[1] < t[0] || span[0] > t[1]) && span[0] > inner.left && span[1] < self.size[0] {
                taken.push(span);
                s.text(if left { px - 3.0 } else { px + 3.0 }, inner.top + 22.0, name.clone(), if left { Anchor::End } else { Anchor::Start }).paint("ink-2").halo();
            }
        }
        x_axis(&mut s, inner, &x, &self.x);
        s
    }

    /// Index of the joined bin at a pixel.
    pub fn bin_at(&self, px: f64) -> Option<usize> {
        let (x, _) = self.scales();
        let v = x.value(px);
        let (edges, _) = self.joined();
        (edges.len() > 1).then(|| edges.partition_point(|e| *e <= v).saturating_sub(1).min(edges.len() - 2))
    }

    /// The numbers behind it, every bin.
    pub fn table(&self) -> Table {
        let head = ["from", "to", "count"].into_iter().map(String::from).chain(self.before.is_some().then(|| "count before".into()));
        let mut t = Table::new(head);
        let all = edges(self.range, self.counts.len(), self.counts.len().max(1));
        for (i, n) in self.counts.iter().enumerate() {
            let mut row = vec![all[i], all[i + 1], f64::from(*n)];
            if let Some(b) = &self.before {
                row.push(b.get(i).map_or(f64::NAN, |n| f64::from(*n)));
            }
            t.push(row);
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;

    fn bell(log: bool) -> Histogram {
        let counts = (0..256).map(|i| (1e6 * (-((f64::from(i) - 128.0) / 30.0).powi(2)).exp()) as u32).collect();
        Histogram {
            size: [220.0, 180.0],
            x: Axis { name: "weight".into(), unit: String::new(), log: false },
            range: [-0.2, 0.2],
            counts,
            log,
            limits: vec![(-0.1, "−4 std".into()), (0.1, "+4 std".into())],
            before: None,
        }
    }

    #[test]
    fn bars_stand_on_the_axis_and_empty_bins_have_none() {
        for log in [false, true] {
            let h = bell(log);
            let bars: Vec<_> = h.scene().marks.into_iter().filter_map(|m| if let Mark::Rect { at, .. } = m { Some(at) } else { None }).collect();
            assert_eq!(bars.len(), h.joined().1.iter().filter(|n| **n > 0.0).count());
            assert!(bars.iter().all(|b| (b[1] + b[3] - h.inner().bottom).abs() < 1e-9 && b[1] >= h.inner().top - 1.0));
        }
    }

    #[test]
    fn bins_are_found_and_the_table_has_all() {
        let h = bell(true);
        let (x, _) = h.scales();
        let (e, _) = h.joined();
        for i in 0..e.len() - 1 {
            assert_eq!(h.bin_at(x.at((e[i] + e[i + 1]) / 2.0)), Some(i));
        }
        assert_eq!(h.table().rows.len(), 256);
        assert_eq!(h.bin_at(-100.0), Some(0));
    }

    #[test]
    fn no_bins_make_an_empty_plot() {
        let h = Histogram { counts: Vec::new(), ..bell(true) };
        assert_eq!(h.bin_at(50.0), None);
        assert!(h.scene().marks.iter().all(|m| !matches!(m, Mark::Rect { .. })));
    }
}
