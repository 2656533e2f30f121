//! NumPy broadcasting: the common shape of two, and the strides that read a smaller one as a larger.

/// Axes that kernels can tell apart, after those that behave alike were merged.
pub const AXES: usize = 4;

/// The common shape of two. Panics where there is none: a bug of the caller.
pub fn common(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    (0..rank)
        .map(|axis| match (extent(a, axis), extent(b, axis)) {
            (x, y) if x == y => x,
            (1, y) => y,
            (x, 1) => x,
            _ => panic!("shapes {a:?} and {b:?} do not broadcast"),
        })
        .collect()
}

/// An output shape and, for each input, its strides along it: 0 where it is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk<const N: usize> {
    /// Extents, padded in front with 1.
    pub extent: [usize; AXES],
    /// Strides of each input, in elements.
    pub strides: [[usize; AXES]; N],
}

impl<const N: usize> Walk<N> {
    /// Merges neighbouring axes that every input walks (or repeats) alike, so that four are enough: more are refused, and never
    /// arise from fewer than five alternations of repeated and walked axes.
    pub fn new(output: &[usize], inputs: [&[usize]; N]) -> Self {
        let mut extent = Vec::new();
        let mut strides: [Vec<usize>; N] = std::array::from_fn(|_| Vec::new());
        let mut step = [1; N];
        // From the innermost axis outwards.
        for (back, &size) in output.iter().rev().enumerate() {
            let mut here = [0; N];
            for (i, shape) in inputs.iter().enumerate() {
                let own = shape.len().checked_sub(back + 1).map_or(1, |at| shape[at]);
                assert!(own == 1 || own == size, "shape {shape:?} does not broadcast to {output:?}");
                if own != 1 {
                    here[i] = step[i];
                    step[i] *= own;
                }
            }
            if size == 1 {
                continue;
            }
            let merges = extent.last().is_some_and(|&inner: &usize| {
                (0..N).all(|i| {
                    let last = strides[i][strides[i].len() - 1];
                    if last == 0 { here[i] == 0 } else { here[i] == last * inner }
                })
            });
            if merges {
                *extent.last_mut().expect("it merges with one") *= size;
            } else {
                extent.push(size);
                (0..N).for_each(|i| strides[i].push(here[i]));
            }
        }
        assert!(extent.len() <= AXES, "broadcasting {inputs:?} to {output:?} alternates more than {AXES} times");
        let outermost_first = |values: &[usize], fill| std::array::from_fn(|i| values.get(AXES - 1 - i).copied().unwrap_or(fill));
        Self { extent: outermost_first(&extent, 1), strides: strides.map(|s| outermost_first(&s, 0)) }
    }

    /// The inner axes of this walk as one row after another: `(rows, elements a row)`.
    pub fn rows(&self) -> (usize, usize) {
        (self.extent[0] * self.extent[1] * self.extent[2], self.extent[3])
    }

    /// Axes from the innermost to the outermost that has more than one element; at least 1.
    pub fn axes(&self) -> u32 {
        (AXES - self.extent.iter().position(|&e| e > 1).unwrap_or(AXES - 1)) as u32
    }

    /// Flat index in each input of a flat index of the output.
    pub fn places(&self, flat: usize) -> [usize; N] {
        let [_, e1, e2, e3] = self.extent;
        let place = [flat / e3 / e2 / e1, flat / e3 / e2 % e1, flat / e3 % e2, flat % e3];
        std::array::from_fn(|i| (0..AXES).map(|axis| place[axis] * self.strides[i][axis]).sum())
    }

    /// Cuts the outermost axis that has more than one element, so that `most` output elements stay together: walks, and the first
    /// output element of each. One that can't be cut finer stays whole.
    pub fn cut(&self, most: usize) -> Vec<(usize, Self)> {
        let axis = self.extent.iter().position(|&e| e > 1).unwrap_or(AXES - 1);
        let inner: usize = self.extent[axis + 1..].iter().product();
        let step = (most / inner.max(1)).max(1);
        (0..self.extent[axis])
            .step_by(step)
            .map(|start| {
                let mut extent = self.extent;
                extent[axis] = step.min(self.extent[axis] - start);
                (start * inner, Self { extent, strides: self.strides })
            })
            .collect()
    }

    /// Elements of the i-th input that this walk reads: one past the last.
    pub fn reach(&self, i: usize) -> usize {
        1 + (0..AXES).map(|axis| (self.extent[axis].max(1) - 1) * self.strides[i][axis]).sum::<usize>()
    }
}

/// Four numbers as a kernel takes them.
pub fn words(values: [usize; AXES]) -> [u32; AXES] {
    values.map(|v| v as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayD, IxDyn};
    use proptest::prelude::*;

    /// Two shapes that broadcast: each axis of a common one is kept or 1 in either, and leading axes may be missing.
    fn shapes() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
        let axis = (1usize..5, 0usize..3);
        (prop::collection::vec(axis, 0..5), 0usize..5, any::<bool>()).prop_map(|(axes, cut, which)| {
            let a: Vec<_> = axes.iter().map(|&(n, kind)| if kind == 1 { 1 } else { n }).collect();
            let b: Vec<_> = axes.iter().map(|&(n, kind)| if kind == 2 { 1 } else { n }).collect();
            let short = b[cut.min(b.len())..].to_vec();
            if which { (a, short) } else { (short, a) }
        })
    }

    proptest! {
        #[test]
        fn walks_read_what_ndarray_reads((a, b) in shapes()) {
            let shape = common(&a, &b);
            let arrays = [&a, &b].map(|s| {
                let n = s.iter().product::<usize>();
                ArrayD::from_shape_vec(IxDyn(s), (0..n).collect()).expect("as many values as the shape holds")
            });
            let expected: Vec<Vec<usize>> =
                arrays.iter().map(|x| x.broadcast(IxDyn(&shape)).expect("ndarray broadcasts it").iter().copied().collect()).collect();
            let walk = Walk::new(&shape, [&a, &b]);
            for (i, (a, b)) in expected[0].iter().zip(&expected[1]).enumerate() {
                prop_assert_eq!(walk.places(i), [*a, *b]);
            }
            let mut seen = 0;
            for (start, part) in walk.cut(7) {
                prop_assert_eq!(start, seen);
                let base = walk.places(start);
                let len: usize = part.extent.iter().product();
                for i in 0..len {
                    let places = part.places(i);
                    prop_assert_eq!([base[0] + places[0], base[1] + places[1]], walk.places(start + i));
                    prop_assert!(places[0] < part.reach(0) && places[1] < part.reach(1));
                }
                seen += len;
            }
            prop_assert_eq!(seen, expected[0].len());
        }
    }

    #[test]
    fn equal_shapes_walk_one_axis() {
        assert_eq!(Walk::new(&[2, 3, 4, 5, 6, 7], [&[2, 3, 4, 5, 6, 7]]).extent, [1, 1, 1, 5040]);
    }

    #[test]
    #[should_panic(expected = "do not broadcast")]
    fn other_shapes_are_refused() {
        common(&[2, 3], &[2]);
    }
}
