//! What the page knows of a mixture of experts: what was found, what was taken away by hand, and what is left then.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use espalier_lab::protocol::Summary;
use espalier_methods::condense::Pick;
use espalier_methods::experts::{Change, Plan, Point, Routing};
use espalier_methods::report::Finding;
use espalier_nets::checkpoint::Role;

use crate::plot::expert_grid::Fate;
use crate::plot::number::plural;

/// Where the condensed experts of a layer come from: experts in order with their weights.
pub type Fixed = Vec<(u32, f64)>;

/// What undo brings back: what was taken away, and the knobs of the search.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpertsState {
    /// Experts taken away by hand, by block.
    pub dropped: BTreeMap<u32, BTreeSet<u32>>,
    /// Condensed layers, by block: their experts for every token.
    pub condensed: BTreeMap<u32, Fixed>,
    /// What went whole, by block: its mixture with its shared experts, or all of it.
    pub whole: BTreeMap<u32, Change>,
    /// Layers to condense; 0 a third.
    pub layers: u32,
    /// Experts kept in a condensed layer; 0 as many as a token is sent to.
    pub keep: u32,
    /// `js`, `mse` or `cosine`.
    pub metric: &'static str,
    /// `sr` or `s`.
    pub variant: &'static str,
    /// Calibration windows.
    pub samples: u32,
    /// Measure rivals too.
    pub rivals: bool,
}

impl Default for ExpertsState {
    fn default() -> Self {
        Self { dropped: BTreeMap::new(), condensed: BTreeMap::new(), whole: BTreeMap::new(), layers: 0, keep: 0, metric: "js", variant: "sr", samples: 32, rivals: true }
    }
}

/// A mixture, by its matrices' names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// Blocks with a router, ascending.
    pub blocks: Vec<u32>,
    /// Experts of a layer.
    pub experts: usize,
    /// Experts a token is sent to.
    pub per_token: usize,
    /// Elements and bytes of an expert, of the router, of the shared experts and of the whole block, by place of the block.
    sizes: Vec<[[f64; 2]; 4]>,
    /// All elements and bytes.
    pub total: [f64; 2],
}

impl Shape {
    /// Of what is open; `None` where it has no experts.
    pub fn of(summary: &Summary) -> Option<Self> {
        let routers: Vec<_> = summary.matrices.iter().filter(|m| m.role == Role::Router && m.block.is_some() && m.shape[0] > 1).collect();
        let first = routers.first()?;
        let experts = first.shape[0] as usize;
        let bytes = |tensor: usize, elements: f64| summary.tensors.get(tensor).map_or(0.0, |t| if t.elements > 0.0 { t.bytes / t.elements * elements } else { 0.0 });
        let mut sizes = Vec::new();
        for r in &routers {
            let mut one = [0.0; 2];
            for m in summary.matrices.iter().filter(|m| m.block == r.block && m.expert == Some(0)) {
                one[0] += m.elements() as f64;
                one[1] += bytes(m.tensor, m.elements() as f64);
            }
            let n = r.elements() as f64;
            let mut shared = [0.0; 2];
            for m in summary.matrices.iter().filter(|m| m.block == r.block && (m.shared || m.role == Role::Router && m.shape[0] == 1)) {
                shared[0] += m.elements() as f64;
                shared[1] += bytes(m.tensor, m.elements() as f64);
            }
            let block = summary.tensors.iter().filter(|t| t.block == r.block).fold([0.0; 2], |b, t| [b[0] + t.elements, b[1] + t.bytes]);
            sizes.push([one, [n, bytes(r.tensor, n)], shared, block]);
        }
        let per_token = summary.config.iter().find(|(k, _)| k == "Experts a token").and_then(|(_, v)| v.parse().ok()).unwrap_or(2);
        let total = summary.tensors.iter().fold([0.0; 2], |t, x| [t[0] + x.elements, t[1] + x.bytes]);
        Some(Self { blocks: routers.iter().filter_map(|r| r.block).collect(), experts, per_token, sizes, total })
    }

    /// Elements and bytes that are left.
    pub fn left(&self, state: &ExpertsState) -> [f64; 2] {
        let mut left = self.total;
        for (i, block) in self.blocks.iter().enumerate() {
            let [one, router, shared, all] = self.sizes[i];
            if let Some(change) = state.whole.get(block) {
                for k in 0..2 {
                    left[k] -= if *change == Change::Block { all[k] } else { one[k] * self.experts as f64 + router[k] + shared[k] };
                }
                continue;
            }
            let (gone, rows) = match (state.condensed.get(block), state.dropped.get(block)) {
                (Some(kept), _) => (self.experts - kept.len().min(self.experts), 1.0),
                (None, Some(d)) if d.len() >= self.experts => (self.experts, 1.0),
                (None, Some(d)) => (d.len(), d.len() as f64 / self.experts.max(1) as f64),
                (None, None) => (0, 0.0),
            };
            for k in 0..2 {
                left[k] -= one[k] * gone as f64 + router[k] * rows;
            }
        }
        left
    }
}

impl ExpertsState {
    /// The plan of what was taken away.
    pub fn plan(&self, shape: &Shape) -> Plan {
        let mut plan = Plan::default();
        for &block in &shape.blocks {
            if let Some(change) = self.whole.get(&block) {
                plan = plan.with(block as usize, change.clone());
            } else if let Some(kept) = self.condensed.get(&block) {
                let (experts, weights): (Vec<u32>, Vec<f64>) = kept.iter().copied().unzip();
                plan = plan.with(block as usize, Change::Condensed { experts: experts.into(), weights: weights.into() });
            } else if let Some(gone) = self.dropped.get(&block).filter(|d| !d.is_empty()) {
                let left: Vec<u32> = (0..shape.experts as u32).filter(|e| !gone.contains(e)).collect();
                let change = if left.is_empty() { Change::Condensed { experts: left.into(), weights: Vec::new().into() } } else { Change::Among { experts: left.into() } };
                plan = plan.with(block as usize, change);
            }
        }
        plan
    }

    /// Takes a plan over, so that it can be changed by hand.
    pub fn take(&mut self, plan: &Plan, shape: &Shape) {
        self.clear();
        let all = || (0..shape.experts as u32).collect::<BTreeSet<u32>>();
        for c in &plan.changes {
            match &c.change {
                Change::Condensed { experts, weights } => {
                    self.condensed.insert(c.block, experts.iter().copied().zip(weights.iter().copied()).collect());
                }
                Change::Among { experts } => {
                    let left: BTreeSet<u32> = experts.iter().copied().collect();
                    self.dropped.insert(c.block, all().difference(&left).copied().collect());
                }
                Change::Layer | Change::Block => {
                    self.whole.insert(c.block, c.change.clone());
                }
            }
        }
    }

    /// Brings everything back.
    pub fn clear(&mut self) {
        (self.dropped, self.condensed, self.whole) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    }

    /// Drops an expert or brings it back. In a condensed layer an expert that is kept goes; one that is gone cannot come back, for it has no constant weight here.
    /// What went whole comes back whole.
    pub fn toggle(&mut self, block: u32, expert: u32) {
        if self.whole.remove(&block).is_some() {
            return;
        }
        if let Some(kept) = self.condensed.get_mut(&block) {
            kept.retain(|(e, _)| *e != expert);
            return;
        }
        let row = self.dropped.entry(block).or_default();
        if !row.remove(&expert) {
            row.insert(expert);
        }
        if row.is_empty() {
            self.dropped.remove(&block);
        }
    }

    /// Drops all routed experts of a layer, or brings the layer back whole.
    pub fn toggle_layer(&mut self, block: u32, experts: usize) {
        let touched = self.condensed.remove(&block).is_some() | self.dropped.remove(&block).is_some() | self.whole.remove(&block).is_some();
        if !touched {
            self.dropped.insert(block, (0..experts as u32).collect());
        }
    }

    /// What became of every expert, layers × experts.
    pub fn fates(&self, shape: &Shape) -> Vec<Fate> {
        let fate = |block: u32, e: u32| if self.whole.contains_key(&block) { Fate::Dropped } else { match (self.condensed.get(&block), self.dropped.get(&block)) {
            (Some(kept), _) => if kept.iter().any(|(k, _)| *k == e) { Fate::Fixed } else { Fate::Gone },
            (None, Some(d)) if d.contains(&e) => Fate::Dropped,
            _ => Fate::Stays,
        } };
        shape.blocks.iter().flat_map(|b| (0..shape.experts as u32).map(move |e| fate(*b, e))).collect()
    }

    /// What was taken away, in words: `2 experts dropped, 1 layer condensed`; empty for nothing.
    pub fn said(&self) -> String {
        let of = |change: Change| self.whole.values().filter(|c| **c == change).count();
        let all = [
            (self.dropped.values().map(BTreeSet::len).sum(), "expert dropped", "experts dropped"),
            (self.condensed.len(), "layer condensed", "layers condensed"),
            (of(Change::Layer), "layer dropped with its shared experts", "layers dropped with their shared experts"),
            (of(Change::Block), "block dropped", "blocks dropped"),
        ];
        all.iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| plural(*n, one, many)).collect::<Vec<_>>().join(", ")
    }

    /// A layer that is left with fewer experts than a token is sent to, and with how many.
    pub fn short(&self, shape: &Shape) -> Option<(u32, usize)> {
        self.dropped.iter().map(|(b, d)| (*b, shape.experts - d.len().min(shape.experts))).find(|(_, left)| *left > 0 && *left < shape.per_token)
    }
}

/// A text as the tokenizer cut it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    /// The text.
    pub text: String,
    /// Each token's number and its part of the text.
    pub tokens: Vec<(u32, String)>,
}

/// What was found of the open checkpoint's experts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExpertsFound {
    /// Routing of the last text, and of the one it was compared with.
    pub routings: Vec<Rc<Routing>>,
    /// Those texts, word by word.
    pub words: Vec<Rc<Words>>,
    /// Steps of the last search.
    pub picks: Vec<Pick>,
    /// Measured plans.
    pub points: Vec<Point>,
}

impl ExpertsFound {
    /// A run begins: what it will say takes the place of what it said before.
    pub fn begin(&mut self, method: &str) {
        match method {
            "experts" => self.routings.clear(),
            "condense" => {
                self.picks.clear();
                self.points.retain(|p| p.arm == "by hand");
            }
            _ => {}
        }
    }

    /// Takes a finding; one that a report brings again is left aside.
    pub fn take(&mut self, finding: Finding) {
        match finding {
            Finding::Routing(r) => {
                if !self.routings.iter().any(|k| **k == r) {
                    self.routings.push(Rc::new(r));
                }
            }
            Finding::Pick(p) => {
                let same = |k: &Pick| k.block == p.block && k.step == p.step && k.expert.is_some() == p.expert.is_some();
                if !self.picks.iter().any(same) {
                    self.picks.push(p);
                }
            }
            Finding::Point(p) => {
                let same = |k: &Point| k.arm == p.arm && k.step == p.step && k.draw == p.draw && (p.arm != "by hand" || k.plan == p.plan);
                match self.points.iter_mut().find(|k| same(k)) {
                    Some(k) => *k = p,
                    None => self.points.push(p),
                }
            }
            _ => {}
        }
    }

    /// The words of a text that was run, where they are known.
    pub fn words_of(&self, routing: &Routing) -> Option<&Rc<Words>> {
        self.words.iter().find(|w| w.tokens.iter().map(|t| t.0).eq(routing.tokens.iter().copied()))
    }

    /// The plan of what a search has found so far: the layers that it took, condensed to the experts that it took; before the first layer was taken, those whose experts
    /// are all known.
    pub fn so_far(&self) -> Plan {
        let of = |block: u32| self.picks.iter().filter(|p| p.block == block).filter_map(|p| Some((p.expert?, p.weight))).collect::<Fixed>();
        let most = self.picks.iter().filter(|p| p.expert.is_some()).map(|p| p.step + 1).max().unwrap_or(0) as usize;
        let mut layers: Vec<u32> = self.picks.iter().filter(|p| p.expert.is_none()).map(|p| p.block).collect();
        if layers.is_empty() {
            layers = self.picks.iter().filter(|p| p.expert.is_some() && p.step as usize + 1 == most).map(|p| p.block).collect();
        }
        layers.into_iter().fold(Plan::default(), |plan, block| {
            let (experts, weights): (Vec<u32>, Vec<f64>) = of(block).into_iter().unzip();
            plan.with(block as usize, Change::Condensed { experts: experts.into(), weights: weights.into() })
        })
    }

    /// The measured plan that is the same as this one and can be written.
    pub fn measured(&self, plan: &Plan) -> Option<&Point> {
        let same = |p: &&Point| p.plan.changes.len() == plan.changes.len() && plan.changes.iter().all(|c| p.plan.changes.contains(c));
        self.points.iter().filter(same).max_by_key(|p| p.beside.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape { blocks: vec![1, 2], experts: 4, per_token: 2, sizes: vec![[[10.0, 20.0], [4.0, 8.0], [6.0, 12.0], [70.0, 140.0]]; 2], total: [200.0, 400.0] }
    }

    #[test]
    fn cells_and_layers_go_and_come_back_and_memory_follows() {
        let (mut s, shape) = (ExpertsState::default(), shape());
        assert_eq!(s.left(&shape), [200.0, 400.0]);
        s.toggle(1, 3);
        assert_eq!(s.left(&shape), [200.0 - 10.0 - 1.0, 400.0 - 20.0 - 2.0]);
        assert_eq!(s.plan(&shape).of(1), Some(&Change::Among { experts: vec![0, 1, 2].into() }));
        s.toggle(1, 2);
        assert_eq!(s.short(&shape), None);
        s.toggle(1, 1);
        assert_eq!(s.short(&shape), Some((1, 1)));
        s.toggle_layer(1, 4);
        assert_eq!(s, ExpertsState::default(), "a touched layer comes back whole");
        s.toggle_layer(2, 4);
        assert_eq!(s.left(&shape), [200.0 - 44.0, 400.0 - 88.0]);
        assert!(matches!(s.plan(&shape).of(2), Some(Change::Condensed { experts, .. }) if experts.is_empty()));
    }

    impl ExpertsState {
        fn left(&self, shape: &Shape) -> [f64; 2] {
            shape.left(self)
        }
    }

    #[test]
    fn a_plan_taken_over_is_the_plan_again() {
        let shape = shape();
        let plan = Plan::default().with(1, Change::Condensed { experts: vec![2, 0].into(), weights: vec![0.5, 0.25].into() }).with(2, Change::Among { experts: vec![1, 3].into() });
        let mut s = ExpertsState::default();
        s.take(&plan, &shape);
        assert_eq!(s.plan(&shape), plan);
        assert_eq!(s.fates(&shape)[..4], [Fate::Fixed, Fate::Gone, Fate::Fixed, Fate::Gone]);
        s.toggle(1, 0);
        s.toggle(1, 1);
        assert_eq!(s.condensed[&1], [(2, 0.5)], "kept experts can go; those without a weight cannot come");
        assert_eq!(s.left(&shape)[0], 200.0 - (30.0 + 4.0) - (20.0 + 2.0));
    }

    #[test]
    fn what_goes_whole_is_taken_over_counted_and_comes_back() {
        let shape = shape();
        let plan = Plan::default().with(1, Change::Layer).with(2, Change::Block);
        let mut s = ExpertsState::default();
        s.take(&plan, &shape);
        assert_eq!(s.plan(&shape), plan);
        assert_eq!(s.left(&shape), [200.0 - (40.0 + 4.0 + 6.0) - 70.0, 400.0 - (80.0 + 8.0 + 12.0) - 140.0]);
        assert!(s.fates(&shape).iter().all(|f| *f == Fate::Dropped));
        assert_eq!(s.said(), "1 layer dropped with its shared experts, 1 block dropped");
        s.toggle(1, 0);
        s.toggle_layer(2, 4);
        assert_eq!((s.said().as_str(), s), ("", ExpertsState::default()));
    }

    #[test]
    fn a_stopped_search_leaves_the_layers_it_took() {
        let pick = |block, step, expert| Pick { block, step, expert, weight: 0.1, score: 0.0, tried: vec![].into() };
        let mut f = ExpertsFound::default();
        for p in [pick(1, 0, Some(3)), pick(1, 1, Some(0)), pick(2, 0, Some(2))] {
            f.take(Finding::Pick(p.clone()));
            f.take(Finding::Pick(p));
        }
        assert_eq!(f.picks.len(), 3, "told twice, kept once");
        assert_eq!(f.so_far().changes.iter().map(|c| c.block).collect::<Vec<_>>(), [1], "block 2 is not done");
        f.take(Finding::Pick(pick(2, 1, Some(1))));
        f.take(Finding::Pick(pick(2, 0, None)));
        let plan = f.so_far();
        assert_eq!(plan.of(2), Some(&Change::Condensed { experts: vec![2, 1].into(), weights: vec![0.1, 0.1].into() }));
        assert_eq!(plan.changes.len(), 1);
        f.begin("condense");
        assert!(f.picks.is_empty());
    }
}
