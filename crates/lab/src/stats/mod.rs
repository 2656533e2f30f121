//! Statistics of one tensor: two passes over its values by pieces, so that a tensor of any size takes bounded memory.

mod detail;
mod moments;
mod select;

use espalier_methods::method::{MethodError, Sink};
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::{Layout, TensorEntry};

use crate::protocol::TensorStats;
use detail::Detail;
use moments::Moments;

pub use detail::{BINS, CELLS, QUANTILES};

/// Elements between two breaths: a few milliseconds of counting.
const PIECE: u64 = 1 << 18;
/// Up to so many elements the decoded values are kept between the passes; larger tensors are read twice.
const KEEP: u64 = 1 << 24;

/// Rows and columns of the picture: the matrix as it lies in the file, convolutions as `[out, in·kh·kw]`, fused experts one under the
/// other, a vector as one row.
pub fn view(entry: &TensorEntry) -> [u64; 2] {
    let elements = entry.elements();
    let rows = match (entry.layout, &entry.shape[..]) {
        (_, [] | [_]) => 1,
        (Layout::Experts | Layout::ExpertsInOut, [e, rows, _]) => e * rows,
        (_, [rows, ..]) => *rows,
    };
    [rows, elements.checked_div(rows).unwrap_or(0)]
}

/// Statistics of tensor `index`. `now` gives milliseconds; `sink` is breathed at.
///
/// # Errors
/// What reading says, and [`MethodError::Cancelled`].
pub async fn stats(checkpoint: &Checkpoint, index: usize, now: impl Fn() -> f64, sink: &dyn Sink) -> Result<TensorStats, MethodError> {
    let entry = checkpoint.entry(index)?;
    let n = entry.elements();
    let mut reading = 0.0;
    let started = now();
    let mut kept: Vec<f32> = Vec::with_capacity(if n <= KEEP { n as usize } else { 0 });
    let mut first = Moments::default();
    for part in pieces(n) {
        let before = now();
        let values = checkpoint.read_part(index, part).await?;
        reading += now() - before;
        first.add(&values);
        if n <= KEEP {
            kept.extend_from_slice(&values);
        }
        sink.breathe().await?;
    }
    let [rows, cols] = view(entry);
    let mut detail = Detail::new(&first, rows, cols);
    for part in pieces(n) {
        if n <= KEEP {
            detail.add(&kept[part.start as usize..part.end as usize]);
        } else {
            let before = now();
            let values = checkpoint.read_part(index, part).await?;
            reading += now() - before;
            detail.add(&values);
        }
        sink.breathe().await?;
    }
    let passes = if n <= KEEP { 1 } else { 2 };
    let finite = first.finite() as f64;
    let (std, quantiles, fourth, bins, outliers) = (first.std(), detail.quantiles(), detail.fourth, detail.bins, detail.outliers);
    let counts = std::mem::take(&mut detail.counts);
    let (cells, peaks, row_norms) = detail.picture();
    let or_zero = |x: f32| if finite > 0.0 { f64::from(x) } else { 0.0 };
    Ok(TensorStats {
        tensor: u32::try_from(index).unwrap_or(u32::MAX),
        elements: n as f64,
        zeros: first.zeros as f64,
        nan: first.nan as f64,
        infinite: first.infinite as f64,
        min: or_zero(first.min),
        max: or_zero(first.max),
        mean: first.mean,
        std,
        kurtosis: if std > 0.0 { fourth / finite / std.powi(4) } else { 0.0 },
        frobenius: first.squares.sqrt(),
        outliers: outliers as f64,
        quantiles: quantiles.into(),
        bins,
        counts: counts.into(),
        cells,
        peaks,
        row_norms: row_norms.into(),
        millis: [reading, (now() - started - reading).max(0.0)],
        read: (entry.bytes() * passes) as f64,
    })
}

fn pieces(n: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    (0..n.div_ceil(PIECE)).map(move |i| i * PIECE..((i + 1) * PIECE).min(n))
}
