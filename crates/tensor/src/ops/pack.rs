//! Factors of products as the kernels want them: rows a multiple of four long, whichever way they lie.
//!
//! Where they are so already (as in nearly every model), a factor is bound in place, in parts where it is larger than a binding;
//! else a copy with longer rows is made first, which costs O(m·k + k·n) beside the O(m·k·n) of the product.

use crate::op::{Launch, Slot};
use crate::ops::layout::window::padded_into;
use crate::ops::plan::{Run, input_part, limits};

/// A factor of a product: `width × depth` (by rows) or `depth × width` (k-major).
#[derive(Clone, Copy, Debug)]
pub struct Factor {
    /// Which input.
    pub input: usize,
    /// Rows or columns of the result that it stands for.
    pub width: usize,
    /// Terms of the sum.
    pub depth: usize,
    /// Whether k runs along its rows.
    pub by_rows: bool,
}

/// A block of a factor, ready to be bound; offsets and strides are in vectors of four.
#[derive(Clone, Copy, Debug)]
pub struct Packed {
    /// What to bind.
    pub slot: Slot,
    /// First vector.
    pub base: u32,
    /// Vectors from one row of the factor to the next.
    pub stride: u32,
    by_rows: bool,
}

impl Packed {
    /// The first vector for a row or column of the result, a multiple of four, counted from the block's first.
    pub fn at(&self, row: usize) -> u32 {
        self.base + if self.by_rows { row as u32 * self.stride } else { (row / 4) as u32 }
    }
}

impl Factor {
    /// Elements of one of its rows.
    fn row(&self) -> usize {
        if self.by_rows { self.depth } else { self.width }
    }

    /// Whether it may be bound as it is.
    fn direct(&self) -> bool {
        self.row().is_multiple_of(4)
    }

    /// The constant that tells the kernel how it lies.
    pub fn lies(&self) -> u32 {
        u32::from(self.by_rows)
    }

    /// Most columns (of the result) and terms a block: whole rows of the factor, as many as a binding holds with their padding.
    pub fn block(&self) -> (usize, usize) {
        let row = self.row().next_multiple_of(4);
        if 4 * (row * self.width * self.depth / self.row()) as u64 <= limits().binding {
            return (self.width, self.depth);
        }
        let rows = limits().elements() / row;
        // The other factor may lie the other way, where terms are cut by fours.
        if self.by_rows { (rows.max(1), self.depth) } else { (self.width, (rows / 4 * 4).max(4)) }
    }

    /// Bytes of the largest padded block, 0 where none is made.
    pub fn scratch(&self) -> u64 {
        let (width, depth) = self.block();
        let rows = if self.by_rows { width } else { depth };
        if self.direct() { 0 } else { 4 * (rows * self.row().next_multiple_of(4)) as u64 }
    }

    /// The block of `columns` × `terms`, and the launch that pads it, if one is needed.
    pub fn pack(&self, columns: Run, terms: Run, scratch: usize) -> (Packed, Option<Launch>) {
        let row = self.row();
        let (rows, inside) = if self.by_rows { (columns, terms.start) } else { (terms, columns.start) };
        let x = input_part(self.input, Run { start: rows.start * row, len: rows.len * row }, self.width * self.depth);
        let stride = row.next_multiple_of(4);
        let packed = |slot, base: usize| Packed { slot, base: ((base + inside) / 4) as u32, stride: (stride / 4) as u32, by_rows: self.by_rows };
        if self.direct() {
            return (packed(x.slot, x.base as usize), None);
        }
        (packed(Slot::Scratch(scratch), 0), Some(padded_into(scratch, rows.len, row, x, stride)))
    }
}

/// Cuts `n` into runs of at most `most`.
pub fn cut(n: usize, most: usize) -> impl Iterator<Item = Run> + Clone {
    (0..n).step_by(most.max(1)).map(move |start| Run { start, len: most.min(n - start) })
}

/// Rows of a launch of so many multiply-adds a row, at most `most`: whole workgroups of 64, or where those take too long whole tiles of 16.
pub fn step(macs_a_row: usize, most: usize) -> usize {
    let rows = (limits().macs / macs_a_row.max(1) as u64).min(most as u64) as usize;
    if rows >= 64 { rows / 64 * 64 } else { (rows / 16 * 16).max(16) }
}
