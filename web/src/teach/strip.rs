//! The lesson's strip above the status line, the ring round the control it speaks of, and the buttons that begin it.

use yew::prelude::*;

use super::lessons::{Tour, steps};
use super::reader;
use crate::app::action::Action;
use crate::app::context::{Lab, use_lab};
use crate::app::part;
use crate::app::state::Place;

/// In a place's head: free use or its lesson, and the shaders that work there.
pub fn buttons(lab: &Lab, of: Place) -> Html {
    let on = lab.state.tour.as_ref().is_some_and(|l| l.of == of);
    let set = |to: bool| {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.act(Action::Tour(to.then(|| Tour::begin(of, &lab.state)))))
    };
    let read = reader::of_place(of).first().map(|first| {
        let (lab, first) = (lab.clone(), *first);
        let onclick = Callback::from(move |_: MouseEvent| part::read_shader(&lab, first));
        html! { <button type="button" class="btn sm" {onclick} data-test="read-shader">{ "Read the shader" }</button> }
    });
    html! {
        <span class="teach">
            { for read }
            <span class="seg" role="group" aria-label="Lesson">
                <button type="button" aria-pressed={on.to_string()} onclick={set(true)} data-test="lesson-begin">{ "Lesson" }</button>
                <button type="button" aria-pressed={(!on).to_string()} onclick={set(false)} data-test="lesson-end">{ "Free" }</button>
            </span>
        </span>
    }
}

/// The strip, while a lesson is under way.
#[component]
pub fn Strip() -> Html {
    let lab = &use_lab();
    let done = lab.state.tour.as_ref().is_some_and(|t| t.done(&lab.state));
    use_aim(lab, done);
    let Some(lesson) = &lab.state.tour else { return Html::default() };
    let n = steps(lesson.of).len();
    let last = lesson.step + 1 == n;
    let to = |step: usize| {
        let (lab, lesson) = (lab.clone(), lesson.clone());
        Callback::from(move |_: MouseEvent| lab.act(Action::Tour(Some(lesson.at(step, &lab.state)))))
    };
    let close = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.act(Action::Tour(None)))
    };
    let back = {
        let (lab, of) = (lab.clone(), lesson.of);
        (lab.state.place != of).then(|| {
            let onclick = Callback::from(move |_: MouseEvent| lab.go(of));
            html! { <button type="button" class="btn sm" {onclick}>{ "To " }{ of.word() }</button> }
        })
    };
    let dot = |i: usize| {
        let class = if i == lesson.step { "on" } else if i < lesson.step { "was" } else { "" };
        html! { <button type="button" {class} aria-label={format!("Step {}", i + 1)} aria-current={(i == lesson.step).then_some("step")} onclick={to(i)}><i></i></button> }
    };
    let end = last && done;
    html! {
        <section class="lesson" aria-label={format!("Lesson: {}", lesson.of.word())} data-test="lesson" data-step={(lesson.step + 1).to_string()} data-done={done.to_string()}>
            <b>{ format!("{} / {n}", lesson.step + 1) }</b>
            <span class="dots">{ for (0..n).map(dot) }</span>
            <p class="say" aria-live="polite">{ lesson.now().say }{ if done { html! { <em data-test="lesson-done">{ if end { " That is the answer." } else { " Done." } }</em> } } else { Html::default() } }</p>
            { for back }
            <button type="button" class="btn sm" aria-label="Step back" disabled={lesson.step == 0} onclick={to(lesson.step.saturating_sub(1))}>{ "‹" }</button>
            if !last {
                <button type="button" class={classes!("btn", "sm", done.then_some("go"))} aria-label="Next step" onclick={to(lesson.step + 1)} data-test="lesson-next">{ "›" }</button>
            }
            <button type="button" class={classes!("btn", "sm", end.then_some("go"))} aria-label="Close the lesson" onclick={close} data-test="lesson-close">{ if end { "Finish" } else { "×" } }</button>
        </section>
    }
}

/// Draws the ring round the control of the step, wherever it is drawn now, and takes it from the one before.
#[hook]
fn use_aim(lab: &Lab, done: bool) {
    let aim = lab.state.tour.as_ref().filter(|_| !done).map_or("", |l| l.now().aim);
    use_effect_with((), |()| || aim_at(""));
    // Every change of the page may have drawn the control anew, so this looks again each time; it is one selector.
    use_effect(move || aim_at(aim));
}

fn aim_at(aim: &str) {
    let document = gloo::utils::document();
    let wanted = if aim.is_empty() { None } else { document.query_selector(aim).ok().flatten() };
    // An attribute of its own: the class list is Yew's.
    if let Some(old) = document.query_selector("[data-aim]").ok().flatten().filter(|old| wanted.as_ref() != Some(old)) {
        old.remove_attribute("data-aim").ok();
    }
    if let Some(e) = wanted {
        e.set_attribute("data-aim", "").ok();
    }
}
