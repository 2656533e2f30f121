//! Streets: spokes and rings, quays and collectors, the streets of each quarter after its own pattern, and the bent lanes of the old town.

use std::f64::consts::TAU;

use libm::{cos, hypot, sin};

use super::dice::Dice;
use super::plan::{HEIGHT, Plan, RINGS, WIDTH, around};

/// Streets of four classes: spokes and rings, collectors, streets, lanes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Streets {
    /// Polylines by class.
    pub classes: [Vec<Vec<[f64; 2]>>; 4],
    /// The railway.
    pub rail: Vec<[f64; 2]>,
}

/// Streets end this far outside the city's rectangle, so that the edge of the map is no edge of the town.
const MARGIN: f64 = 150.0;
/// Sectors outside the inner ring that are a grid already there.
const GRIDS: [usize; 2] = [1, 5];

impl Streets {
    /// The streets of a ground.
    pub fn new(plan: &Plan, seed: u64) -> Self {
        let mut all = Self::default();
        let mut dice = Dice::new(seed, 2);
        all.frame(plan);
        all.old_town(plan, &mut dice);
        all.ring_town(plan, &mut dice);
        all.grids(plan, &mut dice);
        all.suburb(plan);
        all.village(plan, &mut dice);
        all.rail = (0..=227).map(|i| f64::from(i) * 30.0 - MARGIN).map(|x| [x, plan.river(x) - plan.half_width(x) - 330.0 - 120.0 * sin(x / 1500.0)]).collect();
        all
    }

    /// Adds the stretches of a polyline that may be there.
    fn emit(&mut self, class: usize, line: impl IntoIterator<Item = [f64; 2]>, may: impl Fn([f64; 2]) -> bool) {
        let mut run: Vec<[f64; 2]> = Vec::new();
        let mut end = |run: &mut Vec<[f64; 2]>| {
            let stretch = std::mem::take(run);
            if stretch.len() > 1 {
                self.classes[class].push(stretch);
            }
        };
        for [x, y] in line {
            let near = x > -MARGIN && y > -MARGIN && x < WIDTH + MARGIN && y < HEIGHT + MARGIN;
            if near && may([x, y]) {
                run.push([x, y]);
            } else {
                end(&mut run);
            }
        }
        end(&mut run);
    }

    /// Spokes, rings and quays; they cross the river and the parks.
    fn frame(&mut self, plan: &Plan) {
        for i in 0..8 {
            self.emit(0, (3..130).map(|k| f64::from(k) * 40.0).map(|r| plan.at(plan.spoke(i, r), r)), |_| true);
        }
        for r0 in RINGS {
            self.emit(0, (0..=120).map(|k| f64::from(k) / 120.0 * TAU).map(|t| plan.at(t, plan.ring(r0, t))), |_| true);
        }
        for side in [-1.0, 1.0] {
            let quay = (0..=168).map(|k| f64::from(k) * 40.0 - 120.0).map(|x| [x, plan.river(x) + side * (plan.half_width(x) + 52.0)]);
            self.emit(1, quay, |p| !plan.in_park(p, 1.0));
        }
    }

    /// Broken rings and bent alleys.
    fn old_town(&mut self, plan: &Plan, dice: &mut Dice) {
        let radii = [105.0, 190.0, 280.0, 365.0, 455.0, 540.0];
        for (j, r0) in radii.into_iter().enumerate() {
            let place = |k: usize| {
                let t = k as f64 / 64.0 * TAU;
                plan.at(t, plan.ring(r0, t) * (1.0 + 0.09 * sin(7.0 * t + j as f64 * 2.0) + 0.05 * sin(11.0 * t + j as f64)))
            };
            let mut gap = [false; 64];
            for _ in 0..6 {
                let g = dice.below(64);
                (0..3).for_each(|z| gap[(g + z) % 64] = true);
            }
            let mut from = 0;
            for k in 0..=64 {
                if gap[k % 64] || k == 64 {
                    self.emit(3, (from..k).map(place), |p| dry(plan, p));
                    from = k + 1;
                }
            }
            let next = radii.get(j + 1).copied().unwrap_or(RINGS[0]);
            let alleys = 8 + j * 4;
            for q in 0..alleys {
                let t = (q as f64 + 0.7 * dice.unit()) / alleys as f64 * TAU;
                let alley = (0..=4).map(|z| f64::from(z) / 4.0).map(|f| plan.at(t + 0.06 * sin(f * 3.0 + q as f64), plan.ring(r0 + (next - r0) * f, t)));
                self.emit(3, alley, |p| dry(plan, p));
            }
        }
    }

    /// Between the rings: arcs and radii of each sector.
    fn ring_town(&mut self, plan: &Plan, dice: &mut Dice) {
        for i in (0..8).filter(|i| !GRIDS.contains(i)) {
            let (step, start, bend) = (104.0 + dice.unit() * 34.0, dice.unit() * 60.0, 0.05 * (dice.unit() - 0.5));
            let from = plan.spokes[i];
            let span = around(plan.spokes[(i + 1) % 8] - from);
            let span = if span < 0.0 { span + TAU } else { span };
            let may = |p: [f64; 2]| dry(plan, p) && plan.sector(p) == i;
            let mut r0 = RINGS[0] + 70.0 + start;
            while r0 < RINGS[1] - 50.0 {
                let arc = (0..=26).map(|k| f64::from(k) / 26.0).map(|f| {
                    let t = from + span * f;
                    plan.at(t, plan.ring(r0 * (1.0 + bend * sin(f * 3.1)), t) * (1.0 + 0.012 * sin(9.0 * t + i as f64)))
                });
                self.emit(2, arc, may);
                r0 += step;
            }
            let radii = ((span * 1050.0 / 150.0).round() as usize).max(5);
            for q in 1..radii {
                let off = 0.25 * (dice.unit() - 0.5) / radii as f64;
                let begin = if dice.unit() < 0.3 { 0.45 + 0.3 * dice.unit() } else { 0.0 };
                let radius = (0..=12).map(|z| begin + (1.0 - begin) * f64::from(z) / 12.0).map(|f| {
                    let r0 = RINGS[0] + (RINGS[1] - RINGS[0]) * f;
                    let t = from + span * (q as f64 / radii as f64 + off) + 0.085 * sin(r0 / 640.0 + i as f64 * 1.7);
                    plan.at(t, plan.ring(r0, t))
                });
                self.emit(2, radius, |p| dry(plan, p));
            }
        }
    }

    /// Planned grids outside the outer ring, one heading a sector, with wide blocks at the works.
    fn grids(&mut self, plan: &Plan, dice: &mut Dice) {
        for i in 0..8 {
            let turn = plan.spokes[i] + 0.45 + (dice.unit() - 0.5) * 0.5;
            let (u, v) = (cos(turn), sin(turn));
            let steps = [108.0 + dice.unit() * 26.0, 176.0 + dice.unit() * 60.0];
            for (heading, step) in [([u, v], steps[0]), ([-v, u], steps[1])] {
                let lines = (5000.0 / step) as i32;
                for n in -lines..=lines {
                    let d = f64::from(n) * step;
                    let big = n % 5 == 0;
                    let line = (0..460).map(|q| f64::from(q) * 22.0 - 5060.0).map(|q| [plan.centre[0] - d * heading[1] + q * heading[0], plan.centre[1] + d * heading[0] + q * heading[1]]);
                    let may = |p: [f64; 2]| {
                        let town = if GRIDS.contains(&i) { plan.within(p, RINGS[0]) > 1.07 } else { plan.within(p, RINGS[1]) > 1.035 };
                        town && plan.sector(p) == i && dry(plan, p) && !plan.in_suburb(p) && !plan.in_village(p) && (big || n % 2 == 0 || !plan.works(p))
                    };
                    self.emit(if big { 1 } else { 2 }, line, may);
                }
            }
        }
    }

    /// Crescents and short radii.
    fn suburb(&mut self, plan: &Plan) {
        let ([x, y], radius) = plan.suburb;
        let circle = |r: f64| (0..=60).map(move |k| f64::from(k) / 60.0 * TAU).map(move |t| [x + r * cos(t), y + r * sin(t)]);
        for k in 0..6 {
            let r = 95.0 + 93.0 * f64::from(k);
            self.emit(if r > 500.0 { 1 } else { 2 }, circle(r), |p| dry(plan, p));
        }
        for q in 0..12 {
            let t = f64::from(q) / 12.0 * TAU + 0.2;
            let from = if q % 2 == 1 { 95.0 } else { 281.0 };
            let radial = (0..17).map(|k| from + 31.0 * f64::from(k)).filter(|r| *r <= radius).map(|r| [x + r * cos(t), y + r * sin(t)]);
            self.emit(2, radial, |p| dry(plan, p));
        }
    }

    /// Nine bent lanes and two rounds.
    fn village(&mut self, plan: &Plan, dice: &mut Dice) {
        let [x, y] = plan.village;
        for q in 0..9 {
            let t = f64::from(q) / 9.0 * TAU + 0.5 * dice.unit();
            self.emit(3, (0..11).map(|k| 12.0 + 24.0 * f64::from(k)).map(|r| [x + r * cos(t + r / 700.0), y + r * sin(t + r / 700.0)]), |p| dry(plan, p));
        }
        for r in [80.0, 165.0] {
            let round = (0..=40).map(|k| f64::from(k) / 40.0 * TAU).map(|t| (t, r * (1.0 + 0.13 * sin(3.0 * t + r))));
            self.emit(3, round.map(|(t, q)| [x + q * cos(t), y + q * sin(t)]), |p| dry(plan, p));
        }
    }
}

/// Neither in the river nor in a park.
fn dry(plan: &Plan, place: [f64; 2]) -> bool {
    !plan.wet(place, 30.0) && !plan.in_park(place, 1.04)
}

/// Length of a segment.
pub fn length(a: [f64; 2], b: [f64; 2]) -> f64 {
    hypot(a[0] - b[0], a[1] - b[1])
}
