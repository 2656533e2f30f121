//! Regions from what lies in them: class proportions, counts of categories and their weightings, means of embeddings.

/// A long table (region, class, count) to one row of shares a region, regions in ascending order of code, classes likewise; `drop` is a class that does not
/// count. A region without any count gets zeros. Gives the regions and `[regions, classes]`.
pub fn proportions(rows: &[(i64, i64, f64)], drop: Option<i64>) -> (Vec<i64>, Vec<f64>) {
    let kept = || rows.iter().filter(|(_, class, _)| Some(*class) != drop);
    let sorted = |mut v: Vec<i64>| {
        v.sort_unstable();
        v.dedup();
        v
    };
    let regions = sorted(rows.iter().map(|r| r.0).collect());
    let classes = sorted(kept().map(|r| r.1).collect());
    let mut table = vec![0.0; regions.len() * classes.len()];
    for (region, class, count) in kept() {
        if let (Ok(r), Ok(c)) = (regions.binary_search(region), classes.binary_search(class)) {
            table[r * classes.len() + c] += count;
        }
    }
    for row in table.chunks_mut(classes.len().max(1)) {
        let sum: f64 = row.iter().sum();
        if sum > 0.0 {
            row.iter_mut().for_each(|x| *x /= sum);
        }
    }
    (regions, table)
}

/// How often each category occurs in each region: `[regions, categories]`. `None`: in no region.
pub fn counts(points: impl Iterator<Item = (Option<usize>, usize)>, regions: usize, categories: usize) -> Vec<f64> {
    let mut table = vec![0.0; regions * categories];
    for (region, category) in points {
        if let Some(r) = region {
            table[r * categories + category] += 1.0;
        }
    }
    table
}

/// How rare categories weigh more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighting {
    /// tf · log₂(N / df), gensim's default.
    Plain,
    /// tf · (ln((1 + N) / (1 + df)) + 1), scikit-learn's.
    Smooth,
}

/// TF-IDF of counts `[regions, categories]`, rows of length 1. An empty region stays a row of zeros.
pub fn tf_idf(counts: &[f64], categories: usize, weighting: Weighting) -> Vec<f64> {
    let width = categories.max(1);
    let n = (counts.len() / width) as f64;
    let factor = |c: usize| {
        let df = counts.iter().skip(c).step_by(width).filter(|x| **x > 0.0).count() as f64;
        match weighting {
            Weighting::Plain if df == 0.0 => 0.0,
            Weighting::Plain => (n / df).log2(),
            Weighting::Smooth => ((1.0 + n) / (1.0 + df)).ln() + 1.0,
        }
    };
    let factors: Vec<f64> = (0..categories).map(factor).collect();
    let mut out = counts.to_vec();
    for row in out.chunks_mut(width) {
        row.iter_mut().zip(&factors).for_each(|(x, f)| *x *= f);
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm > 0.0 {
            row.iter_mut().for_each(|x| *x /= norm);
        }
    }
    out
}

/// Mean of the embeddings `[points, width]` of the points of each region; zeros where there are none.
pub fn means(embeddings: &[f64], width: usize, region_of: &[Option<usize>], regions: usize) -> Vec<f64> {
    let (mut sums, mut n) = (vec![0.0; regions * width], vec![0.0; regions]);
    for (row, region) in embeddings.chunks(width.max(1)).zip(region_of) {
        let Some(r) = *region else { continue };
        n[r] += 1.0;
        row.iter().zip(&mut sums[r * width..]).for_each(|(x, s)| *s += x);
    }
    sums.chunks_mut(width.max(1)).zip(n).filter(|(_, n)| *n > 0.0).for_each(|(row, n)| row.iter_mut().for_each(|x| *x /= n));
    sums
}
