//! The sentences of the Rank screen, computed from its numbers.

use espalier_methods::welore::RankPlan;

use super::model::Choices;
use crate::plot::number::{bytes, fixed, percent, plural};
use crate::screens::matrices::{Entry, Grid};

/// Matrices factored and in all, by column.
fn by_column(entries: &[Entry], grid: &Grid, choices: &Choices<'_>) -> Vec<(String, usize, usize)> {
    grid.columns
        .iter()
        .enumerate()
        .map(|(j, c)| {
            let found: Vec<bool> = grid.cells.iter().flat_map(|r| &r[j]).filter_map(|&i| choices.get(&*entries[i].key)).map(|c| c.factored).collect();
            (c.name.clone(), found.iter().filter(|f| **f).count(), found.len())
        })
        .collect()
}

fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn verb(subjects: &[String], plural: &str) -> String {
    if subjects.len() == 1 { format!("{plural}s") } else { plural.into() }
}

/// Below the spectra: which roles lie under the line.
pub fn spectra(entries: &[Entry], grid: &Grid, choices: &Choices<'_>, plan: &RankPlan) -> String {
    let n = plan.choices.len();
    let factored = plan.factored().count();
    let line = plan.threshold.map_or_else(|| "The rule".into(), |k| format!("The line at {}", fixed(k, 3)));
    if n == 0 {
        return String::new();
    }
    if factored == n {
        return format!("{line} takes enough rank from every matrix: all {n} are factored.");
    }
    if factored == 0 {
        return format!("{line} asks for {} of all ranks, but no matrix loses enough to be factored.", percent(plan.attempted));
    }
    if grid.by_layer {
        return format!("{line} factors {factored} of {}; the others keep more than half their rank and stay dense.", plural(n, "layer", "layers"));
    }
    let columns = by_column(entries, grid, choices);
    let mut most: Vec<_> = columns.iter().filter(|c| c.1 * 2 > c.2).collect();
    espalier_methods::order::by(&mut most, |a, b| (b.1 * a.2).cmp(&(a.1 * b.2)));
    let dense: Vec<String> = columns.iter().filter(|c| c.1 == 0).map(|c| c.0.clone()).collect();
    let early: Vec<String> = most.iter().take(3).map(|c| format!("{} ({} of {})", c.0, c.1, c.2)).collect();
    match (early.is_empty(), dense.is_empty()) {
        (false, false) => format!("{} {} below the line early; {} {} above it.", list(&early), verb(&early, "fall"), list(&dense), verb(&dense, "stay")),
        (false, true) => format!("{} {} below the line early; the other roles do so in some blocks only.", list(&early), verb(&early, "fall")),
        (true, false) => format!("{factored} of {n} matrices fall below the line; {} {} above it everywhere.", list(&dense), verb(&dense, "stay")),
        (true, true) => format!("{factored} of {n} matrices fall below the line, in no role more than half of them."),
    }
}

/// Below the bars: what the ranks cost.
pub fn bars(plan: &RankPlan) -> String {
    let (n, all) = (plan.factored().count(), plan.choices.len());
    if all == 0 {
        return String::new();
    }
    let better = if plan.error <= plan.uniform_error { "less" } else { "more" };
    format!(
        "{n} of {} become factor pairs; together they lose {} of ‖W‖, {better} than the {} of the same reduction spread evenly.",
        plural(all, "matrix", "matrices"),
        percent(plan.error),
        percent(plan.uniform_error)
    )
}

/// What the reader must know of the size before writing.
pub fn size(before: f64, after: f64, factors: bool) -> String {
    if !factors {
        return format!("Dense writes U S Vᵀ back into the same shape: every tool opens it, but the file stays {}.", bytes(before));
    }
    if after > before {
        return format!("These factors are larger than their matrices: the file would grow from {} to {}. Choose “shrinks”, or cut deeper.", bytes(before), bytes(after));
    }
    format!("Factor pairs need a loader that multiplies U and V; the file shrinks from {} to {}.", bytes(before), bytes(after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::RankState;
    use crate::screens::matrices::{grid, tests::entry};
    use espalier_methods::spectra::summary;
    use espalier_methods::welore::Ranker;
    use espalier_nets::checkpoint::Role;

    #[test]
    fn what_is_said_is_what_is_counted() {
        let mut entries = Vec::new();
        let mut spectra_ = Vec::new();
        for b in 0..3u32 {
            for (n, role, p) in [("q", Role::Q, 8), ("down", Role::Down, 1)] {
                let name = format!("{b}{n}");
                entries.push(entry(&name, role, Some(b), None, [32, 32]));
                spectra_.push(summary(&name, None, [32, 32], (0..32).map(|i| (1.0 - f64::from(i) / 32.0).powi(p)).collect(), 0.0, "test"));
            }
        }
        let ranker = Ranker::new(&spectra_);
        let say = |k: f64| {
            let state = RankState { threshold: k, lead: crate::app::state::Lead::Threshold, ..RankState::default() };
            let plan = ranker.plan(&super::super::model::config(&state));
            let choices = plan.choices.iter().map(|c| (c.tensor.as_str(), c)).collect();
            (spectra(&entries, &grid(&entries), &choices, &plan), bars(&plan))
        };
        assert_eq!(say(0.2).0, "q (3 of 3) falls below the line early; down stays above it.");
        assert!(say(0.9).0.contains("all 6 are factored"));
        assert!(say(0.0005).0.contains("no matrix loses enough"));
        assert!(say(0.2).1.starts_with("3 of 6 matrices become factor pairs"));
    }

    #[test]
    fn growth_is_warned_of() {
        assert!(size(1e6, 1.2e6, true).contains("grow from"));
        assert!(size(1e6, 0.8e6, true).contains("shrinks from"));
        assert!(size(1e6, 1e6, false).contains("stays"));
    }
}
