//! The k smallest elements of a whole tensor.

use espalier_kernels::select::k_smallest::Params;

use super::{By, no_gradient};
use crate::array::{Array, Spec};
use crate::op::{Launch, Op, Plan, Sample, Slot, Tolerance};
use crate::ops::layout::fill::set_output;
use crate::ops::plan::{Part, Run, grid, input_part, launch, limits, output_part, runs};
use crate::ops::sampling::{SIZES, float_array, sample, tied_array, tiled, wild_array};
use crate::ops::values::flat;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// What becomes of the elements that equal the k-th.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ties {
    /// Those with the lowest indices fill up the k: the mask has exactly k elements.
    LowestFirst,
    /// All go: the mask has at least k elements.
    All,
}

/// The k smallest elements of a tensor of any shape as a mask of that shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KSmallest {
    /// How many; at most as many as there are.
    pub k: usize,
    /// What is compared.
    pub by: By,
    /// What becomes of the elements that equal the k-th.
    pub ties: Ties,
}

impl KSmallest {
    /// Exactly k elements by magnitude.
    pub fn magnitude(k: usize) -> Self {
        Self { k, by: By::Magnitude, ties: Ties::LowestFirst }
    }

    /// The rule of Wanda's magnitude baseline: with `t = sort(|W|)[rank]` (from 0), everything with `|w| ≤ t`; that is `rank + 1` elements, and
    /// what equals the last.
    pub fn at_most_rank(rank: usize) -> Self {
        Self { k: rank + 1, by: By::Magnitude, ties: Ties::All }
    }
}

/// Key of the k-th smallest (k ≥ 1), and how many of those that have it belong to the k.
pub(super) fn kth(x: &[f32], k: usize, by: By) -> (u32, usize) {
    let (mut found, mut high, mut wanted) = (0_u32, 0_u32, k);
    // Eleven bits, eleven bits, ten bits: the counts stay in a small cache.
    for (shift, bits) in [(21, 11), (10, 11), (0, 10)] {
        let mut counts = vec![0_usize; 1 << bits];
        let low = (1_u32 << bits) - 1;
        for key in x.iter().map(|&v| by.key(v)).filter(|key| key & high == found) {
            counts[(key >> shift & low) as usize] += 1;
        }
        let mut digit = 0;
        while counts[digit] < wanted {
            wanted -= counts[digit];
            digit += 1;
        }
        found |= (digit as u32) << shift;
        high |= low << shift;
    }
    (found, wanted)
}

/// Scratch 0: what the search found (258 words). Scratch 1: counts of the blocks.
pub(super) const FOUND: Slot = Slot::Scratch(0);

/// Bytes of the search's scratch buffers for `n` elements.
pub(super) fn search_scratch(n: usize) -> Vec<u64> {
    vec![258 * 4, 4 * n.div_ceil(BLOCK).max(1) as u64]
}

/// Elements a workgroup.
const BLOCK: usize = 4096;

/// Launches that leave the k-th key in [`FOUND`]. `mask` has to be bound, and is not touched.
pub(super) fn search(n: usize, k: usize, by: By, mask: impl Fn(Run) -> Part) -> Vec<Launch> {
    let mut launches = Vec::new();
    for shift in [24, 16, 8, 0] {
        for run in runs(n) {
            launches.push(stage(0, n, run, k, by, shift, false, mask(run)));
        }
        let run = Run { start: 0, len: 1 };
        launches.push(stage(1, n, run, k, by, shift, false, mask(run)));
    }
    launches
}

#[expect(clippy::too_many_arguments, reason = "one for each field of the uniform block")]
fn stage(stage: u32, n: usize, run: Run, k: usize, by: By, shift: u32, all_ties: bool, mask: Part) -> Launch {
    let x = input_part(0, run, n);
    let blocks = if stage == 1 || stage == 3 { 1 } else { run.len.div_ceil(BLOCK) };
    let count = if stage == 3 { n.div_ceil(BLOCK) } else { run.len };
    let numbers = [count, run.start / BLOCK].map(|v| v as u32);
    let params = Params::new(stage, numbers[0], by as u32, shift, k as u32, u32::from(all_ties), numbers[1], x.base, mask.base);
    launch(params, vec![x.slot, mask.slot, FOUND, Slot::Scratch(1)], grid(blocks))
}

impl Op for KSmallest {
    fn name(&self) -> &'static str {
        "select/k_smallest"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        assert!(self.k <= inputs[0].len(), "{} of {} elements", self.k, inputs[0].len());
        Spec::u32(inputs[0].shape.clone())
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let x = flat(inputs[0]);
        let mut mask = vec![0; x.len()];
        if self.k > 0 {
            let (kth, mut wanted) = kth(&x, self.k, self.by);
            for (mark, key) in mask.iter_mut().zip(x.iter().map(|&v| self.by.key(v))) {
                let equal = key == kth && (self.ties == Ties::All || wanted > 0);
                wanted = wanted.saturating_sub(usize::from(key == kth));
                *mark = u32::from(key < kth || equal);
            }
        }
        Array::from_u32(&inputs[0].spec().shape, mask)
    }

    fn gpu(&self, inputs: &[Spec], _output: &Spec) -> Plan {
        let n = inputs[0].len();
        if self.k == 0 {
            return Plan { scratch: Vec::new(), launches: set_output(n, 0) };
        }
        let all = self.ties == Ties::All;
        let mask = |run| output_part(run, n);
        let mut launches = search(n, self.k, self.by, mask);
        let whole_blocks = || block_runs(n);
        if !all {
            launches.extend(whole_blocks().map(|run| stage(2, n, run, self.k, self.by, 0, all, mask(run))));
            let run = Run { start: 0, len: 1 };
            launches.push(stage(3, n, run, self.k, self.by, 0, all, mask(run)));
        }
        launches.extend(whole_blocks().map(|run| stage(4, n, run, self.k, self.by, 0, all, mask(run))));
        Plan { scratch: search_scratch(n), launches }
    }

    /// A mask.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        no_gradient(self.name())
    }
}

/// Runs of whole blocks.
fn block_runs(n: usize) -> impl Iterator<Item = Run> {
    let most = (limits().elements() / BLOCK).max(1) * BLOCK;
    (0..n).step_by(most).map(move |start| Run { start, len: most.min(n - start) })
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for by in [By::Magnitude, By::Value] {
        for ties in [Ties::LowestFirst, Ties::All] {
            let op = |k| KSmallest { k, by, ties };
            for n in SIZES {
                all.push(sample(format!("{by:?} {ties:?} {} of {n}", n / 3), op(n / 3), vec![float_array(&[n], 1)]));
                all.push(sample(format!("{by:?} {ties:?} ties {} of {n}", n / 2), op(n / 2), vec![tied_array(&[n], 2)]));
                all.push(sample(format!("{by:?} {ties:?} wild {} of {n}", n - n / 8), op(n - n / 8), vec![wild_array(&[n], 3)]));
            }
            for k in [1, 65 * 64 - 1, 65 * 64] {
                all.push(sample(format!("{by:?} {ties:?} {k} of 65×64"), op(k), vec![tied_array(&[65, 64], 4)]));
            }
            all.push(sample(format!("{by:?} {ties:?} 30000 of 50021"), op(30_000), vec![tied_array(&[50_021], 5)]));
            all.push(tiled(format!("{by:?} {ties:?} 9000 of 20011"), op(9000), vec![tied_array(&[20_011], 6)], 32 * 1024));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Floats of any bits, many of them equal.
    fn elements() -> impl Strategy<Value = Vec<f32>> {
        let any = any::<u32>().prop_map(f32::from_bits);
        let few = prop::sample::select(vec![0.0, -0.0, 1.0, -1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
        prop::collection::vec(prop_oneof![any, few.clone(), few], 0..300)
    }

    proptest! {
        #[test]
        fn the_mask_is_the_head_of_a_stable_sort(x in elements(), share in 0.0..=1.0_f64, by_value: bool) {
            let by = if by_value { By::Value } else { By::Magnitude };
            let k = (x.len() as f64 * share) as usize;
            let array = Array::from_f32(&[x.len()], x.clone());
            let mut order: Vec<usize> = (0..x.len()).collect();
            order.sort_by_key(|&i| by.key(x[i]));
            let mut expected = vec![0; x.len()];
            order[..k].iter().for_each(|&i| expected[i] = 1);

            let exact = KSmallest { k, by, ties: Ties::LowestFirst }.cpu(&[&array]).into_u32();
            prop_assert_eq!(&exact, &expected);
            prop_assert_eq!(exact.iter().sum::<u32>() as usize, k);

            let all = KSmallest { k, by, ties: Ties::All }.cpu(&[&array]).into_u32();
            let last = k.checked_sub(1).map(|last| by.key(x[order[last]]));
            let at_most: Vec<u32> = x.iter().map(|&v| u32::from(last.is_some_and(|last| by.key(v) <= last))).collect();
            prop_assert_eq!(all, at_most);
        }
    }

    #[test]
    fn the_threshold_rule_takes_one_more_and_all_ties() {
        let w = Array::from_f32(&[6], vec![0.5, -0.25, 0.25, 1.0, -0.5, 2.0]);
        // int(6 · 0.5) = 3, sorted magnitudes 0.25 0.25 0.5 0.5 1 2: t = 0.5.
        assert_eq!(KSmallest::at_most_rank(3).cpu(&[&w]).into_u32(), [1, 1, 1, 0, 1, 0]);
        assert_eq!(KSmallest::magnitude(3).cpu(&[&w]).into_u32(), [1, 1, 1, 0, 0, 0]);
    }
}
