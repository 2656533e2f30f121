//! Which places are like a place, or like what somebody writes.

use super::ngrams;
use super::town::TEXT_WIDTH;

/// Cosines of all rows (of length 1) with one direction, which need not have length 1.
pub fn cosines(rows: &[f32], direction: &[f32]) -> Vec<f32> {
    let length = direction.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
    rows.chunks(direction.len().max(1)).map(|row| row.iter().zip(direction).map(|(a, b)| a * b).sum::<f32>() / length).collect()
}

/// Where a text lies among the places: its embedding through the trained projection `[text width + 1, width]`, whose last row is added. `None` where the projection has another
/// text width.
pub fn direction(text: &str, projection: &[f32], width: usize) -> Option<Vec<f32>> {
    if width == 0 || projection.len() != (TEXT_WIDTH + 1) * width {
        return None;
    }
    let embedded = ngrams::embed(&[text.to_owned()], TEXT_WIDTH);
    let mut out = projection[TEXT_WIDTH * width..].to_vec();
    for (x, row) in embedded.iter().zip(projection.chunks(width)).filter(|(x, _)| **x != 0.0) {
        out.iter_mut().zip(row).for_each(|(o, w)| *o += x * w);
    }
    Some(out)
}

/// Indices of the `k` largest values, larger ones first, equal ones by their index; NaN is left out.
pub fn largest(values: &[f32], k: usize) -> Vec<u32> {
    let mut all: Vec<u32> = (0..values.len() as u32).filter(|i| !values[*i as usize].is_nan()).collect();
    let order = |a: &u32, b: &u32| values[*b as usize].total_cmp(&values[*a as usize]).then(a.cmp(b));
    if k < all.len() {
        all.select_nth_unstable_by(k, order);
        all.truncate(k);
    }
    all.sort_unstable_by(order);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first() {
        assert_eq!(largest(&[0.1, 0.9, f32::NAN, 0.9, -1.0], 3), [1, 3, 0]);
        assert_eq!(largest(&[1.0], 5), [0]);
        assert_eq!(cosines(&[1.0, 0.0, 0.0, 1.0], &[0.0, 2.0]), [0.0, 1.0]);
    }

    #[test]
    fn a_text_goes_through_the_projection() {
        let mut projection = vec![0.0; (TEXT_WIDTH + 1) * 2];
        projection[TEXT_WIDTH * 2] = 3.0;
        assert_eq!(direction("bakery", &projection, 2), Some(vec![3.0, 0.0]));
        projection.iter_mut().for_each(|x| *x = 1.0);
        let sum: f32 = ngrams::embed(&["bakery".into()], TEXT_WIDTH).iter().sum();
        let found = direction("bakery", &projection, 2).expect("the width fits");
        assert!((found[0] - sum - 1.0).abs() < 1e-5 && found[0] == found[1]);
        assert_eq!(direction("bakery", &[1.0; 4], 2), None);
    }
}
