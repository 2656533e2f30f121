//! One tensor of each checkpoint, compared in pieces: never more than two pieces are in memory.

use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::{MatrixRef, TensorEntry};
use espalier_tensor::linalg::low_rank_product;

use crate::method::MethodError;
use crate::report::{Difference, TensorDiff};

/// Elements compared at a time.
pub const PIECE: u64 = 1 << 20;

/// Running sums over the elements of a pair.
#[derive(Default)]
pub struct Sums {
    /// Σ a², over finite pairs.
    norm: f64,
    /// Σ (a − b)².
    change: f64,
    largest: f64,
    differing: f64,
    gained: f64,
    lost: f64,
    not_finite: f64,
}

impl Sums {
    /// Takes elements of both, in the same order.
    pub fn add(&mut self, a: &[f32], b: &[f32]) {
        for (&a, &b) in a.iter().zip(b) {
            self.differing += f64::from(u8::from(a != b && !(a.is_nan() && b.is_nan())));
            self.gained += f64::from(u8::from(a != 0.0 && b == 0.0));
            self.lost += f64::from(u8::from(a == 0.0 && b != 0.0));
            if a.is_finite() && b.is_finite() {
                let (a, d) = (f64::from(a), f64::from(a) - f64::from(b));
                self.norm += a * a;
                self.change += d * d;
                self.largest = self.largest.max(d.abs());
            } else {
                self.not_finite += 1.0;
            }
        }
    }

    /// Writes what was found into a row.
    pub fn into_row(self, row: &mut TensorDiff) {
        row.relative = match (self.norm, self.change) {
            (_, 0.0) => Some(0.0),
            (0.0, _) => None,
            (norm, change) => Some((change / norm).sqrt()),
        };
        row.largest = self.largest;
        row.differing = self.differing;
        row.zeros_gained = self.gained;
        row.zeros_lost = self.lost;
        row.not_finite = self.not_finite;
        row.state = if self.differing > 0.0 { Difference::Changed } else { Difference::Same };
    }
}

/// A row that says only what the headers say.
pub fn row(name: &str, a: Option<&TensorEntry>, b: Option<&TensorEntry>) -> TensorDiff {
    let shape = |t: Option<&TensorEntry>| t.map(|t| t.shape.iter().map(|&d| d as f64).collect()).unwrap_or_default();
    let dtype = |t: Option<&TensorEntry>| t.map(|t| t.dtype.name().to_owned()).unwrap_or_default();
    let state = match (a, b) {
        (Some(_), None) => Difference::OnlyFirst,
        (None, _) => Difference::OnlySecond,
        (Some(a), Some(b)) if a.shape != b.shape => Difference::Shape,
        (Some(a), Some(b)) if !a.dtype.is_readable() || !b.dtype.is_readable() => Difference::NotDecoded,
        _ => Difference::Same,
    };
    TensorDiff {
        tensor: name.into(),
        state,
        shapes: [shape(a), shape(b)],
        dtypes: [dtype(a), dtype(b)],
        elements: a.or(b).map_or(0.0, |t| t.elements() as f64),
        relative: None,
        largest: 0.0,
        differing: 0.0,
        zeros_gained: 0.0,
        zeros_lost: 0.0,
        not_finite: 0.0,
    }
}

/// A matrix of the first checkpoint against the product of the two factors that stand in its place in the second.
///
/// # Errors
/// Those of the checkpoints.
pub async fn factored(a: &Checkpoint, matrix: &MatrixRef, b: &Checkpoint, factors: &[MatrixRef; 2], row: &mut TensorDiff) -> Result<(), MethodError> {
    let (u, v) = (b.read_matrix(&factors[0]).await?, b.read_matrix(&factors[1]).await?);
    let product = low_rank_product(u.view(), v.view());
    drop((u, v));
    let whole = a.read_matrix(matrix).await?;
    let mut sums = Sums::default();
    sums.add(whole.as_standard_layout().as_slice().unwrap_or_default(), product.as_standard_layout().as_slice().unwrap_or_default());
    sums.into_row(row);
    row.state = Difference::Factored;
    Ok(())
}
