//! Wanda's metric and its masks (Sun et al. 2023, arXiv 2306.11695; specification prune §4).

use espalier_tensor::Session;
use ndarray::Array2;

use super::options::{Group, Pattern};
use crate::magnitude::{Selection, mask, take};
use crate::method::MethodError;

/// |W|·√s, in single precision as the published code has it. W is `[out, in]`, s has one element a column.
pub fn metric(weights: &Array2<f32>, scaler: &[f32]) -> Array2<f32> {
    let mut out = weights.mapv(f32::abs);
    let roots: Vec<f32> = scaler.iter().map(|s| s.sqrt()).collect();
    for mut row in out.rows_mut() {
        row.iter_mut().zip(&roots).for_each(|(w, r)| *w *= r);
    }
    out
}

/// The mask of a metric (not negative): by rows exactly int(columns · S) each, by the layer all up to and with the value at place int(elements · S), or
/// n of every m. Equal ones go by the lower column.
///
/// # Errors
/// Those of the device.
pub async fn masked(session: &Session, metric: &Array2<f32>, group: Group, pattern: Pattern, sparsity: f64) -> Result<Vec<u32>, MethodError> {
    let (rows, columns) = metric.dim();
    let selection = match (pattern, group) {
        (Pattern::Groups { n, m }, _) => Selection::Groups { n, m, rest: true },
        (Pattern::Unstructured, Group::Row) => Selection::Rows(take(columns as u64, sparsity)),
        (Pattern::Unstructured, Group::Layer) if sparsity <= 0.0 => Selection::Smallest(0),
        (Pattern::Unstructured, Group::Layer) => Selection::UpTo(take((rows * columns) as u64, sparsity)),
    };
    mask(session, metric, selection).await
}

/// Removes one more weight of some rows, so that int(elements · S) are gone in all: of the rows whose next weight has the smallest metric (equal ones: the
/// upper row). Truncation by rows undershoots the target, by up to one weight a row.
pub fn spread_remainder(metric: &Array2<f32>, mask: &mut [u32], sparsity: f64) {
    let (rows, columns) = metric.dim();
    let have = mask.iter().filter(|m| **m != 0).count();
    let wanted = usize::try_from(take((rows * columns) as u64, sparsity)).unwrap_or(usize::MAX);
    let mut next: Vec<(f32, usize, usize)> = Vec::with_capacity(rows);
    for (r, row) in metric.rows().into_iter().enumerate() {
        let left = row.iter().enumerate().filter(|(c, _)| mask[r * columns + c] == 0);
        if let Some((c, v)) = left.min_by(|a, b| a.1.total_cmp(b.1).then(a.0.cmp(&b.0))) {
            next.push((*v, r, c));
        }
    }
    next.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (_, r, c) in next.into_iter().take(wanted.saturating_sub(have)) {
        mask[r * columns + c] = 1;
    }
}

/// Wanda's variant: of each row all up to the value where the sorted metric's running sum passes a share α of its total, with one α for
/// the matrix, bisected until the sparsity is within 0.001. A row whose smallest value already passes loses nothing (the published code fails there). Gives the
/// mask and α.
pub fn variant(metric: &Array2<f32>, sparsity: f64) -> (Vec<u32>, f64) {
    let columns = metric.ncols();
    let rows: Vec<Row> = metric.rows().into_iter().map(|r| Row::new(r.iter().copied().collect())).collect();
    let at = |alpha: f64| -> (Vec<f32>, f32) {
        let cuts: Vec<f32> = rows.iter().map(|r| r.cut(alpha)).collect();
        let gone: usize = rows.iter().zip(&cuts).map(|(r, c)| r.sorted.partition_point(|v| v <= c)).sum();
        (cuts, gone as f32 / (rows.len() * columns).max(1) as f32)
    };
    #[expect(clippy::cast_possible_truncation, reason = "the published comparison is in single precision")]
    let wanted = sparsity as f32;
    let (mut alpha, mut low, mut high) = (0.4, 0.0, 0.8);
    let (mut cuts, mut now) = at(alpha);
    while (now - wanted).abs() > 0.001 && high - low >= 0.001 {
        let middle = if now > wanted {
            high = alpha;
            (alpha + low) / 2.0
        } else {
            low = alpha;
            (alpha + high) / 2.0
        };
        alpha = middle;
        (cuts, now) = at(alpha);
    }
    let mask = metric.rows().into_iter().zip(&cuts).flat_map(|(row, cut)| row.iter().map(|v| u32::from(v <= cut)).collect::<Vec<_>>()).collect();
    (mask, alpha)
}

struct Row {
    sorted: Vec<f32>,
    sums: Vec<f32>,
    total: f32,
}

impl Row {
    #[expect(clippy::cast_possible_truncation, reason = "the published sums are single precision")]
    fn new(mut values: Vec<f32>) -> Self {
        let total = values.iter().map(|v| f64::from(*v)).sum::<f64>() as f32;
        values.sort_by(f32::total_cmp);
        let mut sum = 0.0_f64;
        let sums = values.iter().map(|v| {
            sum += f64::from(*v);
            sum as f32
        });
        Self { sums: sums.collect(), sorted: values, total }
    }

    /// The value up to which the row is removed; below all of them where nothing is.
    #[expect(clippy::cast_possible_truncation, reason = "as above")]
    fn cut(&self, alpha: f64) -> f32 {
        let limit = self.total * alpha as f32;
        match self.sums.partition_point(|s| *s <= limit) {
            0 => -1.0,
            k => self.sorted[k - 1],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_share_the_remainder_by_what_costs_least() {
        let metric = Array2::from_shape_vec((2, 3), vec![1.0, 5.0, 9.0, 1.0, 2.0, 9.0]).unwrap();
        let mut mask = vec![1, 0, 0, 1, 0, 0];
        spread_remainder(&metric, &mut mask, 0.5);
        assert_eq!(mask, [1, 0, 0, 1, 1, 0]);
    }

    #[test]
    fn the_variant_comes_near_and_spares_rows_of_one_large_value() {
        let metric = Array2::from_shape_fn((8, 64), |(r, c)| 1.0 + ((r * 7 + c * 13) % 64) as f32);
        let (mask, alpha) = variant(&metric, 0.5);
        let share = mask.iter().filter(|m| **m != 0).count() as f64 / 512.0;
        assert!((share - 0.5).abs() < 0.02 && alpha > 0.0, "{share} {alpha}");
        let one = Array2::from_elem((1, 1), 3.0_f32);
        assert_eq!(variant(&one, 0.5).0, [0]);
    }
}
