//! A made city: an old irregular centre, a ring-and-spoke town around it, planned outskirts, a river, districts with a known use of land, streets, and points of
//! interest along them. A pure function of the seed, and of no real place.

mod dice;
mod districts;
pub mod kinds;
mod plan;
mod streets;

pub use districts::Districts;
pub use plan::{HEIGHT, Plan, WIDTH};
pub use streets::Streets;

pub(super) use dice::Dice;
use kinds::{GROUPS, USES};
use plan::{RINGS, inside};

/// A made city.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The ground.
    pub plan: Plan,
    /// The streets.
    pub streets: Streets,
    /// The districts.
    pub districts: Districts,
    /// Points of interest, in metres east and north.
    pub points: Vec<[f64; 2]>,
    /// The category of each.
    pub kinds: Vec<u32>,
    /// Places whose land use is told.
    pub places: Vec<[f64; 2]>,
    /// Their land use, by [`kinds::USES`].
    pub uses: Vec<u32>,
}

/// Labelled places of a class.
const LABELS: usize = 400;
/// A category is drawn from its land use's own mixture this often, else from all evenly: real land is mixed, too.
const OWN: f64 = 0.65;
/// Along spokes and rings, so many points are those of a high street, whatever lies behind.
const FRONTAGE: f64 = 0.3;

impl Made {
    /// The city of a seed, with about so many points.
    pub fn new(seed: u64, count: usize) -> Self {
        let plan = Plan::new(seed);
        let streets = Streets::new(&plan, seed);
        let districts = Districts::new(&plan, seed);
        let mixtures = mixtures(seed);
        let mut dice = Dice::new(seed, 5);
        let (mut points, mut kinds) = (Vec::new(), Vec::new());
        let in_parks = count * 28 / 1000;
        along(&plan, &streets, count - in_parks, &mut dice, |place, main, dice| {
            let land = if main && dice.unit() < FRONTAGE { 2 } else { districts.land_use(&plan, place) };
            points.push(place);
            kinds.push(kind(&mixtures[land], dice));
        });
        let mut turns = 0;
        while points.len() < count && turns < 1000 * count {
            turns += 1;
            let place = [WIDTH * dice.unit(), HEIGHT * dice.unit()];
            if plan.in_park(place, 0.92) {
                points.push(place);
                kinds.push(kind(&mixtures[USES.len() - 1], &mut dice));
            }
        }
        let (places, uses) = labels(&plan, &districts, seed);
        Self { plan, streets, districts, points, kinds, places, uses }
    }
}

impl Made {
    /// Draws of another purpose, for what is made on top of a city; the first six are its own.
    pub(super) fn dice(&self, seed: u64, purpose: u32) -> Dice {
        Dice::new(seed, purpose)
    }

    /// Shares of the uses of land around a place, by samples so many metres apart within so many metres; what is wet or outside counts for none. Zeros where all of it does.
    pub fn land_around(&self, place: [f64; 2], [reach, apart]: [f64; 2]) -> [f64; USES.len()] {
        let mut counts = [0.0; USES.len()];
        let n = (reach / apart) as i32;
        for (dx, dy) in (-n..=n).flat_map(|x| (-n..=n).map(move |y| (f64::from(x) * apart, f64::from(y) * apart))) {
            let at = [place[0] + dx, place[1] + dy];
            if dx * dx + dy * dy <= reach * reach && inside(at) && !self.plan.wet(at, 0.0) {
                counts[self.districts.land_use(&self.plan, at)] += 1.0;
            }
        }
        let sum = counts.iter().sum::<f64>();
        counts.map(|c| if sum > 0.0 { c / sum } else { 0.0 })
    }
}

/// Chances of the categories on each use of land: its groups' weights, each category of a group with a share of its own.
fn mixtures(seed: u64) -> Vec<Vec<f64>> {
    let mut dice = Dice::new(seed, 4);
    let own = (0..USES.len()).map(|land| GROUPS.iter().flat_map(|g| g.kinds.iter().map(|_| g.weights[land] * -libm::log(1.0 - dice.unit())).collect::<Vec<_>>()).collect());
    own.collect()
}

fn kind(mixture: &[f64], dice: &mut Dice) -> u32 {
    if dice.unit() < OWN { dice.choose(mixture) as u32 } else { dice.below(mixture.len()) as u32 }
}

/// Gives `count` places along the streets, denser in the middle and at the works, and whether each is at a main road.
fn along(plan: &Plan, streets: &Streets, count: usize, dice: &mut Dice, mut give: impl FnMut([f64; 2], bool, &mut Dice)) {
    let mut segments = Vec::new();
    let mut sum = 0.0;
    for (class, lines) in streets.classes.iter().enumerate() {
        for (a, b) in lines.iter().flat_map(|l| l.windows(2).map(|w| (w[0], w[1]))) {
            let middle = [0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])];
            if !inside(middle) || plan.wet(middle, 20.0) || plan.in_park(middle, 1.0) {
                continue;
            }
            let (_, far) = plan.polar(middle);
            let q = plan.within(middle, RINGS[1]);
            let dense = if q < 0.5 { 1.15 } else if q < 1.0 { 1.0 } else { (1.02 - (far - 1500.0) / 3600.0).max(0.42) };
            sum += streets::length(a, b) * [1.5, 1.0, 0.8, 1.35][class] * if plan.works(middle) { 1.35 } else { 1.0 } * dense;
            segments.push((sum, a, b, class == 0));
        }
    }
    let mut made = 0;
    let mut turns = 0;
    while made < count && !segments.is_empty() && turns < 100 * count {
        turns += 1;
        let t = dice.unit() * sum;
        let i = segments.partition_point(|s| s.0 < t).min(segments.len() - 1);
        let (_, a, b, main) = segments[i];
        let f = dice.unit();
        let l = streets::length(a, b).max(1.0);
        let side = if dice.unit() < 0.5 { -1.0 } else { 1.0 };
        let off = side * (12.0 + 7.0 * dice.normal().abs() + if main { 5.0 } else { 0.0 });
        let place = [a[0] + (b[0] - a[0]) * f - (b[1] - a[1]) / l * off, a[1] + (b[1] - a[1]) * f + (b[0] - a[0]) / l * off];
        if inside(place) && !plan.wet(place, 16.0) {
            give(place, main, dice);
            made += 1;
        }
    }
}

/// Up to [`LABELS`] places of each land use, drawn evenly over the dry land.
fn labels(plan: &Plan, districts: &Districts, seed: u64) -> (Vec<[f64; 2]>, Vec<u32>) {
    let mut dice = Dice::new(seed, 6);
    let (mut places, mut uses, mut left) = (Vec::new(), Vec::new(), [LABELS; USES.len()]);
    for _ in 0..200_000 {
        if left.iter().all(|l| *l == 0) {
            break;
        }
        let place = [WIDTH * dice.unit(), HEIGHT * dice.unit()];
        if plan.wet(place, 0.0) {
            continue;
        }
        let class = districts.land_use(plan, place);
        if left[class] > 0 {
            left[class] -= 1;
            places.push(place);
            uses.push(class as u32);
        }
    }
    (places, uses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_is_what_it_is_said_to_be() {
        let city = Made::new(7, 20_000);
        assert_eq!((city.points.len(), city.kinds.len()), (20_000, 20_000));
        assert!(city.points.iter().all(|p| inside(*p) && !city.plan.wet(*p, 0.0)), "no point in the river, none outside");
        let mut kinds = vec![0; kinds::count()];
        city.kinds.iter().for_each(|k| kinds[*k as usize] += 1);
        assert!(kinds.len() >= 150 && kinds.iter().all(|n| *n > 10), "every category is found: {kinds:?}");
        // About 30 points or more to a district, or nothing can be learnt of it.
        let mut inside_of = vec![0u32; city.districts.count()];
        city.points.iter().for_each(|p| inside_of[city.districts.of(*p)] += 1);
        let mut used: Vec<u32> = inside_of.into_iter().filter(|n| *n > 0).collect();
        used.sort_unstable();
        assert!(used[used.len() / 2] >= 30, "half of the districts have {} points or more", used[used.len() / 2]);
        let mut uses = [0; USES.len()];
        city.uses.iter().for_each(|u| uses[*u as usize] += 1);
        assert!(uses.iter().all(|n| *n >= 200), "{uses:?}");
    }

    #[test]
    fn seeds_make_other_cities_and_the_same_seed_the_same() {
        let (a, b, c) = (Made::new(1, 500), Made::new(1, 500), Made::new(2, 500));
        assert_eq!(a, b);
        assert_ne!(a.points, c.points);
        // To the bit, on every processor: these were written down once.
        let sum = a.points.iter().flatten().fold(0u64, |h, v| h.rotate_left(7) ^ v.to_bits());
        assert_eq!(sum, PINNED, "{sum:#x}");
    }

    /// All coordinates of seed 1's first 500 points, folded together.
    const PINNED: u64 = 0x6c3e_6b10_01f2_1f81;
}
