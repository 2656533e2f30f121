//! The text: typed, cut into tokens, read token by token.

use gloo::timers::callback::Interval;
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::View;
use super::words::words;
use crate::app::action::Action;
use crate::app::context::{Lab, now};
use crate::app::state::Place;
use crate::plot::number::{count, fixed};
use crate::screens::parts::progress;

/// What stands in the field before anything was typed.
pub const FIRST: &str = "Now is the winter of our discontent\nMade glorious summer by this sun of York;\nAnd all the clouds that lour'd upon our house\nIn the deep bosom of the ocean buried.";
/// What it is compared with at first.
pub const SECOND: &str = "If a train leaves the station at 9 and goes 60 miles an hour, how far has it come at 11? It has come 120 miles.";
/// Tokens that are drawn; a longer text is run whole, and its first ones are shown.
const SHOWN: usize = 600;
/// Milliseconds a token when it plays.
const BEAT: u32 = 250;

/// Runs a text, and another one to compare with.
pub fn watch(lab: &Lab, first: String, second: Option<String>) {
    let lab = lab.clone();
    wasm_bindgen_futures::spawn_local(async move {
        let mut all = Vec::new();
        for text in std::iter::once(first).chain(second) {
            match words(&lab, text).await {
                Ok(w) => all.push(w),
                Err(fault) => return lab.act(Action::Fault { place: Place::Experts, fault, now: now() }),
            }
        }
        let tokens = |i: usize| all.get(i).map(|w| w.tokens.iter().map(|t| t.0).collect::<Vec<u32>>()).unwrap_or_default();
        let name = |i: usize| all.get(i).map_or_else(String::new, |w| named(&w.text));
        let config = serde_json::json!({ "tokens": tokens(0), "name": name(0), "second": tokens(1), "second_name": name(1) });
        lab.act(Action::Words(all));
        lab.run("experts", config, None);
    });
}

/// The beginning of a text, for a name.
fn named(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = line.chars().take(22).collect();
    if start.len() < line.len() { format!("“{}…”", start.trim_end()) } else { format!("“{start}”") }
}

/// The text that a field holds now.
pub fn held(lab: &Lab, key: &str, first: &str) -> String {
    lab.state.view(key).map_or_else(|| first.to_owned(), |t| t.to_string())
}

/// A field for a text; what is typed is kept as it is typed.
pub fn field(lab: &Lab, key: &'static str, first: &str, label: &'static str) -> Html {
    let oninput = {
        let lab = lab.clone();
        Callback::from(move |e: InputEvent| {
            if let Some(area) = e.target_dyn_into::<HtmlTextAreaElement>() {
                lab.view(key, &area.value());
            }
        })
    };
    html! { <textarea class="in text" rows="4" spellcheck="false" aria-label={label} value={held(lab, key, first)} data-test={key} {oninput} /> }
}

/// Properties of [`Reading`].
#[derive(Properties)]
pub struct ReadingProps {
    /// The laboratory.
    pub lab: Lab,
    /// What is shown.
    pub view: View,
    /// Goes to a token.
    pub to: Callback<usize>,
}

impl PartialEq for ReadingProps {
    fn eq(&self, other: &Self) -> bool {
        self.lab == other.lab && self.view.token == other.view.token
    }
}

/// The field, or the text read token by token.
#[component]
pub fn Reading(props: &ReadingProps) -> Html {
    let (lab, view) = (&props.lab, &props.view);
    let editing = use_state_eq(|| false);
    let playing = use_state_eq(|| false);
    let length = view.routing().map_or(0, |r| r.length());
    let at = use_mut_ref(|| 0usize);
    *at.borrow_mut() = view.token;
    {
        let (to, at, playing) = (props.to.clone(), at.clone(), playing.clone());
        use_effect_with((*playing, length), move |(on, length)| {
            let (on, length) = (*on, *length);
            let beat = on.then(|| Interval::new(BEAT, move || {
                let next = *at.borrow() + 1;
                if next < length { to.emit(next) } else { playing.set(false) }
            }));
            move || drop(beat)
        });
    }
    let go = {
        let (lab, editing) = (lab.clone(), editing.clone());
        Callback::from(move |_: MouseEvent| {
            editing.set(false);
            watch(&lab, held(&lab, "experts-text", FIRST), None);
        })
    };
    let busy = lab.state.running("experts").is_some();
    let Some(r) = view.routing().filter(|_| !*editing) else {
        return html! {
            <div class="read" data-test="experts-reading">
                <div class="readhead"><h2>{ "Text" }</h2>
                    <span class="play"><button type="button" class="btn go" onclick={go} disabled={busy} data-test="experts-watch">{ "Watch" }</button></span></div>
                { field(lab, "experts-text", FIRST, "Text to watch") }
                { progress(lab, "experts") }
            </div>
        };
    };
    let step = |by: isize| {
        let (to, playing, from) = (props.to.clone(), playing.clone(), view.token);
        Callback::from(move |_: MouseEvent| {
            playing.set(false);
            to.emit(from.saturating_add_signed(by).min(length.saturating_sub(1)));
        })
    };
    let play = {
        let (playing, to, token) = (playing.clone(), props.to.clone(), view.token);
        Callback::from(move |_: MouseEvent| {
            if !*playing && token + 1 >= length {
                to.emit(0);
            }
            playing.set(!*playing);
        })
    };
    let edit = {
        let editing = editing.clone();
        Callback::from(move |_: MouseEvent| editing.set(true))
    };
    html! {
        <div class="read" data-test="experts-reading">
            <div class="readhead"><h2>{ "Text" }</h2>
                <span class="d nb">{ "token " }<b class="q" data-test="experts-token">{ count(view.token as f64 + 1.0) }</b>{ format!(" of {}", count(length as f64)) }<span class="wide">{ " · bar below a token: how undecided the routers were" }</span></span>
                <span class="play">
                    <button type="button" class="btn sm" aria-label="Step back" onclick={step(-1)}><svg width="10" height="10" aria-hidden="true"><path d="M1 0v10M9 0 3 5l6 5z" fill="currentColor" stroke="currentColor" /></svg></button>
                    <button type="button" class="btn sm" aria-label={if *playing { "Pause" } else { "Play" }} onclick={play} data-test="experts-play"><svg width="10" height="10" aria-hidden="true"><path d={if *playing { "M1 0h3v10H1zM6 0h3v10H6z" } else { "M1 0l8 5-8 5z" }} fill="currentColor" /></svg></button>
                    <button type="button" class="btn sm" aria-label="Step" onclick={step(1)}><svg width="10" height="10" aria-hidden="true"><path d="M9 0v10M1 0l6 5-6 5z" fill="currentColor" stroke="currentColor" /></svg></button>
                    <button type="button" class="btn sm" onclick={edit} data-test="experts-edit">{ "Edit" }</button>
                    if busy { { progress(lab, "experts") } }
                </span></div>
            { strip(lab, view, r, &props.to) }
        </div>
    }
}

/// The tokens as text; the one that is looked at is framed, and the bars below say how undecided the routers were.
fn strip(lab: &Lab, view: &View, r: &espalier_methods::experts::Routing, to: &Callback<usize>) -> Html {
    let words = lab.state.experts.words_of(r).cloned();
    let word = |t: usize| words.as_ref().and_then(|w| w.tokens.get(t)).map_or_else(|| format!("{} ", r.tokens[t]), |w| w.1.clone());
    let undecided = |t: usize| {
        let row = &r.entropy[t * r.layers()..(t + 1) * r.layers()];
        row.iter().map(|v| f64::from(*v)).sum::<f64>() / row.len().max(1) as f64
    };
    let length = r.length();
    let key = {
        let (to, at) = (to.clone(), view.token);
        Callback::from(move |e: KeyboardEvent| {
            let next = match e.key().as_str() {
                "ArrowRight" | "ArrowUp" => at + 1,
                "ArrowLeft" | "ArrowDown" => at.saturating_sub(1),
                "PageUp" => at + 10,
                "PageDown" => at.saturating_sub(10),
                "Home" => 0,
                "End" => length.saturating_sub(1),
                _ => return,
            };
            e.prevent_default();
            to.emit(next.min(length.saturating_sub(1)));
        })
    };
    let one = |t: usize| {
        let go = {
            let to = to.clone();
            Callback::from(move |_: MouseEvent| to.emit(t))
        };
        let h = undecided(t);
        let state = match t.cmp(&view.token) {
            std::cmp::Ordering::Less => "past",
            std::cmp::Ordering::Equal => "here",
            std::cmp::Ordering::Greater => "ahead",
        };
        html! {
            <span key={t} class={classes!("tok", state)} onclick={go}>{ word(t) }<svg viewBox="0 0 10 4" preserveAspectRatio="none" aria-hidden="true"><rect width="10" height={format!("{:.1}", 0.6 + 3.4 * h)} fill="var(--edge)" /></svg></span>
        }
    };
    let shown = length.min(SHOWN);
    // A window of the text around the token, so that a long one can be read to its end.
    let start = if view.token < shown { 0 } else { view.token + 1 - shown };
    html! {
        <div class="txt" role="slider" tabindex="0" aria-label="Token" aria-valuemin="1" aria-valuemax={length.to_string()} aria-valuenow={(view.token + 1).to_string()}
            aria-valuetext={format!("{}, routers’ entropy {}", word(view.token).trim(), fixed(undecided(view.token), 2))} onkeydown={key} data-test="experts-strip">
            { for (start..(start + shown).min(length)).map(one) }
        </div>
    }
}
