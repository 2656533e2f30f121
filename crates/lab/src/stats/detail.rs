//! Second pass over a tensor: bins, the fourth moment, outliers, selected values, and a small picture of the matrix.

use espalier_methods::report::Cells;

use super::moments::Moments;
use super::select::{Selection, place};

/// Bins of the histogram.
pub const BINS: usize = 96;
/// Most rows and columns of cells.
pub const CELLS: [usize; 2] = [64, 128];
/// Quantiles that are given.
pub const QUANTILES: [f64; 9] = [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999];
/// Values further from the mean than so many standard deviations count as outliers.
const FAR: f64 = 4.0;

/// Running counts of the second pass; values arrive in the order of the file.
pub struct Detail {
    mean: f64,
    far: f64,
    /// Σ (w − mean)⁴.
    pub fourth: f64,
    pub outliers: u64,
    pub bins: [f64; 2],
    scale: f64,
    pub counts: Vec<u32>,
    selection: Option<Selection>,
    weights: Vec<f64>,
    picture: Picture,
}

impl Detail {
    /// Prepares for a matrix view of `rows` × `cols` whose first pass is done.
    pub fn new(first: &Moments, rows: u64, cols: u64) -> Self {
        let n = first.finite();
        let (low, high) = match (n, f64::from(first.min), f64::from(first.max)) {
            (0, ..) => (-0.5, 0.5),
            (_, a, b) if a == b => (a - 0.5, a + 0.5),
            (_, a, b) => (a, b),
        };
        let places: Vec<(u64, u64, f64)> = QUANTILES.iter().filter(|_| n > 0).map(|&q| place(q, n)).collect();
        let ranks: Vec<u64> = places.iter().flat_map(|p| [p.0, p.1]).collect();
        Self {
            mean: first.mean,
            far: FAR * first.std(),
            fourth: 0.0,
            outliers: 0,
            bins: [low, high],
            scale: BINS as f64 / (high - low),
            counts: vec![0; BINS],
            selection: (n > 0).then(|| Selection::new(&first.upper, &ranks)),
            weights: places.iter().map(|p| p.2).collect(),
            picture: Picture::new(rows, cols),
        }
    }

    /// Takes the next values.
    pub fn add(&mut self, values: &[f32]) {
        for &v in values.iter().filter(|v| v.is_finite()) {
            let x = f64::from(v);
            let d = x - self.mean;
            let d2 = d * d;
            self.fourth += d2 * d2;
            self.outliers += u64::from(d.abs() > self.far);
            // The largest value lies on the last edge and belongs to the last bin.
            let bin = ((x - self.bins[0]) * self.scale) as usize;
            let count = &mut self.counts[bin.min(BINS - 1)];
            *count = count.saturating_add(1);
            if let Some(s) = &mut self.selection {
                s.add(v);
            }
        }
        self.picture.add(values);
    }

    /// The quantiles, or zeros where there was no finite value.
    pub fn quantiles(&self) -> Vec<f64> {
        let Some(selection) = &self.selection else { return vec![0.0; QUANTILES.len()] };
        let values = selection.values();
        let mix = |(i, t): (usize, &f64)| {
            let (a, b) = (f64::from(values[2 * i]), f64::from(values[2 * i + 1]));
            a + t * (b - a)
        };
        self.weights.iter().enumerate().map(mix).collect()
    }

    /// Means, peaks and row norms of the cells.
    pub fn picture(self) -> (Cells, Cells, Vec<f32>) {
        self.picture.finish()
    }
}

/// Means and peaks over blocks of the matrix.
struct Picture {
    rows: u64,
    cols: u64,
    size: [usize; 2],
    at: u64,
    sums: Vec<f64>,
    finite: Vec<u64>,
    peaks: Vec<f32>,
    squares: Vec<f64>,
}

impl Picture {
    fn new(rows: u64, cols: u64) -> Self {
        let fit = |n: u64, most: usize| usize::try_from(n).unwrap_or(most).min(most);
        let size = [fit(rows, CELLS[0]), fit(cols, CELLS[1])];
        let cells = size[0] * size[1];
        Self { rows, cols, size, at: 0, sums: vec![0.0; cells], finite: vec![0; cells], peaks: vec![0.0; cells], squares: vec![0.0; size[0]] }
    }

    /// Cuts the values at the ends of rows and of cells and takes each piece as a whole.
    fn add(&mut self, values: &[f32]) {
        let mut rest = values;
        while !rest.is_empty() {
            let (row, col) = (self.at / self.cols, self.at % self.cols);
            let [cell_row, cell_col] = [cell(row, self.rows, self.size[0]), cell(col, self.cols, self.size[1])];
            let end = first_of(cell_col + 1, self.cols, self.size[1]);
            let take = usize::try_from(end - col).unwrap_or(usize::MAX).min(rest.len());
            let (piece, after) = rest.split_at(take);
            let (mut sum, mut squares, mut n, mut peak) = (0.0f64, 0.0f64, 0, 0.0f32);
            for &v in piece.iter().filter(|v| v.is_finite()) {
                let x = f64::from(v);
                sum += x;
                squares += x * x;
                n += 1;
                peak = peak.max(v.abs());
            }
            let i = cell_row * self.size[1] + cell_col;
            self.sums[i] += sum;
            self.finite[i] += n;
            self.peaks[i] = self.peaks[i].max(peak);
            self.squares[cell_row] += squares;
            self.at += take as u64;
            rest = after;
        }
    }

    fn finish(self) -> (Cells, Cells, Vec<f32>) {
        let means: Vec<f32> = self.sums.iter().zip(&self.finite).map(|(s, &n)| if n > 0 { (s / n as f64) as f32 } else { 0.0 }).collect();
        let cells = |values: Vec<f32>| Cells { rows: self.size[0] as u32, cols: self.size[1] as u32, values: values.into() };
        let norms = self.squares.iter().map(|s| s.sqrt() as f32).collect();
        (cells(means), cells(self.peaks), norms)
    }
}

/// Cell that holds index `i` of `n`, of `cells` cells whose sizes differ by one at most.
fn cell(i: u64, n: u64, cells: usize) -> usize {
    // Products of a length and 128 could pass 64 bits only for tensors that no machine holds; 128 bits cost nothing here.
    (u128::from(i) * cells as u128 / u128::from(n)) as usize
}

/// First index that belongs to cell `c`.
fn first_of(c: usize, n: u64, cells: usize) -> u64 {
    (c as u128 * u128::from(n)).div_ceil(cells as u128) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_cover_every_index_once() {
        for (n, cells) in [(1u64, 1), (7, 3), (64, 64), (130, 128), (1000, 128)] {
            for i in 0..n {
                let c = cell(i, n, cells);
                assert!(first_of(c, n, cells) <= i && i < first_of(c + 1, n, cells), "{i} of {n} in {cells}");
            }
        }
    }
}
