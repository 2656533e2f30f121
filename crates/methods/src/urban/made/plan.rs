//! The ground of a made city: a river with an island, parks, two ring roads and eight spokes, in metres east and north of its south-west corner.
//!
//! Sines and roots come from `libm`, whose results are the same on every processor: a city has to be the same in a browser and in a terminal.

use std::f64::consts::{PI, TAU};

use libm::{atan2, cos, hypot, pow, sin};

use super::dice::Dice;

/// East to west.
pub const WIDTH: f64 = 6400.0;
/// North to south.
pub const HEIGHT: f64 = 4800.0;
/// Radii of the two rings, before they are bent.
pub const RINGS: [f64; 2] = [620.0, 1480.0];

/// A park: a squarish ellipse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Park {
    centre: [f64; 2],
    half: [f64; 2],
    turn: f64,
}

/// What everything else is built on.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Middle of the old town.
    pub centre: [f64; 2],
    /// Directions of the spokes, ascending.
    pub spokes: [f64; 8],
    /// Parks.
    pub parks: Vec<Park>,
    /// Middles and radii of a garden suburb of crescents and of a village.
    pub suburb: ([f64; 2], f64),
    /// A village that was there before.
    pub village: [f64; 2],
    phases: [f64; 4],
}

impl Park {
    /// Its outline, `n` corners.
    pub fn outline(&self, n: usize) -> Vec<[f64; 2]> {
        let power = |v: f64| pow(v.abs(), 2.0 / 2.6) * v.signum();
        let corner = |i: usize| {
            let f = i as f64 / n as f64 * TAU;
            let k = pow(self.swell(f), 1.0 / 2.6);
            let (u, v) = (self.half[0] * power(cos(f)) * k, self.half[1] * power(sin(f)) * k);
            let (c, s) = (cos(self.turn), sin(self.turn));
            [self.centre[0] + u * c - v * s, self.centre[1] + u * s + v * c]
        };
        (0..n).map(corner).collect()
    }

    fn swell(&self, angle: f64) -> f64 {
        1.0 + 0.09 * sin(4.0 * angle + self.centre[0])
    }

    /// Whether a place lies inside the outline grown by `grow` (of its own size).
    fn holds(&self, [x, y]: [f64; 2], grow: f64) -> bool {
        let (c, s) = (cos(self.turn), sin(self.turn));
        let (dx, dy) = (x - self.centre[0], y - self.centre[1]);
        let (u, v) = (dx * c + dy * s, -dx * s + dy * c);
        let far = pow((u / self.half[0]).abs(), 2.6) + pow((v / self.half[1]).abs(), 2.6);
        far < self.swell(atan2(v / self.half[1], u / self.half[0])) * grow
    }
}

impl Plan {
    /// The ground of a seed's city.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 1);
        let base: [f64; 8] = [-2.86, -2.18, -1.42, -0.78, -0.06, 0.66, 1.37, 2.22];
        let spokes = base.map(|a| a + 0.12 * dice.both());
        let centre = [3000.0 + 160.0 * dice.both(), 2750.0 + 90.0 * dice.both()];
        let phases = [0.6 + 0.5 * dice.both(), PI * dice.both(), PI * dice.both(), PI * dice.both()];
        let parks = [
            [4700.0, 3680.0, 430.0, 300.0, -0.3],
            [1360.0, 1380.0, 430.0, 270.0, 0.35],
            [700.0, 2550.0, 360.0, 190.0, -0.1],
            [5250.0, 740.0, 470.0, 330.0, -0.5],
            [2660.0, 1180.0, 210.0, 160.0, -0.6],
            [2200.0, 4180.0, 260.0, 190.0, 0.2],
        ];
        let parks = parks.map(|[x, y, p, q, t]| Park { centre: [x + 140.0 * dice.both(), y + 110.0 * dice.both()], half: [p * (1.0 + 0.12 * dice.both()), q * (1.0 + 0.12 * dice.both())], turn: t + 0.2 * dice.both() });
        let suburb = ([1180.0 + 120.0 * dice.both(), 3840.0 + 90.0 * dice.both()], 560.0);
        let village = [5330.0 + 90.0 * dice.both(), 1500.0 + 80.0 * dice.both()];
        Self { centre, spokes, parks: parks.into(), suburb, village, phases }
    }

    /// The middle of the river at `x`.
    pub fn river(&self, x: f64) -> f64 {
        HEIGHT * 0.415 - sin(x / 1050.0 + self.phases[0]) * 400.0 - sin(x / 430.0 + self.phases[1]) * 60.0 - (x - 3200.0) * 0.06
    }

    /// Half the river's width at `x`.
    pub fn half_width(&self, x: f64) -> f64 {
        92.0 + 34.0 * sin(x / 800.0 + self.phases[2]) + ((x - 4200.0) / 18.0).clamp(0.0, 60.0)
    }

    /// Middle and half axes of the island.
    pub fn island(&self) -> ([f64; 2], [f64; 2]) {
        let x = self.centre[0] + 560.0;
        ([x, self.river(x) + 6.0], [250.0, 0.5 * self.half_width(x)])
    }

    /// Whether a place is in the river or nearer than `margin` metres to it.
    pub fn wet(&self, [x, y]: [f64; 2], margin: f64) -> bool {
        let (middle, half) = self.island();
        let on_island = ((x - middle[0]) / half[0]).powi(2) + ((y - middle[1]) / half[1]).powi(2) < 1.0;
        (y - self.river(x)).abs() < self.half_width(x) + margin && !on_island
    }

    /// Whether a place is in a park grown by `grow`.
    pub fn in_park(&self, place: [f64; 2], grow: f64) -> bool {
        self.parks.iter().any(|p| p.holds(place, grow))
    }

    /// Direction of spoke `i` at `r` metres from the middle: spokes bend.
    pub fn spoke(&self, i: usize, r: f64) -> f64 {
        self.spokes[i] + 0.085 * sin(r / 640.0 + i as f64 * 1.7) + 0.03 * sin(r / 230.0 + i as f64)
    }

    /// Radius of a ring of `r0` metres in direction `t`: rings bend, too.
    pub fn ring(&self, r0: f64, t: f64) -> f64 {
        r0 * (1.0 + 0.075 * sin(3.0 * t + 1.0 + self.phases[3]) + 0.045 * sin(5.0 * t + 0.4))
    }

    /// Direction and distance from the middle.
    pub fn polar(&self, [x, y]: [f64; 2]) -> (f64, f64) {
        let (dx, dy) = (x - self.centre[0], y - self.centre[1]);
        (atan2(dy, dx), hypot(dx, dy))
    }

    /// A place by direction and distance from the middle.
    pub fn at(&self, t: f64, r: f64) -> [f64; 2] {
        [self.centre[0] + r * cos(t), self.centre[1] + r * sin(t)]
    }

    /// Distance from the middle in units of a ring.
    pub fn within(&self, place: [f64; 2], r0: f64) -> f64 {
        let (t, r) = self.polar(place);
        r / self.ring(r0, t)
    }

    /// Between which two spokes a place lies: that of the lower number.
    pub fn sector(&self, place: [f64; 2]) -> usize {
        let (t, r) = self.polar(place);
        for i in 0..8 {
            let (a, b) = (around(self.spoke(i, r)), around(self.spoke((i + 1) % 8, r)));
            if if a < b { t >= a && t < b } else { t >= a || t < b } {
                return i;
            }
        }
        0
    }

    /// Whether industry may be here: along the river in the east, but not in the village.
    pub fn works(&self, [x, y]: [f64; 2]) -> bool {
        x > 4080.0 && (y - self.river(x)).abs() < 640.0 && !self.in_village([x, y])
    }

    /// In the village.
    pub fn in_village(&self, [x, y]: [f64; 2]) -> bool {
        hypot(x - self.village[0], y - self.village[1]) < 230.0
    }

    /// In the garden suburb.
    pub fn in_suburb(&self, [x, y]: [f64; 2]) -> bool {
        let (middle, radius) = self.suburb;
        hypot(x - middle[0], y - middle[1]) < radius
    }
}

/// An angle of (−π, π].
pub fn around(mut a: f64) -> f64 {
    while a > PI {
        a -= TAU;
    }
    while a < -PI {
        a += TAU;
    }
    a
}

/// Whether a place is inside the city's rectangle.
pub fn inside([x, y]: [f64; 2]) -> bool {
    (0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y)
}
