//! Rules side by side: the tables of the pruning papers, on this model, at the same number of removed weights.

use espalier_methods::report::FigureKind;
use serde_json::{Value, json};
use yew::prelude::*;

use crate::app::context::Lab;
use crate::figures::{ReportFigure, Source};
use crate::plot::number::plural;
use crate::screens::cost::Start;
use crate::screens::parts::progress;

/// Rules that are tried, each alone and with OWL; magnitude alone needs one draw.
const RULES: usize = 3;

/// Texts, windows, M and λ are those of Prune; sparsities and seeds are the study's. The text that measures is the first of those ticked in Prune.
fn config(lab: &Lab) -> Value {
    let (s, c) = (lab.state.study(), &lab.state.prune().calibrated);
    let sparsities: Vec<String> = s.ladder_of_study().iter().map(f64::to_string).collect();
    json!({
        "targets": format!("{},2:4,4:8", sparsities.join(",")), "owl": format!("{}:{}", c.multiple, c.lambda), "seeds": s.seeds,
        "calibration": c.text, "evaluation": c.domains.first().unwrap_or(&c.text), "samples": c.samples, "length": c.length, "windows": c.windows,
    })
}

/// The section.
pub fn rules(lab: &Lab, ready: bool) -> Html {
    let (s, c) = (lab.state.study(), &lab.state.prune().calibrated);
    let figures: Vec<_> = lab.state.figures.iter().filter(|(id, _)| id.starts_with("rules")).map(|(_, f)| f.clone()).collect();
    // Two patterns beside the sparsities; every rule but magnitude alone gets each seed.
    let runs = (s.ladder_of_study().len() + 2) * (1 + (2 * RULES - 1) * s.seeds as usize);
    let go = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| {
            lab.run("rules", config(&lab), None);
        })
    };
    let source = Source { model: lab.state.summary.as_ref().map_or_else(String::new, |s| s.name.clone()).into(), ..Source::default() };
    html! {
        <>
        if figures.is_empty() {
            <div class="empty"><h2>{ "Rules side by side" }</h2><p class="say">{ "Magnitude, Wanda and SparseGPT, each alone and with OWL’s sparsities: who keeps most of the model, and by more than chance? All remove the same number of weights." }</p></div>
        }
        { for figures.into_iter().map(|figure| {
            let table = matches!(figure.kind, FigureKind::Table { .. });
            html! { <div class="rules" data-test={if table { "rules-table" } else { "rules-curves" }}><ReportFigure {figure} source={source.clone()} /></div> }
        }) }
        <Start method="rules" config={config(lab)} {ready} busy={lab.state.run.is_some()} words={format!("Run {runs} prunings, OWL at M {} and λ {}", c.multiple, c.lambda)} test="rules-run" class={classes!("btn")} row={classes!("acts", "foot")} line={classes!("rules")} {go}>
            <span class="d">{ plural(s.seeds as usize, "seed", "seeds") }</span>{ progress(lab, "rules") }
        </Start>
        </>
    }
}
