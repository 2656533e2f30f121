use std::rc::Rc;

use espalier_methods::spectra::summary;
use espalier_nets::checkpoint::Role;

use super::*;
use crate::app::state::key;

fn plain(s: String) -> String {
    s.replace(['\u{202f}', '\u{a0}'], " ")
}

fn stats(std: f64, kurtosis: f64, outliers: f64, elements: f64) -> TensorStats {
    TensorStats {
        tensor: 0,
        elements,
        zeros: 0.0,
        nan: 0.0,
        infinite: 0.0,
        min: -1.0,
        max: 1.0,
        mean: 0.0,
        std,
        kurtosis,
        frobenius: 1.0,
        outliers,
        quantiles: vec![].into(),
        bins: [-1.0, 1.0],
        counts: vec![].into(),
        cells: Cells::default(),
        peaks: Cells::default(),
        row_norms: vec![].into(),
        millis: [0.0; 2],
        read: 0.0,
    }
}

#[test]
fn the_histogram_says_form_and_tail() {
    assert_eq!(plain(weights(&stats(0.1, 3.0, 0.0, 1000.0))), "Bell-shaped: no weight lies beyond ±4 std.");
    let s = plain(weights(&stats(0.1, 8.0, 60.0, 100_000.0)));
    assert_eq!(s, "More pointed than a bell, with longer tails: 60 of 100 000 lie beyond ±4 std, 9.5 times as many as a normal distribution would have.");
    assert_eq!(plain(weights(&stats(0.0, f64::NAN, 0.0, 5.0))), "All values are 0.");
    let mut odd = stats(0.1, 3.0, 0.0, 1000.0);
    (odd.nan, odd.infinite, odd.zeros) = (2.0, 1.0, 500.0);
    assert_eq!(plain(weights(&odd)), "Bell-shaped: no weight lies beyond ±4 std. 50.0 % are exactly zero. 3 values are left out: 2 not a number, 1 infinite.");
    odd.nan = 1000.0;
    assert_eq!(weights(&odd), "No value is finite, so there is nothing to count.");
}

#[test]
fn the_heat_map_names_the_largest_and_what_stands_out() {
    let mut values = vec![0.01_f32; 16];
    for r in 0..4 {
        values[r * 4 + 2] = 0.5;
    }
    let means = Cells { rows: 4, cols: 4, values: values.clone().into() };
    let s = plain(cells(&means, &means, &[1.0, 1.0, 1.0, 3.0], [400, 8]));
    assert!(s.starts_with("The largest |w|, 0.5, is of output "), "{s}");
    assert!(s.contains("input 4–5."), "{s}");
    assert!(s.contains("1 group of rows is over 1.5 times the median norm, up to 3."), "{s}");
    assert!(s.ends_with("Inputs 4–5 stand out in every row."), "{s}");
    let zero = Cells { rows: 1, cols: 1, values: vec![0.0].into() };
    assert_eq!(cells(&zero, &zero, &[0.0], [1, 1]), "Every weight is zero.");
}

fn spec(values: Vec<f64>) -> Spectrum {
    let n = values.len() as u32;
    summary("m", None, [n, n], values, 1e-9, "Gram in float64, CPU")
}

#[test]
fn the_spectrum_counts_what_rises_above_chance() {
    let mut v = vec![1.0; 64];
    v[0] = 10.0;
    let s = plain(spectrum(&spec(v)));
    assert!(s.starts_with("1 of 64 directions rises above a random matrix"), "{s}");
    assert_eq!(spectrum(&spec(vec![0.0; 4])), "The matrix is zero: all singular values are.");
    let s = plain(spectrum(&spec(vec![3.0, 2.0, 0.0, 0.0])));
    assert!(s.ends_with("The last 2 values are at rounding level: the numerical rank is 2."), "{s}");
    let s = plain(floor(&spec(vec![2.0, 1.0, 1e-12])));
    assert_eq!(s, "Gram in float64, CPU. Each σ is right to ±1e−9, 5e−10 of the largest; 1 value is not told from zero.");
}

fn matrix(role: Role, block: u32, rank95: Option<u32>) -> Matrix {
    let spectrum = rank95.map(|r| {
        let mut s = spec(vec![1.0; 100]);
        s.energy_ranks[1] = r;
        Rc::new(s)
    });
    Matrix { key: key(&format!("{role:?}{block}"), None), block: Some(block), role, expert: false, full: 100, spectrum }
}

#[test]
fn the_blocks_are_compared_by_role_and_height() {
    let mut all: Vec<Matrix> = (0..6).flat_map(|b| [matrix(Role::Q, b, Some(30 + 5 * b)), matrix(Role::Up, b, Some(80))]).collect();
    let s = plain(blocks(&all, false));
    assert_eq!(s, "For 95 % of its energy q needs the least, 42.5 % of its rank at the median, up the most, 80.0 %. The foot of the tree needs less than the tip: 57.5 % against 67.5 %.");
    all.push(matrix(Role::Q, 6, None));
    assert!(plain(blocks(&all, true)).ends_with("1 matrix is still running."));
    assert_eq!(blocks(&[matrix(Role::Q, 0, None)], true), "The first spectrum is being computed.");
    let s = plain(example(&all));
    assert_eq!(s, "Attention needs 42.5 % of full rank for 95 % of the energy, the feed-forward matrices 80.0 %, at the median.");
}
