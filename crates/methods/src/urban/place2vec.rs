//! Vectors of categories from what stands beside them: the cheap equivalent of Place2Vec (Yan et al. 2017) that the specification names (urban-align §A9):
//! distance-decayed co-occurrence, positive pointwise mutual information, truncated singular value decomposition.

use espalier_tensor::linalg::Factors;
use ndarray::Array2;

use super::city::City;
use super::near::Near;

/// Numbers a vector.
pub const WIDTH: usize = 48;
/// Neighbours of a point that count.
const NEIGHBOURS: usize = 20;
/// Distance over which a neighbour's weight falls to 1/e, in metres.
const DECAY: f64 = 150.0;
/// With more distinct texts than this the matrix is too large to be decomposed here.
pub const MOST: usize = 1000;

/// One row of [`WIDTH`] a distinct text (fewer where there are fewer texts). `None` for more than [`MOST`] texts, or where the decomposition fails.
pub fn vectors(city: &City) -> Option<Vec<f64>> {
    let n = city.texts.len();
    if n > MOST {
        return None;
    }
    let near = Near::new(&city.points);
    let mut together = vec![0.0; n * n];
    for (i, p) in city.points.iter().enumerate() {
        let own = city.text_of[i] as usize;
        for j in near.nearest(*p, NEIGHBOURS + 1) {
            if j as usize != i {
                let q = city.points[j as usize];
                let far = ((p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2)).sqrt();
                let other = city.text_of[j as usize] as usize;
                let weight = (-far / DECAY).exp();
                together[own * n + other] += weight;
                together[other * n + own] += weight;
            }
        }
    }
    let sums: Vec<f64> = together.chunks(n).map(|r| r.iter().sum()).collect();
    let all: f64 = sums.iter().sum();
    let positive = Array2::from_shape_fn((n, n), |(a, b)| {
        let x = together[a * n + b];
        if x > 0.0 { (x * all / (sums[a] * sums[b])).ln().max(0.0) } else { 0.0 }
    });
    let factors = Factors::new(positive.view(), WIDTH).ok()?;
    let mut out = vec![0.0; n * WIDTH];
    for a in 0..n {
        for k in 0..factors.rank() {
            out[a * WIDTH + k] = factors.left[(a, k)] * factors.values[k].sqrt();
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_with_the_same_neighbours_are_alike() {
        // Two quarters far apart; a and b are found in one, c and d in the other.
        let points: Vec<[f64; 2]> = (0..200).map(|i| [f64::from(i % 10) * 20.0 + if i < 100 { 0.0 } else { 90_000.0 }, f64::from(i % 100 / 10) * 20.0]).collect();
        let texts: Vec<String> = (0..200).map(|i| ["a", "b", "c", "d"][i / 100 * 2 + i % 2].to_owned()).collect();
        let city = City::new(points, &texts, 1, |t| Ok(vec![0.0; t.len()])).expect("a city");
        let v = vectors(&city).expect("few texts");
        let row = |t: &str| {
            let i = city.texts.iter().position(|x| x == t).expect("known");
            &v[i * WIDTH..(i + 1) * WIDTH]
        };
        let cosine = |a: &[f64], b: &[f64]| {
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
            dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
        };
        assert!(cosine(row("a"), row("b")) > 0.9 && cosine(row("a"), row("c")).abs() < 0.1, "{} {}", cosine(row("a"), row("b")), cosine(row("a"), row("c")));
    }
}
