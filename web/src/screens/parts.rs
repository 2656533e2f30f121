//! Small parts that screens share: segmented controls, knobs, progress in place.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::app::context::{Lab, now};
use crate::figures::branch_bars::padlock;
use crate::plot::number::{clock, count};

/// One choice of a segmented control.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice<T> {
    /// What it means.
    pub value: T,
    /// Its word.
    pub word: AttrValue,
    /// For tests.
    pub test: AttrValue,
}

/// A choice whose word is its name for tests too.
pub fn choice<T>(value: T, word: &'static str) -> Choice<T> {
    Choice { value, word: word.into(), test: word.to_lowercase().replace(' ', "-").into() }
}

/// A segmented control.
pub fn segments<T: PartialEq + Clone + 'static>(label: &'static str, test: &'static str, choices: &[Choice<T>], chosen: &T, choose: &Callback<T>) -> Html {
    html! {
        <div class="seg" role="group" aria-label={label} data-test={test}>
            { for choices.iter().map(|c| {
                let (value, choose) = (c.value.clone(), choose.clone());
                let onclick = Callback::from(move |_: MouseEvent| choose.emit(value.clone()));
                html! { <button type="button" aria-pressed={(c.value == *chosen).to_string()} data-choice={c.test.clone()} {onclick}>{ &c.word }</button> }
            }) }
        </div>
    }
}

/// A list to choose one of, by its place.
pub fn select(label: &'static str, test: &'static str, names: &[String], now: Option<usize>, choose: Callback<usize>) -> Html {
    let onchange = Callback::from(move |e: Event| {
        if let Some(s) = e.target_dyn_into::<HtmlSelectElement>() {
            choose.emit(s.selected_index().max(0) as usize);
        }
    });
    html! {
        <select class="in" aria-label={label} data-test={test} {onchange}>
            { for names.iter().enumerate().map(|(i, n)| html! { <option value={n.clone()} selected={now == Some(i)}>{ n }</option> }) }
        </select>
    }
}

/// Properties of [`Knob`].
#[derive(Properties, PartialEq)]
pub struct KnobProps {
    /// Label.
    pub label: AttrValue,
    /// Value as written in its field.
    pub value: AttrValue,
    /// Unit.
    #[prop_or_default]
    pub unit: AttrValue,
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    /// Step of the arrows.
    pub step: f64,
    /// The number in the field's unit was changed.
    pub on_set: Callback<f64>,
    /// The track was moved: the number, and the number of the gesture, so that one drag is one step of undo. Without it the track does what the field does.
    #[prop_or_default]
    pub on_slide: Option<Callback<(f64, u32)>>,
    /// A fresh number for a gesture of the track.
    #[prop_or_default]
    pub gesture: Option<Callback<(), u32>>,
    /// Back to the default; ink while it differs.
    #[prop_or_default]
    pub on_reset: Option<Callback<()>>,
    /// Differs from the default.
    #[prop_or_default]
    pub changed: bool,
    /// Held or not, and how to hold it.
    #[prop_or_default]
    pub lock: Option<(bool, Callback<()>)>,
    /// A hairline track with this share filled, and a grey tick at the paper's value.
    #[prop_or_default]
    pub track: bool,
    /// The paper's value in the field's unit.
    #[prop_or_default]
    pub paper: Option<f64>,
    /// Help, one sentence.
    #[prop_or_default]
    pub help: AttrValue,
    /// Cannot be changed now.
    #[prop_or_default]
    pub disabled: bool,
    /// For tests, and the field's id.
    pub test: AttrValue,
}

/// A number with its field, its track, and what brings it back.
#[component]
pub fn Knob(props: &KnobProps) -> Html {
    let set = {
        let (on_set, min, max) = (props.on_set.clone(), props.min, props.max);
        move |e: &Event| {
            let v = e.target_dyn_into::<HtmlInputElement>().map_or(f64::NAN, |i| i.value_as_number());
            if v.is_finite() {
                on_set.emit(v.clamp(min, max));
            }
        }
    };
    let onchange = {
        let set = set.clone();
        Callback::from(move |e: Event| set(&e))
    };
    let sliding = use_mut_ref(|| None::<u32>);
    let oninput = {
        let (slide, fresh, sliding, min, max) = (props.on_slide.clone(), props.gesture.clone(), sliding.clone(), props.min, props.max);
        Callback::from(move |e: InputEvent| match (&slide, &fresh) {
            (Some(slide), Some(fresh)) => {
                let v = e.target_dyn_into::<HtmlInputElement>().map_or(f64::NAN, |i| i.value_as_number());
                if v.is_finite() {
                    let gesture = *sliding.borrow_mut().get_or_insert_with(|| fresh.emit(()));
                    slide.emit((v.clamp(min, max), gesture));
                }
            }
            _ => set(&e),
        })
    };
    // The browser says `change` once, when the handle is let go.
    let let_go = Callback::from(move |_: Event| *sliding.borrow_mut() = None);
    let reset = props.on_reset.clone().map(|r| {
        let onclick = r.reform(|_: MouseEvent| ());
        html! { <button type="button" class={classes!("ib", props.changed.then_some("was"))} aria-label={format!("Reset {}", props.label)} title="Back to the default" {onclick}>{ "↺" }</button> }
    });
    let lock = props.lock.clone().map(|(held, hold)| {
        let onclick = hold.reform(|_: MouseEvent| ());
        html! { <button type="button" class="ib" aria-pressed={held.to_string()} aria-label={format!("Hold {}", props.label)} title="Hold this one; the other follows" {onclick}>{ padlock(held) }</button> }
    });
    let (min, max, step) = (props.min.to_string(), props.max.to_string(), props.step.to_string());
    html! {
        <div class="knob">
            <label for={props.test.clone()}>{ &props.label }</label>
            <span class="val">
                <input id={props.test.clone()} type="number" min={min.clone()} max={max.clone()} step={step.clone()} value={props.value.clone()} disabled={props.disabled} data-test={props.test.clone()} {onchange} />
                <i>{ &props.unit }</i>
            </span>
            { reset.unwrap_or_else(|| html! { <span></span> }) }
            { lock.unwrap_or_else(|| html! { <span></span> }) }
            if props.track {
                <span class="slot">
                    <input type="range" class="range" {min} {max} {step} value={props.value.clone()} disabled={props.disabled} aria-label={props.label.clone()} data-test={format!("{}-track", props.test)} {oninput} onchange={let_go} />
                    if let Some(p) = props.paper {
                        <svg class="tickmark" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                            <rect x={format!("{:.2}", (p - props.min) / (props.max - props.min) * 100.0)} y="0" width="0.4" height="4" fill="var(--ghost)" />
                        </svg>
                    }
                </span>
            }
            if !props.help.is_empty() { <p>{ &props.help }</p> }
        </div>
    }
}

/// What runs for a screen, where its results will stand: what, done of total, time left, Cancel.
pub fn progress(lab: &Lab, method: &str) -> Html {
    let Some(run) = lab.state.running(method) else { return Html::default() };
    let left = run.seconds_left(now()).map(|s| format!("{} left", clock(s)));
    let cancel = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.cancel())
    };
    let width = format!("{:.1}", run.share() * 160.0);
    let counted = if run.total > 0.0 { format!("{} / {}", count(run.done), count(run.total)) } else { String::new() };
    html! {
        <p class="inplace" data-test="progress">
            <span>{ run.word() }{ " " }<b>{ counted }</b></span>
            <svg width="160" height="4" aria-hidden="true"><rect width="160" height="4" fill="var(--well)" /><rect {width} height="4" fill="var(--leaf)" /></svg>
            <span>{ left.unwrap_or_default() }</span>
            <button type="button" class="btn sm" onclick={cancel} disabled={run.cancel_ms.is_some()} data-test="cancel-here">{ if run.cancel_ms.is_some() { "Cancelling" } else { "Cancel" } }</button>
            <span class="d m">{ &run.label }</span>
        </p>
    }
}

/// One line of an export list: a box, its name, its size or kind.
pub fn export_line(id: &'static str, label: &str, right: &str, on: bool, toggle: &Callback<()>) -> Html {
    let onchange = toggle.reform(|_: Event| ());
    html! {
        <li><input type="checkbox" {id} checked={on} {onchange} data-test={id} /><label for={id}>{ label.to_owned() }</label><span class="d">{ right.to_owned() }</span></li>
    }
}
