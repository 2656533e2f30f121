//! Districts: patches of some 270 m whose use of land is known, which is the truth that probes are held against.

use libm::{hypot, sin};

use super::dice::Dice;
use super::kinds::USES;
use super::plan::{HEIGHT, Plan, RINGS, WIDTH};

/// Side of the lattice that districts' middles are shaken off.
const SIDE: f64 = 270.0;
/// Every use of land has at least so many districts.
const LEAST: usize = 14;

/// Middles and uses.
#[derive(Clone, Debug, PartialEq)]
pub struct Districts {
    middles: Vec<[f64; 2]>,
    uses: Vec<u8>,
    columns: usize,
    rows: usize,
}

impl Districts {
    /// The districts of a ground.
    pub fn new(plan: &Plan, seed: u64) -> Self {
        let mut dice = Dice::new(seed, 3);
        let (columns, rows) = ((WIDTH / SIDE) as usize + 3, (HEIGHT / SIDE) as usize + 3);
        let (mut middles, mut uses) = (Vec::new(), Vec::new());
        for row in 0..rows {
            for column in 0..columns {
                let [c, r] = [column, row].map(|k| (k as f64 - 0.5) * SIDE);
                let middle = [c + 0.42 * SIDE * dice.both(), r + 0.42 * SIDE * dice.both()];
                middles.push(middle);
                uses.push(dice.choose(&chances(plan, middle)) as u8);
            }
        }
        let mut all = Self { middles, uses, columns, rows };
        all.give_each_its_least(plan, &mut dice);
        all
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.middles.len()
    }

    /// Uses that came out rare take homes outside the rings.
    fn give_each_its_least(&mut self, plan: &Plan, dice: &mut Dice) {
        for class in 2..USES.len() - 1 {
            let mut turns = 0;
            while self.uses.iter().filter(|u| **u as usize == class).count() < LEAST && turns < 10_000 {
                let i = dice.below(self.uses.len());
                let inside = super::plan::inside(self.middles[i]) && !plan.wet(self.middles[i], 60.0);
                if self.uses[i] == 1 && inside {
                    self.uses[i] = class as u8;
                }
                turns += 1;
            }
        }
    }

    /// The district of a place; borders wind by some 25 m.
    pub fn of(&self, [x, y]: [f64; 2]) -> usize {
        let p = [x + 26.0 * sin(y / 47.0) + 11.0 * sin(y / 19.0 + x / 61.0), y + 26.0 * sin(x / 53.0) + 11.0 * sin(x / 23.0 - y / 71.0)];
        let cell = |v: f64, most: usize| ((v / SIDE + 1.0).max(0.0) as usize).min(most - 1);
        let (c, r) = (cell(p[0], self.columns), cell(p[1], self.rows));
        let (mut best, mut far) = (0, f64::INFINITY);
        for row in r.saturating_sub(2)..(r + 3).min(self.rows) {
            for column in c.saturating_sub(2)..(c + 3).min(self.columns) {
                let i = row * self.columns + column;
                let d = hypot(self.middles[i][0] - p[0], self.middles[i][1] - p[1]);
                if d < far {
                    (best, far) = (i, d);
                }
            }
        }
        best
    }

    /// How the land is used at a place: a park is green whatever its district.
    pub fn land_use(&self, plan: &Plan, place: [f64; 2]) -> usize {
        if plan.in_park(place, 1.0) { USES.len() - 1 } else { self.uses[self.of(place)] as usize }
    }
}

/// How likely each use is around a place, in the order of [`USES`].
fn chances(plan: &Plan, place: [f64; 2]) -> [f64; 8] {
    if plan.in_park(place, 1.05) {
        return [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    }
    let (inner, outer) = (plan.within(place, RINGS[0]), plan.within(place, RINGS[1]));
    if inner < 1.02 {
        return if place[0] > plan.centre[0] + 80.0 { [0.0, 0.0, 0.1, 0.1, 0.8, 0.0, 0.0, 0.0] } else { [0.05, 0.0, 0.2, 0.7, 0.05, 0.0, 0.0, 0.0] };
    }
    if plan.works(place) {
        return [0.1, 0.0, 0.02, 0.0, 0.03, 0.83, 0.0, 0.02];
    }
    if plan.in_village(place) {
        return [0.3, 0.0, 0.3, 0.4, 0.0, 0.0, 0.0, 0.0];
    }
    if plan.in_suburb(place) {
        return [0.0, 0.9, 0.05, 0.0, 0.0, 0.0, 0.0, 0.05];
    }
    if plan.sector(place) == 2 && outer < 1.0 {
        return [0.06, 0.0, 0.04, 0.0, 0.04, 0.0, 0.84, 0.02];
    }
    if outer < 1.0 {
        return [0.58, 0.02, 0.2, 0.03, 0.05, 0.03, 0.05, 0.04];
    }
    [0.12, 0.6, 0.09, 0.01, 0.02, 0.05, 0.04, 0.07]
}
