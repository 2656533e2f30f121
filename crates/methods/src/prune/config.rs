//! What can be chosen.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::calibration::{Format, Recipe};
use crate::config::bad;
use crate::layerwise::{Criterion, Group, MaskSource, Options, Pattern};
use crate::method::MethodError;

/// How the sparsity is shared out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allocation {
    /// The same for all.
    #[default]
    Uniform,
    /// By outliers of each block (OWL).
    Owl,
    /// Erdős–Rényi with kernels.
    Erk,
    /// By the power-law tails of the spectra (AlphaPruning).
    Alpha,
    /// By measured sensitivity of each block.
    Sensitivity,
    /// Set by hand.
    ByHand,
}

/// What a method of this family is set to before anything is chosen.
pub trait Kind: Clone + Copy + Default + PartialEq + std::fmt::Debug + 'static {
    /// By what weights are judged.
    const CRITERION: Criterion;
    /// How the sparsity is shared out.
    const ALLOCATION: Allocation;
    /// Sparsity.
    const SPARSITY: f64;
}

/// Wanda: |w|·‖x‖ by rows, uniform, 50 %.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wanda;

/// SparseGPT: (w/d)² with an update, uniform, 50 %.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SparseGpt;

/// OWL: Wanda with sparsities by outliers, 70 %.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Owl;

impl Kind for Wanda {
    const CRITERION: Criterion = Criterion::Wanda;
    const ALLOCATION: Allocation = Allocation::Uniform;
    const SPARSITY: f64 = 0.5;
}

impl Kind for SparseGpt {
    const CRITERION: Criterion = Criterion::SparseGpt;
    const ALLOCATION: Allocation = Allocation::Uniform;
    const SPARSITY: f64 = 0.5;
}

impl Kind for Owl {
    const CRITERION: Criterion = Criterion::Wanda;
    const ALLOCATION: Allocation = Allocation::Owl;
    const SPARSITY: f64 = 0.7;
}

/// Configuration of a pruning with calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, bound = "K: Kind")]
pub struct Config<K: Kind> {
    /// By what weights are judged.
    pub criterion: Criterion,
    /// Fraction of the weights to remove.
    pub sparsity: f64,
    /// Unstructured or n of every m.
    pub pattern: Pattern,
    /// Comparison group of Wanda and magnitude.
    pub group: Group,
    /// Wanda's variant.
    pub variant: bool,
    /// Hands the remainder of each row's truncation out.
    pub exact: bool,
    /// SparseGPT: columns a block.
    pub blocksize: u32,
    /// SparseGPT: damping.
    pub damping: f64,
    /// SparseGPT: whose marks.
    pub mask: MaskSource,
    /// SparseGPT: whether what stays is updated.
    pub update: bool,
    /// Stage by stage inside a block.
    pub true_sequential: bool,
    /// How the sparsity is shared out over blocks or matrices.
    pub allocation: Allocation,
    /// OWL: a weight stands out over this many times the mean (M).
    pub multiple: f64,
    /// OWL and sensitivity: half the range of the sparsities (λ); with a pattern the whole range of n.
    pub lambda: f64,
    /// AlphaPruning: half the spread.
    pub epsilon: f64,
    /// Sparsities by hand, by matrix or by block (`block 3`).
    pub by_hand: BTreeMap<String, f64>,
    /// Measured sensitivities by block (`block 3`), as the sweep gives them.
    pub measured: BTreeMap<String, f64>,
    /// Roles that are pruned, separated by commas; `all`.
    pub roles: String,
    /// Name of the text that calibrates; the first one given where empty.
    pub calibration: String,
    /// Name of the text that measures; the last one given where empty.
    pub evaluation: String,
    /// What fills a calibration window.
    pub format: Format,
    /// Calibration windows.
    pub samples: u32,
    /// Tokens a window, of calibration and of evaluation.
    pub length: u32,
    /// Whether rows of padding count in the statistics.
    pub count_padding: bool,
    /// Most windows that measure.
    pub windows: u32,
    #[serde(skip)]
    kind: PhantomData<K>,
}

impl<K: Kind> Default for Config<K> {
    fn default() -> Self {
        let Options { criterion: _, group, variant, exact, blocksize, damping, mask, update } = Options::default();
        Self {
            criterion: K::CRITERION,
            sparsity: K::SPARSITY,
            pattern: Pattern::Unstructured,
            group,
            variant,
            exact,
            blocksize: blocksize as u32,
            damping,
            mask,
            update,
            true_sequential: false,
            allocation: K::ALLOCATION,
            multiple: 5.0,
            lambda: 0.08,
            epsilon: 0.2,
            by_hand: BTreeMap::new(),
            measured: BTreeMap::new(),
            roles: "all".into(),
            calibration: String::new(),
            evaluation: String::new(),
            format: Format::Windows,
            samples: 128,
            length: 2048,
            count_padding: true,
            windows: 64,
            kind: PhantomData,
        }
    }
}

impl<K: Kind> Config<K> {
    /// What the ranges of the knobs cannot say.
    ///
    /// # Errors
    /// A sparsity by hand outside 0 … 1; sensitivities that are asked for and not given.
    pub fn check(&self) -> Result<(), MethodError> {
        if let Some((name, s)) = self.by_hand.iter().find(|(_, s)| !(0.0..=1.0).contains(*s)) {
            return Err(bad("by_hand", format!("{name} has sparsity {s}; it lies between 0 and 1")));
        }
        if self.allocation == Allocation::Sensitivity && self.measured.is_empty() {
            return Err(bad("measured", "an allocation by sensitivity needs the result of a sensitivity sweep by blocks; run that first"));
        }
        if let Pattern::Groups { m, .. } = self.pattern
            && self.criterion == Criterion::SparseGpt
            && self.blocksize % m != 0
        {
            return Err(bad("blocksize", format!("{} is not a multiple of {m}, so that groups would lie across two blocks", self.blocksize)));
        }
        Ok(())
    }

    /// How one linear is pruned.
    pub fn options(&self) -> Options {
        Options {
            criterion: self.criterion,
            group: self.group,
            variant: self.variant,
            exact: self.exact,
            blocksize: self.blocksize as usize,
            damping: self.damping,
            mask: self.mask,
            update: self.update,
        }
    }

    /// Which windows calibrate, of windows of `length` tokens.
    pub fn recipe(&self, length: usize, seed: u64) -> Recipe {
        Recipe { format: self.format, samples: self.samples as usize, length, seed, text_length: None, in_context: None, steps: None }
    }
}
