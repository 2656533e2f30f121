//! In the top bar: how far a run is, and the way out of it.

use gloo::timers::callback::Interval;
use yew::prelude::*;

use crate::app::context::{now, use_lab};
use crate::plot::number;

/// A single call into the linear algebra cannot be stopped; past this the page offers to end the worker instead.
const STOP_AFTER_MS: f64 = 200.0;

/// Done of total, a bar, the time left, and the way out.
#[component]
pub fn Running() -> Html {
    let lab = use_lab();
    let tick = use_state(now);
    let job = lab.state.run.as_ref().map(|r| r.job);
    {
        let tick = tick.setter();
        use_effect_with(job, move |_| {
            let clock = Interval::new(250, move || tick.set(now()));
            move || drop(clock)
        });
    }
    let Some(run) = lab.state.run.as_ref() else { return Html::default() };
    let time = f64::max(*tick, run.heard_ms);
    let left = run.seconds_left(time);
    let cancelling = run.cancel_ms;
    let stuck = cancelling.is_some_and(|at| time - at > STOP_AFTER_MS);
    let stop = {
        let lab = lab.clone();
        move |_: MouseEvent| if stuck { lab.port.stop_now.emit(()) } else { lab.cancel() }
    };
    let bytes = run.unit == "bytes";
    let amount = |v: f64| if bytes { number::bytes(v) } else { number::count(v) };
    let words = match (stuck, cancelling) {
        (true, _) => "one step cannot be cut short".to_owned(),
        (false, Some(_)) => "stopping".to_owned(),
        _ => left.map_or_else(String::new, |s| format!("{} left", number::clock(s))),
    };
    html! {
        <div class="run" role="status" data-test="run" title={run.label.clone()}>
            <span>{ run.word() }{ " " }if run.total > 0.0 { <b>{ amount(run.done) }</b>{ format!(" / {}", amount(run.total)) } }</span>
            <svg class="meter" viewBox="0 0 96 4" width="96" height="4" preserveAspectRatio="none" role="progressbar" aria-valuenow={format!("{:.0}", 100.0 * run.share())} aria-valuemin="0" aria-valuemax="100">
                <rect width="96" height="4" fill="var(--well)" /><rect width={format!("{:.1}", 96.0 * run.share())} height="4" fill="var(--leaf)" />
            </svg>
            <span class="d">{ words }</span>
            // An opening reads a header and is over before a click could stop it.
            if run.method != "open" {
                <button type="button" class="btn sm" onclick={stop} data-test="cancel">{ if stuck { "Stop now" } else { "Cancel" } }</button>
            }
        </div>
    }
}
