//! What an embedding has to beat: rows for any places, made without training (specification urban-align §A9, and the two controls of pilots §C).

use super::city::City;
use super::near::Near;
use super::regions::{Weighting, tf_idf};

/// A baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// The coordinates, brought to mean 0 and deviation 1.
    Coordinates,
    /// TF-IDF (gensim's weighting) of the categories among the nearest points.
    TfIdf,
    /// Mean one-hot category of the nearest points.
    NearestCategories,
    /// Mean text embedding of the nearest points.
    NearestTexts,
}

impl Baseline {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Coordinates, Self::TfIdf, Self::NearestCategories, Self::NearestTexts];

    /// Its name for a table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Coordinates => "raw coordinates",
            Self::TfIdf => "TF-IDF of the neighbourhood",
            Self::NearestCategories => "mean one-hot of the nearest",
            Self::NearestTexts => "mean text of the nearest",
        }
    }

    /// One row a place, and its width. `k` nearest points of the city count, by `near` over them.
    pub fn rows(self, city: &City, near: &Near<'_>, places: &[[f64; 2]], k: usize) -> (usize, Vec<f32>) {
        if self == Self::Coordinates {
            return (2, standardised(places));
        }
        let near: Vec<Vec<u32>> = places.iter().map(|p| near.nearest(*p, k)).collect();
        let width = if self == Self::NearestTexts { city.text_width } else { city.texts.len() };
        let mut out = Vec::with_capacity(places.len() * width);
        for points in &near {
            let mut row = vec![0.0_f64; width];
            for &i in points {
                let text = city.text_of[i as usize] as usize;
                if self == Self::NearestTexts {
                    row.iter_mut().zip(&city.embeddings[text * width..]).for_each(|(r, e)| *r += f64::from(*e));
                } else {
                    row[text] += 1.0;
                }
            }
            if self != Self::TfIdf {
                row.iter_mut().for_each(|x| *x /= points.len().max(1) as f64);
            }
            out.extend(row);
        }
        let out = if self == Self::TfIdf { tf_idf(&out, width, Weighting::Plain) } else { out };
        (width, out.into_iter().map(|x| x as f32).collect())
    }
}

/// Columns of mean 0 and deviation 1.
fn standardised(places: &[[f64; 2]]) -> Vec<f32> {
    let n = places.len().max(1) as f64;
    let parts = [0, 1].map(|axis| {
        let mean = places.iter().map(|p| p[axis]).sum::<f64>() / n;
        let deviation = (places.iter().map(|p| (p[axis] - mean).powi(2)).sum::<f64>() / n).sqrt();
        (mean, if deviation > 0.0 { deviation } else { 1.0 })
    });
    places.iter().flat_map(|p| [0, 1].map(|axis| ((p[axis] - parts[axis].0) / parts[axis].1) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_made_of_the_nearest() {
        let points = [[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, -1.0], [9.0, 9.0]];
        let near = Near::new(&points);
        let texts = ["a", "b", "a", "b", "c"].map(str::to_owned);
        let city = City::new(points.to_vec(), &texts, 2, |t| Ok(t.iter().flat_map(|t| [t.len() as f32, 0.5]).collect())).unwrap();
        let (width, rows) = Baseline::NearestCategories.rows(&city, &near, &[[0.0, 0.0]], 3);
        assert_eq!((width, rows), (3, vec![2.0 / 3.0, 1.0 / 3.0, 0.0]));
        let (width, rows) = Baseline::NearestTexts.rows(&city, &near, &[[0.0, 0.0], [1.0, 1.0]], 2);
        assert_eq!((width, rows), (2, vec![1.0, 0.5, 1.0, 0.5]));
        assert_eq!(Baseline::Coordinates.rows(&city, &near, &[[1.0, 5.0], [3.0, 5.0]], 2).1, [-1.0, 0.0, 1.0, 0.0]);
    }
}
