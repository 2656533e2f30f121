//! Coordinate systems: WGS84 in degrees, British National Grid in metres, and a plane in metres around any city.
//!
//! The British grid is a transverse Mercator projection of the Airy 1830 ellipsoid (Ordnance Survey, *A guide to coordinate systems in Great Britain*, annexes B and C); between
//! the datums stands the survey's seven-parameter transformation, which is good to about 5 m (the OSTN15 grid, which is good to centimetres, is a file of several MB and not used).

/// A coordinate system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Crs {
    /// Longitude and latitude in degrees (EPSG:4326, CRS84).
    Wgs84,
    /// Easting and northing in metres (EPSG:27700).
    BritishGrid,
}

impl Crs {
    /// From a name like `urn:ogc:def:crs:EPSG::27700`, `EPSG:4326` or `urn:ogc:def:crs:OGC:1.3:CRS84`; `None` for others.
    pub fn from_name(name: &str) -> Option<Self> {
        let code = name.rsplit([':', '/']).next().unwrap_or(name).trim();
        match code.to_ascii_uppercase().as_str() {
            "4326" | "CRS84" | "4258" | "WGS84" => Some(Self::Wgs84),
            "27700" => Some(Self::BritishGrid),
            _ => None,
        }
    }

    /// Its name for a face.
    pub fn label(self) -> &'static str {
        match self {
            Self::Wgs84 => "WGS84, degrees (EPSG:4326)",
            Self::BritishGrid => "British National Grid, metres (EPSG:27700)",
        }
    }

    /// Whether a point can be one of this system: degrees on the earth, or metres on the British grid's extent.
    pub fn holds(self, [x, y]: [f64; 2]) -> bool {
        match self {
            Self::Wgs84 => (-180.0..=180.0).contains(&x) && (-90.0..=90.0).contains(&y),
            Self::BritishGrid => (0.0..=700_000.0).contains(&x) && (0.0..=1_300_000.0).contains(&y),
        }
    }

    /// A point in another system.
    pub fn to(self, other: Self, point: [f64; 2]) -> [f64; 2] {
        match (self, other) {
            (Self::Wgs84, Self::BritishGrid) => to_grid(point),
            (Self::BritishGrid, Self::Wgs84) => from_grid(point),
            _ => point,
        }
    }
}

/// Metres around a place, for cities without a grid of their own: x east and y north on a sphere, true to scale at the centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plane {
    /// Longitude and latitude of (0, 0).
    pub centre: [f64; 2],
}

/// Mean radius of the earth in metres.
const RADIUS: f64 = 6_371_008.8;

impl Plane {
    /// Metres from degrees.
    pub fn project(self, [lon, lat]: [f64; 2]) -> [f64; 2] {
        let [lon0, lat0] = self.centre;
        [RADIUS * lat0.to_radians().cos() * (lon - lon0).to_radians(), RADIUS * (lat - lat0).to_radians()]
    }

    /// Degrees from metres.
    pub fn unproject(self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [lon0, lat0] = self.centre;
        [lon0 + (x / (RADIUS * lat0.to_radians().cos())).to_degrees(), lat0 + (y / RADIUS).to_degrees()]
    }
}

/// An ellipsoid by its semi-axes in metres.
struct Ellipsoid {
    a: f64,
    b: f64,
}

const AIRY: Ellipsoid = Ellipsoid { a: 6_377_563.396, b: 6_356_256.909 };
const WGS: Ellipsoid = Ellipsoid { a: 6_378_137.0, b: 6_356_752.314_245 };

impl Ellipsoid {
    fn eccentricity(&self) -> f64 {
        1.0 - (self.b / self.a).powi(2)
    }

    /// Longitude and latitude in radians, on the ellipsoid, to metres from the earth's centre.
    fn cartesian(&self, lon: f64, lat: f64) -> [f64; 3] {
        let e2 = self.eccentricity();
        let v = self.a / (1.0 - e2 * lat.sin().powi(2)).sqrt();
        [v * lat.cos() * lon.cos(), v * lat.cos() * lon.sin(), v * (1.0 - e2) * lat.sin()]
    }

    /// The reverse, whatever the height.
    fn geographic(&self, [x, y, z]: [f64; 3]) -> [f64; 2] {
        let e2 = self.eccentricity();
        let p = x.hypot(y);
        let mut lat = z.atan2(p * (1.0 - e2));
        // Converges by a factor of e² a turn: twelve are more than f64 holds.
        for _ in 0..12 {
            let v = self.a / (1.0 - e2 * lat.sin().powi(2)).sqrt();
            lat = (z + e2 * v * lat.sin()).atan2(p);
        }
        [y.atan2(x), lat]
    }
}

/// WGS84 to OSGB36: shift in metres, scale, rotations in seconds of arc.
const SHIFT: [f64; 3] = [-446.448, 125.157, -542.060];
const SCALE: f64 = 20.4894e-6;
const TURN: [f64; 3] = [-0.1502, -0.2470, -0.8421];

fn helmert([x, y, z]: [f64; 3], sign: f64) -> [f64; 3] {
    let [rx, ry, rz] = TURN.map(|s| sign * (s / 3600.0).to_radians());
    let [tx, ty, tz] = SHIFT.map(|t| sign * t);
    let s = 1.0 + sign * SCALE;
    [tx + s * x - rz * y + ry * z, ty + rz * x + s * y - rx * z, tz - ry * x + rx * y + s * z]
}

/// The projection: true origin 49° N 2° W at (400 000, −100 000), scale 0.9996012717.
const ORIGIN: [f64; 2] = [-2.0, 49.0];
const FALSE: [f64; 2] = [400_000.0, -100_000.0];
const F0: f64 = 0.999_601_271_7;

/// Arc of the meridian from the origin's latitude.
fn meridian(lat: f64) -> f64 {
    let n = (AIRY.a - AIRY.b) / (AIRY.a + AIRY.b);
    let lat0 = ORIGIN[1].to_radians();
    let (minus, plus) = (lat - lat0, lat + lat0);
    let (n2, n3) = (n * n, n * n * n);
    AIRY.b
        * F0
        * ((1.0 + n + 1.25 * (n2 + n3)) * minus - (3.0 * (n + n2) + 2.625 * n3) * minus.sin() * plus.cos()
            + 1.875 * (n2 + n3) * (2.0 * minus).sin() * (2.0 * plus).cos()
            - 35.0 / 24.0 * n3 * (3.0 * minus).sin() * (3.0 * plus).cos())
}

/// Radii of curvature times the scale, ν and ρ, and η².
fn radii(lat: f64) -> [f64; 3] {
    let e2 = AIRY.eccentricity();
    let w = 1.0 - e2 * lat.sin().powi(2);
    let (nu, rho) = (AIRY.a * F0 / w.sqrt(), AIRY.a * F0 * (1.0 - e2) / w.powf(1.5));
    [nu, rho, nu / rho - 1.0]
}

fn to_grid([lon, lat]: [f64; 2]) -> [f64; 2] {
    let [lon, lat] = AIRY.geographic(helmert(WGS.cartesian(lon.to_radians(), lat.to_radians()), 1.0));
    let [nu, rho, eta2] = radii(lat);
    let (s, c, t2) = (lat.sin(), lat.cos(), lat.tan().powi(2));
    let t4 = t2 * t2;
    let l = lon - ORIGIN[0].to_radians();
    let north = meridian(lat)
        + FALSE[1]
        + nu / 2.0 * s * c * l.powi(2)
        + nu / 24.0 * s * c.powi(3) * (5.0 - t2 + 9.0 * eta2) * l.powi(4)
        + nu / 720.0 * s * c.powi(5) * (61.0 - 58.0 * t2 + t4) * l.powi(6);
    let east = FALSE[0]
        + nu * c * l
        + nu / 6.0 * c.powi(3) * (nu / rho - t2) * l.powi(3)
        + nu / 120.0 * c.powi(5) * (5.0 - 18.0 * t2 + t4 + 14.0 * eta2 - 58.0 * t2 * eta2) * l.powi(5);
    [east, north]
}

fn from_grid([east, north]: [f64; 2]) -> [f64; 2] {
    let mut lat = ORIGIN[1].to_radians();
    // Each turn leaves a thousandth of the distance; ten micrometres are enough.
    for _ in 0..20 {
        let rest = north - FALSE[1] - meridian(lat);
        lat += rest / (AIRY.a * F0);
        if rest.abs() < 1e-5 {
            break;
        }
    }
    let [nu, rho, eta2] = radii(lat);
    let (t, sec) = (lat.tan(), 1.0 / lat.cos());
    let (t2, t4) = (t * t, t.powi(4));
    let d = east - FALSE[0];
    let back = lat - t / (2.0 * rho * nu) * d.powi(2) + t / (24.0 * rho * nu.powi(3)) * (5.0 + 3.0 * t2 + eta2 - 9.0 * t2 * eta2) * d.powi(4)
        - t / (720.0 * rho * nu.powi(5)) * (61.0 + 90.0 * t2 + 45.0 * t4) * d.powi(6);
    let lon = ORIGIN[0].to_radians() + sec / nu * d - sec / (6.0 * nu.powi(3)) * (nu / rho + 2.0 * t2) * d.powi(3)
        + sec / (120.0 * nu.powi(5)) * (5.0 + 28.0 * t2 + 24.0 * t4) * d.powi(5)
        - sec / (5040.0 * nu.powi(7)) * (61.0 + 662.0 * t2 + 1320.0 * t4 + 720.0 * t4 * t2) * d.powi(7);
    let [lon, lat] = WGS.geographic(helmert(AIRY.cartesian(lon, back), -1.0));
    [lon.to_degrees(), lat.to_degrees()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_same_place() {
        for p in [[529_564.3, 182_482.7], [544_295.8, 167_850.7], [651_409.9, 313_177.3], [200_000.0, 900_000.0]] {
            let back = Crs::Wgs84.to(Crs::BritishGrid, Crs::BritishGrid.to(Crs::Wgs84, p));
            // The transformation's inverse by changed signs leaves centimetres.
            assert!((back[0] - p[0]).hypot(back[1] - p[1]) < 0.1, "{p:?} {back:?}");
        }
        let plane = Plane { centre: [13.4, 52.5] };
        let p = plane.unproject(plane.project([13.5, 52.45]));
        assert!((p[0] - 13.5).abs() < 1e-12 && (p[1] - 52.45).abs() < 1e-12);
    }

    #[test]
    fn places_are_where_proj_has_them() {
        // By PROJ's transformation of the same accuracy, in degrees; 7e-5 of latitude are 8 m, twice what either is good to.
        for (grid, [lon, lat]) in [([529_564.3, 182_482.7], [-0.133_716_197_8, 51.526_401_989_4]), ([544_295.8, 167_850.7], [0.072_532_025_8, 51.391_355_754_4]), ([651_409.9, 313_177.3], [1.716_051_969, 52.657_978_869])] {
            let found = Crs::BritishGrid.to(Crs::Wgs84, grid);
            assert!((found[0] - lon).abs() < 1e-4 && (found[1] - lat).abs() < 7e-5, "{found:?}");
        }
    }

    #[test]
    fn names_are_understood() {
        assert_eq!(Crs::from_name("urn:ogc:def:crs:EPSG::27700"), Some(Crs::BritishGrid));
        assert_eq!(Crs::from_name("urn:ogc:def:crs:OGC:1.3:CRS84"), Some(Crs::Wgs84));
        assert_eq!(Crs::from_name("EPSG:4326"), Some(Crs::Wgs84));
        assert_eq!(Crs::from_name("EPSG:3857"), None);
    }
}
