//! What the Prune screen shows, derived from the state.

use std::rc::Rc;

use espalier_methods::allocation::overall;
use espalier_methods::magnitude::Config;
use yew::prelude::*;

use super::asked::{by_blocks, method};
use super::model::{Allocations, allocations, config, current, error, sizes, target};
use crate::app::context::Lab;
use crate::app::language::{Rule, cannot_run};
use crate::app::record::Record;
use crate::app::state::{Asked, ByKey, Key, Scope};
use crate::screens::matrices::{Entry, Grid, grid, of_spectra, of_summary};
use espalier_methods::report::{Profile, Spectrum};

/// Everything derived.
#[derive(Clone)]
pub struct View {
    /// Name of the checkpoint.
    pub name: AttrValue,
    /// True for the finished example.
    pub example: bool,
    /// Prunable matrices.
    pub entries: Rc<Vec<Entry>>,
    /// Rows and columns.
    pub grid: Rc<Grid>,
    /// Elements of each.
    pub sizes: Rc<Vec<f64>>,
    /// What each allocation would do.
    pub all: Rc<Allocations>,
    /// Sparsities as they stand.
    pub now: Rc<Vec<f64>>,
    /// What is aimed at.
    pub target: f64,
    /// What the sparsities come to.
    pub planned: f64,
    /// Error over all at these sparsities; `None` while profiles are missing.
    pub error: Option<f64>,
    /// Configuration that a run would have.
    pub config: Rc<Config>,
    /// Locked entries.
    pub locked: Rc<Vec<bool>>,
    /// Matrices without a profile.
    pub unprofiled: usize,
    /// The last run is of these settings, and has ended.
    pub fresh: bool,
    /// What is to be said of results otherwise: they are what a run of these settings has so far, or an earlier run's.
    pub stale: &'static str,
    /// What a run would ask for, where the rule reads a text.
    pub asked: Option<Rc<Asked>>,
    /// A pattern sets the sparsities.
    pub patterned: bool,
    /// Outliers at the chosen M, percent, by block; `None` while they have not been counted.
    pub outliers: Option<Rc<Vec<f64>>>,
    /// Why a rule that reads a text cannot run here.
    pub cannot: Option<AttrValue>,
}

impl View {
    /// Weights in all.
    pub fn weights(&self) -> f64 {
        self.sizes.iter().sum()
    }

    /// What results are of, with a word for those that are not the settings' own.
    pub fn dated(&self, what: &str) -> String {
        if self.stale.is_empty() { what.into() } else { format!("{what}, {}", self.stale) }
    }

    /// Whether each matrix has a sparsity of its own to drag.
    pub fn is_fixed(&self) -> bool {
        match &self.asked {
            Some(_) => self.patterned,
            None => !self.config.is_allocated(),
        }
    }

    /// Entry that the selection means: its tensor, or the first of its block.
    pub fn selected(&self, lab: &Lab) -> Option<usize> {
        let s = lab.state.selection();
        let exact = self.entries.iter().position(|e| e.tensor.is_some() && e.tensor == s.tensor && (s.slice.is_none() || e.slice == s.slice));
        exact.or_else(|| self.entries.iter().position(|e| e.block.is_some() && e.block == s.block))
    }

    /// Row of the selection.
    pub fn selected_row(&self, lab: &Lab) -> Option<usize> {
        self.grid.row_of(self.selected(lab)?)
    }
}

/// What results are called that are an earlier run's.
pub const LAST: &str = "last run";

/// Matrices: those of the open checkpoint, or of the finished example.
fn matrices(lab: &Lab) -> (Vec<Entry>, AttrValue, bool) {
    if let Some(s) = &lab.state.summary {
        return (of_summary(s), s.name.clone().into(), false);
    }
    let record = Record::bundled();
    (of_spectra(record.spectra.iter().map(|s| &**s)), record.checkpoint.clone().into(), true)
}

fn held<T>(map: &ByKey<T>) -> Vec<usize> {
    map.values().map(|v| Rc::as_ptr(v) as usize).collect()
}

/// Derives the view.
#[hook]
pub fn use_view(lab: &Lab) -> View {
    let state = &lab.state;
    let basis = use_memo((state.opened, state.summary.is_some()), |_| {
        let (entries, name, example) = matrices(lab);
        let (grid, sizes) = (grid(&entries), sizes(&entries));
        (Rc::new(entries), Rc::new(grid), Rc::new(sizes), name, example)
    });
    let (entries, grid, sizes, name, example) = (*basis).clone();
    let id = Rc::as_ptr(&entries) as usize;
    let prune = state.prune().clone();
    let target = target(&prune);
    let spectra: ByKey<Spectrum> = if example {
        espalier_methods::order::gather(Record::bundled().spectra.iter().map(|s| (Key::from(s.tensor.as_str()), s.clone())))
    } else {
        state.spectra.clone()
    };
    let blocks = entries.iter().filter_map(|e| e.block).max().map_or(0, |b| b + 1);
    let found = &state.language;
    let multiple = prune.calibrated.multiple;
    let outliers: Option<Vec<f64>> = (0..blocks).map(|b| found.outliers.get(&b).map(|o| o.at(multiple))).collect();
    let outliers = outliers.filter(|o| !o.is_empty());
    let costs = found.by_block(blocks, target).filter(|c| !c.is_empty());
    let marks = |v: &Option<Vec<f64>>| v.as_ref().map(|v| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    let knobs = (prune.calibrated.lambda.to_bits(), prune.calibrated.rule, prune.scope, prune.allocation);
    let all = use_memo((id, target.to_bits(), held(&spectra), marks(&outliers), marks(&costs), knobs), |_| {
        let by = |numbers: &Option<Vec<f64>>| numbers.as_ref().map(|n| by_blocks(&prune, &entries, n, target));
        Allocations { owl: by(&outliers), measured: by(&costs), ..allocations(&entries, target, &spectra) }
    });
    let profiles: &ByKey<Profile> = &state.profiles;
    let key = (id, prune.clone(), Rc::as_ptr(&all) as usize, held(profiles));
    let now = use_memo(key, |_| current(&entries, &prune, &all, profiles));
    let members: Vec<usize> = (0..entries.len()).collect();
    let error = error(&entries, &members, &now, profiles);
    let config = Rc::new(config(&prune, &entries, &now));
    let calibrated = prune.calibrated.rule != Rule::Magnitude;
    let asked = calibrated.then(|| Rc::new(Asked { method: method(&prune).into(), config: super::asked::config(&prune, &entries, &now, costs.as_deref(), &state.own), matrices: None, seed: state.seed }));
    let cannot = state.summary.as_ref().and_then(|s| cannot_run(s)).map(AttrValue::from);
    let same = |run: Option<&Asked>, of: Option<&serde_json::Value>| match &asked {
        Some(a) => run == Some(&**a),
        None => run.is_some_and(|r| r.method == "magnitude") && of.is_some_and(|of| serde_json::to_value(&*config).is_ok_and(|c| c == *of)),
    };
    let fresh = same(state.language.pruned_by.as_ref(), state.reports.get("magnitude").map(|r| &r.config));
    let running = state.run.as_ref().and_then(|r| r.asked.as_deref());
    let stale = match () {
        () if fresh => "",
        () if same(running, running.map(|r| &r.config)) => "so far",
        () => LAST,
    };
    View {
        planned: overall(&now, &sizes),
        locked: Rc::new(entries.iter().map(|e| prune.locked.contains(&e.key)).collect()),
        unprofiled: entries.iter().filter(|e| !profiles.contains_key(&e.key)).count(),
        name,
        example,
        entries,
        grid,
        sizes,
        all,
        now,
        target,
        error,
        config,
        fresh,
        stale,
        asked,
        patterned: matches!(prune.scope, Scope::NOfM { .. }),
        outliers: outliers.map(Rc::new),
        cannot,
    }
}
