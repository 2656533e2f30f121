//! A table of cells, and places from it.

use super::crs::Crs;
use super::error::{GeoError, RowFault};

/// Rows of cells as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Column names.
    pub names: Vec<String>,
    /// Rows, each as long as the names.
    pub rows: Vec<Vec<String>>,
    /// Where each row stood in the file: line or feature, from 1.
    pub lines: Vec<usize>,
    /// Rows that were left out.
    pub faults: Vec<RowFault>,
    /// The coordinate system, where the file names one.
    pub crs: Option<Crs>,
    /// Rows in the file.
    pub seen: usize,
}

impl Table {
    /// A column by its name, whatever the case of letters.
    ///
    /// # Errors
    /// [`GeoError::NoColumn`].
    pub fn column(&self, name: &str) -> Result<usize, GeoError> {
        let found = self.names.iter().position(|n| n == name).or_else(|| self.names.iter().position(|n| n.eq_ignore_ascii_case(name)));
        found.ok_or_else(|| GeoError::NoColumn { name: name.into(), known: self.names.clone() })
    }

    /// Two columns that look like coordinates: by name (eastings and northings before degrees, because they need no projection), else the last two of GeoJSON.
    ///
    /// # Errors
    /// [`GeoError::NoCoordinates`].
    pub fn guess(&self) -> Result<Columns, GeoError> {
        const PAIRS: [[&[&str]; 2]; 4] = [
            [&["feature_easting", "easting", "eastings", "os_easting"], &["feature_northing", "northing", "northings", "os_northing"]],
            [&["longitude", "lon", "lng", "long"], &["latitude", "lat"]],
            [&["geometry.x"], &["geometry.y"]],
            [&["x"], &["y"]],
        ];
        let find = |names: &[&str]| self.names.iter().position(|n| names.iter().any(|m| n.trim().eq_ignore_ascii_case(m)));
        for [xs, ys] in PAIRS {
            if let (Some(x), Some(y)) = (find(xs), find(ys)) {
                return Ok(Columns { x, y, crs: None });
            }
        }
        Err(GeoError::NoCoordinates { known: self.names.clone() })
    }
}

/// Which columns hold the coordinates, and in which system they are; `None`: what the file says, else what their range says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Easting or longitude.
    pub x: usize,
    /// Northing or latitude.
    pub y: usize,
    /// Their system.
    pub crs: Option<Crs>,
}

/// Places and the rows that they came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// The system they are in.
    pub crs: Crs,
    /// Coordinates, in the order of the rows that were used.
    pub points: Vec<[f64; 2]>,
    /// Which row of the table each is.
    pub rows: Vec<usize>,
    /// Rows that were left out, those of the table among them.
    pub faults: Vec<RowFault>,
    /// What a reader should know: swapped columns, mixed systems, rows beyond the limit.
    pub notes: Vec<String>,
}

/// Takes places from two columns. Several at one place are kept. Swapped longitude and latitude (or easting and northing) are noticed where the range allows nothing else, rows of
/// another system than most are converted and told of.
///
/// # Errors
/// [`GeoError::NoRows`] where not one is left.
pub fn places(table: &Table, columns: Columns) -> Result<Points, GeoError> {
    let mut faults = table.faults.clone();
    let number = |row: usize, column: usize| {
        let text = table.rows[row][column].trim();
        let value = if text.is_empty() { Err("its coordinate is missing".to_owned()) } else { parse(text).ok_or_else(|| format!("“{text}” is not a number")) };
        value.and_then(|v| if v.is_finite() { Ok(v) } else { Err(format!("{v} is no place")) })
    };
    let mut found = Vec::new();
    for row in 0..table.rows.len() {
        match (number(row, columns.x), number(row, columns.y)) {
            (Ok(x), Ok(y)) => found.push((row, [x, y])),
            (Err(why), _) | (_, Err(why)) => faults.push(RowFault { row: table.lines[row], why }),
        }
    }
    let degrees = |p: &[f64; 2]| p[0].abs() <= 180.0 && p[1].abs() <= 180.0;
    let crs = columns.crs.or(table.crs).unwrap_or_else(|| {
        if 2 * found.iter().filter(|(_, p)| degrees(p)).count() >= found.len() { Crs::Wgs84 } else { Crs::BritishGrid }
    });
    let mut notes = Vec::new();
    let swap = |p: [f64; 2]| [p[1], p[0]];
    // Swapped: hardly any fits as it is, and nearly all do the other way round.
    let fit = |f: &dyn Fn([f64; 2]) -> [f64; 2]| found.iter().filter(|(_, p)| crs.holds(f(*p))).count();
    let swapped = !found.is_empty() && 2 * fit(&|p| p) < found.len() && 10 * fit(&swap) > 9 * found.len();
    if swapped {
        notes.push(format!("{} and {} were taken the other way round: only so they lie where {} reaches", table.names[columns.x], table.names[columns.y], crs.label()));
    }
    let (mut points, mut rows, mut converted) = (Vec::new(), Vec::new(), 0);
    for (row, p) in found {
        let p = if swapped { swap(p) } else { p };
        let other = if crs == Crs::Wgs84 { Crs::BritishGrid } else { Crs::Wgs84 };
        // Degrees inside a file of metres would be a spot in the sea off Cornwall; metres inside a file of degrees are off the earth.
        // Small numbers that are no degrees are not taken for metres: no land of the grid lies below 50 km east or 5 km north.
        let land = p[0] >= 50_000.0 && p[1] >= 5_000.0;
        let strange = if crs == Crs::Wgs84 { land && other.holds(p) } else { degrees(&p) && other.holds(p) };
        if strange {
            converted += 1;
            points.push(other.to(crs, p));
            rows.push(row);
        } else if crs.holds(p) {
            points.push(p);
            rows.push(row);
        } else {
            faults.push(RowFault { row: table.lines[row], why: format!("({}, {}) lies outside {}", p[0], p[1], crs.label()) });
        }
    }
    if converted > 0 {
        notes.push(format!("{converted} rows are in another coordinate system than the others and were converted to {}", crs.label()));
    }
    let kept = table.rows.len();
    if table.seen > kept + table.faults.len() {
        notes.push(format!("{} rows were not read: the first {kept} are used", table.seen - kept - table.faults.len()));
    }
    faults.sort_by_key(|f| f.row);
    match faults.first() {
        Some(first) if points.is_empty() => Err(GeoError::NoRows { rows: table.seen, first: first.clone() }),
        None if points.is_empty() => Err(GeoError::Empty),
        _ => Ok(Points { crs, points, rows, faults, notes }),
    }
}

/// A number, with a decimal comma where there is no point.
fn parse(text: &str) -> Option<f64> {
    text.parse().ok().or_else(|| if text.contains('.') { None } else { text.replacen(',', ".", 1).parse().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::read_csv;

    fn from(text: &str) -> (Table, Points) {
        let table = read_csv(text.as_bytes(), 1000).unwrap().table;
        let columns = table.guess().unwrap();
        let points = places(&table, columns).unwrap();
        (table, points)
    }

    #[test]
    fn bad_rows_are_listed_and_the_rest_is_kept() {
        let (_, p) = from("lon;lat\n-0,1;51,5\n-0.1;51.5\nx;51\n;51\n-0.1;inf\n500;51\n");
        assert_eq!(p.crs, Crs::Wgs84);
        assert_eq!(p.points, [[-0.1, 51.5], [-0.1, 51.5]]);
        assert_eq!(p.faults.iter().map(|f| f.row).collect::<Vec<_>>(), [4, 5, 6, 7]);
    }

    #[test]
    fn swapped_and_mixed_coordinates_are_noticed() {
        let (_, p) = from("lon,lat\n52.1,113.4\n-33.9,151.2\n-34.1,150.9\n");
        // Latitudes beyond 90° cannot be: the other way round they can.
        assert_eq!(p.points[0], [113.4, 52.1]);
        assert_eq!(p.notes.len(), 1);
        let (_, p) = from("x,y\n530000,180000\n-0.1276,51.5072\n531000,181000\n");
        assert_eq!(p.crs, Crs::BritishGrid);
        assert!((p.points[1][0] - 530_030.0).abs() < 60.0 && (p.points[1][1] - 180_380.0).abs() < 60.0, "{:?}", p.points[1]);
        assert!(p.notes[0].starts_with("1 rows"));
    }

    #[test]
    fn nothing_of_use_is_an_error() {
        let table = read_csv(b"name,lon,lat\na,b,c\n", 10).unwrap().table;
        assert!(matches!(places(&table, table.guess().unwrap()), Err(GeoError::NoRows { rows: 1, .. })));
        assert!(matches!(read_csv(b"a,b\n1,2\n", 10).unwrap().table.guess(), Err(GeoError::NoCoordinates { .. })));
        assert!(matches!(table.column("Latitud"), Err(GeoError::NoColumn { .. })));
        assert_eq!(table.column("LAT"), Ok(2));
    }
}
