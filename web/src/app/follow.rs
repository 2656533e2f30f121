//! Doing what a link says: at once where its checkpoint is open, else when it has been opened.

use std::rc::Rc;

use espalier_lab::protocol::Summary;

use espalier_methods::cost::cost;
use espalier_methods::registry::WITHOUT_CHECKPOINT;
use espalier_methods::urban::calliper::Config;
use espalier_methods::urban::town::Source;

use crate::app::bundled::BUNDLED;
use crate::app::history::Gesture;
use crate::app::link::{Link, Target, packed};
use crate::app::state::{Asked, Edit, Place, Selection, State, key};

/// Runs of a link over a checkpoint with at most so many weights begin by themselves; larger ones ask first.
const LIGHT: f64 = 2e7;

/// So many multiplications are some minutes in a tab.
const LONG: f64 = 1e12;
/// Bytes that a run may hold beside its matrices without being asked for by hand.
const ROOM: f64 = (1u64 << 30) as f64;

/// Whether a run over matrices of these shapes takes long, or much memory: a link may ask for any number of windows.
fn is_heavy(run: &Asked, shapes: &[[u64; 2]]) -> bool {
    cost(&run.method, &run.config, shapes).is_some_and(|c| c.multiplied > LONG || c.held > ROOM)
}

/// Whether a run needs no checkpoint.
fn is_urban(method: &str) -> bool {
    WITHOUT_CHECKPOINT.contains(&method)
}

/// Whether training by these settings takes more than some ten seconds: points that are seen, over all epochs.
fn trains_long(config: &Config) -> bool {
    let all = if let Source::Made { points, .. } = config.city { f64::from(points) * f64::from(config.epochs) } else { f64::INFINITY };
    config.steps.map_or(all, |s| all.min(f64::from(s) * config.batch as f64)) > 50_000.0
}

impl State {
    /// Does what a link says.
    pub(super) fn follow(&mut self, link: Rc<Link>, navigate: bool) {
        if !navigate {
            self.link_notes = Rc::new(link.notes.clone());
            self.lesson = Rc::new(link.lesson.clone());
            self.seed = link.seed.unwrap_or(self.seed);
        }
        let here = match (&link.target, &self.source) {
            (None, _) => true,
            (Some(wanted), Some(open)) => wanted.same(open) && wanted.sha().is_none_or(|s| self.summary.as_ref().is_some_and(|o| o.header_hash.starts_with(s))),
            (Some(_), None) => false,
        };
        if here {
            self.waiting = None;
            if navigate {
                self.look_at(&link);
            } else {
                self.restore(&link);
            }
        } else if link.target.as_ref().is_some_and(|t| matches!(t, Target::Bundled(n) if !BUNDLED.iter().any(|b| b.name == n))) {
            let name = link.target.as_ref().map_or("", Target::name);
            Rc::make_mut(&mut self.link_notes).push(format!("This link asks for {name}, which does not come with this version of the page. Open it from a file or an address."));
        } else {
            self.place = Place::Open;
            self.stranger = None;
            self.waiting = Some(link);
        }
    }

    /// Where to be, and what is pointed at.
    fn look_at(&mut self, link: &Link) {
        self.place = link.place.unwrap_or(self.place);
        if let Some(to) = link.tensor.as_deref().and_then(|t| self.named(t)) {
            self.edit.selection = to;
        }
    }

    /// Everything that a link says, over what is open now.
    pub(super) fn restore(&mut self, link: &Link) {
        let rest = link.rest.as_deref().map(|text| packed::read(text, self));
        match rest {
            Some(Ok(rest)) => {
                let before = self.edit.clone();
                self.edit = Edit { selection: Selection { block: rest.edit.selection.block.or(before.selection.block), ..before.selection }, ..rest.edit };
                if self.edit != before {
                    self.history.push(before, Gesture::Step);
                }
                self.views = rest.views;
                let town = Rc::make_mut(&mut self.town);
                town.restore(rest.city.map_or_else(Config::small, |c| *c));
                // What is shown already need not run again, unless it is a record that is done again.
                let shown = |r: &Asked| self.shown.contains(r) || self.town.ran.as_ref().is_some_and(|ran| ran.asked == *r);
                let mut left = link.runs.clone().unwrap_or_else(|| rest.runs.into_iter().filter(|r| !shown(r)).collect());
                let there = self.town.is_here();
                left.retain(|r| if is_urban(&r.method) { there } else { self.summary.is_some() });
                if let (false, Source::File(file)) = (there, &self.town.config.city) {
                    Rc::make_mut(&mut self.link_notes).push(format!("The points of this view are a file of the visitor’s own, {}. Give it on the Map; its settings are those of the link.", file.files().collect::<Vec<_>>().join(" and ")));
                }
                let large = self.summary.as_ref().is_some_and(|s| s.tensors.iter().map(|t| t.elements).sum::<f64>() > LIGHT);
                let shapes: Vec<[u64; 2]> = self.summary.iter().flat_map(|s| &s.matrices).filter(|m| m.prunable).map(|m| m.shape).collect();
                self.queue_held = left.iter().any(|r| if is_urban(&r.method) { trains_long(&self.town.config) } else { large || is_heavy(r, &shapes) });
                self.queue = Rc::new(left);
            }
            Some(Err(_)) => Rc::make_mut(&mut self.link_notes).push("The packed part of this link cannot be read: it was changed or is not this page's. What its plain keys say is shown.".into()),
            None => {}
        }
        self.look_at(link);
        if self.history.depth() == 1 && self.shown.is_empty() {
            // A page that has just been opened has nothing to take back.
            self.history = Default::default();
        }
    }

    /// The tensor of a name, with its slice.
    fn named(&self, label: &str) -> Option<Selection> {
        let summary = self.summary.as_ref()?;
        let matrix = summary.matrices.iter().find(|m| *key(&m.name, m.slice) == *label);
        let tensor = match matrix {
            Some(m) => m.tensor,
            None => summary.tensors.iter().position(|t| t.name == label)?,
        };
        Some(Selection { tensor: Some(tensor as u32), slice: matrix.and_then(|m| m.slice), block: summary.tensors.get(tensor)?.block.or(self.edit.selection.block) })
    }

    /// Where the checkpoint that has just been opened comes from.
    pub(super) fn origin(&mut self, summary: &Summary) -> Target {
        match self.asked.take() {
            Some(Target::Remote { address, .. }) => Target::Remote { address, sha: summary.header_hash.clone() },
            Some(Target::Bundled(name)) => Target::Bundled(name),
            _ => Target::Local { name: summary.name.clone(), size: summary.bytes, sha: summary.header_hash.clone() },
        }
    }

    /// Whether what was opened is what a link asks for.
    pub(super) fn is_meant(&self, target: &Target, summary: &Summary) -> bool {
        match target {
            Target::Bundled(name) => *name == summary.name,
            other => other.is(&summary.header_hash),
        }
    }

    pub(super) fn take_stranger(&mut self) {
        if let Some(summary) = self.stranger.take() {
            self.waiting = None;
            self.shows((*summary).clone());
        }
    }
}
