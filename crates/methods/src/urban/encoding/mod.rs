//! Location encodings: a point to a row of features, in double precision.
//!
//! Raw British coordinates (5·10⁵ m) over a wavelength of 100 m are arguments of 5·10³ radians, of which single precision keeps three digits; so features are made
//! here in f64 and go to the device as f32, once for each point (specification urban-align §A3.1, §A7).

mod harmonics;
mod multiscale;

use serde::{Deserialize, Serialize};

pub use harmonics::Convention;

/// Which encoding (Space2Vec, Mai et al. 2020; Sphere2Vec, Mai et al. 2023; spherical harmonics, Rußwurm et al. 2024), with the column orders of the published code.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Encoding {
    /// Sines and cosines of each coordinate at several scales.
    Grid(Scales),
    /// Sines and cosines along three directions 120° apart at several scales.
    Theory(Scales),
    /// Products of sines and cosines of both coordinates at several scales.
    SphereC(Scales),
    /// [`Encoding::SphereC`] with the single terms.
    SphereCPlus(Scales),
    /// Mixed scaled and unscaled coordinates; the unscaled ones are taken as radians, as the published code does.
    SphereM(Scales),
    /// [`Encoding::SphereM`] with the single terms.
    SphereMPlus(Scales),
    /// Longitude and latitude in radians, less π.
    Direct,
    /// Cosine and sine of longitude and latitude.
    Wrap,
    /// The point on the unit sphere.
    Cartesian3d,
    /// Real spherical harmonics of degrees below `degrees`.
    SphericalHarmonics {
        /// Number of degrees L; L² features.
        degrees: usize,
        /// Which of the conventions in use.
        convention: Convention,
    },
    /// Harmonics looked up in a table of one degree, with the published weights, which do not sum to 1.
    DiscretizedHarmonics {
        /// Number of degrees L; L² features.
        degrees: usize,
    },
}

/// Geometrically spaced wavelengths, in units of the coordinates (metres); the period of feature k is 2π λₖ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scales {
    /// Smallest λ.
    pub min: f64,
    /// Largest λ.
    pub max: f64,
    /// How many.
    pub count: usize,
}

impl Scales {
    /// The paper's: 32 from 100 m to 10 km.
    pub const PAPER: Self = Self { min: 100.0, max: 10_000.0, count: 32 };

    /// 1/λₖ, λₖ = min · exp(k · ln(max/min) / (count − 1)). One scale alone is the smallest (the published code divides by zero there).
    fn frequencies(self) -> Vec<f64> {
        let step = (self.max / self.min).ln() / (self.count.max(2) - 1) as f64;
        (0..self.count).map(|k| 1.0 / (self.min * (k as f64 * step).exp())).collect()
    }
}

/// An encoding that cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EncodingError {
    /// Wavelengths.
    #[error("wavelengths from {min} to {max}: both have to be positive numbers; 100 and 10 000 m suit a city")]
    Scales {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// Too few or too many features.
    #[error("{count} {what}: between 1 and {most} are possible")]
    Count {
        /// Asked for.
        count: usize,
        /// Of what.
        what: &'static str,
        /// Most.
        most: usize,
    },
}

impl Encoding {
    /// Checks what a person may have set.
    ///
    /// # Errors
    /// [`EncodingError`] with the value.
    pub fn check(self) -> Result<(), EncodingError> {
        match self {
            Self::Grid(s) | Self::Theory(s) | Self::SphereC(s) | Self::SphereCPlus(s) | Self::SphereM(s) | Self::SphereMPlus(s) => {
                if !(s.min > 0.0 && s.max > 0.0 && s.min.is_finite() && s.max.is_finite()) {
                    return Err(EncodingError::Scales { min: s.min, max: s.max });
                }
                within(s.count, "wavelengths", 512)
            }
            Self::SphericalHarmonics { degrees, .. } | Self::DiscretizedHarmonics { degrees } => within(degrees, "degrees", 64),
            Self::Direct | Self::Wrap | Self::Cartesian3d => Ok(()),
        }
    }

    /// Features of a point.
    pub fn width(self) -> usize {
        match self {
            Self::Grid(s) => 4 * s.count,
            Self::Theory(s) | Self::SphereC(s) => 6 * s.count,
            Self::SphereCPlus(s) => 12 * s.count,
            Self::SphereM(s) => 10 * s.count,
            Self::SphereMPlus(s) => 16 * s.count,
            Self::Direct => 2,
            Self::Wrap => 4,
            Self::Cartesian3d => 3,
            Self::SphericalHarmonics { degrees, .. } | Self::DiscretizedHarmonics { degrees } => degrees * degrees,
        }
    }

    /// True where coordinates are longitude and latitude in degrees; the others take metres (or whatever their scales are in).
    pub fn takes_degrees(self) -> bool {
        matches!(self, Self::Direct | Self::Wrap | Self::Cartesian3d | Self::SphericalHarmonics { .. } | Self::DiscretizedHarmonics { .. })
    }

    /// Features of points, one after the other: `[points, width]`, row-major.
    pub fn encode(self, points: &[[f64; 2]]) -> Vec<f64> {
        let mut out = Vec::with_capacity(points.len() * self.width());
        match self {
            Self::Grid(s) => multiscale::grid(&s.frequencies(), points, &mut out),
            Self::Theory(s) => multiscale::theory(&s.frequencies(), points, &mut out),
            Self::SphereC(s) => multiscale::sphere(&s.frequencies(), points, &mut out, multiscale::Terms::C),
            Self::SphereCPlus(s) => multiscale::sphere(&s.frequencies(), points, &mut out, multiscale::Terms::CPlus),
            Self::SphereM(s) => multiscale::sphere(&s.frequencies(), points, &mut out, multiscale::Terms::M),
            Self::SphereMPlus(s) => multiscale::sphere(&s.frequencies(), points, &mut out, multiscale::Terms::MPlus),
            Self::Direct => out.extend(points.iter().flatten().map(|d| d.to_radians() - std::f64::consts::PI)),
            Self::Wrap => out.extend(points.iter().flatten().flat_map(|d| [d.to_radians().cos(), d.to_radians().sin()])),
            Self::Cartesian3d => out.extend(points.iter().flat_map(|&[lon, lat]| {
                let (lon, lat) = (lon.to_radians(), lat.to_radians());
                [lon.cos() * lat.cos(), lon.sin() * lat.cos(), lat.sin()]
            })),
            Self::SphericalHarmonics { degrees, convention } => {
                points.iter().for_each(|p| harmonics::row(*p, degrees, convention, &mut out));
            }
            Self::DiscretizedHarmonics { degrees } => harmonics::discretized(points, degrees, &mut out),
        }
        out
    }
}

fn within(count: usize, what: &'static str, most: usize) -> Result<(), EncodingError> {
    if (1..=most).contains(&count) { Ok(()) } else { Err(EncodingError::Count { count, what, most }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_features_as_it_says() {
        let s = Scales { min: 1.0, max: 50.0, count: 3 };
        let l = 4;
        for e in [
            Encoding::Grid(s),
            Encoding::Theory(s),
            Encoding::SphereC(s),
            Encoding::SphereCPlus(s),
            Encoding::SphereM(s),
            Encoding::SphereMPlus(s),
            Encoding::Direct,
            Encoding::Wrap,
            Encoding::Cartesian3d,
            Encoding::SphericalHarmonics { degrees: l, convention: Convention::Legacy },
            Encoding::DiscretizedHarmonics { degrees: l },
        ] {
            assert_eq!(e.encode(&[[3.0, 4.0], [-5.0, 0.5]]).len(), 2 * e.width(), "{e:?}");
            e.check().unwrap();
            let json = serde_json::to_string(&e).unwrap();
            assert_eq!(serde_json::from_str::<Encoding>(&json).unwrap(), e);
        }
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let bad = |min, max, count| Encoding::Grid(Scales { min, max, count }).check().unwrap_err();
        assert!(matches!(bad(0.0, 1.0, 3), EncodingError::Scales { .. }));
        assert!(matches!(bad(1.0, f64::NAN, 3), EncodingError::Scales { .. }));
        assert!(matches!(bad(1.0, 2.0, 0), EncodingError::Count { .. }));
        assert!(Encoding::SphericalHarmonics { degrees: 65, convention: Convention::Orthonormal }.check().is_err());
        // One scale alone is the smallest.
        assert_eq!(Scales { min: 2.0, max: 9.0, count: 1 }.frequencies(), [0.5]);
    }
}
