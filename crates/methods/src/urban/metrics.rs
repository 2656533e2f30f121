//! Scores of predictions and of clusters (specification urban-align §A5).

use serde::{Deserialize, Serialize};

/// Scores of a classification. Macro means are over the labels that occur in truth or prediction, and what is undefined counts 0, as scikit-learn has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    /// Share of right answers.
    pub accuracy: f64,
    /// Mean over labels of right / predicted.
    pub precision: f64,
    /// Mean over labels of right / true.
    pub recall: f64,
    /// Mean over labels of the harmonic mean of both.
    pub f1: f64,
}

/// Scores of predicted labels. All 0 without a row.
pub fn classified(truth: &[u32], predicted: &[u32]) -> Classified {
    assert_eq!(truth.len(), predicted.len(), "one prediction a truth");
    let labels = truth.iter().chain(predicted).map(|l| *l as usize + 1).max().unwrap_or(0);
    let (mut right, mut true_count, mut predicted_count) = (vec![0u32; labels], vec![0u32; labels], vec![0u32; labels]);
    for (&t, &p) in truth.iter().zip(predicted) {
        true_count[t as usize] += 1;
        predicted_count[p as usize] += 1;
        right[t as usize] += u32::from(t == p);
    }
    let share = |a: u32, b: u32| if b == 0 { 0.0 } else { f64::from(a) / f64::from(b) };
    let (mut sums, mut present) = (Classified::default(), 0.0);
    for l in (0..labels).filter(|&l| true_count[l] + predicted_count[l] > 0) {
        let (p, r) = (share(right[l], predicted_count[l]), share(right[l], true_count[l]));
        present += 1.0;
        sums.precision += p;
        sums.recall += r;
        sums.f1 += if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 };
    }
    if present == 0.0 {
        return sums;
    }
    let hits: u32 = right.iter().sum();
    Classified { accuracy: f64::from(hits) / truth.len() as f64, precision: sums.precision / present, recall: sums.recall / present, f1: sums.f1 / present }
}

/// Distances between a predicted and a true distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distances {
    /// Σ|p − t|.
    pub l1: f64,
    /// max|p − t|.
    pub chebyshev: f64,
    /// Σ t (ln t − ln p), in nats; 0 ln 0 = 0.
    pub kl: f64,
    /// Cosine of the angle between the two.
    pub cosine: f64,
}

/// Distances of one row.
pub fn distances(predicted: &[f64], truth: &[f64]) -> Distances {
    let pairs = || predicted.iter().zip(truth).map(|(p, t)| (*p, *t));
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    // As PyTorch: each norm is at least 1e-8.
    let cosine = pairs().map(|(p, t)| p * t).sum::<f64>() / (norm(predicted).max(1e-8) * norm(truth).max(1e-8));
    Distances {
        l1: pairs().map(|(p, t)| (p - t).abs()).sum(),
        chebyshev: pairs().map(|(p, t)| (p - t).abs()).fold(0.0, f64::max),
        kl: pairs().filter(|(_, t)| *t > 0.0).map(|(p, t)| t * (t.ln() - p.ln())).sum(),
        cosine,
    }
}

/// Means of rows' distances; all 0 without a row.
pub fn mean_distances(rows: &[Distances]) -> Distances {
    let n = rows.len().max(1) as f64;
    let mean = |f: fn(&Distances) -> f64| rows.iter().map(f).sum::<f64>() / n;
    Distances { l1: mean(|d| d.l1), chebyshev: mean(|d| d.chebyshev), kl: mean(|d| d.kl), cosine: mean(|d| d.cosine) }
}

/// How embeddings are scaled before they are clustered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// As they are.
    None,
    /// Rows of length 1.
    Unit,
    /// Columns of mean 0 and (population) deviation 1, plus 1e-8.
    Zscore,
    /// Columns from 0 to 1, plus 1e-8.
    Minmax,
}

/// Scaled rows of `width`.
pub fn scaled(rows: &[f64], width: usize, scaling: Scaling) -> Vec<f64> {
    let mut out = rows.to_vec();
    let n = (rows.len() / width.max(1)) as f64;
    let columns = |of: &dyn Fn(usize) -> (f64, f64), out: &mut Vec<f64>| {
        let parts: Vec<(f64, f64)> = (0..width).map(of).collect();
        out.chunks_mut(width).for_each(|row| row.iter_mut().zip(&parts).for_each(|(x, (shift, span))| *x = (*x - shift) / (span + 1e-8)));
    };
    let column = |c: usize| rows.iter().skip(c).step_by(width).copied();
    match scaling {
        Scaling::None => {}
        Scaling::Unit => out.chunks_mut(width.max(1)).for_each(|row| {
            let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            if norm > 0.0 {
                row.iter_mut().for_each(|x| *x /= norm);
            }
        }),
        Scaling::Zscore => columns(
            &|c| {
                let mean = column(c).sum::<f64>() / n;
                (mean, (column(c).map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
            },
            &mut out,
        ),
        Scaling::Minmax => columns(
            &|c| {
                let low = column(c).fold(f64::INFINITY, f64::min);
                (low, column(c).fold(f64::NEG_INFINITY, f64::max) - low)
            },
            &mut out,
        ),
    }
    out
}

/// Sum of squared distances of rows to the means of their clusters.
pub fn within_clusters(rows: &[f64], width: usize, labels: &[u32]) -> f64 {
    let clusters = labels.iter().map(|l| *l as usize + 1).max().unwrap_or(0);
    let (mut means, mut counts) = (vec![0.0; clusters * width], vec![0.0; clusters]);
    for (row, &l) in rows.chunks(width.max(1)).zip(labels) {
        counts[l as usize] += 1.0;
        row.iter().zip(&mut means[l as usize * width..]).for_each(|(x, m)| *m += x);
    }
    let mean = |l: u32, c: usize| means[l as usize * width + c] / counts[l as usize];
    rows.chunks(width.max(1)).zip(labels).map(|(row, &l)| row.iter().enumerate().map(|(c, x)| (x - mean(l, c)).powi(2)).sum::<f64>()).sum()
}

/// Mean silhouette of rows under cosine or Euclidean distance (Rousseeuw 1987): (b − a) / max(a, b) with a the mean distance to the own cluster's others and b that
/// to the nearest other cluster; 0 for a row alone in its cluster.
pub fn silhouette(rows: &[f64], width: usize, labels: &[u32], cosine: bool) -> f64 {
    let n = labels.len();
    let clusters = labels.iter().map(|l| *l as usize + 1).max().unwrap_or(0);
    let mut counts = vec![0.0; clusters];
    labels.iter().for_each(|&l| counts[l as usize] += 1.0);
    let unit = if cosine { scaled(rows, width, Scaling::Unit) } else { rows.to_vec() };
    let row = |i: usize| &unit[i * width..(i + 1) * width];
    let distance = |i: usize, j: usize| {
        let pairs = row(i).iter().zip(row(j));
        if cosine { 1.0 - pairs.map(|(a, b)| a * b).sum::<f64>() } else { pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt() }
    };
    let mut total = 0.0;
    for i in 0..n {
        let mut sums = vec![0.0; clusters];
        (0..n).filter(|&j| j != i).for_each(|j| sums[labels[j] as usize] += distance(i, j));
        let own = labels[i] as usize;
        if counts[own] <= 1.0 {
            continue;
        }
        let a = sums[own] / (counts[own] - 1.0);
        let others = (0..clusters).filter(|&l| l != own && counts[l] > 0.0).map(|l| sums[l] / counts[l]);
        let b = others.fold(f64::INFINITY, f64::min);
        if a.max(b) > 0.0 && b.is_finite() {
            total += (b - a) / a.max(b);
        }
    }
    total / n.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_nothing_are_zero() {
        assert_eq!(classified(&[], &[]), Classified::default());
        assert_eq!(mean_distances(&[]), Distances::default());
    }

    #[test]
    fn equal_distributions_are_no_distance_apart() {
        let d = distances(&[0.5, 0.5, 0.0], &[0.5, 0.5, 0.0]);
        assert_eq!((d.l1, d.chebyshev, d.kl), (0.0, 0.0, 0.0));
        assert!((d.cosine - 1.0).abs() < 1e-15);
    }
}
