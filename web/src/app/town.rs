//! What the Map knows: a city, the settings of a run on it, and what the run has said so far.

use std::collections::BTreeMap;
use std::rc::Rc;

use espalier_methods::urban::calliper::Config;
use espalier_methods::urban::picture::{CityPicture, Look, Probes, Urban};
use espalier_methods::urban::saved::About;
use espalier_methods::urban::town::{PointFile, Source};

use crate::app::journal::Step;

/// Name under which the worker is given a run to go on from.
pub const SAVED: &str = "saved run";
/// Name of the text that holds a question in words.
pub const WORDS: &str = "words";

/// A curve as it grows: steps and values.
pub type Growing = (Vec<f64>, Vec<f64>);

/// A change of it.
#[derive(Clone, Debug, PartialEq)]
pub enum TownAct {
    /// Other settings for the next run, its city among them.
    Config(Box<Config>),
    /// The run was asked to wait, or to go on.
    Paused(bool),
    /// A place or words were asked for their like.
    Asked,
    /// The table of sentence embeddings has gone to the worker.
    Taken,
    /// A run that can be gone on with, from a file or from the browser's storage; or none.
    Kept(Option<Rc<Kept>>),
    /// The run is to be saved as a file as soon as the worker has said what it is; or that is done.
    Wish(bool),
    /// The city of the settings is to be shown, whatever is shown now.
    City,
    /// A file of points has gone to the worker.
    Given(String),
}

/// A run that can be gone on with.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What it says of itself.
    pub about: About,
    /// All of it.
    pub file: PointFile,
    /// It lies in the browser's storage or in a file already.
    pub stored: bool,
}

impl Kept {
    /// A saved run; `None` for any other file.
    pub fn read(file: PointFile, stored: bool) -> Option<Self> {
        Some(Self { about: About::of(&file.bytes)?, file, stored })
    }
}

/// The embedding of all points as it was last seen, each part from its own look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Steps taken at the last look.
    pub step: u32,
    /// Numbers an embedding.
    pub width: usize,
    /// `[points, width]`, of length 1.
    pub rows: Vec<f32>,
    /// x and y on the plane of the map's colours, in turn.
    pub plane: Vec<f32>,
    /// Share of the variance in each principal component.
    pub shares: Vec<f64>,
    /// The projection of text embeddings.
    pub projection: Vec<f32>,
}

/// The state of the Map. Cheap to clone: what is large lies behind a count.
#[derive(Clone, Debug, PartialEq)]
pub struct TownState {
    /// The city.
    pub picture: Option<Rc<CityPicture>>,
    /// Counts cities, so that a view of an older one is known as such.
    pub cities: u32,
    /// Settings of the next run.
    pub config: Rc<Config>,
    /// The run was asked to wait.
    pub paused: bool,
    /// It does: the step that was under way has been taken and looked at.
    pub waits: bool,
    /// Counts questions.
    pub asked: u32,
    /// Curves of the run, by name.
    pub curves: Rc<BTreeMap<String, Growing>>,
    /// The embedding; `None` before the first look.
    pub seen: Option<Rc<Seen>>,
    /// Counts looks, over all runs.
    pub looks: u32,
    /// Probes and baselines, once they have come.
    pub probes: Option<Rc<Probes>>,
    /// The same over regions.
    pub areas: Option<Rc<Probes>>,
    /// The last question that an open sentence encoder has embedded, and its row.
    pub words: Option<Rc<(String, Vec<f32>)>>,
    /// The last table of sentence embeddings that an open encoder has made.
    pub table: Option<Rc<PointFile>>,
    /// A run that can be gone on with.
    pub kept: Option<Rc<Kept>>,
    /// The run is to be saved as a file when the worker says what it is.
    pub wish: bool,
    /// The run whose results are shown, as it can be done again.
    pub ran: Option<Rc<Step>>,
    /// Files of points that the worker has.
    pub given: Rc<Vec<String>>,
}

impl Default for TownState {
    fn default() -> Self {
        Self { picture: None, cities: 0, config: Rc::new(Config::small()), paused: false, waits: false, asked: 0, curves: Rc::default(), seen: None, looks: 0, probes: None, areas: None, words: None, table: None, kept: None, wish: false, ran: None, given: Rc::default() }
    }
}

impl TownState {
    /// A run has been asked for: what an earlier one said goes.
    pub(super) fn begin(&mut self) {
        (self.paused, self.waits) = (false, false);
        self.curves = Rc::default();
        self.seen = None;
        self.probes = None;
        self.areas = None;
        self.ran = None;
        self.wish = false;
    }

    /// Settings of a link: another city than the one that is shown goes.
    pub(super) fn restore(&mut self, config: Config) {
        if self.config.city != config.city {
            self.begin();
            self.picture = None;
        }
        self.config = Rc::new(config);
    }

    /// Whether everything that the settings' city is made of is here.
    pub fn is_here(&self) -> bool {
        match &self.config.city {
            Source::Made { .. } => true,
            Source::File(file) => file.files().all(|name| self.given.iter().any(|g| g == name)),
        }
    }

    pub(super) fn act(&mut self, act: TownAct) {
        match act {
            TownAct::Config(config) => self.config = Rc::new(*config),
            TownAct::Paused(paused) => (self.paused, self.waits) = (paused, false),
            TownAct::Asked => self.asked += 1,
            TownAct::Taken => self.table = None,
            TownAct::Kept(kept) => self.kept = kept,
            TownAct::Wish(wish) => self.wish = wish,
            TownAct::City => {
                self.begin();
                self.picture = None;
            }
            TownAct::Given(name) => {
                let given = Rc::make_mut(&mut self.given);
                given.retain(|g| *g != name);
                given.push(name);
            }
        }
    }

    pub(super) fn metric(&mut self, series: &str, step: f64, value: f64) {
        let curves = Rc::make_mut(&mut self.curves);
        if !curves.contains_key(series) {
            curves.insert(series.into(), Growing::default());
        }
        if let Some((x, y)) = curves.get_mut(series) {
            // A run that was begun again on a fresh device says its first steps again.
            let from = x.partition_point(|s| *s < step);
            x.truncate(from);
            y.truncate(from);
            x.push(step);
            y.push(value);
        }
    }

    pub(super) fn take(&mut self, urban: Urban) {
        match urban {
            Urban::City(picture) => {
                if self.picture.as_deref() != Some(&*picture) {
                    self.begin();
                    self.cities += 1;
                    self.picture = Some(Rc::from(picture));
                }
            }
            Urban::Look(look) => self.look(&look),
            Urban::Saved(file) => self.kept = Kept::read(file, false).map(Rc::new).or(self.kept.take()),
            Urban::Areas(probes) => self.areas = Some(Rc::from(probes)),
            Urban::Probes(probes) => self.probes = Some(Rc::from(probes)),
            Urban::Sentences(e) if e.text == WORDS => self.words = e.texts.first().map(|t| Rc::new((t.clone(), e.rows.to_vec()))),
            Urban::Sentences(e) => self.table = Some(Rc::new(PointFile { name: e.text, bytes: e.table })),
        }
    }

    fn look(&mut self, look: &Look) {
        let width = look.width as usize;
        let points = look.plane.len() / 2;
        let mut seen = self.seen.take().map_or_else(Seen::default, |s| Rc::try_unwrap(s).unwrap_or_else(|s| (*s).clone()));
        seen.rows.resize(points * width, 0.0);
        let [first, every] = look.part.map(|v| v as usize);
        for (row, i) in look.rows.chunks_exact(width.max(1)).zip((first..points).step_by(every.max(1))) {
            seen.rows[i * width..(i + 1) * width].copy_from_slice(row);
        }
        seen.step = look.step;
        seen.width = width;
        seen.plane = look.plane.to_vec();
        seen.shares = look.shares.to_vec();
        seen.projection = look.projection.to_vec();
        self.looks += 1;
        self.seen = Some(Rc::new(seen));
    }

    /// The last value of a curve.
    pub fn last(&self, series: &str) -> Option<f64> {
        self.curves.get(series).and_then(|(_, y)| y.last().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_renew_their_part_and_metrics_grow() {
        let mut t = TownState::default();
        let look = |step: u32, part: [u32; 2], rows: Vec<f32>| Look { step, part, width: 1, rows: rows.into(), plane: vec![0.0; 6].into(), ..Look::default() };
        t.take(Urban::Look(look(0, [0, 1], vec![1.0, 2.0, 3.0])));
        t.take(Urban::Look(look(25, [1, 2], vec![9.0])));
        assert_eq!(t.seen.as_ref().map(|s| (s.step, s.rows.clone())), Some((25, vec![1.0, 9.0, 3.0])));
        for (step, value) in [(1.0, 6.0), (2.0, 5.0), (3.0, 4.0), (2.0, 5.5)] {
            t.metric("loss", step, value);
        }
        assert_eq!(t.curves["loss"], (vec![1.0, 2.0], vec![6.0, 5.5]));
        // The same city again leaves what was learnt; another one does not.
        let city = |name: &str| Urban::City(Box::new(CityPicture { name: name.into(), ..CityPicture::default() }));
        t.take(city("a"));
        t.metric("loss", 1.0, 1.0);
        t.take(city("a"));
        assert_eq!((t.last("loss"), t.cities), (Some(1.0), 1));
        t.take(city("b"));
        assert_eq!((t.last("loss"), t.cities, t.seen.is_none()), (None, 2, true));
    }

    #[test]
    fn a_saved_run_is_kept_and_what_is_none_leaves_the_last() {
        use espalier_nets::testing::Builder;
        let settings = serde_json::to_string(&Config::small()).unwrap();
        let file = |step: &str| {
            let bytes = Builder::new().metadata("espalier.method", "calliper").metadata("espalier.run.step", step).metadata("espalier.run.seed", "7").metadata("espalier.run.total", "780").metadata("espalier.settings", &settings).made_up("w", &[4]).build();
            PointFile { name: "a.safetensors".into(), bytes: bytes.into() }
        };
        let mut t = TownState::default();
        t.take(Urban::Saved(file("31")));
        assert_eq!(t.kept.as_ref().map(|k| (k.about.step, k.about.total, k.stored)), Some((31, 780, false)));
        t.take(Urban::Saved(PointFile::default()));
        assert_eq!(t.kept.as_ref().map(|k| k.about.step), Some(31));
        // A new run begins: the last one can still be gone on with.
        t.begin();
        assert!(t.kept.is_some());
        t.act(TownAct::Kept(None));
        assert!(t.kept.is_none());
    }
}
