//! The tokenizer in use, and the tokens of a text one by one.

use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::reading::{ReadingProps, file_of};
use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::texts;
use crate::plot::number::{count, plural};

/// Tokens of a text: word and number.
type Pieces = Vec<(u32, String, u32)>;

/// Most tokens that are drawn.
const MOST: usize = 400;

async fn view(lab: Lab, text: String) -> Result<Pieces, String> {
    let (tokenizer, pieces) = lab.port.texts.pieces(&lab.state, text).await.map_err(|f| f.why)?;
    lab.act(Action::Tokenizer(Some(tokenizer)));
    Ok(pieces)
}

/// Which tokenizer, and a text in tokens.
#[component]
pub fn TokenView(props: &ReadingProps) -> Html {
    let lab = &props.lab;
    let area = use_node_ref();
    let seen = use_state(|| None::<Result<Pieces, String>>);
    let open = lab.state.summary.is_some();
    let look = {
        let (lab, area, seen) = (lab.clone(), area.clone(), seen.clone());
        Callback::from(move |_: MouseEvent| {
            let text = area.cast::<HtmlTextAreaElement>().map(|a| a.value()).unwrap_or_default();
            let (lab, seen) = (lab.clone(), seen.clone());
            spawn_local(async move { seen.set(Some(view(lab, text).await)) });
        })
    };
    let choose = {
        let (lab, seen) = (lab.clone(), seen.clone());
        Callback::from(move |e: Event| {
            let Some(file) = file_of(&e) else { return };
            let (lab, seen) = (lab.clone(), seen.clone());
            spawn_local(async move {
                if let Some(json) = texts::read(&file).await {
                    lab.port.texts.choose(file.name(), json);
                    match lab.port.texts.tokenizer(&lab.state).await {
                        Ok(t) => lab.act(Action::Tokenizer(Some(t))),
                        Err(f) => seen.set(Some(Err(f.why))),
                    }
                }
            });
        })
    };
    let which = match &lab.state.tokenizer {
        Some(t) => match &t.from {
            Some(from) => format!("{from}, {} words.", count(f64::from(t.words))),
            None => "No tokenizer.json came with the weights: each byte is a token.".into(),
        },
        None => "Looked for when a text is first tokenized: beside the weights, else bytes.".into(),
    };
    html! {
        <details class="tokens" data-test="tokens">
            <summary>{ "Tokens" }<span class="d">{ lab.state.tokenizer.as_ref().map(|t| format!(" {}", count(f64::from(t.words)))) }</span></summary>
            <p>{ which }</p>
            <div class="acts"><label class="btn sm filebtn">{ "tokenizer.json" }<input type="file" accept=".json" aria-label="Another tokenizer.json" data-test="tokenizer-file" onchange={choose} disabled={!open} /></label></div>
            <textarea ref={area} class="in own" rows="2" aria-label="A text to see in tokens" data-test="token-text" defaultvalue="To be, or not to be: that is the question." />
            <button type="button" class="btn sm" disabled={!open} onclick={look} data-test="token-look" aria-label="Show its tokens">{ "Show its tokens" }</button>
            { match &*seen {
                None => Html::default(),
                Some(Err(why)) => html! { <p class="warnbox">{ why }</p> },
                Some(Ok(all)) => html! {
                    <>
                    <p data-test="token-count">{ plural(all.len(), "token", "tokens") }</p>
                    <ol class="pieces">{ for all.iter().take(MOST).map(|(id, word, _)| html! { <li title={format!("token {id}")}><code>{ word }</code><small>{ id }</small></li> }) }</ol>
                    </>
                },
            } }
        </details>
    }
}
