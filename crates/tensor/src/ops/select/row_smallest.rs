//! The k smallest elements of every row.

use espalier_kernels::select::row_smallest::Params;

use super::{By, no_gradient};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance};
use crate::ops::layout::fill::set_output;
use crate::ops::nth::Rows;
use crate::ops::plan::{Run, grid, input_part, launch, output_part, row_runs};
use crate::ops::sampling::{SIZES, float_array, sample, tied_array, tiled, wild_array};
use crate::ops::values::flat;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// The k smallest elements of every row (the last axis) as a mask, exactly k a row: Wanda's comparison group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowSmallest {
    /// How many a row; at most as many as it has.
    pub k: usize,
    /// What is compared.
    pub by: By,
}

/// Rows and elements a row.
fn rows(spec: &Spec) -> (usize, usize) {
    let width = *spec.shape.last().expect("a row has an axis");
    (spec.shape[..spec.shape.len() - 1].iter().product(), width)
}

impl Op for RowSmallest {
    fn name(&self) -> &'static str {
        "select/row_smallest"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        let (_, width) = rows(&inputs[0]);
        assert!(self.k <= width, "{} of {width} elements a row", self.k);
        Spec::u32(inputs[0].shape.clone())
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let spec = inputs[0].spec();
        let (_, width) = rows(&spec);
        let x = flat(inputs[0]);
        let mut mask = Vec::with_capacity(x.len());
        let mut rows = Rows::default();
        x.chunks(width.max(1)).for_each(|row| rows.mark(self.by, row, self.k, &mut mask));
        Array::from_u32(&spec.shape, mask)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let (count, width) = rows(&inputs[0]);
        if self.k == 0 {
            return Plan { scratch: Vec::new(), launches: set_output(output.len(), 0) };
        }
        let launches = row_runs(count, width).map(|run| {
            let elements = Run { start: run.start * width, len: run.len * width };
            let (x, y) = (input_part(0, elements, output.len()), output_part(elements, output.len()));
            let params = Params::new(run.len as u32, width as u32, self.by as u32, self.k as u32, x.base, y.base);
            launch(params, vec![x.slot, y.slot], grid(run.len))
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
        let op = |k| RowSmallest { k, by };
        for n in SIZES {
            all.push(sample(format!("{by:?} {} of 3×{n}", n / 2), op(n / 2), vec![float_array(&[3, n], 1)]));
            all.push(sample(format!("{by:?} ties {} of 3×{n}", n / 3), op(n / 3), vec![tied_array(&[3, n], 2)]));
            all.push(sample(format!("{by:?} wild {} of 3×{n}", n - n / 8), op(n - n / 8), vec![wild_array(&[3, n], 3)]));
        }
        for k in [0, 1, 64, 65] {
            all.push(sample(format!("{by:?} {k} of 7×65"), op(k), vec![tied_array(&[7, 65], 4)]));
        }
        all.push(sample(format!("{by:?} no rows"), op(2), vec![tied_array(&[0, 5], 4)]));
        all.push(sample(format!("{by:?} vector"), op(100), vec![tied_array(&[257], 5)]));
        all.push(tiled(format!("{by:?} 30 of 41×65"), op(30), vec![tied_array(&[41, 65], 6)], 1024));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_row_has_the_head_of_its_stable_sort(
            x in prop::collection::vec(prop_oneof![any::<u32>().prop_map(f32::from_bits), (-2i8..3).prop_map(f32::from)], 1..200),
            width in 1usize..40, share in 0.0..=1.0_f64, by_value: bool,
        ) {
            let by = if by_value { By::Value } else { By::Magnitude };
            let rows = x.len() / width;
            let k = (width as f64 * share) as usize;
            let x = &x[..rows * width];
            let mask = RowSmallest { k, by }.cpu(&[&Array::from_f32(&[rows, width], x.to_vec())]).into_u32();
            for (row, marks) in x.chunks(width).zip(mask.chunks(width)) {
                let mut order: Vec<usize> = (0..width).collect();
                order.sort_by_key(|&i| by.key(row[i]));
                let mut expected = vec![0; width];
                order[..k].iter().for_each(|&i| expected[i] = 1);
                prop_assert_eq!(marks, &expected[..]);
            }
        }
    }
}
