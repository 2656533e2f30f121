//! How far the masks of sources agree. Only one seed's masks of one sparsity are held at a time; they outlive a study that is cancelled, so that one that goes on has them.

use std::collections::{BTreeMap, HashMap};

use crate::findings::Agreement;
use crate::kept::KeptLinear;

/// The masks of one pruning, by linear.
pub type Pruned = BTreeMap<String, KeptLinear>;

/// What a study holds of its masks.
#[derive(Clone, Debug, Default)]
pub struct Masks {
    /// Which study they are of.
    of: String,
    /// Those of the seed and sparsity under way, by [`cell`](super::cell).
    pruned: HashMap<String, Pruned>,
    /// Jaccard indices of the seeds that are whole, by sparsity (as written) and seed: pairs × linears, NaN where a mask was missing.
    whole: BTreeMap<String, BTreeMap<u64, Vec<f32>>>,
    linears: Vec<String>,
}

impl Masks {
    /// What is held of this study; nothing of another.
    pub fn of(self, study: &str) -> Self {
        if self.of == study { self } else { Self { of: study.to_owned(), ..Self::default() } }
    }

    /// Takes in the masks of a pruning.
    pub fn add(&mut self, cell: String, masks: Pruned) {
        if self.linears.is_empty() {
            self.linears = masks.keys().cloned().collect();
        }
        self.pruned.insert(cell, masks);
    }

    /// A seed is whole: compares its masks, which lie under `cells` in the order of the sources, and lets them go.
    pub fn compare(&mut self, asked: f64, seed: u64, cells: &[String]) {
        let by_seed = self.whole.entry(asked.to_string()).or_default();
        if by_seed.contains_key(&seed) || self.linears.is_empty() {
            return;
        }
        let mut jaccard = Vec::new();
        for (a, first) in cells.iter().enumerate() {
            for second in &cells[a + 1..] {
                let pair = self.pruned.get(first).zip(self.pruned.get(second));
                jaccard.extend(self.linears.iter().map(|l| pair.and_then(|(a, b)| Some(a.get(l)?.jaccard(b.get(l)?))).map_or(f32::NAN, |j| j as f32)));
            }
        }
        by_seed.insert(seed, jaccard);
        self.pruned.clear();
    }

    /// Means over the seeds that have both masks; `None` where nothing was compared.
    pub fn agreement(&self, asked: f64, sources: &[String]) -> Option<Agreement> {
        let by_seed = self.whole.get(&asked.to_string()).filter(|s| !s.is_empty())?;
        let pairs = sources.len() * sources.len().saturating_sub(1) / 2 * self.linears.len();
        let mean = |i: usize| {
            let each: Vec<f64> = by_seed.values().filter_map(|j| j.get(i)).filter(|v| v.is_finite()).map(|v| f64::from(*v)).collect();
            if each.is_empty() { f32::NAN } else { (each.iter().sum::<f64>() / each.len() as f64) as f32 }
        };
        let jaccard: Vec<f32> = (0..pairs).map(mean).collect();
        Some(Agreement { asked, sources: sources.to_vec(), linears: self.linears.clone(), jaccard: jaccard.into() })
    }

    /// Whether masks of so many seeds are missing at this sparsity: they were measured elsewhere, or before a reload.
    pub fn lacks(&self, asked: f64, seeds: usize) -> bool {
        self.whole.get(&asked.to_string()).is_none_or(|s| s.len() < seeds || s.values().flatten().any(|v| v.is_nan()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pruned(mask: [u32; 4]) -> Pruned {
        Pruned::from([("q".to_owned(), KeptLinear::new([2, 2], &mask, None))])
    }

    #[test]
    fn means_are_over_the_seeds_that_have_both_masks() {
        let mut m = Masks::default().of("one");
        let cells = |seed: u64| ["a", "b", "c"].map(|s| super::super::cell(s, seed, 0.5)).to_vec();
        for (cell, mask) in cells(1).into_iter().zip([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]]) {
            m.add(cell, pruned(mask));
        }
        m.compare(0.5, 1, &cells(1));
        // Of the second seed only the masks of a and b are here.
        m.add(cells(2)[0].clone(), pruned([1, 1, 0, 0]));
        m.add(cells(2)[1].clone(), pruned([0, 1, 1, 0]));
        m.compare(0.5, 2, &cells(2));
        let sources = ["a", "b", "c"].map(str::to_owned);
        let a = m.agreement(0.5, &sources).expect("two seeds");
        assert_eq!(&*a.jaccard, &[(1.0 + 1.0 / 3.0) / 2.0, 0.0, 0.0]);
        assert!(m.lacks(0.5, 2) && m.lacks(0.7, 1) && m.agreement(0.7, &sources).is_none());
        // What is missing is NaN, which equals nothing, so they are compared as they are written.
        assert_eq!(format!("{:?}", m.clone().of("one")), format!("{m:?}"));
        assert!(m.of("another").agreement(0.5, &sources).is_none(), "another study has other masks");
    }
}
