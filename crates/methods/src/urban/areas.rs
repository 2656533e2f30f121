//! Regions of a city: a point that stands for each, and how the people of it divide among classes. Read from a file, or made with a known truth.

use espalier_nets::geo::Table;
use libm::exp;

use super::compare::Labelled;
use super::made::{Made, kinds::USES};
use super::near::Near;
use super::picture::Frame;
use super::probe::Truth;
use super::town::{PointFile, table};
use crate::config::bad;
use crate::method::MethodError;

/// Fewer regions than this cannot be divided among learning, stopping and judging.
pub const LEAST: usize = 12;
/// Most classes.
const CLASSES: usize = 64;
/// Names that hold numbers and are no class.
const OTHERS: [&str; 16] = ["id", "fid", "gid", "objectid", "code", "year", "population", "total", "area", "x", "y", "lat", "latitude", "lon", "long", "longitude"];
/// Classes of a made city's people.
const PEOPLE: [&str; 9] = ["managers", "professionals", "clerks", "own business", "trades", "services", "routine work", "not in work", "students"];
/// How far around a made region its use of land counts, and how fine it is looked at, in metres.
const REACH: [f64; 2] = [250.0, 50.0];
/// How strongly land use and chance move the classes of a made region.
const PULL: [f64; 2] = [1.6, 0.2];

/// Regions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Areas {
    /// What each is called.
    pub names: Vec<String>,
    /// The point that stands for each, in the city's system.
    pub places: Vec<[f64; 2]>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// `[regions, classes]`; rows sum to 1.
    pub shares: Vec<f32>,
    /// The region of each point of the city.
    pub of: Vec<u32>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

impl Areas {
    /// Reads regions with a count or a share of every class; `columns` are the classes, guessed where there are none. Each point of the city belongs to the region whose place is nearest.
    ///
    /// # Errors
    /// [`MethodError::Config`] for columns that cannot be, [`MethodError::Points`] for too few regions.
    pub fn read(file: &PointFile, columns: &[String], frame: Frame, points: &[[f64; 2]]) -> Result<Self, MethodError> {
        let (table, coordinates, found) = table(file, ["", ""])?;
        let own = |e: &dyn std::fmt::Display| bad("shares", format!("{}: {e}", file.name));
        let classes: Vec<usize> = if columns.is_empty() { guess(&table, [coordinates.x, coordinates.y]) } else { columns.iter().map(|c| table.column(c)).collect::<Result<_, _>>().map_err(|e| own(&e))? };
        if !(2..=CLASSES).contains(&classes.len()) {
            return Err(own(&format!("{} columns of classes; name 2 to {CLASSES} that hold counts or shares, of {}", classes.len(), table.names.join(", "))));
        }
        let called = (0..table.names.len()).find(|c| !classes.contains(c) && *c != coordinates.x && *c != coordinates.y && table.rows.iter().take(50).all(|r| r[*c].trim().parse::<f64>().is_err()));
        let mut areas = Self { classes: classes.iter().map(|c| table.names[*c].clone()).collect(), ..Self::default() };
        let mut left = 0;
        for (row, place) in found.rows.iter().zip(&found.points) {
            let cells = &table.rows[*row];
            let counts: Option<Vec<f64>> = classes.iter().map(|c| count(&cells[*c])).collect();
            let sum = counts.iter().flatten().sum::<f64>();
            let Some(counts) = counts.filter(|_| sum > 0.0 && sum.is_finite()) else {
                left += 1;
                continue;
            };
            areas.names.push(called.map_or_else(|| format!("region {}", row + 1), |c| cells[c].clone()));
            areas.places.push(frame.metres(found.crs, *place));
            areas.shares.extend(counts.iter().map(|c| (c / sum) as f32));
        }
        if areas.places.len() < LEAST {
            return Err(MethodError::Points { file: file.name.clone(), why: format!("it has {} regions with a count or share of {}; at least {LEAST} are needed to learn from some and be judged by others", areas.places.len(), areas.classes.join(", ")) });
        }
        if left > 0 {
            areas.notes.push(format!("{left} regions were left out: a count of theirs is missing, negative or no number, or all are 0"));
        }
        let near = Near::new(&areas.places);
        areas.of = points.iter().map(|p| near.nearest(*p, 1).first().copied().unwrap_or(0)).collect();
        Ok(areas)
    }

    /// Regions of a made city, with about as many points each, as a census has them; `None` for a city of too few points. The truth: each class pulls by the use of land within 250 m,
    /// by weights of the city's own, softmax over the classes, with a little chance.
    pub fn made(made: &Made, seed: u64) -> Option<Self> {
        let depth = (made.points.len() / 32).checked_ilog2()?;
        if (1 << depth) < LEAST {
            return None;
        }
        let mut areas = Self { classes: PEOPLE.map(str::to_owned).to_vec(), of: vec![0; made.points.len()], ..Self::default() };
        areas.halve(&made.points, (0..made.points.len() as u32).collect(), depth);
        let mut dice = made.dice(seed, 7);
        let weights: Vec<f64> = (0..USES.len() * PEOPLE.len()).map(|_| PULL[0] * dice.normal()).collect();
        for place in &areas.places {
            let land = made.land_around(*place, REACH);
            let pulls = (0..PEOPLE.len()).map(|c| land.iter().enumerate().map(|(u, share)| share * weights[u * PEOPLE.len() + c]).sum::<f64>());
            let pulls: Vec<f64> = pulls.map(|z| exp(z + PULL[1] * dice.normal())).collect();
            let sum: f64 = pulls.iter().sum();
            areas.shares.extend(pulls.iter().map(|p| (p / sum) as f32));
        }
        Some(areas)
    }

    /// Divides some points at the middle of their longer side until they are a region.
    fn halve(&mut self, points: &[[f64; 2]], mut some: Vec<u32>, depth: u32) {
        if depth == 0 {
            let n = some.len() as f64;
            self.places.push([0, 1].map(|axis| some.iter().map(|i| points[*i as usize][axis]).sum::<f64>() / n));
            self.names.push(format!("area {}", self.places.len()));
            some.iter().for_each(|i| self.of[*i as usize] = self.places.len() as u32 - 1);
            return;
        }
        let span = |axis: usize| {
            let (low, high) = some.iter().map(|i| points[*i as usize][axis]).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
            high - low
        };
        let axis = usize::from(span(1) > span(0));
        some.sort_by(|a, b| points[*a as usize][axis].total_cmp(&points[*b as usize][axis]).then(a.cmp(b)));
        let rest = some.split_off(some.len() / 2);
        self.halve(points, some, depth - 1);
        self.halve(points, rest, depth - 1);
    }

    /// What a probe is to learn.
    pub fn labelled(&self) -> Labelled {
        let classes = self.classes.len();
        Labelled { places: self.places.clone(), truth: Truth::Shares { classes, values: self.shares.clone() }, classes, region_of: self.of.clone() }
    }
}

/// A count or a share.
fn count(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|v: &f64| v.is_finite() && *v >= 0.0)
}

/// Columns that look like classes: numbers of 0 or more, nearly all of them, and no identifier or coordinate. Where several differ only in a number at their end, they.
fn guess(table: &Table, coordinates: [usize; 2]) -> Vec<usize> {
    let other = |name: &str| {
        let name = name.trim().to_ascii_lowercase();
        OTHERS.contains(&name.as_str()) || name.ends_with("_id") || name.contains("easting") || name.contains("northing")
    };
    // A few bad cells do not make a column another one; their rows are left out.
    let numbers = |c: usize| table.rows.iter().take(200).filter(|r| count(&r[c]).is_none()).count() * 10 <= table.rows.len().min(200);
    let all: Vec<usize> = (0..table.names.len()).filter(|c| !coordinates.contains(c) && !other(&table.names[*c]) && numbers(*c)).collect();
    let stem = |c: usize| table.names[c].trim_end_matches(|l: char| l.is_ascii_digit());
    let family = |c: usize| all.iter().copied().filter(|d| stem(*d) == stem(c)).collect::<Vec<_>>();
    // The first of equally large families.
    let largest = all.iter().map(|c| family(*c)).filter(|f| f.len() > 1).fold(Vec::new(), |best: Vec<usize>, f| if f.len() > best.len() { f } else { best });
    if largest.is_empty() { all } else { largest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> PointFile {
        PointFile { name: "regions.csv".into(), bytes: text.as_bytes().to_vec().into() }
    }

    fn rows(of: impl Fn(usize) -> String) -> String {
        (0..14).map(|i| format!("R{i},{},{},{}\n", 1000 * i, 200, of(i))).collect()
    }

    #[test]
    fn classes_are_found_and_rows_that_cannot_be_are_left_out() {
        let text = format!("code,easting,northing,ns-sec_1,ns-sec_2,population\n{}", rows(|i| if i == 3 { "1,-2,9".into() } else if i == 4 { "0,0,9".into() } else { format!("{i},10,99") }));
        let points = [[0.0, 0.0], [5200.0, 300.0]];
        let areas = Areas::read(&file(&text), &[], Frame::British, &points).expect("regions");
        assert_eq!((areas.places.len(), areas.classes.clone(), areas.names[3].as_str()), (12, vec!["ns-sec_1".to_owned(), "ns-sec_2".to_owned()], "R5"));
        assert!(areas.shares.chunks(2).all(|s| (s[0] + s[1] - 1.0).abs() < 1e-6) && areas.notes[0].contains('2'));
        // The second point is nearest to region R5, which is the fourth that is left.
        assert_eq!(areas.of, [0, 3]);
        let named = Areas::read(&file(&text), &["population".into(), "ns-sec_1".into()], Frame::British, &points).expect("regions");
        assert_eq!(named.classes, ["population", "ns-sec_1"]);
    }

    #[test]
    fn what_is_no_file_of_regions_is_said() {
        let points = [[0.0, 0.0]];
        let why = |text: &str, columns: &[&str]| Areas::read(&file(text), &columns.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>(), Frame::British, &points).expect_err(text).to_string();
        let text = format!("code,easting,northing,a,b\n{}", rows(|_| "1,2".into()));
        assert!(why(&text, &["a", "zebra"]).contains("zebra"));
        assert!(why(&text, &["a"]).contains("1 columns"));
        assert!(why("code,easting,northing,a,b\nx,1,2,3,4\n", &[]).contains("at least 12"));
        assert!(why(&format!("code,easting,northing,a,b\n{}", rows(|_| "x,y".into())), &[]).contains("0 columns"));
    }

    #[test]
    fn a_made_city_has_even_regions_whose_people_follow_its_land() {
        let city = Made::new(7, 4000);
        let areas = Areas::made(&city, 7).expect("enough points");
        assert_eq!((areas.places.len(), areas.of.len(), areas.shares.len()), (64, 4000, 64 * 9));
        let mut points = [0; 64];
        areas.of.iter().for_each(|r| points[*r as usize] += 1);
        assert!(points.iter().all(|n| (62..=63).contains(n)), "{points:?}");
        assert!(areas.shares.chunks(9).all(|s| (s.iter().sum::<f32>() - 1.0).abs() < 1e-5 && s.iter().all(|v| *v > 0.0)));
        assert_eq!(Areas::made(&city, 7), Some(areas.clone()), "the same seed, the same people");
        assert_ne!(Areas::made(&city, 8).map(|a| a.shares), Some(areas.shares.clone()));
        assert!(Areas::made(&Made::new(7, 300), 7).is_none());
        // Regions whose land is alike have like people: the distance of two grows with that of their land.
        let land: Vec<_> = areas.places.iter().map(|p| city.land_around(*p, REACH)).collect();
        let l1 = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y).abs()).sum::<f64>();
        let people: Vec<Vec<f64>> = areas.shares.chunks(9).map(|s| s.iter().map(|v| f64::from(*v)).collect()).collect();
        let (mut like, mut unlike) = (Vec::new(), Vec::new());
        for a in 0..64 {
            for b in 0..a {
                let far = l1(&land[a], &land[b]);
                if far < 0.2 { like.push(l1(&people[a], &people[b])) } else if far > 1.6 { unlike.push(l1(&people[a], &people[b])) }
            }
        }
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        assert!(like.len() > 5 && unlike.len() > 5 && 2.0 * mean(&like) < mean(&unlike), "{} {}", mean(&like), mean(&unlike));
    }
}
