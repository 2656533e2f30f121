//! Descriptions and questions as rows of an open sentence encoder: all-MiniLM-L6-v2 dropped like any other checkpoint.

use espalier_lab::protocol::{Command};
use espalier_methods::bytes::U32s;
use espalier_methods::calibration::Corpus;
use espalier_methods::urban::sentences::BUNDLED;
use espalier_methods::urban::town::{PointFile, Source};
use espalier_nets::checkpoint::Family;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::import::show;
use crate::app::action::Action;
use crate::app::context::{Lab, now};
use crate::app::state::{Asked, State};
use crate::app::town::WORDS;
use crate::plot::number::plural;

/// SHA-256 of the header of all-MiniLM-L6-v2's published weights, as far as it is compared. Copies that were trained on share it; they are taken for the original.
const MINILM: &str = "2291ac9b8d5083595cd6a1787e01d694";

/// What the open checkpoint is called, where it is a BERT: a file named `model.safetensors` does not say that it is MiniLM.
pub(super) fn open(state: &State) -> Option<&str> {
    let bert = state.summary.as_ref().filter(|s| s.family == Family::Bert)?;
    Some(if bert.header_hash.starts_with(MINILM) { BUNDLED } else { bert.name.as_str() })
}

/// Whether the open checkpoint made the rows of the city's descriptions, so that it can embed questions to it.
pub(super) fn is_the_citys(state: &State) -> bool {
    state.town.picture.as_ref().is_some_and(|p| open(state) == Some(p.encoder.as_str()))
}

/// Embeds texts with the open checkpoint. What comes back is called `name`. The run is there from the first moment, while the texts are still on their way through the tokenizer:
/// what is started meanwhile takes its place, and is not stopped by it later.
pub(super) fn embed(lab: &Lab, name: String, texts: Vec<String>) {
    let model = open(&lab.state).unwrap_or_default();
    let asked = Asked { method: "sentences".into(), config: serde_json::json!({ "text": name, "model": model }), matrices: None, seed: lab.state.seed };
    let job = lab.begin(&asked.method, Some(asked.clone()));
    let lab = lab.clone();
    spawn_local(async move {
        let mut documents: Vec<U32s> = Vec::with_capacity(texts.len());
        let mut wrong = None;
        for text in &texts {
            match lab.port.texts.ids(&lab.state, text.clone()).await {
                Ok(ids) => documents.push(ids),
                Err(fault) => {
                    wrong = Some(fault);
                    break;
                }
            }
        }
        if lab.state.run.as_ref().is_none_or(|r| r.job != job) {
            return;
        }
        let stopped = lab.port.texts.is_cancelled(job);
        if stopped || wrong.is_some() {
            return lab.act(Action::Ended { job, fault: wrong.filter(|_| !stopped), now: now() });
        }
        let bytes = serde_json::to_vec(&texts).unwrap_or_default();
        lab.port.command.emit(Command::Text(Corpus { name: name.clone(), documents, ..Corpus::default() }));
        lab.port.command.emit(Command::Points(PointFile { name, bytes: bytes.into() }));
        let Asked { method, config, matrices, seed } = asked;
        lab.port.command.emit(Command::Run { job, method, config, matrices, known: Vec::new(), seed });
    });
}

/// Embeds a question.
pub(super) fn ask(lab: &Lab, words: &str) {
    embed(lab, WORDS.into(), vec![words.into()]);
}

/// By what the descriptions are embedded, and what else could do it.
pub(super) fn side(lab: &Lab, busy: bool) -> Html {
    let town = &lab.state.town;
    let Some(picture) = town.picture.clone() else { return Html::default() };
    let now = town.config.city.sentences();
    let choose = |to: String| {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| {
            let mut city = lab.state.town.config.city.clone();
            city.embed(&to);
            show(&lab, city);
        })
    };
    let made = matches!(town.config.city, Source::Made { .. });
    let with = open(&lab.state).map(|model| {
        let (lab, texts, name) = (lab.clone(), picture.texts.clone(), format!("{} by {model}", picture.name));
        (format!("Embed {} with {model}", plural(texts.len(), "description", "descriptions")), Callback::from(move |_: MouseEvent| embed(&lab, name.clone(), texts.clone())))
    });
    let by = if now.is_empty() { "letter groups: spelling, not meaning" } else { &picture.encoder };
    html! {
        <>
        <p class="d" data-test="map-encoder">{ format!("Descriptions are embedded by {by}.") }</p>
        <div class="acts">
            if made && now != BUNDLED { <button type="button" class="btn sm" disabled={busy} onclick={choose(BUNDLED.into())} data-test="map-minilm">{ "Bundled sentence embeddings" }</button> }
            if !now.is_empty() { <button type="button" class="btn sm" disabled={busy} onclick={choose(String::new())} data-test="map-grams">{ "Letter groups" }</button> }
            if let Some((word, onclick)) = with { <button type="button" class="btn sm" disabled={busy} {onclick} data-test="map-embed">{ word }</button> }
        </div>
        </>
    }
}
