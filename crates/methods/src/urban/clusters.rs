//! Clusters of embeddings: k-means with spread-out first centres (Arthur and Vassilvitskii 2007), fitted on a sample and told of all rows.

use espalier_tensor::random::Stream;

/// Rows that the centres are fitted on.
const SAMPLE: usize = 3000;
/// Most turns.
const TURNS: usize = 40;

/// The cluster of each row of `width`, 0 … k − 1, largest cluster first. Fewer clusters where fewer rows differ.
pub fn clusters(rows: &[f32], width: usize, k: usize, seed: u64) -> Vec<u32> {
    let n = rows.len() / width.max(1);
    if n == 0 || k == 0 {
        return vec![0; n];
    }
    let sample: Vec<&[f32]> = rows.chunks(width).step_by(n.div_ceil(SAMPLE)).collect();
    let mut centres = first(&sample, k, seed);
    for _ in 0..TURNS {
        let mut sums = vec![vec![0.0_f64; width]; centres.len()];
        let mut counts = vec![0_u32; centres.len()];
        for row in &sample {
            let c = nearest(row, &centres);
            counts[c] += 1;
            sums[c].iter_mut().zip(*row).for_each(|(s, x)| *s += f64::from(*x));
        }
        let mut moved = 0.0_f32;
        for (centre, (sum, count)) in centres.iter_mut().zip(sums.iter().zip(&counts)).filter(|(_, (_, c))| **c > 0) {
            for (c, s) in centre.iter_mut().zip(sum) {
                let to = (s / f64::from(*count)) as f32;
                moved = moved.max((to - *c).abs());
                *c = to;
            }
        }
        if moved < 1e-5 {
            break;
        }
    }
    let found: Vec<usize> = rows.chunks(width).map(|r| nearest(r, &centres)).collect();
    let mut sizes: Vec<(usize, usize)> = (0..centres.len()).map(|c| (found.iter().filter(|f| **f == c).count(), c)).collect();
    sizes.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut rank = vec![0; centres.len()];
    sizes.iter().enumerate().for_each(|(place, (_, c))| rank[*c] = place as u32);
    found.into_iter().map(|c| rank[c]).collect()
}

/// Each next centre is a row drawn with the square of its distance to the nearest centre so far.
fn first(sample: &[&[f32]], k: usize, seed: u64) -> Vec<Vec<f32>> {
    let stream = Stream::new(seed, 0x00c1_0575);
    let mut centres = vec![sample[stream.below(0, sample.len() as u32) as usize].to_vec()];
    let mut far: Vec<f64> = vec![f64::INFINITY; sample.len()];
    while centres.len() < k {
        let last = &centres[centres.len() - 1];
        sample.iter().zip(&mut far).for_each(|(row, far)| *far = far.min(f64::from(distance(row, last))));
        let sum: f64 = far.iter().sum();
        if sum <= 0.0 {
            break;
        }
        let mut rest = f64::from(stream.uniform(centres.len() as u32)) * sum;
        let chosen = far.iter().position(|d| {
            rest -= d;
            rest < 0.0
        });
        centres.push(sample[chosen.unwrap_or(sample.len() - 1)].to_vec());
    }
    centres
}

fn nearest(row: &[f32], centres: &[Vec<f32>]) -> usize {
    let mut best = (f32::INFINITY, 0);
    for (i, c) in centres.iter().enumerate() {
        let d = distance(row, c);
        if d < best.0 {
            best = (d, i);
        }
    }
    best.1
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heaps_are_found_and_the_largest_is_the_first() {
        let stream = Stream::new(4, 4);
        let heaps = [[0.0, 0.0], [5.0, 0.0], [0.0, 7.0]];
        let of = |i: usize| if i % 6 == 0 { 2 } else if i % 2 == 0 { 1 } else { 0 };
        let rows: Vec<f32> = (0..600).flat_map(|i| [0, 1].map(|k| heaps[of(i)][k] + stream.normal((2 * i + k) as u32) * 0.3)).collect();
        let found = clusters(&rows, 2, 3, 1);
        assert!((0..600).all(|i| found[i] == of(i) as u32));
        // As many as there are different rows.
        assert_eq!(clusters(&[1.0, 1.0, 1.0], 1, 4, 1), [0, 0, 0]);
        assert!(clusters(&[], 3, 4, 1).is_empty());
    }
}
