//! Mask agreement: how much of what one text removes, another removes too.

use yew::prelude::*;

use super::matrix::{shown, written};
use super::screen::change;
use crate::app::context::Lab;
use crate::app::history::Gesture;
use crate::figures::{GridChart, Source};
use crate::plot::grid::Grid;
use crate::plot::number::{fixed, percent};
use crate::screens::matrices::{grid, of_summary};
use crate::screens::parts::select;

/// The two figures: all pairs, and one pair by block and linear.
pub fn agreement(lab: &Lab) -> Html {
    let at = shown(&lab.state);
    let (Some(a), Some(summary)) = (lab.state.language.agreements.iter().find(|a| a.asked == at), &lab.state.summary) else { return Html::default() };
    let n = a.sources.len();
    let [first, second] = lab.state.study().pair.map(|p| (p as usize).min(n.saturating_sub(1)));
    let second = if second == first { (first + 1) % n.max(1) } else { second };
    let source = Source { model: summary.name.clone().into(), tensor: "".into(), settings: format!("Jaccard of removed sets, mean over seeds, {} removed", percent(at)).into() };
    // The lower triangle; a source with itself says nothing.
    let values: Vec<f64> = (0..n).flat_map(|i| (0..n).map(|j| if j < i { a.mean(i, j) } else { f64::NAN }).collect::<Vec<_>>()).collect();
    let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).filter(|p| !a.mean(p.0, p.1).is_nan()).collect();
    let of = |p: &(usize, usize)| a.mean(p.0, p.1);
    let most = pairs.iter().max_by(|x, y| of(x).total_cmp(&of(y)));
    let least = pairs.iter().min_by(|x, y| of(x).total_cmp(&of(y)));
    let sentence = match (most, least) {
        (Some(m), Some(l)) => format!(
            "{} and {} agree most, {}; {} and {} least, {}. 1 is the same mask.",
            written(&a.sources[m.0]), written(&a.sources[m.1]), fixed(of(m), 3), written(&a.sources[l.0]), written(&a.sources[l.1]), fixed(of(l), 3)
        ),
        _ => String::new(),
    };
    let names: Vec<String> = a.sources.iter().map(|s| written(s)).collect();
    let all = Grid {
        width: 0.0,
        rows: names.clone(),
        columns: (1..=n).map(|i| i.to_string()).collect(),
        axes: ["source".into(), "the same, by number from the top".into()],
        values,
        value: "Jaccard".into(),
        log: false,
        limits: None,
        running: None,
        on: None,
    };
    let entries = of_summary(summary);
    let g = grid(&entries);
    let order: Vec<usize> = (0..g.rows.len()).rev().collect();
    let by = a.of(first, second);
    let at = |i: usize| a.linears.iter().position(|l| **l == *entries[i].key).and_then(|k| by.get(k)).map(|v| f64::from(*v)).filter(|v| !v.is_nan());
    let mean = |m: &[usize]| {
        let all: Vec<f64> = m.iter().filter_map(|&i| at(i)).collect();
        if all.is_empty() { f64::NAN } else { all.iter().sum::<f64>() / all.len() as f64 }
    };
    let cells: Vec<f64> = order.iter().flat_map(|&r| g.cells[r].iter().map(|m| mean(m)).collect::<Vec<_>>()).collect();
    let parted = (0..entries.len()).filter_map(|i| Some((i, at(i)?))).min_by(|x, y| x.1.total_cmp(&y.1));
    let words = parted.map_or_else(String::new, |(i, v)| format!("The two texts part most in {} of block {}: {}.", entries[i].word(), entries[i].block.unwrap_or(0), fixed(v, 3)));
    let one = Grid {
        width: 0.0,
        rows: order.iter().map(|&r| g.rows[r].label.clone()).collect(),
        columns: g.columns.iter().map(|c| c.name.clone()).collect(),
        axes: ["block ↑".into(), "linear".into()],
        values: cells,
        value: "Jaccard".into(),
        log: false,
        limits: None,
        running: None,
        on: None,
    };
    let choice = |which: usize, now: usize, label: &'static str| {
        let lab = lab.clone();
        let choose = Callback::from(move |i: usize| {
            change(&lab, Gesture::Step, |s| s.pair[which] = i as u32);
        });
        select(label, ["study-first", "study-second"][which], &names, Some(now), choose)
    };
    let head = html! { <span class="pick">{ choice(0, first, "First source") }{ "and" }{ choice(1, second, "Second source") }</span> };
    html! {
        <div class="pair">
            <GridChart title="Mask agreement" what="of what was removed" {sentence} grid={all} source={source.clone()} test="study-agreement" />
            <GridChart title="By linear" {head} sentence={words} grid={one} {source} test="study-pair" />
        </div>
    }
}
