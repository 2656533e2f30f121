//! From the screen's settings and the spectra to a plan, and from a plan to rows and columns: pure.

use std::collections::BTreeMap;

use espalier_methods::report::RankChoice;
use espalier_methods::welore::{Config, POINTS, RankPlan, Ranker, Rule, grid as grid_point};

use crate::app::state::{FactorIf, Lead, RankRule, RankState, Search};
use crate::plot::lines::{Curve, Values};
use crate::plot::panels::{Panel, Ready};
use crate::plot::ranks::{Cell, Column, Row};
use crate::plot::scene::Paint;
use crate::plot::threshold::Point;
use crate::screens::matrices::{Entry, Grid};

/// The threshold table that comes with WeLore's code for LLaMA-2-7B (lowrank-moe §1.6): k and reduction.
pub const PAPER: [[f64; 2]; 7] = [[0.0225, 0.1], [0.084, 0.2], [0.115, 0.3], [0.145, 0.4], [0.175, 0.5], [0.215, 0.6], [0.26, 0.7]];

/// The method's configuration for the screen's settings.
pub fn config(state: &RankState) -> Config {
    let (min_ratio, size_aware) = match state.factor_if {
        FactorIf::Half => (0.4999, false),
        FactorIf::Shrinks => (0.0, true),
        FactorIf::Always => (0.0, false),
    };
    let rule = match (state.rule, state.lead, state.search) {
        (RankRule::Welore, Lead::Threshold, _) => Rule::Threshold,
        (RankRule::Welore, Lead::Target, Search::Nearest) => Rule::Nearest,
        (RankRule::Welore, Lead::Target, Search::Reach) => Rule::Reach,
        (RankRule::Energy, ..) => Rule::Energy,
        (RankRule::Uniform, ..) => Rule::Uniform,
        (RankRule::ByHand, ..) => Rule::ByHand,
    };
    Config {
        rule,
        target: state.target,
        threshold: state.threshold,
        energy: state.tau,
        min_ratio,
        size_aware,
        by_hand: espalier_methods::order::gather(state.by_hand.iter().map(|(k, r)| (k.to_string(), *r))),
    }
}

/// Reduction at every threshold of the grid under one test for factoring; ranks by hand are left out, they do not move with it.
pub fn curve(ranker: &Ranker, factor_if: FactorIf) -> Vec<Point> {
    let base = config(&RankState { factor_if, lead: Lead::Threshold, ..RankState::default() });
    // k = 0 cuts nothing and needs no plan.
    (0..POINTS).map(|j| point(&ranker.plan(&Config { threshold: grid_point(j), ..base.clone() }), grid_point(j))).collect()
}

/// What a plan does, as the slider shows it.
pub fn point(plan: &RankPlan, k: f64) -> Point {
    Point { k, attempted: plan.attempted, effective: plan.effective, parameters: 1.0 - plan.parameter_ratio() }
}

/// Columns of the rank bars.
pub fn columns(entries: &[Entry], grid: &Grid) -> Vec<Column> {
    grid.columns
        .iter()
        .enumerate()
        .map(|(j, c)| {
            let fulls: Vec<f64> = grid.cells.iter().flat_map(|r| &r[j]).map(|&i| entries[i].full()).collect();
            let same = fulls.windows(2).all(|w| w[0] == w[1]);
            Column { name: c.name.clone(), paint: Paint::Token(c.token), square: c.square, full: fulls.first().copied().filter(|_| same) }
        })
        .collect()
}

/// Choices by key, for drawing.
pub type Choices<'a> = BTreeMap<&'a str, &'a RankChoice>;

/// Rows of the rank bars.
pub fn rows(entries: &[Entry], grid: &Grid, choices: &Choices<'_>, state: &RankState, norms: &BTreeMap<&str, f64>, on: Option<usize>) -> Vec<Row> {
    grid.rows
        .iter()
        .enumerate()
        .map(|(r, row)| Row {
            label: row.label.clone(),
            cells: grid.cells[r].iter().map(|c| cell(entries, c, choices, state)).collect(),
            errors: errors(&grid.members(r), entries, choices, norms),
            on: on == Some(r),
        })
        .collect()
}

/// One wire: one matrix, or several taken together.
pub fn cell(entries: &[Entry], members: &[usize], choices: &Choices<'_>, state: &RankState) -> Option<Cell> {
    let found: Vec<&RankChoice> = members.iter().filter_map(|&i| choices.get(&*entries[i].key).copied()).collect();
    let n = found.len() as f64;
    let mean = |f: fn(&RankChoice) -> u32| found.iter().map(|c| f64::from(f(c))).sum::<f64>() / n;
    let kept: Vec<f64> = found.iter().map(|c| f64::from(c.kept)).collect();
    let first = found.first()?;
    Some(Cell {
        full: f64::from(first.full),
        kept: mean(|c| c.kept),
        attempted: mean(|c| c.attempted),
        uniform: mean(|c| c.uniform),
        factored: found.iter().filter(|c| c.factored).count(),
        of: found.len(),
        spread: (found.len() > 1).then(|| [kept.iter().copied().fold(f64::INFINITY, f64::min), kept.iter().copied().fold(0.0, f64::max)]),
        by_hand: members.len() == 1 && state.by_hand.contains_key(&entries[members[0]].key),
    })
}

/// Relative error of several matrices together, of the choice and of uniform ranks: √(Σ e² ‖W‖²) / √(Σ ‖W‖²).
pub fn errors(members: &[usize], entries: &[Entry], choices: &Choices<'_>, norms: &BTreeMap<&str, f64>) -> Option<[f64; 2]> {
    let (mut lost, mut all) = ([0.0; 2], 0.0);
    for &i in members {
        let key = &*entries[i].key;
        let (c, f) = (choices.get(key)?, norms.get(key)?);
        all += f * f;
        lost[0] += (c.error * f).powi(2);
        lost[1] += (c.uniform_error * f).powi(2);
    }
    (all > 0.0).then(|| lost.map(|l| (l / all).sqrt()))
}

/// Share of all ranks that is cut, by column, for the budget strip.
pub fn strip(entries: &[Entry], grid: &Grid, choices: &Choices<'_>) -> Vec<(String, Paint, f64)> {
    let total: f64 = choices.values().map(|c| f64::from(c.full)).sum();
    grid.columns
        .iter()
        .enumerate()
        .map(|(j, c)| {
            let cut: f64 = grid.cells.iter().flat_map(|r| &r[j]).filter_map(|&i| choices.get(&*entries[i].key)).map(|c| f64::from(c.full - c.kept)).sum();
            (c.name.clone(), Paint::Token(c.token), if total > 0.0 { cut / total } else { 0.0 })
        })
        .collect()
}

/// Normalised spectrum of a matrix as a curve over the share of its rank; `None` for a flat or empty one.
pub fn normalised(values: &[f64]) -> Option<(Values, Values)> {
    let (first, last) = (*values.first()?, *values.last()?);
    let spread = first - last;
    if spread.is_nan() || spread <= 1e-5 * first.abs() {
        return None;
    }
    let n = values.len() as f64;
    Some(((0..values.len()).map(|i| (i as f64 + 0.5) / n).collect(), values.iter().map(|v| (v - last) / spread).collect()))
}

/// Panels of the normalised spectra.
pub fn panels(entries: &[Entry], grid: &Grid, spectra: &BTreeMap<&str, (Values, Values)>, on: Option<usize>, running: bool) -> Vec<Panel> {
    grid.rows
        .iter()
        .enumerate()
        .map(|(r, row)| {
            let curves: Vec<Curve> = grid.cells[r]
                .iter()
                .zip(&grid.columns)
                .flat_map(|(c, column)| c.iter().map(move |&i| (i, column)))
                .filter_map(|(i, column)| {
                    let (x, y) = spectra.get(&*entries[i].key)?;
                    let width = if column.routed { 0.7 } else if column.square { 1.6 } else { 1.1 };
                    Some(Curve { name: entries[i].word(), paint: Paint::Token(column.token), width, x: x.clone(), y: y.clone() })
                })
                .collect();
            let ready = if !curves.is_empty() { Ready::Done } else if running { Ready::Running } else { Ready::Waiting };
            Panel { title: panel_title(&row.label), curves, ready, on: on == Some(r) }
        })
        .collect()
}

/// A layer's name in the width of a panel.
fn panel_title(label: &str) -> String {
    let n = label.chars().count();
    if n <= 9 { label.into() } else { format!("…{}", label.chars().skip(n - 8).collect::<String>()) }
}

/// Bytes of the written file: what is left alone, and factors or matrices in the width of the file.
pub fn file_bytes(total: f64, entries: &[Entry], choices: &Choices<'_>, factors: bool) -> f64 {
    let saved: f64 = entries
        .iter()
        .filter_map(|e| choices.get(&*e.key).filter(|c| c.factored).map(|c| (e.elements() - f64::from(c.kept) * (e.shape[0] + e.shape[1]) as f64) * e.width))
        .sum();
    if factors { total - saved } else { total }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screens::matrices::{grid, tests::entry};
    use espalier_methods::report::Spectrum;
    use espalier_methods::spectra::summary;
    use espalier_nets::checkpoint::Role;

    fn spectra() -> (Vec<Entry>, Vec<Spectrum>) {
        let mut entries = Vec::new();
        let mut out = Vec::new();
        for b in 0..2u32 {
            for (j, (n, role)) in [("q", Role::Q), ("up", Role::Up)].into_iter().enumerate() {
                let name = format!("{b}.{n}");
                let values: Vec<f64> = (0..40).map(|i| (1.0 - f64::from(i) / 40.0).powi(1 + 3 * (1 - j as i32)) + 0.01).collect();
                entries.push(entry(&name, role, Some(b), None, [40, 60]));
                out.push(summary(&name, None, [40, 60], values, 0.0, "test"));
            }
        }
        (entries, out)
    }

    #[test]
    fn settings_become_the_methods_configuration() {
        let mut s = RankState { target: 0.3, ..RankState::default() };
        assert_eq!((config(&s).rule, config(&s).min_ratio, config(&s).target), (Rule::Nearest, 0.4999, 0.3));
        s.search = Search::Reach;
        assert_eq!(config(&s).rule, Rule::Reach);
        s.lead = Lead::Threshold;
        s.factor_if = FactorIf::Shrinks;
        assert!(config(&s).rule == Rule::Threshold && config(&s).size_aware && config(&s).min_ratio == 0.0);
        s.rule = RankRule::Energy;
        assert_eq!((config(&s).rule, config(&s).energy), (Rule::Energy, s.tau));
    }

    #[test]
    fn the_strip_adds_up_to_what_is_cut() {
        let (entries, spectra) = spectra();
        let g = grid(&entries);
        let plan = Ranker::new(&spectra).plan(&config(&RankState::default()));
        let choices: Choices<'_> = plan.choices.iter().map(|c| (c.tensor.as_str(), c)).collect();
        let sum: f64 = strip(&entries, &g, &choices).iter().map(|p| p.2).sum();
        assert!((sum - plan.effective).abs() < 1e-12);
        let norms = spectra.iter().map(|s| (s.tensor.as_str(), s.frobenius)).collect();
        let rows = rows(&entries, &g, &choices, &RankState::default(), &norms, Some(1));
        assert_eq!(rows.len(), 2);
        assert!(rows[1].on && rows[0].errors.is_some());
        let bytes = file_bytes(1e6, &entries, &choices, true);
        let pairs: f64 = plan.compressed_params - plan.dense_params;
        assert!((bytes - (1e6 + 2.0 * pairs)).abs() < 1e-6);
        assert_eq!(file_bytes(1e6, &entries, &choices, false), 1e6);
    }

    #[test]
    fn the_curve_meets_the_plan_at_its_threshold() {
        let (_, spectra) = spectra();
        let ranker = Ranker::new(&spectra);
        let c = curve(&ranker, FactorIf::Half);
        assert_eq!(c.len(), 201);
        assert_eq!(c[0].attempted, 0.0);
        let plan = ranker.plan(&config(&RankState::default()));
        let k = plan.threshold.expect("the rule has a threshold");
        let j = (k / 0.005).round() as usize;
        assert_eq!(c[j], point(&plan, c[j].k));
        assert!(c.windows(2).all(|w| w[0].attempted <= w[1].attempted));
    }

    #[test]
    fn several_experts_are_one_wire_with_their_spread() {
        let entries: Vec<_> = (0..3).map(|e| entry(&format!("e{e}"), Role::Up, Some(0), Some(e), [8, 8])).collect();
        let choice = |e: u32, kept: u32| RankChoice { tensor: format!("e{e}"), shape: [8, 8], full: 8, attempted: kept, kept, factored: kept < 8, error: 0.1, uniform_error: 0.2, uniform: 4 };
        let all = [choice(0, 2), choice(1, 4), choice(2, 8)];
        let choices = all.iter().map(|c| (c.tensor.as_str(), c)).collect();
        let c = cell(&entries, &[0, 1, 2], &choices, &RankState::default()).expect("three matrices");
        assert_eq!((c.of, c.factored, c.spread), (3, 2, Some([2.0, 8.0])));
        assert!((c.kept - 14.0 / 3.0).abs() < 1e-12);
        assert_eq!(cell(&entries, &[], &choices, &RankState::default()), None);
    }

    #[test]
    fn spectra_run_from_one_to_zero_and_flat_ones_are_left_out() {
        let (x, y) = normalised(&[5.0, 3.0, 1.0]).expect("not flat");
        assert_eq!((&*y, x.len()), (&[1.0, 0.5, 0.0][..], 3));
        assert!(normalised(&[2.0, 2.0]).is_none() && normalised(&[]).is_none() && normalised(&[f64::NAN]).is_none());
    }
}
