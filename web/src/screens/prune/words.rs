//! What the model says before and after: the same prompt, side by side, and the likeliest next tokens.

use std::rc::Rc;

use espalier_methods::findings::Words as Said;
use serde_json::json;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::{Lab, now};
use crate::app::state::Place;
use crate::plot::number::percent;
use crate::screens::parts::progress;
use crate::tokens::message::{Told, What};

/// Properties of [`Words`].
#[derive(Properties, PartialEq)]
pub struct WordsProps {
    /// The laboratory.
    pub lab: Lab,
}

/// Texts of both sides: prompt, what was added, candidates.
#[derive(Clone, Default, PartialEq)]
struct Texts {
    prompt: String,
    added: String,
    candidates: Vec<String>,
}

async fn texts(lab: Lab, said: Said) -> Texts {
    let mut ids = vec![said.prompt.clone(), said.tokens.clone()];
    ids.extend(said.candidates.iter().map(|c| vec![*c].into()));
    match lab.port.texts.tokens().ask(What::Decode { ids }).await {
        Ok(Told::Texts(mut all)) if all.len() >= 2 => {
            let candidates = all.split_off(2);
            let added = all.pop().unwrap_or_default();
            Texts { prompt: all.pop().unwrap_or_default(), added, candidates }
        }
        _ => Texts { prompt: String::new(), added: "These tokens are none of the tokenizer’s.".into(), candidates: Vec::new() },
    }
}

/// The section.
#[component]
pub fn Words(props: &WordsProps) -> Html {
    let lab = &props.lab;
    let area = use_node_ref();
    let warmth = use_node_ref();
    let read = use_state_eq(|| [None::<Rc<Texts>>, None]);
    let found = lab.state.language.words.clone();
    {
        let (lab, read) = (lab.clone(), read.clone());
        use_effect_with(found.clone(), move |found| {
            let found = found.clone();
            spawn_local(async move {
                let mut out = [None, None];
                for (side, said) in found.into_iter().enumerate() {
                    if let Some(said) = said {
                        out[side] = Some(Rc::new(texts(lab.clone(), said).await));
                    }
                }
                read.set(out);
            });
        });
    }
    let pruned = lab.state.language.pruned_by.as_ref().is_some_and(|a| a.method != "magnitude");
    let ready = pruned && lab.state.run.is_none();
    let go = {
        let (lab, area, warmth) = (lab.clone(), area.clone(), warmth.clone());
        Callback::from(move |_: MouseEvent| {
            let text = area.cast::<HtmlTextAreaElement>().map(|a| a.value()).unwrap_or_default();
            let temperature = warmth.cast::<HtmlInputElement>().map_or(0.0, |i| i.value_as_number());
            let lab = lab.clone();
            spawn_local(async move {
                let ids = match lab.port.texts.tokenizer(&lab.state).await {
                    Ok(_) => lab.port.texts.tokens().ask(What::Encode { text }).await,
                    Err(fault) => return lab.act(Action::Fault { place: Place::Prune, fault, now: now() }),
                };
                if let Ok(Told::Ids(ids)) = ids {
                    let config = json!({ "of": "both", "prompt": ids.to_vec(), "tokens": 48, "temperature": if temperature.is_finite() { temperature.clamp(0.0, 5.0) } else { 0.0 } });
                    lab.run("generate", config, None);
                }
            });
        })
    };
    let side = |i: usize, word: &str| {
        let (said, text) = (&found[i], &read[i]);
        html! {
            <div class="side" data-test={format!("words-{word}")}>
                <h3>{ word.to_owned() }</h3>
                if let (Some(said), Some(text)) = (said, text) {
                    <p class="text"><span class="d">{ &text.prompt }</span>{ &text.added }</p>
                    <ol class="next" aria-label={format!("likeliest next tokens of the {word} model")}>
                        { for text.candidates.iter().zip(said.candidates.iter()).zip(said.probabilities.iter()).take(8).map(|((word, id), p)| {
                            let elsewhere = found[1 - i].as_ref().and_then(|o| o.candidates.iter().position(|c| c == id)).is_some();
                            html! { <li class={(!elsewhere).then_some("new")} title={format!("token {id}")}><code>{ shown(word) }</code>
                                <svg width="80" height="6" aria-hidden="true"><rect width={format!("{:.1}", p * 80.0)} height="6" fill={if i == 0 { "var(--ink-2)" } else { "var(--cut)" }} /></svg><span class="n">{ percent(*p) }</span></li> }
                        }) }
                    </ol>
                }
            </div>
        }
    };
    html! {
        <section class="words" data-test="prune-words">
            <header><h2>{ "In its own words" }</h2><span class="d">{ "the same prompt, before and after; likeliest next tokens with their probability" }</span></header>
            <div class="ask">
                <textarea ref={area} class="in own" rows="2" aria-label="Prompt" data-test="words-prompt" defaultvalue={"ROMEO:\nWhat light"} />
                <label>{ "temperature " }<input ref={warmth} class="in num" type="number" min="0" max="5" step="0.1" value="0" aria-label="Temperature" data-test="words-temperature" /></label>
                <button type="button" class={classes!("btn", (!ready).then_some("off"))} disabled={!ready} onclick={go} data-test="words-go">{ "Go on, both" }</button>
            </div>
            { progress(lab, "generate") }
            if found[0].is_some() || found[1].is_some() {
                <div class="both">{ side(0, "dense") }{ side(1, "pruned") }</div>
                <p class="say">{ sentence(&found) }</p>
            } else {
                <p class="say">{ if pruned { "One prompt, two models: the text of each says more than a number; how often, it does not say." } else { "Prune first: then the dense and the pruned model go on with the same prompt." } }</p>
            }
        </section>
    }
}

/// A token as it can be seen.
fn shown(word: &str) -> String {
    if word.is_empty() { "∅".into() } else { word.replace('\n', "⏎").replace(' ', "␣") }
}

fn sentence(found: &[Option<Said>; 2]) -> String {
    let [Some(a), Some(b)] = found else { return String::new() };
    let same = a.tokens.iter().zip(b.tokens.iter()).take_while(|(x, y)| x == y).count();
    let kept = a.candidates.iter().filter(|c| b.candidates.contains(c)).count();
    let start = if same == a.tokens.len() && same == b.tokens.len() {
        format!("Both say the same {same} tokens")
    } else {
        match same {
            0 => "They part at the first token".into(),
            1 => "They agree for one token, then part".into(),
            n => format!("They agree for {n} tokens, then part"),
        }
    };
    format!("{start}; {kept} of the dense model’s {} likeliest next tokens are also the pruned one’s.", a.candidates.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_where_they_part() {
        let said = |tokens: &[u32], candidates: &[u32]| Some(Said { pruned: false, prompt: vec![1].into(), tokens: tokens.to_vec().into(), candidates: candidates.to_vec().into(), probabilities: vec![0.5; candidates.len()].into() });
        assert_eq!(sentence(&[said(&[1, 2, 3], &[7, 8]), said(&[1, 2, 4], &[8, 9])]), "They agree for 2 tokens, then part; 1 of the dense model’s 2 likeliest next tokens are also the pruned one’s.");
        assert!(sentence(&[said(&[1], &[7]), said(&[1], &[7])]).starts_with("Both say the same 1"));
        assert_eq!(sentence(&[None, said(&[1], &[7])]), "");
        assert_eq!(shown(" a\n"), "␣a⏎");
    }
}
