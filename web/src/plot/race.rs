//! A greedy search as a chart: every candidate a ring, what was taken a step of the line.

use espalier_methods::report::Axis;

use super::axes::{Inner, x_axis, y_axis};
use super::scale::{Scale, extent};
use super::scene::{Anchor, Mark, Scene, Seg, stroke};
use super::table::Table;

/// One step of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct RaceStep {
    /// What was taken: `block 3`, `expert 12`.
    pub name: String,
    /// Value with it.
    pub taken: f64,
    /// Values with each candidate; NaN was no candidate any more.
    pub tried: Vec<f64>,
}

/// A laid out race.
#[derive(Clone, Debug, PartialEq)]
pub struct Race {
    /// Size in pixels.
    pub size: [f64; 2],
    /// Steps so far.
    pub steps: Vec<RaceStep>,
    /// Steps that are wanted.
    pub wanted: usize,
    /// Name of a step: `layers condensed`.
    pub x: String,
    /// What is measured.
    pub y: Axis,
}

impl Race {
    fn scales(&self) -> (Inner, Scale, Scale) {
        let inner = Inner::of(self.size[0], self.size[1]);
        let [_, high] = extent(self.steps.iter().flat_map(|s| s.tried.iter().copied().chain([s.taken])), false).unwrap_or([0.0, 1.0]);
        let last = self.wanted.max(self.steps.len()).max(1) as f64;
        (inner, Scale::linear([0.0, last + 0.4], inner.x()), Scale::linear([0.0, high * 1.05], inner.y()))
    }

    /// The drawing.
    pub fn scene(&self) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        let (inner, x, y) = self.scales();
        y_axis(&mut s, inner, &y, &self.y);
        x_axis(&mut s, inner, &x, &Axis { name: self.x.clone(), unit: String::new(), log: false });
        let mut line = vec![Seg::M(x.at(0.0), y.at(0.0))];
        for (i, step) in self.steps.iter().enumerate() {
            let at = x.at(i as f64 + 1.0);
            for v in step.tried.iter().filter(|v| v.is_finite()) {
                s.marks.push(Mark::Circle { at: [at, y.at(*v)], r: 2.2, fill: None, stroke: Some(stroke("ghost", 1.0)) });
            }
            line.extend([Seg::L(at, y.at(if i == 0 { 0.0 } else { self.steps[i - 1].taken })), Seg::L(at, y.at(step.taken))]);
        }
        s.path(line, stroke("leaf", 1.8));
        let step = x.span() / (self.wanted.max(1) as f64 + 0.4);
        for (i, one) in self.steps.iter().enumerate() {
            let p = [x.at(i as f64 + 1.0), y.at(one.taken)];
            s.dot(p, 3.4, "leaf");
            if step > 26.0 {
                let name = if step > 64.0 || i == 0 { one.name.clone() } else { one.name.rsplit(' ').next().unwrap_or_default().to_owned() };
                s.text(p[0] + 5.0, p[1] + 13.0, name, Anchor::Start).paint("ink").halo();
            }
        }
        s
    }

    /// The numbers behind it.
    pub fn table(&self) -> Table {
        let candidates = self.steps.first().map_or(0, |s| s.tried.len());
        let mut t = Table::new(["step", "taken", "value"].into_iter().map(str::to_owned).chain((0..candidates).map(|i| format!("candidate {i}"))));
        for (i, step) in self.steps.iter().enumerate() {
            let mut row: Vec<super::table::Cell> = vec![(i as f64 + 1.0).into(), step.name.clone().into(), step.taken.into()];
            row.extend(step.tried.iter().map(|v| super::table::Cell::from(*v)));
            t.push(row);
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_candidate_is_a_ring_and_every_step_a_dot() {
        let steps = vec![
            RaceStep { name: "block 3".into(), taken: 0.1, tried: vec![0.4, 0.1, 0.2] },
            RaceStep { name: "block 1".into(), taken: 0.3, tried: vec![0.5, f64::NAN, 0.3] },
        ];
        let r = Race { size: [300.0, 150.0], steps, wanted: 3, x: "layers condensed".into(), y: Axis { name: "divergence".into(), unit: "nats".into(), log: false } };
        let s = r.scene();
        let rings = s.marks.iter().filter(|m| matches!(m, Mark::Circle { fill: None, .. })).count();
        let dots = s.marks.iter().filter(|m| matches!(m, Mark::Circle { fill: Some(_), .. })).count();
        assert_eq!((rings, dots), (5, 2));
        assert_eq!(r.table().rows.len(), 2);
        assert!(Race { steps: vec![], ..r }.scene().marks.iter().all(|m| !matches!(m, Mark::Circle { .. })));
    }
}
