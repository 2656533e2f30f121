//! N:M sparsity.

use espalier_kernels::select::n_of_m::Params;

use super::{By, no_gradient};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::nth::Rows;
use crate::ops::plan::{Run, grid_of, input_part, launch, output_part, row_runs};
use crate::ops::sampling::{SIZES, float_array, sample, tied_array, tiled, wild_array};
use crate::ops::values::flat;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Of every m neighbouring elements of a row (the last axis) the n smallest as a mask; the first number is how many are *removed*, as Wanda
/// has it. Where the row's length is no multiple of m, the last, shorter group is left dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NOfM {
    /// How many are removed of each group.
    pub n: usize,
    /// Elements a group.
    pub m: usize,
    /// What is compared.
    pub by: By,
}

/// Up to so many, counting for each element who comes before it costs less than a search.
const FEW: usize = 32;

impl Op for NOfM {
    fn name(&self) -> &'static str {
        "select/n_of_m"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        assert!(self.n <= self.m && self.m > 0, "{} of {}", self.n, self.m);
        assert!(!inputs[0].shape.is_empty(), "a row has an axis");
        Spec::u32(inputs[0].shape.clone())
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let spec = inputs[0].spec();
        let width = (*spec.shape.last().expect("a row has an axis")).max(1);
        let x = flat(inputs[0]);
        let mut mask = Vec::with_capacity(x.len());
        let (mut rows, mut keys) = (Rows::default(), Vec::new());
        for row in x.chunks(width) {
            let groups = row.chunks_exact(self.m);
            let rest = groups.remainder().len();
            for group in groups {
                if self.m > FEW {
                    rows.mark(self.by, group, self.n, &mut mask);
                    continue;
                }
                keys.clear();
                keys.extend(group.iter().map(|&x| self.by.key(x)));
                for (place, key) in keys.iter().enumerate() {
                    let before = keys.iter().enumerate().filter(|&(j, other)| other < key || (other == key && j < place)).count();
                    mask.push(u32::from(before < self.n));
                }
            }
            mask.resize(mask.len() + rest, 0);
        }
        Array::from_u32(&spec.shape, mask)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let width = *inputs[0].shape.last().expect("a row has an axis");
        let n = output.len();
        if n == 0 {
            return Plan::default();
        }
        let launches = row_runs(n / width, width).map(|run| {
            let elements = Run { start: run.start * width, len: run.len * width };
            let (x, y) = (input_part(0, elements, n), output_part(elements, n));
            let numbers = [elements.len, width, self.n, self.m].map(|v| v as u32);
            let params = Params::new(numbers[0], numbers[1], self.by as u32, numbers[2], numbers[3], x.base, y.base);
            launch(params, vec![x.slot, y.slot], grid_of(elements.len))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// A mask.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        Tolerance::EXACT
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        no_gradient(self.name())
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for by in [By::Magnitude, By::Value] {
        for (n, m) in [(2, 4), (4, 8), (5, 8), (1, 3), (0, 4), (4, 4), (20, 40)] {
            let op = NOfM { n, m, by };
            for width in SIZES {
                all.push(sample(format!("{by:?} {n}:{m} of 3×{width}"), op, vec![tied_array(&[3, width], 1)]));
            }
            all.push(sample(format!("{by:?} {n}:{m}, no ties"), op, vec![float_array(&[7, 64], 2)]));
            all.push(sample(format!("{by:?} {n}:{m} wild"), op, vec![wild_array(&[7, 64], 3)]));
            all.push(tiled(format!("{by:?} {n}:{m} of 41×65"), op, vec![tied_array(&[41, 65], 4)], 1024));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whole_groups_have_n_and_the_tail_has_none(
            x in prop::collection::vec((-2i8..3).prop_map(f32::from), 1..200), width in 1usize..40, m in 1usize..9, n in 0usize..9,
        ) {
            let n = n.min(m);
            let rows = x.len() / width;
            let x = &x[..rows * width];
            let by = By::Magnitude;
            let mask = NOfM { n, m, by }.cpu(&[&Array::from_f32(&[rows, width], x.to_vec())]).into_u32();
            for (row, marks) in x.chunks(width).zip(mask.chunks(width)) {
                for (group, marks) in row.chunks(m).zip(marks.chunks(m)) {
                    let whole = group.len() == m;
                    prop_assert_eq!(marks.iter().sum::<u32>() as usize, if whole { n } else { 0 });
                    // Whatever is marked comes before whatever is not.
                    for i in 0..group.len() {
                        for j in 0..group.len() {
                            if whole && marks[i] > marks[j] {
                                prop_assert!((by.key(group[i]), i) < (by.key(group[j]), j));
                            }
                        }
                    }
                }
            }
        }
    }
}
