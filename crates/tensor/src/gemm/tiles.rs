//! The product in tiles: both factors are copied into panels that the innermost loop reads straight on, whatever their strides were.
//!
//! That loop keeps a tile of C of [`ROWS`] × two vectors in registers. With two vectors of B, one element of A in every lane and one
//! product these are 12 of the 16 registers of x86-64; V8 keeps one of them for itself and writes the loop's body twice. Larger tiles
//! (5 × 8, 6 × 8, 4 × 12, 4 × 16) load less for each product, but spill: they took 1.2 to 1.5 times as long, and so did this one with four
//! terms a turn, because the compiler then moves all loads to the front.

use super::Strides;
use super::lanes::Lanes;
use super::own::Update;

/// Rows of a tile.
const ROWS: usize = 4;

/// Vectors in a row of a tile.
const VECTORS: usize = 2;

/// Terms of the sums taken at a time: a panel of B (32 bytes a term) and one of A fit a first cache of 32 kB.
const DEPTH: usize = 256;

/// Rows of A packed at a time: 64 kB in `f32`, for the second cache.
const HEIGHT: usize = 64;

/// Columns of B packed at a time: 1 MB in `f32`.
const BREADTH: usize = 1024;

/// As [`super::own::multiply`], where no extent is 0.
///
/// # Safety
/// As there.
pub unsafe fn multiply<T: Lanes>(
    [m, n, k]: [usize; 3],
    update: Update<T>,
    (a, a_strides): (*const T, Strides),
    (b, b_strides): (*const T, Strides),
    (c, c_strides): (*mut T, Strides),
) {
    let width = VECTORS * T::WIDTH;
    // Vectors rather than elements: none of them lies across two lines of the cache.
    let room = |lines: usize, to: usize| Vec::<T::Vector>::with_capacity(lines.next_multiple_of(to) * DEPTH.min(k) / T::WIDTH);
    let (mut left, mut right) = (room(HEIGHT.min(m), ROWS), room(BREADTH.min(n), width));
    let (left, right) = (left.as_mut_ptr().cast::<T>(), right.as_mut_ptr().cast::<T>());
    for from_col in (0..n).step_by(BREADTH) {
        let cols = BREADTH.min(n - from_col);
        for from in (0..k).step_by(DEPTH) {
            let terms = DEPTH.min(k - from);
            let update = if from == 0 { update } else { Update { beta: Some(T::ONE), ..update } };
            // SAFETY: rows, columns and terms stay below m, n and k; the panels have room for as many lines as are packed at a time,
            // rounded up to whole tiles, and `pack` writes them before `tile` reads them.
            unsafe {
                pack(b.add(from * b_strides.0 + from_col * b_strides.1), (b_strides.1, b_strides.0), cols, terms, width, right);
                for from_row in (0..m).step_by(HEIGHT) {
                    let rows = HEIGHT.min(m - from_row);
                    pack(a.add(from_row * a_strides.0 + from * a_strides.1), a_strides, rows, terms, ROWS, left);
                    for j in (0..cols).step_by(width) {
                        for i in (0..rows).step_by(ROWS) {
                            let tile = tile(terms, left.add(i * terms), right.add(j * terms));
                            let at = c.add((from_row + i) * c_strides.0 + (from_col + j) * c_strides.1);
                            put(tile, update, at, c_strides, ROWS.min(rows - i), width.min(cols - j));
                        }
                    }
                }
            }
        }
    }
}

/// Copies `lines` of `terms` elements into panels of `width` lines, term by term; zeros fill the last one up. The strides are those from
/// line to line and along a line.
///
/// # Safety
/// The lines must be readable, and as many elements as the panels have writable.
#[inline(always)]
unsafe fn pack<T: Lanes>(from: *const T, (across, along): Strides, lines: usize, terms: usize, width: usize, to: *mut T) {
    for start in (0..lines).step_by(width) {
        let here = width.min(lines - start);
        let whole = here == width;
        // SAFETY: lines and terms exist; this panel has room for `width` of each term.
        unsafe {
            let (from, to) = (from.add(start * across), to.add(start * terms));
            // Lines that lie behind one another are turned by squares.
            let turned = if whole && along == 1 && across != 1 { terms - terms % T::WIDTH } else { 0 };
            for l in (0..turned).step_by(T::WIDTH) {
                for i in (0..width).step_by(T::WIDTH) {
                    turn(from.add(i * across + l), across, to.add(l * width + i), width);
                }
            }
            for l in turned..terms {
                let (from, to) = (from.add(l * along), to.add(l * width));
                if whole && across == 1 {
                    to.copy_from_nonoverlapping(from, width);
                } else {
                    (0..width).for_each(|i| to.add(i).write(if i < here { *from.add(i * across) } else { T::default() }));
                }
            }
        }
    }
}

/// Copies a square of as many elements a side as a vector has, its rows to columns. The strides are those from row to row.
///
/// # Safety
/// Its elements must be readable there and writable here.
#[inline(always)]
unsafe fn turn<T: Lanes>(from: *const T, from_stride: usize, to: *mut T, to_stride: usize) {
    let mut rows = [T::default().splat(); 4];
    // SAFETY: the caller's promise.
    (0..T::WIDTH).for_each(|i| rows[i] = unsafe { T::load(from.add(i * from_stride)) });
    // Each round zips the first half with the second, as decks are shuffled.
    for _ in 0..T::WIDTH.ilog2() {
        rows = std::array::from_fn(|i| T::zip(rows[i / 2], rows[(i + T::WIDTH) / 2])[i % 2]);
    }
    // SAFETY: the caller's promise.
    (0..T::WIDTH).for_each(|i| unsafe { T::store(rows[i], to.add(i * to_stride)) });
}

/// The product of a panel of A and one of B.
///
/// # Safety
/// Both must hold this many terms.
#[inline(always)]
unsafe fn tile<T: Lanes>(terms: usize, mut a: *const T, mut b: *const T) -> [[T::Vector; VECTORS]; ROWS] {
    let mut sums = [[T::default().splat(); VECTORS]; ROWS];
    for _ in 0..terms {
        // SAFETY: the caller's promise.
        unsafe {
            let right: [T::Vector; VECTORS] = std::array::from_fn(|j| T::load(b.add(j * T::WIDTH)));
            for (i, row) in sums.iter_mut().enumerate() {
                let left = a.add(i).read().splat();
                for (sum, right) in row.iter_mut().zip(right) {
                    *sum = T::plus(*sum, left, right);
                }
            }
            (a, b) = (a.add(ROWS), b.add(VECTORS * T::WIDTH));
        }
    }
    sums
}

/// Updates the first `rows` × `cols` places of a tile of C.
///
/// # Safety
/// They must be writable, and readable where there is a β.
#[inline(always)]
unsafe fn put<T: Lanes>(tile: [[T::Vector; VECTORS]; ROWS], update: Update<T>, c: *mut T, strides: Strides, rows: usize, cols: usize) {
    let width = VECTORS * T::WIDTH;
    let (zero, alpha) = (T::default().splat(), update.alpha.splat());
    // No vector has more than four lanes.
    let mut buffer = [T::default(); ROWS * VECTORS * 4];
    for (i, row) in tile.into_iter().enumerate() {
        for (j, sum) in row.into_iter().enumerate() {
            // SAFETY: the place is C's where the whole tile is, else the buffer's.
            unsafe {
                if rows == ROWS && cols == width && strides.1 == 1 {
                    let at = c.add(i * strides.0 + j * T::WIDTH);
                    let old = update.beta.map_or(zero, |beta| T::plus(zero, beta.splat(), T::load(at)));
                    T::store(T::plus(old, alpha, sum), at);
                } else {
                    T::store(sum, buffer.as_mut_ptr().add(i * width + j * T::WIDTH));
                }
            }
        }
    }
    if rows < ROWS || cols < width || strides.1 != 1 {
        for (i, j) in (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))) {
            // SAFETY: a place of C.
            unsafe { update.write(buffer[i * width + j], c.add(i * strides.0 + j * strides.1)) }
        }
    }
}
