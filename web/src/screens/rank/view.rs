//! What the Rank screen shows, derived from the state and kept while what it depends on stays the same.

use std::collections::BTreeMap;
use std::rc::Rc;

use espalier_methods::report::Spectrum;
use espalier_methods::welore::{RankPlan, Ranker};
use yew::prelude::*;

use super::model::{Choices, config, curve, normalised};
use crate::app::context::Lab;
use crate::app::record::Record;
use crate::plot::lines::Values;
use crate::plot::threshold::Point;
use crate::screens::matrices::{Entry, Grid, grid, of_spectra, of_summary};

/// The model's side: matrices and their spectra.
pub struct Basis {
    /// Name of the checkpoint.
    pub name: AttrValue,
    /// True for the finished example.
    pub example: bool,
    /// Prunable matrices.
    pub entries: Vec<Entry>,
    /// Rows and columns.
    pub grid: Grid,
    /// Spectra at hand, in the order of the entries.
    pub spectra: Vec<Rc<Spectrum>>,
    /// Ready for planning.
    pub ranker: Ranker,
    /// Normalised, by key.
    pub curves: BTreeMap<String, (Values, Values)>,
    /// Matrices without a spectrum.
    pub missing: usize,
}

impl Basis {
    fn of(lab: &Lab) -> Self {
        let state = &lab.state;
        let open = state.summary.as_ref();
        let mut entries = open.map(|s| of_summary(s)).unwrap_or_default();
        let mut spectra: Vec<Rc<Spectrum>> = entries.iter().filter_map(|e| state.spectra.get(&e.key).cloned()).collect();
        let missing = entries.len() - spectra.len();
        let mut name = AttrValue::from(open.map(|s| s.name.clone()).unwrap_or_default());
        let mut example = false;
        // Until there is something of its own to show, the finished example stands here and works.
        if spectra.is_empty() && state.running("spectra").is_none() {
            let record = Record::bundled();
            entries = of_spectra(record.spectra.iter().map(|s| &**s));
            spectra = entries.iter().filter_map(|e| record.spectra.iter().find(|s| *s.tensor == *e.name && s.slice == e.slice).cloned()).collect();
            name = record.checkpoint.clone().into();
            example = true;
        }
        let owned: Vec<Spectrum> = spectra.iter().map(|s| (**s).clone()).collect();
        let curves = espalier_methods::order::gather(owned.iter().filter_map(|s| Some((espalier_methods::key(&s.tensor, s.slice), normalised(&s.values)?))));
        Self { grid: grid(&entries), ranker: Ranker::new(&owned), name, example, entries, spectra, curves, missing }
    }

    /// Norms by key.
    pub fn norms(&self) -> BTreeMap<&str, f64> {
        espalier_methods::order::gather(self.entries.iter().zip(&self.norm_list()).map(|(e, n)| (&*e.key, *n)))
    }

    fn norm_list(&self) -> Vec<f64> {
        self.entries.iter().map(|e| self.spectra.iter().find(|s| *s.tensor == *e.name && s.slice == e.slice).map_or(0.0, |s| s.frobenius)).collect()
    }

    /// Curves by key, borrowed.
    pub fn curve_map(&self) -> BTreeMap<&str, (Values, Values)> {
        espalier_methods::order::gather(self.curves.iter().map(|(k, v)| (k.as_str(), v.clone())))
    }
}

/// Everything derived.
#[derive(Clone)]
pub struct View {
    /// Matrices and spectra.
    pub basis: Rc<Basis>,
    /// The plan now.
    pub plan: Rc<RankPlan>,
    /// Reduction over the threshold.
    pub curve: Rc<[Point]>,
}

impl View {
    /// Choices by key.
    pub fn choices(&self) -> Choices<'_> {
        espalier_methods::order::gather(self.plan.choices.iter().map(|c| (c.tensor.as_str(), c)))
    }
}

/// Derives the view.
#[hook]
pub fn use_view(lab: &Lab) -> View {
    let state = &lab.state;
    // The spectra are shared pointers: which they are says whether anything has changed.
    let held: Vec<usize> = state.spectra.values().map(|s| Rc::as_ptr(s) as usize).collect();
    let basis = use_memo((state.opened, held, state.running("spectra").is_some()), |_| Basis::of(lab));
    let id = Rc::as_ptr(&basis) as usize;
    let plan = use_memo((id, state.rank().clone()), |(_, rank)| basis.ranker.plan(&config(rank)));
    let curve = use_memo((id, state.rank().factor_if), |(_, factor_if)| Rc::<[Point]>::from(curve(&basis.ranker, *factor_if)));
    View { basis, plan, curve: (*curve).clone() }
}
