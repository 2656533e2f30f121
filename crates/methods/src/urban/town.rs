//! Where a city comes from: made from a seed, or read from a file of points.

use std::rc::Rc;

use espalier_nets::geo::{Columns, Crs, Points, Table, places, read_csv, read_geojson};
use serde::{Deserialize, Serialize};

use super::areas::Areas;
use super::city::City;
use super::compare::Labelled;
use super::made::{Made, kinds};
use super::ngrams;
use super::picture::{CityPicture, Frame, Ground, Labels, Left, Lines, Reading, Regions};
use super::probe::Truth;
use super::sentences::{self, Sentences};
use crate::bytes::U8s;
use crate::config::bad;
use crate::method::MethodError;

/// Numbers of the built-in text embedding.
pub const TEXT_WIDTH: usize = 384;
/// Points of a file that are used at most.
pub const MOST: usize = 50_000;
/// Rows left out that are listed.
const LISTED: usize = 200;

/// A file of points as somebody gave it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PointFile {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub bytes: U8s,
}

/// Where a city comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Source {
    /// Made from a seed.
    Made {
        /// The seed.
        seed: u64,
        /// Points of interest.
        points: u32,
        /// Table of sentence embeddings, by its name; empty for the built-in letter groups.
        #[serde(default)]
        sentences: String,
    },
    /// A file that was given.
    File(Given),
}

/// Files of points and their columns, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// The file of described points.
    pub name: String,
    /// Column of the easting or longitude; guessed where it is empty.
    pub x: String,
    /// Column of the northing or latitude.
    pub y: String,
    /// Column of the text.
    pub text: String,
    /// File of labelled places; empty for none.
    pub labels: String,
    /// Its column of the class.
    pub label: String,
    /// File of regions with shares of classes; empty for none.
    pub regions: String,
    /// Its columns of the classes; guessed where there are none.
    pub shares: Vec<String>,
    /// Table of sentence embeddings, by its name; empty for the built-in letter groups.
    pub sentences: String,
}

impl Given {
    /// Names of the files: described points, and labelled places and regions where there are some.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        [self.name.as_str(), &self.labels, &self.regions].into_iter().filter(|n| !n.is_empty())
    }
}

impl Default for Source {
    fn default() -> Self {
        Self::Made { seed: 7, points: 20_000, sentences: String::new() }
    }
}

impl Source {
    /// The made city that a face begins with: its descriptions by the bundled table.
    pub fn bundled() -> Self {
        Self::Made { seed: 7, points: 20_000, sentences: sentences::BUNDLED.into() }
    }

    /// Name of the table of sentence embeddings; empty for the built-in letter groups.
    pub fn sentences(&self) -> &str {
        match self {
            Self::Made { sentences, .. } => sentences,
            Self::File(given) => &given.sentences,
        }
    }

    /// Takes another table of sentence embeddings.
    pub fn embed(&mut self, by: &str) {
        match self {
            Self::Made { sentences, .. } => *sentences = by.into(),
            Self::File(given) => given.sentences = by.into(),
        }
    }
}

/// How descriptions become numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum TextSide {
    /// Hashed letter groups: spelling, not meaning.
    Grams,
    /// Rows that a sentence encoder has made.
    Sentences(Sentences),
}

impl TextSide {
    /// That of a source.
    ///
    /// # Errors
    /// [`MethodError::Inputs`] where its table is not there or is none.
    pub async fn of(source: &Source, files: &[Rc<PointFile>]) -> Result<Self, MethodError> {
        match source.sentences() {
            "" => Ok(Self::Grams),
            name => {
                let missing = |_| MethodError::Inputs(format!("the sentence embeddings {name} are not here; make them with the model again, or choose letter groups"));
                Ok(Self::Sentences(Sentences::read(find(files, name).map_err(missing)?).await?))
            }
        }
    }

    /// The sentence encoder; empty for letter groups.
    fn encoder(&self) -> String {
        match self {
            Self::Grams => String::new(),
            Self::Sentences(table) => table.model.clone(),
        }
    }

    fn city(&self, points: Vec<[f64; 2]>, texts: &[String]) -> Result<City, MethodError> {
        match self {
            Self::Grams => City::new(points, texts, TEXT_WIDTH, |t| Ok(ngrams::embed(t, TEXT_WIDTH))),
            Self::Sentences(table) => City::new(points, texts, table.width, |t| table.of(t)),
        }
    }
}

/// A city with all that is known of it.
#[derive(Clone, Debug)]
pub struct Town {
    /// Name.
    pub name: String,
    /// What is learnt from.
    pub city: City,
    /// Where its metres are.
    pub frame: Frame,
    /// The made one behind it.
    pub made: Option<Made>,
    /// Places to probe, and the names of their classes.
    pub labelled: Option<(Labelled, Vec<String>)>,
    /// Regions with shares of classes.
    pub areas: Option<Areas>,
    /// How a file was read.
    pub reading: Option<Reading>,
    /// The sentence encoder behind the texts' rows; empty for letter groups.
    pub encoder: String,
}

impl Town {
    /// Makes or reads it.
    ///
    /// # Errors
    /// [`MethodError::Points`] where a file is not there or holds no places; [`MethodError::Config`] for a column that it has not.
    pub async fn new(source: &Source, files: &[Rc<PointFile>]) -> Result<Self, MethodError> {
        let side = TextSide::of(source, files).await?;
        match source {
            Source::Made { seed, points, .. } => Self::made(*seed, *points as usize, &side),
            Source::File(given) => {
                let mut town = Self::read(find(files, &given.name)?, [&given.x, &given.y, &given.text].map(String::as_str), &side)?;
                if !given.labels.is_empty() {
                    town.labelled = Some(labelled(find(files, &given.labels)?, &given.label, town.frame)?);
                }
                if !given.regions.is_empty() {
                    town.areas = Some(Areas::read(find(files, &given.regions)?, &given.shares, town.frame, &town.city.points)?);
                }
                Ok(town)
            }
        }
    }

    /// A made city, with its land use as labels.
    ///
    /// # Errors
    /// [`MethodError::Config`] for too few or too many points.
    pub fn made(seed: u64, points: usize, side: &TextSide) -> Result<Self, MethodError> {
        if !(100..=200_000).contains(&points) {
            return Err(bad("city", format!("{points} points; a made city has 100 to 200 000")));
        }
        let made = Made::new(seed, points);
        let all = kinds::texts();
        let texts: Vec<String> = made.kinds.iter().map(|k| all[*k as usize].clone()).collect();
        let city = side.city(made.points.clone(), &texts)?;
        let labelled = Labelled { places: made.places.clone(), truth: Truth::Classes(made.uses.clone()), classes: kinds::USES.len(), region_of: Vec::new() };
        let classes = kinds::USES.map(str::to_owned).to_vec();
        let areas = Areas::made(&made, seed);
        Ok(Self { name: format!("made city {seed}"), city, frame: Frame::Nowhere, made: Some(made), areas, labelled: Some((labelled, classes)), reading: None, encoder: side.encoder() })
    }

    fn read(file: &PointFile, [x, y, text]: [&str; 3], side: &TextSide) -> Result<Self, MethodError> {
        let (table, columns, points) = table(file, [x, y])?;
        let text = text_column(&table, text, &columns)?;
        let texts: Vec<String> = points.rows.iter().map(|r| table.rows[*r][text].clone()).collect();
        let frame = frame(&points);
        let at = points.points.iter().map(|p| frame.metres(points.crs, *p)).collect();
        let city = side.city(at, &texts)?;
        let name = |i: usize| table.names[i].clone();
        let reading = Reading {
            head: table.rows.iter().take(5).cloned().collect(),
            taken: [name(columns.x), name(columns.y), name(text)],
            columns: table.names.clone(),
            system: points.crs.label().into(),
            rows: table.seen as u32,
            left: points.faults.len() as u32,
            faults: points.faults.iter().take(LISTED).map(|f| Left { row: f.row as u32, why: f.why.clone() }).collect(),
            notes: points.notes.clone(),
        };
        Ok(Self { name: file.name.clone(), city, frame, made: None, labelled: None, areas: None, reading: Some(reading), encoder: side.encoder() })
    }

    /// As a face draws it.
    pub fn picture(&self) -> CityPicture {
        let edge = |axis: usize, pick: fn(f64, f64) -> f64, start: f64| self.city.points.iter().map(|p| p[axis]).fold(start, pick);
        let (low, high) = ([edge(0, f64::min, f64::INFINITY), edge(1, f64::min, f64::INFINITY)], [edge(0, f64::max, f64::NEG_INFINITY), edge(1, f64::max, f64::NEG_INFINITY)]);
        let origin = if self.made.is_some() { [0.0, 0.0] } else { low.map(f64::floor) };
        let flat = |places: &[[f64; 2]]| places.iter().flat_map(|p| [(p[0] - origin[0]) as f32, (p[1] - origin[1]) as f32]).collect::<Vec<_>>().into();
        let labels = self.labelled.as_ref().map(|(l, classes)| {
            let of = if let Truth::Classes(of) = &l.truth { of.clone() } else { Vec::new() };
            Labels { classes: classes.clone(), places: flat(&l.places), of: of.into() }
        });
        let areas = self.areas.as_ref().map(|a| Regions { classes: a.classes.clone(), names: a.names.clone(), places: flat(&a.places), shares: a.shares.clone().into(), of: a.of.clone().into() });
        let notes = self.areas.iter().flat_map(|a| a.notes.iter().cloned());
        CityPicture {
            name: self.name.clone(),
            frame: self.frame,
            origin,
            extent: [low[0] - origin[0], low[1] - origin[1], high[0] - origin[0], high[1] - origin[1]],
            points: flat(&self.city.points),
            texts: self.city.texts.clone(),
            text_of: self.city.text_of.clone().into(),
            ground: self.made.as_ref().map(ground),
            labels,
            areas,
            reading: self.reading.clone(),
            warnings: self.city.warnings().into_iter().chain(notes).collect(),
            encoder: self.encoder.clone(),
            text_rows: if self.encoder.is_empty() { Vec::new().into() } else { self.city.embeddings.clone().into() },
        }
    }
}

/// The file of that name that was given last.
///
/// # Errors
/// [`MethodError::Points`] where there is none.
pub fn find<'f>(files: &'f [Rc<PointFile>], name: &str) -> Result<&'f PointFile, MethodError> {
    let found = files.iter().rev().find(|f| f.name == name);
    found.map(|f| &**f).ok_or_else(|| MethodError::Points { file: name.into(), why: "it is not here".into() })
}

/// The cells of a file, the columns of its coordinates, and its places.
///
/// # Errors
/// What cannot be read, with the file's name.
pub fn table(file: &PointFile, [x, y]: [&str; 2]) -> Result<(Table, Columns, Points), MethodError> {
    let said = |e: &dyn std::fmt::Display| MethodError::Points { file: file.name.clone(), why: e.to_string() };
    let json = file.bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    let table = if json { read_geojson(&file.bytes, MOST) } else { read_csv(&file.bytes, MOST).map(|c| c.table) };
    let table = table.map_err(|e| said(&e))?;
    let columns = if x.is_empty() || y.is_empty() {
        table.guess()
    } else {
        table.column(x).and_then(|x| Ok(Columns { x, y: table.column(y)?, crs: None }))
    };
    let columns = columns.map_err(|e| said(&e))?;
    let points = places(&table, columns).map_err(|e| said(&e))?;
    Ok((table, columns, points))
}

/// The column of the text: that of this name, else the first with a name that descriptions have, else the one with the longest texts.
fn text_column(table: &Table, name: &str, columns: &Columns) -> Result<usize, MethodError> {
    if !name.is_empty() {
        return table.column(name).map_err(|e| bad("text", e.to_string()));
    }
    for usual in ["description", "text", "category", "class", "type", "amenity", "kind", "name"] {
        if let Ok(i) = table.column(usual) {
            return Ok(i);
        }
    }
    let letters = |i: usize| table.rows.iter().take(100).map(|r| r[i].chars().filter(|c| c.is_alphabetic()).count()).sum::<usize>();
    let longest = (0..table.names.len()).filter(|i| *i != columns.x && *i != columns.y).max_by_key(|i| letters(*i)).filter(|i| letters(*i) > 0);
    longest.ok_or_else(|| bad("text", format!("no column holds text; there are {}", table.names.join(", "))))
}

/// The British grid for what lies on it, metres around the middle for all else.
fn frame(points: &Points) -> Frame {
    if points.crs == Crs::BritishGrid {
        return Frame::British;
    }
    let n = points.points.len().max(1) as f64;
    Frame::Around([0, 1].map(|axis| points.points.iter().map(|p| p[axis]).sum::<f64>() / n))
}

/// Places with a class each; classes are the distinct values of the column, in their order.
///
/// # Errors
/// What cannot be read.
pub fn labelled(file: &PointFile, label: &str, frame: Frame) -> Result<(Labelled, Vec<String>), MethodError> {
    let (table, _, points) = table(file, ["", ""])?;
    let column = table.column(label).map_err(|e| bad("label", format!("{}: {e}", file.name)))?;
    let values: Vec<&str> = points.rows.iter().map(|r| table.rows[*r][column].as_str()).collect();
    let mut classes = values.clone();
    classes.sort_unstable();
    classes.dedup();
    let labels = values.iter().map(|v| classes.binary_search(v).unwrap_or(0) as u32).collect();
    let places = points.points.iter().map(|p| frame.metres(points.crs, *p)).collect();
    let names: Vec<String> = classes.iter().map(|c| (*c).to_owned()).collect();
    Ok((Labelled { places, truth: Truth::Classes(labels), classes: names.len(), region_of: Vec::new() }, names))
}

fn ground(made: &Made) -> Ground {
    let plan = &made.plan;
    let bank = |side: f64| (0..=224).map(move |i| f64::from(i) * 30.0 - 160.0).map(move |x| [x, plan.river(x) + side * plan.half_width(x)]);
    let river: Vec<[f64; 2]> = bank(-1.0).chain(bank(1.0).collect::<Vec<_>>().into_iter().rev()).collect();
    let (middle, half) = plan.island();
    let round = (0..40).map(|i| f64::from(i) / 40.0 * std::f64::consts::TAU).map(|t| [middle[0] + half[0] * t.cos(), middle[1] + half[1] * t.sin()]).collect();
    Ground {
        water: Lines::new([&river]),
        island: Lines::new([&round]),
        parks: Lines::new(&plan.parks.iter().map(|p| p.outline(72)).collect::<Vec<_>>()),
        streets: [0, 1, 2, 3].map(|c| Lines::new(&made.streets.classes[c])),
        rail: Lines::new([&made.streets.rail]),
    }
}
