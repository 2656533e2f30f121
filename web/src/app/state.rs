//! What the page knows: one value, changed only by [`crate::app::action::Action`] through the reducer.
//!
//! Nothing in here touches the DOM or a clock, so every rule is tested natively.

use std::collections::BTreeMap;
use std::rc::Rc;

use espalier_lab::protocol::{DeviceChoice, DeviceInfo, Estimate, Summary, TensorStats};
use espalier_methods::report::{Figure, Profile, Pruned, RankChoice, Report, Spectrum};

use crate::app::history::History;
use crate::app::journal::Step;
use crate::app::language::{Found, OwnText, StudyState, Tokenizer};
use crate::app::link::{Lesson, Link, Target};
use crate::app::runs::Kept;
use crate::app::town::TownState;
use crate::teach::lessons::Tour;
use crate::teach::reader::Reading;
pub use crate::app::choices::{Sheet, Theme};
pub use crate::app::prune_state::{Allocation, PruneState, Scope};
pub use crate::app::happenings::{Asked, LogKind, LogLine, Lost, PlacedFault, Run, Saved, SelfTest, Stopped, Verdict};

/// A matrix's key in the maps of results: the tensor's name, or `name#slice` where one tensor holds several matrices.
pub type Key = Rc<str>;

/// The key of a matrix.
pub fn key(name: &str, slice: Option<u32>) -> Key {
    match slice {
        Some(s) => format!("{name}#{s}").into(),
        None => name.into(),
    }
}

/// The places of the rail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Choosing a checkpoint.
    #[default]
    Open,
    /// Looking into it.
    Inspect,
    /// Choosing ranks.
    Rank,
    /// Choosing what to remove.
    Prune,
    /// Watching experts, and condensing them.
    Experts,
    /// Which parts are sensitive, and which text to prune by.
    Study,
    /// A city and its embedding.
    Map,
}

impl Place {
    /// All places, in the order of the rail and of the keys from 1 on.
    pub const ALL: [Self; 7] = [Self::Open, Self::Inspect, Self::Rank, Self::Prune, Self::Study, Self::Map, Self::Experts];

    /// Its word in the rail.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Inspect => "Inspect",
            Self::Rank => "Rank",
            Self::Prune => "Prune",
            Self::Experts => "Experts",
            Self::Study => "Study",
            Self::Map => "Map",
        }
    }

    /// Its word in ids and links.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Inspect => "inspect",
            Self::Rank => "rank",
            Self::Prune => "prune",
            Self::Experts => "experts",
            Self::Study => "study",
            Self::Map => "map",
        }
    }
}

/// How ranks are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RankRule {
    /// One threshold over every normalised spectrum.
    #[default]
    Welore,
    /// The smallest rank that keeps a share of the energy.
    Energy,
    /// The same share of rank everywhere.
    Uniform,
    /// Each rank by hand.
    ByHand,
}

/// Which threshold the search takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Search {
    /// The one whose reduction is nearest to the target.
    #[default]
    Nearest,
    /// The smallest that reaches the target.
    Reach,
}

/// When a matrix is stored as factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FactorIf {
    /// It loses half its rank (the paper's test).
    #[default]
    Half,
    /// Its factors hold fewer numbers than the matrix.
    Shrinks,
    /// Always.
    Always,
}

/// What of the two leads on the Rank screen; the other one follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lead {
    /// The target is held and the threshold searched.
    #[default]
    Target,
    /// The threshold is held and the reduction follows.
    Threshold,
}

/// The form of a low-rank export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportForm {
    /// Factor pairs `X.U.weight`, `X.V.weight`.
    #[default]
    Factors,
    /// Their product in the old shape and under the old name.
    Dense,
}

/// Everything that the Rank screen can change.
#[derive(Clone, Debug, PartialEq)]
pub struct RankState {
    /// Rule.
    pub rule: RankRule,
    /// Normalised threshold k.
    pub threshold: f64,
    /// Share of all ranks to cut.
    pub target: f64,
    /// Which of the two is held.
    pub lead: Lead,
    /// How the threshold is searched.
    pub search: Search,
    /// When a matrix is factored.
    pub factor_if: FactorIf,
    /// Energy to keep under [`RankRule::Energy`].
    pub tau: f64,
    /// Ranks set by hand, by matrix key. Under [`RankRule::ByHand`] a matrix without an entry keeps its full rank.
    pub by_hand: BTreeMap<Key, u32>,
    /// Export form.
    pub form: ExportForm,
}

impl Default for RankState {
    fn default() -> Self {
        Self {
            rule: RankRule::default(),
            threshold: 0.165,
            target: 0.5,
            lead: Lead::default(),
            search: Search::default(),
            factor_if: FactorIf::default(),
            tau: 0.95,
            by_hand: BTreeMap::new(),
            form: ExportForm::default(),
        }
    }
}

/// What is pointed at, everywhere on the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Index of the tensor.
    pub tensor: Option<u32>,
    /// Slice of it, where it holds several matrices.
    pub slice: Option<u32>,
    /// Block.
    pub block: Option<u32>,
}

/// What undo brings back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edit {
    /// Rank screen.
    pub rank: Rc<RankState>,
    /// Prune screen.
    pub prune: Rc<PruneState>,
    /// Experts screen.
    pub experts: Rc<crate::app::experts::ExpertsState>,
    /// Study screen.
    pub study: Rc<StudyState>,
    /// Selection.
    pub selection: Selection,
}

/// How figures and lists are looked at (mode, zoom, pins, filter, order), by the name of the thing, as short texts of its own. What has no
/// entry is as it comes. Read with [`State::view`], changed with [`crate::app::Action::View`]; it travels in links and is not undone.
pub type Views = Rc<Vec<(Rc<str>, Rc<str>)>>;

/// What can be computed of all matrices of a checkpoint.
pub type ByKey<T> = BTreeMap<Key, Rc<T>>;

/// The page's state.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Where the visitor is.
    pub place: Place,
    /// Device in use; `None` until the worker has said it.
    pub device: Option<Rc<DeviceInfo>>,
    /// Device that was asked for.
    pub choice: DeviceChoice,
    /// The open checkpoint.
    pub summary: Option<Rc<Summary>>,
    /// Counts openings, so that a late answer about an older checkpoint is known as such.
    pub opened: u32,
    /// Statistics by tensor.
    pub stats: BTreeMap<u32, Rc<TensorStats>>,
    /// Spectra by matrix key.
    pub spectra: ByKey<Spectrum>,
    /// Error profiles by matrix key.
    pub profiles: ByKey<Profile>,
    /// What pruning did, by matrix key.
    pub pruned: ByKey<Pruned>,
    /// What rank selection decided, by matrix key.
    pub chosen: ByKey<RankChoice>,
    /// What runs over texts have found.
    pub language: Rc<Found>,
    /// Texts of the visitor's own.
    pub own: Rc<Vec<OwnText>>,
    /// The tokenizer in use, once a text was tokenized.
    pub tokenizer: Option<Tokenizer>,
    /// What was found of the experts.
    pub experts: Rc<crate::app::experts::ExpertsFound>,
    /// The last report of each method.
    pub reports: BTreeMap<String, Rc<Report>>,
    /// Figures of running methods, by id.
    pub figures: BTreeMap<String, Rc<Figure>>,
    /// Runs whose results are shown, in the order in which they finished.
    pub shown: Rc<Vec<Asked>>,
    /// Runs still to be begun, one after the other: of a link or a record.
    pub queue: Rc<Vec<Asked>>,
    /// What the runs of a record said when it was made.
    pub expected: Rc<Vec<Step>>,
    /// A newer version of the page has been fetched and waits.
    pub newer: bool,
    /// Records that are kept, newest first.
    pub runs: Rc<Vec<Kept>>,
    /// Why the last record was not stored; empty where it was.
    pub not_stored: String,
    /// They wait for the visitor's word, for they are long.
    pub queue_held: bool,
    /// The checkpoint that it is compared with.
    pub second: Option<Rc<Summary>>,
    /// What runs would need, by who asked, newest last: a screen may show several.
    pub estimates: Vec<(u32, Rc<Estimate>)>,
    /// Where the open checkpoint comes from.
    pub source: Option<Target>,
    /// Where the one that is being opened comes from.
    pub asked: Option<Target>,
    /// A link whose checkpoint is not open yet.
    pub waiting: Option<Rc<Link>>,
    /// A checkpoint that was opened for [`State::waiting`] and is another one.
    pub stranger: Option<Rc<Summary>>,
    /// What a link could not do, one sentence each.
    pub link_notes: Rc<Vec<String>>,
    /// What a link holds or hides.
    pub lesson: Rc<Lesson>,
    /// How figures and lists are looked at.
    pub views: Views,
    /// The city of the Map, and what was learnt of it.
    pub town: Rc<TownState>,
    /// Rank, Prune and selection.
    pub edit: Edit,
    /// Undo and redo.
    pub history: History,
    /// What runs.
    pub run: Option<Run>,
    /// The last loss of the GPU in the middle of a run.
    pub lost: Option<Lost>,
    /// The last run that was stopped and not begun again.
    pub stopped: Option<Stopped>,
    /// The last file saved.
    pub saved: Option<Saved>,
    /// Failures not yet dismissed, oldest first.
    pub faults: Vec<PlacedFault>,
    /// Next number of a fault.
    pub next_fault: u32,
    /// Self-test.
    pub self_test: SelfTest,
    /// Log, oldest first; at most [`LOG_LINES`].
    pub log: Rc<Vec<LogLine>>,
    /// Whether the log drawer is open.
    pub log_open: bool,
    /// Sheet over the page.
    pub sheet: Sheet,
    /// The lesson under way.
    pub tour: Option<Tour>,
    /// The shader that is read.
    pub reading: Option<Reading>,
    /// Theme.
    pub theme: Theme,
    /// Seed of all randomness.
    pub seed: u64,
    /// What a screen reader is told next.
    pub announced: String,
    /// The worker ended and has not come back.
    pub worker_down: bool,
    /// A fresh worker is opening what was open.
    pub reopening: bool,
    /// Counts changes.
    pub revision: u64,
}

/// Lines that the log keeps.
pub const LOG_LINES: usize = 2000;

impl Default for State {
    fn default() -> Self {
        Self {
            place: Place::default(),
            device: None,
            choice: DeviceChoice::default(),
            summary: None,
            opened: 0,
            stats: BTreeMap::new(),
            spectra: BTreeMap::new(),
            profiles: BTreeMap::new(),
            pruned: BTreeMap::new(),
            chosen: BTreeMap::new(),
            language: Rc::default(),
            own: Rc::default(),
            tokenizer: None,
            experts: Rc::default(),
            reports: BTreeMap::new(),
            figures: BTreeMap::new(),
            shown: Rc::default(),
            queue: Rc::default(),
            expected: Rc::default(),
            newer: false,
            runs: Rc::default(),
            not_stored: String::new(),
            queue_held: false,
            second: None,
            estimates: Vec::new(),
            source: None,
            asked: None,
            waiting: None,
            stranger: None,
            link_notes: Rc::default(),
            lesson: Rc::default(),
            views: Rc::default(),
            town: Rc::default(),
            edit: Edit::default(),
            history: History::default(),
            run: None,
            lost: None,
            stopped: None,
            saved: None,
            faults: Vec::new(),
            next_fault: 1,
            self_test: SelfTest::default(),
            log: Rc::default(),
            log_open: false,
            sheet: Sheet::default(),
            tour: None,
            reading: None,
            theme: Theme::default(),
            seed: 7,
            announced: String::new(),
            worker_down: false,
            reopening: false,
            revision: 0,
        }
    }
}

impl State {
    /// The state of a page that has just been opened: what the visitor chose before.
    pub fn begin() -> Self {
        Self { theme: crate::app::theme::remembered(), ..Self::default() }
    }

    /// Whether a link has something to say beside what it shows.
    pub fn has_word(&self) -> bool {
        !self.lesson.task.is_empty() || self.newer || !self.link_notes.is_empty() || self.queue_held && !self.queue.is_empty()
    }

    /// Whether something failed or was stopped at the place that is shown.
    pub fn has_fault(&self) -> bool {
        self.stopped.as_ref().is_some_and(|s| s.place == self.place) || self.faults_at(self.place).next().is_some()
    }

    /// Whether what is open lies elsewhere, so that reading it costs bytes of a network; the address.
    pub fn remote(&self) -> Option<&str> {
        match &self.source {
            Some(Target::Remote { address, .. }) => Some(address),
            _ => None,
        }
    }

    /// Rank screen's settings.
    pub fn rank(&self) -> &RankState {
        &self.edit.rank
    }

    /// Prune screen's settings.
    pub fn prune(&self) -> &PruneState {
        &self.edit.prune
    }

    /// Study screen's settings.
    pub fn study(&self) -> &StudyState {
        &self.edit.study
    }

    /// Selection.
    pub fn selection(&self) -> Selection {
        self.edit.selection
    }

    /// How a figure or list is looked at.
    pub fn view(&self, name: &str) -> Option<Rc<str>> {
        self.views.iter().find(|(n, _)| **n == *name).map(|(_, how)| how.clone())
    }

    /// Name of the selected tensor, with its slice where it has one.
    pub fn selected_name(&self) -> Option<String> {
        let s = self.selection();
        let name = &self.summary.as_ref()?.tensors.get(s.tensor? as usize)?.name;
        Some(key(name, s.slice).to_string())
    }

    /// Spectra in the form that a run takes as known.
    pub fn known_spectra(&self) -> Vec<Spectrum> {
        self.spectra.values().map(|s| (**s).clone()).collect()
    }

    /// Failures that belong to a place.
    pub fn faults_at(&self, place: Place) -> impl Iterator<Item = &PlacedFault> {
        self.faults.iter().filter(move |f| f.place == place)
    }

    /// The run of a method, if it is the one that runs.
    pub fn running(&self, method: &str) -> Option<&Run> {
        self.run.as_ref().filter(|r| r.method == method)
    }
}
