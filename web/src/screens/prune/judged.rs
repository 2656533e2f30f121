//! What a pruning that reads a text has done: perplexity before and after, what each linear's outputs lost, the mask of the chosen matrix.

use espalier_methods::report::Axis;
use yew::prelude::*;

use super::after::mask;
use super::view::View;
use crate::app::context::Lab;
use crate::figures::{DumbbellChart, GridChart, Source};
use crate::plot::dumbbell::{Dumbbells, Pair};
use crate::plot::grid::Grid;
use crate::plot::number::{fixed, percent, plural};
use crate::screens::published;

/// The three figures.
pub fn judged(lab: &Lab, view: &View) -> Html {
    let settings = view.asked.as_ref().map_or_else(String::new, |a| format!("{}, {}", a.method, percent(view.planned)));
    let source = Source { model: view.name.clone(), tensor: "".into(), settings: settings.into() };
    let e = view.selected(lab).map(|i| &view.entries[i]);
    html! {
        <div class="after judged" data-test="prune-judged">
            { likelihoods(lab, view, &source) }
            { errors(lab, view, &source) }
            if let Some(e) = e { { mask(lab, view, e, &Source { tensor: e.key.to_string().into(), ..source.clone() }) } }
            if !lab.state.language.likelihoods.is_empty() { { published::perplexities(lab) } }
        </div>
    }
}

fn empty(title: &str, words: &str) -> Html {
    html! { <div class="empty"><h2>{ title.to_owned() }</h2><p class="say">{ words.to_owned() }</p></div> }
}

/// Share of the weights that are zero now.
fn removed(lab: &Lab, view: &View) -> Option<f64> {
    let done: Vec<_> = view.entries.iter().filter_map(|e| lab.state.pruned.get(&e.key)).collect();
    let (zeros, all) = done.iter().fold((0.0, 0.0), |(z, n), p| (z + p.zeros, n + p.elements));
    (all > 0.0).then(|| zeros / all)
}

fn likelihoods(lab: &Lab, view: &View, source: &Source) -> Html {
    let all = &lab.state.language.likelihoods;
    if all.is_empty() {
        return empty("Before and after", "Perplexity on each text, once it has been pruned. Nothing is claimed of other texts.");
    }
    let rows: Vec<Pair> = all.iter().map(|l| Pair { name: l.text.clone(), values: l.nats.map(f64::exp) }).collect();
    let grown = |l: &espalier_methods::findings::Likelihood| l.nats[1] - l.nats[0];
    let worst = all.iter().max_by(|a, b| grown(a).total_cmp(&grown(b)));
    let least = all.iter().min_by(|a, b| grown(a).total_cmp(&grown(b)));
    let gone = removed(lab, view).map_or_else(String::new, |r| format!("{} of the weights are zero. ", percent(r)));
    let sentence = match (worst, least) {
        (Some(w), Some(l)) if all.len() > 1 => format!("{gone}{} suffers most, {} more nats a token; {} least, {}.", w.text, fixed(grown(w), 3), l.text, fixed(grown(l), 3)),
        (Some(w), _) => format!("{gone}{} costs {} more nats a token.", w.text, fixed(grown(w), 3)),
        _ => gone,
    };
    let windows = all.iter().map(|l| plural(l.windows as usize, "window", "windows")).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ");
    let length = all.first().map_or(0, |l| l.length);
    let what = view.dated(&format!("perplexity, {windows} of {length}"));
    let bells = Dumbbells { width: 0.0, axis: Axis { name: "perplexity".into(), unit: String::new(), log: true }, ends: ["dense".into(), "pruned".into()], rows, published: false };
    html! { <DumbbellChart title="Before and after" {what} {sentence} {bells} source={source.clone()} test="prune-perplexity" /> }
}

fn errors(lab: &Lab, view: &View, source: &Source) -> Html {
    let found = &lab.state.language.outputs;
    if found.is_empty() {
        return empty("Output error", "What each linear’s outputs lost on the calibration text, once it has been pruned.");
    }
    let mean = |members: &[usize]| {
        let all: Vec<f64> = members.iter().filter_map(|&i| found.get(&view.entries[i].key)).map(|l| l.output_error * 100.0).filter(|e| e.is_finite()).collect();
        if all.is_empty() { f64::NAN } else { all.iter().sum::<f64>() / all.len() as f64 }
    };
    // Depth goes up, as in the bars.
    let order: Vec<usize> = (0..view.grid.rows.len()).rev().collect();
    let values: Vec<f64> = order.iter().flat_map(|&r| view.grid.cells[r].iter().map(|m| mean(m)).collect::<Vec<_>>()).collect();
    let worst = view.entries.iter().filter_map(|e| Some((e, found.get(&e.key)?.output_error))).filter(|(_, v)| v.is_finite()).max_by(|a, b| a.1.total_cmp(&b.1));
    let sentence = worst.map_or_else(String::new, |(e, v)| format!("{} of block {} lost most: {} of the energy of its outputs.", e.word(), e.block.unwrap_or(0), percent(v)));
    let grid = Grid {
        width: 0.0,
        rows: order.iter().map(|&r| view.grid.rows[r].label.clone()).collect(),
        columns: view.grid.columns.iter().map(|c| c.name.clone()).collect(),
        axes: ["block ↑".into(), "linear".into()],
        values,
        value: "output error, %".into(),
        log: true,
        limits: None,
        running: None,
        on: view.selected_row(lab).map(|r| view.grid.rows.len() - 1 - r),
    };
    let what = if view.fresh { "‖X(W−W′)ᵀ‖² of ‖XWᵀ‖², %" } else { "%, last run" };
    html! { <GridChart title="Output error" {what} {sentence} {grid} source={source.clone()} test="prune-output-error" /> }
}
