//! Factors as the kernels want them: k-major, rows a multiple of four long.

use crate::op::{Launch, Slot};
use crate::ops::layout::transpose::transposed_into;
use crate::ops::layout::window::padded_into;
use crate::ops::plan::{Part, Run, input_part, limits};

/// A factor of a product: `depth × width` (k-major, as the kernels want it) or `width × depth`.
#[derive(Clone, Copy, Debug)]
pub struct Factor {
    /// Which input.
    pub input: usize,
    /// Rows or columns of the result that it stands for.
    pub width: usize,
    /// Terms of the sum.
    pub depth: usize,
    /// Whether k runs along rows.
    pub k_major: bool,
}

/// A block of a factor, ready to be bound; offsets and strides are in vectors of four.
#[derive(Clone, Copy, Debug)]
pub struct Packed {
    /// What to bind.
    pub slot: Slot,
    /// First vector.
    pub base: u32,
    /// Vectors from one k to the next.
    pub stride: u32,
}

impl Factor {
    /// Whether the whole factor may be bound as it is.
    fn direct(&self) -> bool {
        self.k_major && self.width.is_multiple_of(4) && 4 * self.len() as u64 <= limits().binding
    }

    fn len(&self) -> usize {
        self.width * self.depth
    }

    /// Most columns and terms a block: its source and its packed copy each fit a binding.
    pub fn block(&self) -> (usize, usize) {
        let most = limits().elements();
        if 4 * (self.width.next_multiple_of(4) * self.depth) as u64 <= limits().binding {
            return (self.width, self.depth);
        }
        if self.k_major {
            // Whole rows of the source, some k.
            (self.width, (most / self.width.next_multiple_of(4)).max(1))
        } else {
            // Whole rows of the source, some columns of the result; a row is all of k.
            ((most / self.depth / 4 * 4).max(4).min(self.width), self.depth)
        }
    }

    /// Bytes of the largest packed block, 0 where none is made.
    pub fn scratch(&self) -> u64 {
        let (width, depth) = self.block();
        if self.direct() { 0 } else { 4 * (width.next_multiple_of(4) * depth) as u64 }
    }

    /// The block of `columns` × `terms`, and the launch that makes it, if one is needed.
    pub fn pack(&self, columns: Run, terms: Run, scratch: usize) -> (Packed, Option<Launch>) {
        if self.direct() {
            let stride = self.width / 4;
            let base = terms.start * stride + columns.start / 4;
            return (Packed { slot: Slot::Input(self.input), base: base as u32, stride: stride as u32 }, None);
        }
        let stride = columns.len.next_multiple_of(4);
        let packed = Packed { slot: Slot::Scratch(scratch), base: 0, stride: (stride / 4) as u32 };
        let made = if self.k_major {
            let x = input_part(self.input, Run { start: terms.start * self.width, len: terms.len * self.width }, self.len());
            padded_into(scratch, terms.len, self.width, x, stride)
        } else {
            let x = input_part(self.input, Run { start: columns.start * self.depth, len: columns.len * self.depth }, self.len());
            // A block of fewer terms begins inside the first row.
            let x = Part { base: x.base + terms.start as u32, ..x };
            transposed_into(scratch, columns.len, terms.len, (x, self.depth), stride)
        };
        (packed, Some(made))
    }
}

/// Cuts `n` into runs of at most `most`.
pub fn cut(n: usize, most: usize) -> impl Iterator<Item = Run> + Clone {
    (0..n).step_by(most.max(1)).map(move |start| Run { start, len: most.min(n - start) })
}
