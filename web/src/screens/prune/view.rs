//! What the Prune screen shows, derived from the state.

use std::rc::Rc;

use espalier_methods::allocation::overall;
use espalier_methods::magnitude::Config;
use yew::prelude::*;

use super::model::{Allocations, allocations, config, current, error, sizes, target};
use crate::app::context::Lab;
use crate::app::state::{ByKey, Key};
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
    /// The last run is of these settings.
    pub fresh: bool,
}

impl View {
    /// Weights in all.
    pub fn weights(&self) -> f64 {
        self.sizes.iter().sum()
    }

    /// Whether each matrix has a sparsity of its own to drag.
    pub fn is_fixed(&self) -> bool {
        !self.config.is_allocated()
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

/// Matrices: those of the open checkpoint, or of the finished example.
fn matrices(lab: &Lab) -> (Vec<Entry>, AttrValue, bool) {
    if let Some(s) = &lab.state.summary {
        return (of_summary(s), s.name.clone().into(), false);
    }
    match &lab.state.record {
        Some(r) => (of_spectra(r.spectra.iter().map(|s| &**s)), r.checkpoint.clone().into(), true),
        None => (Vec::new(), "".into(), true),
    }
}

fn held<T>(map: &ByKey<T>) -> Vec<usize> {
    map.values().map(|v| Rc::as_ptr(v) as usize).collect()
}

/// Derives the view.
#[hook]
pub fn use_view(lab: &Lab) -> View {
    let state = &lab.state;
    let basis = use_memo((state.opened, state.summary.is_some(), state.record.is_some()), |_| {
        let (entries, name, example) = matrices(lab);
        let (grid, sizes) = (grid(&entries), sizes(&entries));
        (Rc::new(entries), Rc::new(grid), Rc::new(sizes), name, example)
    });
    let (entries, grid, sizes, name, example) = (*basis).clone();
    let id = Rc::as_ptr(&entries) as usize;
    let prune = state.prune().clone();
    let target = target(&prune);
    let spectra: ByKey<Spectrum> = match (&state.record, example) {
        (Some(r), true) => crate::plot::order::gather(r.spectra.iter().map(|s| (Key::from(s.tensor.as_str()), s.clone()))),
        _ => state.spectra.clone(),
    };
    let all = use_memo((id, target.to_bits(), held(&spectra)), |_| allocations(&entries, target, &spectra));
    let profiles: &ByKey<Profile> = &state.profiles;
    let key = (id, prune.clone(), Rc::as_ptr(&all) as usize, held(profiles));
    let now = use_memo(key, |_| current(&entries, &prune, &all, profiles));
    let members: Vec<usize> = (0..entries.len()).collect();
    let error = error(&entries, &members, &now, profiles);
    let config = Rc::new(config(&prune, &entries, &now));
    let fresh = state.reports.get("magnitude").is_some_and(|r| serde_json::to_value(&*config).is_ok_and(|c| c == r.config));
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
    }
}
