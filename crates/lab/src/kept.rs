//! The last pruning with calibration: what it was asked for and what it has left, so that an export writes it without running it again.

use std::cell::RefCell;
use std::rc::Rc;

use espalier_methods::kept::{Kept, Slot};
use espalier_methods::report::Report;
use serde_json::Value;

use crate::engine::{End, Engine, Open};
use crate::jobs::JobSink;
use crate::protocol::{Edits, Fault};

/// A pruning as it was asked for.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    header_hash: String,
    method: String,
    config: Value,
    matrices: Option<Vec<String>>,
    seed: u64,
}

/// Where the last pruning lies, and what it is of.
#[derive(Default)]
pub(crate) struct Keeper {
    pub slot: Slot,
    /// With the configuration as it was given, and with its defaults filled in.
    of: RefCell<Vec<Asked>>,
}

impl Keeper {
    /// Forgets it.
    pub fn clear(&self) {
        self.slot.clear();
        self.of.replace(Vec::new());
    }

    /// Notes what a run that has just ended was, if it has left something; `before` is what lay there when it began.
    pub fn note(&self, before: Option<&Rc<Kept>>, open: &Open, given: Value, matrices: Option<&[String]>, seed: u64, report: &Report) {
        let Some(now) = self.slot.get().filter(|now| !before.is_some_and(|b| Rc::ptr_eq(b, now))) else { return };
        drop(now);
        let asked = |config| Asked { header_hash: open.header_hash.clone(), method: report.method.clone(), config, matrices: matrices.map(<[String]>::to_vec), seed };
        self.of.replace(vec![asked(given), asked(report.config.clone())]);
    }

    fn find(&self, wanted: &Asked) -> Option<Rc<Kept>> {
        if self.of.borrow().contains(wanted) { self.slot.get() } else { None }
    }
}

impl Engine {
    /// What an export of a calibrated pruning writes: the one that was run last where it is that one, else it is run now. `None` for other edits.
    pub(crate) async fn kept_for(&self, open: &Open, edits: &Edits, session: &espalier_tensor::Session, sink: &JobSink) -> Result<Option<Rc<Kept>>, End> {
        let Edits::Calibrated { method, config, matrices, seed, .. } = edits else { return Ok(None) };
        let wanted = Asked { header_hash: open.header_hash.clone(), method: method.clone(), config: config.clone(), matrices: matrices.clone(), seed: *seed };
        if let Some(kept) = self.keeper().find(&wanted) {
            return Ok(Some(kept));
        }
        self.report(open, method, config.clone(), matrices.clone(), Vec::new(), *seed, session, sink).await?;
        match self.keeper().find(&wanted) {
            Some(kept) => Ok(Some(kept)),
            None => Err(Fault::nothing_kept(method).into()),
        }
    }
}
