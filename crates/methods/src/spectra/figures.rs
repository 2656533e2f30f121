//! Figures of a spectra report.

use espalier_nets::checkpoint::MatrixRef;

use crate::allocation::alpha;
use crate::figures::{axis, color, digits, figure, log_axis, median, series, stat};
use crate::report::{Figure, FigureKind, Spectrum, Stat, Tail};

/// Points a curve is drawn with at most; between them the curve is straight.
const POINTS: usize = 96;

type Row = (MatrixRef, Spectrum);

/// All figures, in order.
pub fn all(rows: &[Row]) -> Vec<Figure> {
    vec![curves(rows), tails(rows), table(rows)]
}

/// Headline numbers.
pub fn stats(rows: &[Row]) -> Vec<Stat> {
    let alphas: Vec<f64> = rows.iter().filter_map(|(_, s)| alpha(s)).collect();
    let share = |f: fn(&Spectrum) -> f64| median(rows.iter().filter(|(_, s)| !s.values.is_empty()).map(|(_, s)| f(s) / s.values.len() as f64).collect());
    let mut out = vec![
        stat("matrices", rows.len() as f64, "", ""),
        stat("singular values", rows.iter().map(|(_, s)| s.values.len() as f64).sum(), "", ""),
    ];
    if !rows.is_empty() {
        out.push(stat("median effective rank", share(|s| s.effective_rank), "%", "of full rank"));
        out.push(stat("median rank at 95 % energy", share(|s| f64::from(s.energy_ranks[1])), "%", "of full rank"));
    }
    if !alphas.is_empty() {
        out.push(stat("median tail exponent", median(alphas.clone()), "", format!("over {} fits", alphas.len())));
    }
    out
}

/// σ_i / σ_1 over i / p, so that matrices of all sizes share the axes. Values at or under the floor are not drawn.
fn curves(rows: &[Row]) -> Figure {
    let lines = rows
        .iter()
        .filter(|(_, s)| s.values.first().is_some_and(|v| *v > 0.0))
        .map(|(m, s)| {
            let seen = s.values.iter().take_while(|v| **v > s.floor).count();
            let p = s.values.len() as f64;
            let places = spread(seen);
            let x = places.iter().map(|&i| (i + 1) as f64 / p).collect();
            let y = places.iter().map(|&i| s.values[i] / s.values[0]).collect();
            series(m.label(), color(m), x, y)
        })
        .collect::<Vec<_>>();
    let sentence = format!("Singular values of {} matrices, each divided by its largest, against their place from the largest (0) to the smallest (1).", lines.len());
    figure("spectra", "Spectra of all matrices", sentence, FigureKind::Lines { x: axis("place in the spectrum", ""), y: log_axis("σ / σ₁", ""), series: lines })
}

/// At most [`POINTS`] places of 0 … n−1, close together at the start where curves bend most, the last one included.
fn spread(n: usize) -> Vec<usize> {
    if n <= POINTS {
        return (0..n).collect();
    }
    let last = (n - 1) as f64;
    let mut out: Vec<usize> = (0..POINTS).map(|i| (last * (i as f64 / (POINTS - 1) as f64).powi(2)).round() as usize).collect();
    out.dedup();
    out
}

/// Exponent against stable rank.
fn tails(rows: &[Row]) -> Figure {
    let groups: Vec<_> = rows
        .iter()
        .filter_map(|(m, s)| Some(series(m.label(), color(m), vec![s.stable_rank], vec![alpha(s)?])))
        .collect();
    let low = groups.iter().filter(|g| g.y[0] < 2.0).count();
    let high = groups.iter().filter(|g| g.y[0] > 6.0).count();
    let sentence = format!(
        "Tail exponent α against stable rank for {} matrices: {low} lie under 2, {high} over 6; WeightWatcher reads 2 to 6 as well trained.",
        groups.len()
    );
    figure("tails", "Tail exponent and stable rank", sentence, FigureKind::Scatter { x: log_axis("stable rank", ""), y: axis("α", ""), series: groups })
}

fn table(rows: &[Row]) -> Figure {
    let columns = [("matrix", ""), ("shape", ""), ("σ₁", ""), ("stable rank", ""), ("effective rank", ""), ("numerical rank", ""), ("90 %", "rank"), ("95 %", "rank"), ("99 %", "rank"), ("α", ""), ("KS distance", ""), ("floor", "")];
    let cells = rows
        .iter()
        .map(|(m, s)| {
            let (a, d) = match &s.tail {
                Tail::Fit { alpha, sigma, distance, .. } => (format!("{} ± {}", digits(*alpha), digits(*sigma)), digits(*distance)),
                Tail::TooFew { count } => (format!("only {count} values"), String::new()),
                Tail::Flat { .. } => ("all equal".into(), String::new()),
            };
            vec![
                m.label(),
                format!("{} × {}", s.shape[0], s.shape[1]),
                digits(s.values.first().copied().unwrap_or(0.0)),
                digits(s.stable_rank),
                digits(s.effective_rank),
                s.numerical_rank.to_string(),
                s.energy_ranks[0].to_string(),
                s.energy_ranks[1].to_string(),
                s.energy_ranks[2].to_string(),
                a,
                d,
                format!("{:.1e}", s.floor),
            ]
        })
        .collect();
    let sentence = format!("The numbers of {} spectra, one row a matrix.", rows.len());
    figure("spectra-table", "Numbers by matrix", sentence, FigureKind::Table { columns: columns.map(|(n, u)| axis(n, u)).to_vec(), rows: cells })
}
