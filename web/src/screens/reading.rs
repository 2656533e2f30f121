//! What is read before pruning, and what is measured afterwards: shared by Prune and Study.

use espalier_methods::calibration::{Format, OWN};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{File, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::history::Gesture;
use crate::app::language::OwnText;
use crate::app::texts::{self, BUNDLED};
use crate::plot::number::{bytes, count};
use crate::screens::parts::{choice, segments};
use crate::screens::prune::tune;
use crate::screens::tokens::TokenView;

/// Properties of both parts.
#[derive(Properties, PartialEq)]
pub struct ReadingProps {
    /// The laboratory.
    pub lab: Lab,
}

/// Names and what they are: bundled texts, then the visitor's own.
pub fn all(lab: &Lab) -> Vec<(String, String)> {
    let own = lab.state.own.iter().map(|t| (t.name.clone(), format!("your own, {}", bytes(t.text.len() as f64))));
    BUNDLED.iter().map(|b| (b.name.to_owned(), b.what.to_owned())).chain(own).collect()
}

fn chosen_file(e: &Event) -> Option<File> {
    e.target_dyn_into::<HtmlInputElement>()?.files()?.get(0)
}

/// The text that calibrates: which, in what form, how much of it.
#[component]
pub fn Reading(props: &ReadingProps) -> Html {
    let lab = &props.lab;
    let writing = use_state_eq(|| false);
    let area = use_node_ref();
    let c = &lab.state.prune().calibrated;
    let mut names = all(lab);
    names.push((OWN.to_owned(), format!("The open model’s own text: it writes it when the run begins, seed {}. Calibration only: it would judge itself", lab.state.seed)));
    let what = names.iter().find(|(n, _)| *n == c.text).map_or_else(|| "This text is not here: it was the maker’s own. Choose another, or give it.".to_owned(), |(_, w)| format!("{w}."));
    let choose = {
        let lab = lab.clone();
        Callback::from(move |e: Event| {
            if let Some(s) = e.target_dyn_into::<HtmlSelectElement>() {
                tune(&lab, Gesture::Step, |c| c.text = s.value());
            }
        })
    };
    let take = {
        let (lab, writing, area) = (lab.clone(), writing.clone(), area.clone());
        Callback::from(move |_: MouseEvent| {
            let text = area.cast::<HtmlTextAreaElement>().map(|a| a.value()).unwrap_or_default();
            if !text.trim().is_empty() {
                own(&lab, OwnText::new("own", false, &text));
                writing.set(false);
            }
        })
    };
    let file = {
        let lab = lab.clone();
        Callback::from(move |e: Event| {
            let Some(file) = chosen_file(&e) else { return };
            let lab = lab.clone();
            spawn_local(async move {
                if let Some(text) = texts::read(&file).await {
                    let name = file.name();
                    let stem = name.rsplit_once('.').map_or(name.as_str(), |(s, _)| s);
                    own(&lab, OwnText::new(stem, name.ends_with(".jsonl"), &text));
                }
            });
        })
    };
    let open = {
        let writing = writing.clone();
        Callback::from(move |_: MouseEvent| writing.set(!*writing))
    };
    let formats = [choice(Format::Zero, "zero"), choice(Format::Single, "one"), choice(Format::InContext, "many"), choice(Format::ChainOfThought, "reasons")];
    let format = {
        let lab = lab.clone();
        Callback::from(move |f: Format| tune(&lab, Gesture::Step, |c| c.format = f))
    };
    let field = |id: &'static str, label: &'static str, value: u64, set: Callback<u64>| {
        let onchange = Callback::from(move |e: Event| {
            let v = e.target_dyn_into::<HtmlInputElement>().map_or(f64::NAN, |i| i.value_as_number());
            if v.is_finite() && v >= 0.0 {
                set.emit(v as u64);
            }
        });
        html! { <input class="in num" type="number" min="0" {id} data-test={id} aria-label={label} value={value.to_string()} {onchange} /> }
    };
    let tuned = |set: fn(&mut crate::app::language::Calibrated, u32)| {
        let lab = lab.clone();
        Callback::from(move |v: u64| tune(&lab, Gesture::Step, |c| set(c, u32::try_from(v).unwrap_or(u32::MAX))))
    };
    let seed = {
        let lab = lab.clone();
        Callback::from(move |v: u64| lab.act(Action::Seed(v)))
    };
    html! {
        <div class="knob reading" data-test="reading">
            <label for="calibration-text">{ "Calibration" }</label>
            <select id="calibration-text" class="in" data-test="calibration-text" onchange={choose}>
                { for names.iter().map(|(n, _)| html! { <option value={n.clone()} selected={*n == c.text}>{ n }</option> }) }
                if !names.iter().any(|(n, _)| *n == c.text) { <option value={c.text.clone()} selected=true>{ format!("{} (not here)", c.text) }</option> }
            </select>
            <p>{ what }</p>
            <div class="acts">
                <button type="button" class="btn sm" aria-expanded={writing.to_string()} onclick={open} data-test="own-write">{ "Type or paste" }</button>
                <label class="btn sm filebtn">{ ".txt or .jsonl" }<input type="file" accept=".txt,.jsonl,text/plain" aria-label="Calibration text from a file" data-test="own-file" onchange={file} /></label>
            </div>
            if *writing {
                <textarea ref={area} class="in own" rows="5" aria-label="Your own calibration text" data-test="own-text" placeholder="A few hundred words at least: more than one window." />
                <button type="button" class="btn sm" onclick={take} data-test="own-take">{ "Take this text" }</button>
            }
            if texts::questions(&c.text, &lab.state.own) {
                <div class="line"><span>{ "Examples" }</span>{ segments("Examples", "calibration-format", &formats, &super::prune::asked::format(c, &lab.state.own), &format) }</div>
            }
            <div class="line"><span>{ "Windows × tokens" }</span><span class="val">{ field("calibration-samples", "Calibration windows", c.samples.into(), tuned(|c, v| c.samples = v.clamp(1, 4096))) }{ "×" }
                { field("calibration-length", "Tokens a window", c.length.into(), tuned(|c, v| c.length = v.clamp(2, 131_072))) }</span></div>
            <div class="line"><span>{ "Seed" }</span><span class="val">{ field("calibration-seed", "Seed", lab.state.seed, seed) }</span></div>
            <TokenView lab={lab.clone()} />
        </div>
    }
}

fn own(lab: &Lab, text: OwnText) {
    let name = text.name.clone();
    lab.act(Action::Own(text));
    tune(lab, Gesture::Step, |c| c.text = name);
}

/// The texts that perplexity is measured on.
#[component]
pub fn Measuring(props: &ReadingProps) -> Html {
    let lab = &props.lab;
    let c = &lab.state.prune().calibrated;
    let onchange = {
        let lab = lab.clone();
        Callback::from(move |e: Event| {
            let v = e.target_dyn_into::<HtmlInputElement>().map_or(f64::NAN, |i| i.value_as_number());
            if v.is_finite() {
                tune(&lab, Gesture::Step, |c| c.windows = v.clamp(1.0, 4096.0) as u32);
            }
        })
    };
    html! {
        <div class="knob reading" data-test="measuring">
            <label>{ "Measured on" }</label><span class="val d">{ count(c.domains.len() as f64) }{ " texts" }</span>
            <ul class="exp domains">
                { for all(lab).into_iter().map(|(name, what)| {
                    let toggle = {
                        let (lab, name) = (lab.clone(), name.clone());
                        Callback::from(move |_: Event| tune(&lab, Gesture::Step, |c| {
                            if c.domains.contains(&name) {
                                c.domains.retain(|d| *d != name);
                            } else {
                                c.domains.push(name.clone());
                            }
                        }))
                    };
                    let id = format!("domain-{name}");
                    html! { <li title={what}><input type="checkbox" id={id.clone()} checked={c.domains.contains(&name)} onchange={toggle} data-test={id.clone()} /><label for={id}>{ name }</label></li> }
                }) }
            </ul>
            <div class="line"><span>{ "Windows of each, at most" }</span><span class="val"><input class="in num" type="number" min="1" id="measure-windows" data-test="measure-windows" aria-label="Evaluation windows of each text" value={c.windows.to_string()} {onchange} /></span></div>
            <p>{ "Perplexity before and after, over windows from each text’s start." }</p>
        </div>
    }
}

/// A file input's event as a file, for others.
pub fn file_of(e: &Event) -> Option<File> {
    chosen_file(e).or_else(|| e.target()?.dyn_into::<HtmlInputElement>().ok()?.files()?.get(0))
}
