//! The sentences of the Prune screen, computed from its numbers.

use super::model::mean;
use crate::plot::number::{bytes, percent};
use crate::screens::matrices::{Entry, Grid};

/// Below the bars: which row keeps most and least, and what it costs.
pub fn bars(grid: &Grid, sizes: &[f64], now: &[f64], error: Option<f64>) -> String {
    let kept: Vec<(usize, f64)> = (0..grid.rows.len()).map(|r| (r, 1.0 - mean(now, sizes, &grid.members(r)))).collect();
    let cost = error.map_or_else(String::new, |e| format!(" The weights change by {} of their norm.", percent(e)));
    let most = kept.iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    let least = kept.iter().min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    let (Some(most), Some(least)) = (most, least) else { return String::new() };
    let what = grid.what();
    // A tenth of a percent is what the figure shows.
    if (most.1 - least.1) < 5e-4 {
        return format!("Every {what} keeps {}.{cost}", percent(most.1));
    }
    format!(
        "{} {} keeps most, {}; {} {} least, {}.{cost}",
        if what == "block" { "Block" } else { "Layer" },
        grid.rows[most.0].label,
        percent(most.1),
        what,
        grid.rows[least.0].label,
        percent(least.1)
    )
}

/// Below the mask.
pub fn mask(e: &Entry, cells: &[f32], zeros: f64) -> String {
    let shares: Vec<f64> = cells.iter().map(|v| f64::from(*v) / 255.0).collect();
    let (low, high) = shares.iter().fold((1.0f64, 0.0f64), |(a, b), v| (a.min(*v), b.max(*v)));
    let empty = shares.iter().filter(|v| **v == 0.0).count();
    let spread = if empty > 0 { format!("{empty} of {} patches are empty", shares.len()) } else { format!("its patches keep between {} and {}", percent(low), percent(high)) };
    format!("{} of {} are zero; {spread}.", percent(zeros / e.elements().max(1.0)), e.word())
}

/// Below the sorted magnitudes.
pub fn sorted(word: &str, sparsity: f64, cut: f64, top: f64) -> String {
    let ratio = if top > 0.0 { percent(cut / top) } else { percent(0.0) };
    format!("At {} removed the cut through {word} lies at {ratio} of its largest weight.", percent(sparsity))
}

/// What the reader must know of the size.
pub fn size(total: f64, pattern: bool) -> String {
    let faster = if pattern { "GPUs with sparse tensor cores run 2:4 faster." } else { "Only sparse engines, and 2:4 on some GPUs, run faster." };
    format!("Zeros are stored: the file stays {}. {faster}", bytes(total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screens::matrices::{grid, tests::entry};
    use espalier_nets::checkpoint::Role;

    #[test]
    fn most_and_least_are_named() {
        let e: Vec<_> = (0..3).map(|b| entry(&format!("{b}"), Role::Q, Some(b), None, [10, 10])).collect();
        let g = grid(&e);
        let n = vec![100.0; 3];
        assert!(bars(&g, &n, &[0.5, 0.6, 0.4], Some(0.2)).starts_with("Block 2 keeps most, 60.0\u{a0}%; block 1 least, 40.0\u{a0}%."));
        assert!(bars(&g, &n, &[0.5; 3], None).starts_with("Every block keeps 50.0"));
        assert_eq!(bars(&grid(&[]), &[], &[], None), "");
        assert!(mask(&e[0], &[0.0, 255.0], 50.0).contains("1 of 2 patches are empty"));
    }
}
