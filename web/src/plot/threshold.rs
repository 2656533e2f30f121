//! Reduction over the threshold: the curve that is its own slider.

use super::scale::Scale;
use super::scene::{Anchor, Scene, Seg, stroke};
use super::table::Table;

/// What a threshold does, as fractions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Threshold.
    pub k: f64,
    /// Ranks the threshold asks to cut, of all ranks.
    pub attempted: f64,
    /// Ranks that are cut, of all ranks.
    pub effective: f64,
    /// Parameters saved, of all parameters; negative where factors are larger than matrices.
    pub parameters: f64,
}

/// A laid out threshold slider.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdPlot {
    /// Size in pixels.
    pub size: [f64; 2],
    /// The curve, by rising threshold.
    pub curve: Vec<Point>,
    /// Where the line stands.
    pub now: Point,
    /// Target as a dashed level.
    pub target: Option<f64>,
    /// The paper's own thresholds: k and reduction.
    pub paper: Vec<[f64; 2]>,
}

/// Step of the grid the thresholds are searched on.
pub const STEP: f64 = 0.005;

impl ThresholdPlot {
    /// The largest threshold shown: where nearly everything is cut, in tenths, at least 0.5.
    pub fn most(&self) -> f64 {
        let end = self.curve.iter().find(|p| p.attempted > 0.97).map_or(1.0, |p| p.k);
        ((end.max(self.now.k) * 10.0).ceil() / 10.0).clamp(0.5, 1.0)
    }

    /// Both scales.
    pub fn scales(&self) -> (Scale, Scale) {
        let low = self.curve.iter().map(|p| p.parameters).fold(0.0, f64::min).max(-1.0);
        let low = if low < -0.005 { (low * 4.0).floor() / 4.0 } else { 0.0 };
        (Scale::linear([0.0, self.most()], [30.0, self.size[0] - 8.0]), Scale::linear([low, 1.0], [self.size[1] - 32.0, 18.0]))
    }

    /// Threshold at a pixel, on the grid.
    pub fn k_at(&self, px: f64) -> f64 {
        let (x, _) = self.scales();
        ((x.value(px) / STEP).round() * STEP).clamp(0.0, 1.0)
    }

    /// The drawing.
    pub fn scene(&self) -> Scene {
        let [w, h] = self.size;
        let mut s = Scene::new(w, h);
        let (x, y) = self.scales();
        let foot = y.range[0];
        let mut level = y.domain[0];
        while level <= 1.0 + 1e-9 {
            s.hair_h(x.range, y.at(level), stroke(if level.abs() < 1e-9 { "edge" } else { "wire" }, 1.0));
            s.text(x.range[0] - 5.0, y.at(level) + 4.0, super::number::number(level * 100.0), Anchor::End);
            level += 0.25;
        }
        for t in super::ticks::ticks(&x, 40.0) {
            s.hair_v(x.at(t.value), [foot, foot + 3.0], stroke("edge", 1.0));
            let end = x.at(t.value) > x.range[1] - 8.0;
            s.text(x.at(t.value), foot + 14.0, t.label, if end { Anchor::End } else { Anchor::Middle });
        }
        s.text(w - 8.0, h - 4.0, "threshold k", Anchor::End);
        s.text(x.range[0] + 4.0, 11.0, "% cut, of all ranks or of parameters", Anchor::Start).paint("ink-2");
        for p in self.paper.iter().filter(|p| p[0] <= x.domain[1]) {
            s.line([x.at(p[0]), y.at(p[1]) - 4.0], [x.at(p[0]), y.at(p[1]) + 4.0], stroke("ghost", 1.6));
        }
        if let Some(t) = self.target {
            s.hair_h(x.range, y.at(t), stroke("ghost", 1.0).dashed(2.0, 3.0));
        }
        type Of = fn(&Point) -> f64;
        let series: [(Of, &'static str, f64, &str); 3] = [
            (|p| p.parameters, "c1", 1.2, "parameters"),
            (|p| p.attempted, "ink", 1.5, "attempted"),
            (|p| p.effective, "leaf", 2.0, "effective"),
        ];
        for (of, paint, width, _) in &series {
            let points: Vec<_> = self.curve.iter().filter(|p| p.k <= x.domain[1] + 1e-9).map(|p| [x.at(p.k), y.clamped(of(p))]).collect();
            s.curve(&points, stroke(*paint, *width));
        }
        let px = x.at(self.now.k);
        s.hair_v(px, [20.0, foot], stroke("cut", 1.2));
        let mid = px.floor() + 0.5;
        s.shape(vec![Seg::M(mid - 5.0, foot + 9.0), Seg::L(mid - 5.0, foot + 4.0), Seg::L(mid, foot - 1.0), Seg::L(mid + 5.0, foot + 4.0), Seg::L(mid + 5.0, foot + 9.0), Seg::Z], "cut");
        for (of, paint, _, _) in &series {
            s.ring([mid, y.clamped(of(&self.now))], 3.4, *paint);
        }
        self.values(&mut s, &x, foot, &series);
        s
    }

    /// The three values, in the lower right where the curves leave room, or the upper left once the line is there.
    fn values(&self, s: &mut Scene, x: &Scale, foot: f64, series: &[(fn(&Point) -> f64, &'static str, f64, &str)]) {
        let crowded = self.now.k > x.domain[1] * 0.52;
        let (left, right, top) = if crowded { (x.range[0] + 14.0, x.range[0] + 118.0, 32.0) } else { (x.range[1] - 104.0, x.range[1], foot - 39.0) };
        s.rect([left - 8.0, top - 11.0, right - left + 12.0, 46.0], "ground");
        for (i, name) in ["attempted", "effective", "parameters"].iter().enumerate() {
            let Some((of, paint, _, _)) = series.iter().find(|x| x.3 == *name) else { continue };
            let y = top + 15.0 * i as f64;
            s.ring([left, y], 3.4, *paint);
            s.text(left + 8.0, y + 4.0, *name, Anchor::Start).paint("ink-2");
            s.text(right, y + 4.0, super::number::fixed(of(&self.now) * 100.0, 1), Anchor::End).paint("ink").bold();
        }
    }

    /// The numbers behind it.
    pub fn table(&self) -> Table {
        let mut t = Table::new(["threshold", "attempted [%]", "effective [%]", "parameters saved [%]"]);
        for p in &self.curve {
            t.push([p.k, p.attempted * 100.0, p.effective * 100.0, p.parameters * 100.0]);
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(now: f64) -> ThresholdPlot {
        let point = |k: f64| Point { k, attempted: (k * 3.0).min(1.0), effective: (k * 2.5).min(1.0), parameters: k * 2.0 - 0.3 };
        ThresholdPlot { size: [284.0, 166.0], curve: (0..=200).map(|j| point(f64::from(j) * STEP)).collect(), now: point(now), target: Some(0.5), paper: vec![[0.175, 0.5]] }
    }

    #[test]
    fn the_line_is_dragged_on_the_grid() {
        let p = plot(0.2);
        let (x, _) = p.scales();
        for k in [0.0, 0.005, 0.165, 0.3] {
            assert!((p.k_at(x.at(k)) - k).abs() < 1e-12);
        }
        assert_eq!(p.k_at(-500.0), 0.0);
    }

    #[test]
    fn larger_models_show_below_zero_and_the_line_is_always_in_sight() {
        let p = plot(0.9);
        assert!(p.scales().1.domain[0] < 0.0);
        assert!(p.most() >= 0.9);
        assert_eq!(plot(0.1).most(), 0.5);
        assert_eq!(p.table().rows.len(), 201);
    }
}
