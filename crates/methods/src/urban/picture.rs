//! What a face needs to draw a city, its embedding and its probes: plain data.

use espalier_nets::geo::{Crs, Plane};
use serde::{Deserialize, Serialize};

use super::compare::{Line, Predicted};
use super::sentences::Embedded;
use super::town::PointFile;
use crate::bytes::{F32s, F64s, U32s};

/// Results of the methods over cities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Urban {
    /// A city that was made or read.
    City(Box<CityPicture>),
    /// The embedding at a step.
    Look(Look),
    /// Probes and baselines.
    Probes(Box<Probes>),
    /// Sentences that an open encoder has embedded.
    Sentences(Embedded),
    /// Probes and baselines over regions.
    Areas(Box<Probes>),
    /// A run as it stands, as a file ([`super::saved`]).
    Saved(PointFile),
}

/// Where the city's metres are on the earth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// A made city is nowhere; where degrees are asked for it is put at 0° N 0° E.
    #[default]
    Nowhere,
    /// Eastings and northings of the British National Grid.
    British,
    /// Metres around a centre (longitude, latitude).
    Around([f64; 2]),
}

impl Frame {
    /// Longitude and latitude of a place.
    pub fn degrees(self, place: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Nowhere => Plane { centre: [0.0, 0.0] }.unproject(place),
            Self::British => Crs::BritishGrid.to(Crs::Wgs84, place),
            Self::Around(centre) => Plane { centre }.unproject(place),
        }
    }

    /// A place of some system in this frame's metres.
    pub fn metres(self, crs: Crs, place: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Nowhere => place,
            Self::British => crs.to(Crs::BritishGrid, place),
            Self::Around(centre) => Plane { centre }.project(crs.to(Crs::Wgs84, place)),
        }
    }
}

/// Lines of a kind, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lines {
    /// x and y in turn.
    pub places: F32s,
    /// Places of each line.
    pub lengths: U32s,
}

impl Lines {
    /// From polylines.
    pub fn new<'a>(lines: impl IntoIterator<Item = &'a Vec<[f64; 2]>>) -> Self {
        let (mut places, mut lengths) = (Vec::new(), Vec::new());
        for line in lines {
            lengths.push(line.len() as u32);
            places.extend(line.iter().flatten().map(|v| *v as f32));
        }
        Self { places: places.into(), lengths: lengths.into() }
    }
}

/// The ground of a made city.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ground {
    /// The river and its island, as outlines.
    pub water: Lines,
    /// The island.
    pub island: Lines,
    /// Parks, as outlines.
    pub parks: Lines,
    /// Streets by class: spokes and rings, collectors, streets, lanes.
    pub streets: [Lines; 4],
    /// The railway.
    pub rail: Lines,
}

/// Places whose class is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Labels {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// x and y in turn, less the city's origin.
    pub places: F32s,
    /// Class of each.
    pub of: U32s,
}

/// Regions and how their people divide among classes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Regions {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// What each region is called.
    pub names: Vec<String>,
    /// x and y of the place that stands for each, in turn, less the city's origin.
    pub places: F32s,
    /// `[regions, classes]`.
    pub shares: F32s,
    /// The region of each point.
    pub of: U32s,
}

/// A row that was left out of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Line of a CSV, or number of a feature, from 1.
    pub row: u32,
    /// Why.
    pub why: String,
}

/// How a file was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Its columns.
    pub columns: Vec<String>,
    /// Its first rows.
    pub head: Vec<Vec<String>>,
    /// The columns that were taken: easting or longitude, northing or latitude, text.
    pub taken: [String; 3],
    /// The coordinate system, in words.
    pub system: String,
    /// Rows in the file.
    pub rows: u32,
    /// Rows that were left out, in all.
    pub left: u32,
    /// The first of them.
    pub faults: Vec<Left>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// A city as a face draws it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CityPicture {
    /// Its name.
    pub name: String,
    /// Where its metres are.
    pub frame: Frame,
    /// What is taken from every coordinate, so that single precision is enough for the rest.
    pub origin: [f64; 2],
    /// Left, low, right and high edges, less the origin.
    pub extent: [f64; 4],
    /// x and y of the points in turn, less the origin.
    pub points: F32s,
    /// The distinct texts.
    pub texts: Vec<String>,
    /// Which of them each point has.
    pub text_of: U32s,
    /// The ground, of a made city.
    pub ground: Option<Ground>,
    /// Places of known class, where there are some.
    pub labels: Option<Labels>,
    /// Regions with shares of classes, where there are some.
    pub areas: Option<Regions>,
    /// How the file was read, where it is one.
    pub reading: Option<Reading>,
    /// What to know before training.
    pub warnings: Vec<String>,
    /// The sentence encoder behind the texts' rows; empty where they are embedded by letter groups.
    pub encoder: String,
    /// Rows of the texts, `[texts, text width]`, where an encoder made them.
    pub text_rows: F32s,
}

/// The embedding of points at a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Steps taken.
    pub step: u32,
    /// The first point that is given, and how many to the next: a part of the points is made new each time, because all would cost as much as ten steps.
    pub part: [u32; 2],
    /// Numbers an embedding.
    pub width: u32,
    /// Embeddings of those points, of length 1.
    pub rows: F32s,
    /// All points on the plane of the first two principal components, turned as near as can be to the plane of the look before: x and y in turn.
    pub plane: F32s,
    /// Share of the variance in each principal component, descending; one that holds all is a collapse.
    pub shares: F64s,
    /// The trained projection of text embeddings, `[text width + 1, width]`, the last row added.
    pub projection: F32s,
}

/// What the probes said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Probes {
    /// The table.
    pub lines: Vec<Line>,
    /// Seeds that each probe was repeated over.
    pub seeds: u32,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// What the trained encoder's probe said: on the random split and on that by blocks.
    pub predicted: Predicted,
}
