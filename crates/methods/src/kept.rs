//! What a pruning with calibration leaves for those who come after it: which weights went, and the weights themselves where those that stayed were updated.
//!
//! An engine gives every run one [`Slot`]; a pruning fills it, a generation reads it, an export writes what is in it. Nothing in here is large beside the
//! model: a bit a weight, and four bytes more only where a rule updates what stays.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use espalier_nets::checkpoint::MatrixRef;
use ndarray::Array2;

use crate::calibration::Corpus;
use crate::layerwise::LinearDone;
use crate::study::Masks;

/// Most bytes of updated weights that are kept in a browser's address space of 4 GB; natively there is no such limit.
const MOST: usize = if cfg!(target_arch = "wasm32") { 1 << 30 } else { usize::MAX };

/// One linear after a pruning.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptLinear {
    /// `[out, in]`.
    pub shape: [usize; 2],
    /// A bit a weight, row-major: removed.
    gone: Vec<u64>,
    /// All weights `[out, in]`, row-major, where those that stay are not what they were.
    pub weights: Option<Vec<f32>>,
}

impl KeptLinear {
    /// From a mask (row-major, 1 = removed) and, where they changed, the weights.
    pub fn new(shape: [usize; 2], mask: &[u32], weights: Option<Vec<f32>>) -> Self {
        let mut gone = vec![0u64; mask.len().div_ceil(64)];
        mask.iter().enumerate().filter(|(_, m)| **m != 0).for_each(|(i, _)| gone[i / 64] |= 1 << (i % 64));
        Self { shape, gone, weights }
    }

    /// Whether a weight went, by its place in row-major order.
    pub fn is_gone(&self, i: usize) -> bool {
        self.gone.get(i / 64).is_some_and(|w| w >> (i % 64) & 1 == 1)
    }

    /// The mask as methods have it: row-major, 1 = removed.
    pub fn mask(&self) -> Vec<u32> {
        (0..self.shape[0] * self.shape[1]).map(|i| u32::from(self.is_gone(i))).collect()
    }

    /// |A ∩ B| / |A ∪ B| of what went here and there; 1 where nothing went from either.
    pub fn jaccard(&self, other: &Self) -> f64 {
        let count = |f: fn(u64, u64) -> u64| self.gone.iter().zip(&other.gone).map(|(a, b)| f64::from(f(*a, *b).count_ones())).sum::<f64>();
        let (both, either) = (count(|a, b| a & b), count(|a, b| a | b));
        if either > 0.0 { both / either } else { 1.0 }
    }

    /// How many weights went here or there but not in both.
    pub fn differing(&self, other: &Self) -> f64 {
        self.gone.iter().zip(&other.gone).map(|(a, b)| f64::from((a ^ b).count_ones())).sum()
    }

    /// What became of the dense weights.
    pub fn apply(&self, dense: Array2<f32>) -> Array2<f32> {
        let mut out = dense;
        match &self.weights {
            Some(weights) => out.iter_mut().zip(weights).for_each(|(w, v)| *w = *v),
            None => out.iter_mut().enumerate().filter(|(i, _)| self.is_gone(*i)).for_each(|(_, w)| *w = 0.0),
        }
        out
    }
}

/// A whole model after a pruning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    linears: BTreeMap<String, KeptLinear>,
    norms: BTreeMap<String, Vec<f32>>,
    bytes: usize,
    /// Updated weights that there was no room for.
    pub dropped: usize,
}

impl Kept {
    /// Takes in a linear; `updated` where its weights are not the old ones with zeros.
    pub fn add(&mut self, linear: &LinearDone, updated: bool) {
        let shape = [linear.weights.nrows(), linear.weights.ncols()];
        let bytes = if updated { linear.weights.len() * 4 } else { 0 };
        if self.bytes.saturating_add(bytes) > MOST {
            self.dropped += 1;
            return;
        }
        self.bytes += bytes;
        let weights = updated.then(|| linear.weights.iter().copied().collect());
        self.norms.insert(linear.label.clone(), linear.norms.clone());
        self.linears.insert(linear.label.clone(), KeptLinear::new(shape, &linear.mask, weights));
    }

    /// Of a matrix, by its label.
    pub fn of(&self, label: &str) -> Option<&KeptLinear> {
        self.linears.get(label)
    }

    /// ‖x‖ of each input of a matrix, by its label.
    pub fn norms(&self, label: &str) -> Option<&[f32]> {
        self.norms.get(label).map(Vec::as_slice)
    }

    /// All, by label.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &KeptLinear)> {
        self.linears.iter()
    }

    /// What becomes of a matrix of the model.
    pub fn edit(&self, matrix: &MatrixRef, dense: Array2<f32>) -> Array2<f32> {
        match self.of(&matrix.label()) {
            Some(kept) => kept.apply(dense),
            None => dense,
        }
    }
}

/// Where the last pruning lies, and what else a run leaves for one to come; clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    last: Rc<RefCell<Option<Rc<Kept>>>>,
    /// Masks of a study that may go on.
    pub study: Rc<RefCell<Masks>>,
    /// The text that the open model has written, and what it was asked for.
    pub own: Rc<RefCell<Option<(String, Rc<Corpus>)>>>,
}

impl Slot {
    /// The last pruning.
    pub fn get(&self) -> Option<Rc<Kept>> {
        self.last.borrow().clone()
    }

    /// Puts another there, or none.
    pub fn put(&self, kept: Option<Kept>) {
        self.last.replace(kept.map(Rc::new));
    }

    /// Another checkpoint is open: forgets everything.
    pub fn clear(&self) {
        self.put(None);
        self.study.take();
        self.own.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_come_back_and_agree_with_themselves() {
        let mask: Vec<u32> = (0..150).map(|i| u32::from(i % 3 == 0)).collect();
        let a = KeptLinear::new([10, 15], &mask, None);
        assert_eq!(a.mask(), mask);
        assert_eq!(a.jaccard(&a), 1.0);
        let other: Vec<u32> = (0..150).map(|i| u32::from(i % 3 == 1)).collect();
        assert_eq!(a.jaccard(&KeptLinear::new([10, 15], &other, None)), 0.0);
        let dense = Array2::from_elem((10, 15), 2.0f32);
        let pruned = a.apply(dense.clone());
        assert_eq!(pruned.iter().filter(|w| **w == 0.0).count(), 50);
        let weights: Vec<f32> = (0..150).map(|i| i as f32).collect();
        assert_eq!(KeptLinear::new([10, 15], &mask, Some(weights)).apply(dense)[[9, 14]], 149.0);
    }
}
