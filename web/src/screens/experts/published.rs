//! The authors' own search on DeepSeekMoE-16B, as a record to look at: no model is needed.

use std::rc::Rc;

use espalier_methods::condense::{Published as Record, published};
use yew::prelude::*;

use crate::app::context::use_lab;
use crate::app::texts;
use crate::figures::{ExpertGridChart, Source};
use crate::plot::expert_grid::{ExpertGrid, Fate};
use crate::plot::number::{count, fixed};

const URL: &str = "assets/records/deepseek_moe_16b_published_search.json";
/// A third of its layers, as the paper condensed them.
const CONDENSED: usize = 9;

async fn load() -> Result<Record, String> {
    published(&texts::get(URL).await?.ok_or_else(|| format!("{URL} is not part of this copy of the site."))?)
}

/// The record.
#[component]
pub fn Published() -> Html {
    let lab = use_lab();
    let record = use_state_eq(|| None::<Result<Rc<Record>, String>>);
    let row = use_state_eq(|| 19usize);
    {
        let record = record.clone();
        use_effect_with((), move |()| {
            wasm_bindgen_futures::spawn_local(async move { record.set(Some(load().await.map(Rc::new))) });
        });
    }
    let r = match &*record {
        None => return html! { <p class="say pad" data-test="experts-published" aria-busy="true">{ "Reading the published search…" }</p> },
        Some(Err(why)) => return html! { <p class="say pad" data-test="experts-published">{ format!("The published search cannot be shown: {why}") }</p> },
        Some(Ok(r)) => r.clone(),
    };
    let how = lab.state.view("published").unwrap_or_default();
    let (weights, shared) = (&*how != "counts", &*how == "s");
    let order = if shared { &r.order_s } else { &r.order_sr };
    let (layers, experts) = (r.counts.len(), r.counts[0].len());
    let condensed: Vec<u32> = order.iter().take(CONDENSED).copied().collect();
    let fate = |l: usize, e: usize| match condensed.contains(&(l as u32)) {
        true if !shared && r.selected_experts[l].contains(&(e as u32)) => Fate::Fixed,
        true => Fate::Gone,
        false => Fate::Stays,
    };
    let at = (*row).min(layers - 1);
    let grid = ExpertGrid {
        size: [0.0, 0.0],
        layers: (0..layers as u32).collect(),
        experts,
        values: r.grid(weights),
        diverging: false,
        unit: if weights { "mean gate weight" } else { "tokens" }.into(),
        hits: r.selected_experts.clone(),
        fates: (0..layers).flat_map(|l| (0..experts).map(move |e| (l, e))).map(|(l, e)| fate(l, e)).collect(),
        ghosts: Vec::new(),
        row: Some(at),
        cursor: None,
        entropy: Vec::new(),
    };
    let tools = html! { { for [("", "weight, SR"), ("counts", "counts, SR"), ("s", "weight, S")].map(|(key, word)| {
        let lab = lab.clone();
        let onclick = Callback::from(move |_: MouseEvent| lab.view("published", key));
        html! { <button type="button" aria-pressed={(*how == *key).to_string()} {onclick}>{ word }</button> }
    }) } };
    let places = |o: &[u32]| o.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let list = r.selected_experts[at].iter().map(|e| format!("{e} (place {} by use, weight {})", r.rank_by_use(at, *e), fixed(r.mean_weight[at][*e as usize], 3))).collect::<Vec<_>>().join(", ");
    let sentence = format!(
        "Outlined: the six experts that the search took in each layer; the first of them is its layer’s most used one in only {} of {layers}. Bare layers are the {CONDENSED} that are condensed first{}: no router is left in them.",
        r.popular_first(), if shared { ", here to their shared experts alone" } else { "" }
    );
    let on_row = {
        let row = row.clone();
        Callback::from(move |r: usize| row.set(r))
    };
    html! {
        <section class="published" data-test="experts-published" aria-label="Published search">
            <ExpertGridChart title="DeepSeekMoE-16B, the published search" what={format!("27 mixtures × 64 experts, {} tokens of C4", count(r.counts[0].iter().sum::<f64>() / 6.0))} {sentence} grid={Rc::new(grid)} {tools}
                source={Source { model: "DeepSeekMoE-16B".into(), tensor: "".into(), settings: "published search".into() }} on_row={Some(on_row)} test="experts-published-grid" />
            <div class="twocol">
                <p class="say"><b>{ format!("Layer {at}. ") }</b>{ format!("Taken, in order: {list}.") }</p>
                <dl class="orders">
                    <dt>{ "Layers in order, shared and six" }</dt><dd class="m">{ places(&r.order_sr) }</dd>
                    <dt>{ "Layers in order, shared only" }</dt><dd class="m">{ places(&r.order_s) }</dd>
                    <dt>{ "9 layers, SR" }</dt><dd>{ "72.5 % of the memory, 55.5 of 61.6 points kept (paper)" }</dd>
                    <dt>{ "8 layers, S" }</dt><dd>{ "73.1 % of the memory, 55.1 points (paper)" }</dd>
                </dl>
            </div>
            <p class="d">{ format!("{}. Layers are counted as mixtures: decoder block less one. Read-only: the weights are not here.", r.source) }</p>
        </section>
    }
}
