//! What GPU plans share: grids, and tiles of tensors that are larger than one binding may be.

use std::cell::Cell;

use espalier_kernels::Params;

use crate::op::{Launch, Slot};

/// Invocations a workgroup in kernels over flat indices.
pub const LANES: usize = 256;

/// Invocations a row in kernels that take in `lib/row`: eight where rows are short, so that a workgroup takes eight of them.
fn row_lanes(width: usize) -> usize {
    if width <= 512 { 8 } else { 64 }
}

/// Additions in a row on the way of one element to its row's sum, in such kernels: those of one invocation, then those over the invocations.
pub fn row_path(width: usize) -> usize {
    width.div_ceil(row_lanes(width)) + 11
}

/// One launch of such a kernel over `rows` rows of `width` elements.
pub fn row_launch<P: Params>(params: P, buffers: Vec<Slot>, rows: usize, width: usize) -> Launch {
    let lanes = row_lanes(width);
    made_for(&[("row_lanes", lanes as u32)], launch(params, buffers, grid(rows.div_ceil(64 / lanes))))
}

/// Workgroups a dimension, by WebGPU's default limit.
const GROUPS: usize = 65_535;

/// What a plan keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one storage binding; WebGPU's default limit is 128 MiB.
    pub binding: u64,
    /// Multiply-adds of one launch of a matrix product, so that none keeps a GPU busy for more than about 100 ms: 2³¹ take that
    /// long at 43 GFLOP/s, less than an integrated GPU does.
    pub macs: u64,
}

impl Limits {
    /// WebGPU's defaults.
    pub const DEFAULT: Self = Self { binding: 128 << 20, macs: 1 << 31 };

    /// Elements that a tile may hold: a binding's worth, less what aligning its start may add.
    pub fn elements(self) -> usize {
        (self.binding / 4) as usize - ALIGN
    }
}

thread_local! {
    static LIMITS: Cell<Limits> = const { Cell::new(Limits::DEFAULT) };
}

/// The limits that plans of this thread keep to.
pub fn limits() -> Limits {
    LIMITS.get()
}

/// Makes plans under other limits: tests tile small tensors that way.
pub fn under<T>(limits: Limits, plan: impl FnOnce() -> T) -> T {
    let before = LIMITS.replace(limits);
    let made = plan();
    LIMITS.set(before);
    made
}

/// Elements that a part's offset is a multiple of (256 bytes).
pub const ALIGN: usize = 64;

/// A grid of that many workgroups, folded over x and y; kernels unfold it with `flat_group` and ignore what is too many.
pub fn grid(groups: usize) -> [u32; 3] {
    let x = groups.clamp(1, GROUPS);
    let y = groups.div_ceil(x).max(1);
    assert!(y <= GROUPS, "{groups} workgroups are more than two dimensions hold");
    [x as u32, y as u32, 1]
}

/// A grid of one invocation an element.
pub fn grid_of(elements: usize) -> [u32; 3] {
    grid(elements.div_ceil(LANES))
}

/// A run of elements of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// First element.
    pub start: usize,
    /// How many.
    pub len: usize,
}

/// Cuts `n` elements into runs that a binding holds; their starts are aligned.
pub fn runs(n: usize) -> impl Iterator<Item = Run> {
    let most = limits().elements() / ALIGN * ALIGN;
    (0..n).step_by(most).map(move |start| Run { start, len: most.min(n - start) })
}

/// Cuts `rows` of `width` elements into runs of whole rows that a binding holds (at least one row).
pub fn row_runs(rows: usize, width: usize) -> impl Iterator<Item = Run> {
    let most = (limits().elements() / width.max(1)).max(1);
    (0..rows).step_by(most).map(move |start| Run { start, len: most.min(rows - start) })
}

/// A run as a slot begins at an aligned element; the rest is left to the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// What to bind.
    pub slot: Slot,
    /// Index of the run's first element in what is bound.
    pub base: u32,
}

/// A run of the i-th input, of `whole` elements.
pub fn input_part(i: usize, run: Run, whole: usize) -> Part {
    part(run, whole, Slot::Input(i), |offset, bytes| Slot::InputPart(i, offset, bytes))
}

/// A run of the output, of `whole` elements.
pub fn output_part(run: Run, whole: usize) -> Part {
    part(run, whole, Slot::Output, Slot::OutputPart)
}

fn part(run: Run, whole: usize, all: Slot, some: impl Fn(u64, u64) -> Slot) -> Part {
    if 4 * whole as u64 <= limits().binding {
        return Part { slot: all, base: run.start as u32 };
    }
    let first = run.start / ALIGN * ALIGN;
    let bytes = 4 * (run.start + run.len - first) as u64;
    Part { slot: some(4 * first as u64, bytes), base: (run.start - first) as u32 }
}

/// The same launch with the kernel made for these values of its overrides.
pub fn made_for(overrides: &[(&'static str, u32)], launch: Launch) -> Launch {
    Launch { overrides: overrides.iter().map(|&(name, value)| (name, f64::from(value))).collect(), ..launch }
}

/// One launch with its parameters.
pub fn launch<P: Params>(params: P, buffers: Vec<Slot>, groups: [u32; 3]) -> Launch {
    Launch { kernel: P::KERNEL, params: bytemuck::bytes_of(&params).to_vec(), buffers, overrides: Vec::new(), groups }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_hold_every_group_and_keep_the_limit() {
        for groups in [0, 1, 65_535, 65_536, 131_072, 40_000_000] {
            let [x, y, z] = grid(groups);
            assert!(x as usize * y as usize >= groups && x <= 65_535 && y <= 65_535 && z == 1);
        }
    }

    #[test]
    fn runs_cover_everything_once_and_fit_a_binding() {
        under(Limits { binding: 1024, macs: 1 }, || {
            for n in [0, 1, 191, 192, 193, 1000] {
                let mut next = 0;
                for run in runs(n) {
                    assert_eq!(run.start, next);
                    next += run.len;
                    let Part { slot, base } = input_part(0, run, n);
                    match slot {
                        Slot::InputPart(0, offset, bytes) => {
                            assert!(offset % 256 == 0 && bytes <= 1024);
                            assert_eq!(offset / 4 + u64::from(base), run.start as u64);
                        }
                        slot => assert!(slot == Slot::Input(0) && 4 * n <= 1024 && base as usize == run.start),
                    }
                }
                assert_eq!(next, n);
            }
        });
        assert_eq!(limits(), Limits::DEFAULT);
    }
}
