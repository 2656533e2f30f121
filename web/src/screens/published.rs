//! Numbers that the papers report for their own models, as grey marks in figures of their own: never in one figure with what was measured here.

use espalier_methods::report::Axis;
use yew::prelude::*;

use crate::app::context::Lab;
use crate::figures::{DumbbellChart, Source};
use crate::plot::dumbbell::{Dumbbells, Pair};
use crate::plot::number::params;
use crate::screens::parts::select;

/// Models of OWL's table, and perplexity on WikiText-2 at 70 %: dense, magnitude, Wanda, OWL with Wanda, SparseGPT, OWL with SparseGPT.
const OWL: [(&str, [f64; 6]); 5] = [
    ("LLaMA-7B", [5.68, 48419.0, 85.77, 24.55, 26.30, 19.49]),
    ("LLaMA-13B", [5.09, 84539.0, 55.90, 17.17, 19.24, 14.55]),
    ("LLaMA-30B", [4.10, 977.7, 17.37, 10.75, 12.56, 10.28]),
    ("LLaMA-65B", [4.77, 46.89, 15.23, 8.61, 10.45, 8.28]),
    ("OPT-6.7B", [10.13, 290_985.0, 162.92, 40.22, 20.29, 22.48]),
];

const RULES: [&str; 5] = ["magnitude", "Wanda", "Wanda, OWL", "SparseGPT", "SparseGPT, OWL"];

fn here(lab: &Lab) -> String {
    let weights = lab.state.summary.as_ref().map_or(0.0, |s| s.tensors.iter().map(|t| t.elements).sum());
    format!("This model has {} weights and is measured on other texts: compare orders, not values.", params(weights))
}

fn figure(title: &'static str, what: String, sentence: String, axis: Axis, rows: Vec<Pair>, by: &'static str, head: Html, test: &'static str) -> Html {
    let bells = Dumbbells { width: 0.0, axis, ends: ["dense".into(), "pruned".into()], rows, published: true };
    let source = Source { model: "published".into(), tensor: "".into(), settings: by.into() };
    html! { <div class="published"><DumbbellChart {title} {what} {sentence} {bells} {source} {head} {test} /></div> }
}

/// Perplexities of OWL's authors, beside what a pruning has done here.
pub fn perplexities(lab: &Lab) -> Html {
    let names: Vec<String> = OWL.iter().map(|(n, _)| (*n).to_owned()).collect();
    let at = lab.state.view("published-model").and_then(|n| OWL.iter().position(|(m, _)| **m == *n)).unwrap_or(0);
    let (model, numbers) = OWL[at];
    let choose = {
        let lab = lab.clone();
        Callback::from(move |i: usize| lab.view("published-model", if i == 0 { "" } else { OWL[i.min(4)].0 }))
    };
    let rows = RULES.iter().zip(&numbers[1..]).map(|(r, v)| Pair { name: (*r).into(), values: [numbers[0], *v] }).collect();
    let worse = if at == 4 { " Here OWL makes SparseGPT worse." } else { "" };
    let sentence = format!("{model} on WikiText-2, 70 % removed, as OWL’s authors report it (Yin et al. 2023, arXiv 2310.05175, table of their repository).{worse} {}", here(lab));
    let head = html! { <label class="pick">{ "model" }{ select("Published model", "published-model", &names, Some(at), choose) }</label> };
    figure("Published", "perplexity, WikiText-2, 70 % removed".into(), sentence, Axis { name: "perplexity".into(), unit: String::new(), log: true }, rows, "Yin et al. 2023", head, "published-perplexity")
}

/// What is kept of a large model by what it was calibrated with.
pub fn capabilities(lab: &Lab) -> Html {
    let row = |(name, kept): (&str, f64)| Pair { name: name.into(), values: [100.0, kept] };
    let rows = [("C4", 40.0), ("best single text", 50.0), ("even mixture", 58.8)].map(row).to_vec();
    let sentence = format!("LLaMA-3.1-8B, SparseGPT, 60 % removed: share of the dense model’s score that is kept, by calibration text (arXiv 2606.03328, abstract). {} The tables of Bandari et al. could not be had.", here(lab));
    figure("Published", "capability kept, %".into(), sentence, Axis { name: "kept".into(), unit: "%".into(), log: false }, rows, "arXiv 2606.03328", Html::default(), "published-kept")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_dense_first_and_orders_are_the_papers() {
        for (model, [dense, magnitude, wanda, owl_wanda, sparsegpt, owl_sparsegpt]) in OWL {
            assert!(dense < owl_wanda && owl_wanda < wanda && wanda < magnitude && sparsegpt < magnitude, "{model}");
            assert_eq!(owl_sparsegpt < sparsegpt, model != "OPT-6.7B", "the one honest exception");
        }
    }
}
