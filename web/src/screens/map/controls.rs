//! What moves a run: play, pause, one step, finish; and the settings of the next one.

use std::rc::Rc;

use espalier_lab::protocol::{Fault, FaultKind, Pace};
use espalier_methods::urban::calliper::Config;
use espalier_methods::urban::encoding::Encoding;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::{Lab, now};
use crate::app::state::Place;
use crate::app::town::{Kept, TownAct};
use crate::app::training::{forget, go_on, save, taken_up};
use crate::plot::number::count;
use crate::screens::parts::Knob;

/// Runs the method over the city that the settings name.
pub(super) fn play(lab: &Lab) {
    if let Ok(config) = serde_json::to_value(&*lab.state.town.config) {
        lab.run("calliper", config, None);
    }
}

/// The buttons, and how fast it goes.
pub(super) fn controls(lab: &Lab) -> Html {
    let town = &lab.state.town;
    let run = lab.state.running("calliper");
    let training = run.is_some_and(|r| r.unit != "probes");
    let pace = |pace: Pace| {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.pace(pace))
    };
    let start = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| play(&lab))
    };
    let rate = run.filter(|r| r.done > 1.0 && !town.paused).map(|r| {
        let rate = 1e3 * r.done / (f64::max(r.heard_ms, r.started_ms + 1.0).min(now()) - r.started_ms).max(1.0);
        format!("{rate:.1} {}/s", if r.unit == "probes" { "probes" } else { "steps" })
    });
    let words = match (run, town.seen.as_ref()) {
        (Some(r), _) if r.unit == "probes" => format!("probe {} of {}", count(r.done), count(r.total)),
        (Some(_), Some(s)) if town.waits => format!("waits at step {}", count(f64::from(s.step))),
        (Some(_), _) if town.paused => "ends its step".into(),
        (Some(_), _) => rate.unwrap_or_else(|| "begins".into()),
        (None, Some(s)) => format!("{} steps taken", count(f64::from(s.step))),
        (None, None) => "nothing learnt yet".into(),
    };
    let icon = |d: &'static str| html! { <svg width="10" height="10" aria-hidden="true"><path {d} fill="currentColor" stroke="currentColor" /></svg> };
    const PLAY: &str = "M2 0l7 5-7 5z";
    const PAUSE: &str = "M1 0h2v10H1zM7 0h2v10H7z";
    const STEP: &str = "M9 0v10M1 0l6 5-6 5z";
    html! {
        <div class="ctl">
            <div role="group" aria-label="Run">
                if run.is_none() {
                    <button type="button" class="btn go" onclick={start} disabled={town.picture.is_none()} data-test="map-play">{ icon(PLAY) }{ if town.seen.is_some() { "Train again" } else { "Train" } }</button>
                } else if town.paused {
                    <button type="button" class="btn sm" aria-label="Play" title="Play" onclick={pace(Pace::Play)} disabled={!training} data-test="map-resume">{ icon(PLAY) }</button>
                } else {
                    <button type="button" class="btn sm" aria-label="Pause" title="Pause" onclick={pace(Pace::Pause)} disabled={!training} data-test="map-pause">{ icon(PAUSE) }</button>
                }
                if run.is_some() {
                    <button type="button" class="btn sm" aria-label="One step" title="One step" onclick={pace(Pace::Step(1))} disabled={!training} data-test="map-step">{ icon(STEP) }</button>
                    <button type="button" class="btn sm" title="No more steps; the probes come at once" onclick={pace(Pace::Enough)} disabled={!training} data-test="map-finish">{ "Finish" }</button>
                }
            </div>
            <span class="d nb" data-test="map-pace">{ words }</span>
            { kept(lab, training) }
        </div>
    }
}

/// Going on with a run, saving it, opening a saved one.
fn kept(lab: &Lab, training: bool) -> Html {
    let town = &lab.state.town;
    let idle = lab.state.run.is_none();
    // What is shown to its end has nothing to go on to, unless it is to train for longer.
    let over = |k: &Rc<Kept>| town.ran.is_some() && k.about.step >= k.about.total && town.config.epochs <= k.about.config.epochs;
    let offer = town.kept.clone().filter(|k| idle && !over(k)).map(|k| {
        let (step, total) = (count(f64::from(k.about.step)), count(f64::from(k.about.total)));
        let word = if k.about.step < k.about.total { format!("Go on from step {step} of {total}") } else { format!("Take up the run of {total} steps") };
        let go = {
            let (lab, k) = (lab.clone(), k.clone());
            Callback::from(move |_: MouseEvent| go_on(&lab, &k))
        };
        let away = {
            let lab = lab.clone();
            Callback::from(move |_: MouseEvent| forget(&lab))
        };
        html! {
            <div role="group" aria-label="A run that was kept">
                <button type="button" class="btn sm goon" onclick={go} title="Weights, optimiser and curves as they were; on the CPU the numbers are those of a run that was never stopped" data-test="map-go-on">{ word }</button>
                <button type="button" class="btn sm plain" onclick={away} data-test="map-forget">{ "Forget it" }</button>
            </div>
        }
    });
    let save_it = {
        let (lab, kept) = (lab.clone(), town.kept.clone());
        Callback::from(move |_: MouseEvent| match &kept {
            _ if training => {
                lab.act(Action::Town(TownAct::Wish(true)));
                lab.ask_for_run();
            }
            Some(kept) => save(kept),
            None => {}
        })
    };
    let open = {
        let lab = lab.clone();
        Callback::from(move |e: Event| {
            let Some(input) = e.target_dyn_into::<HtmlInputElement>() else { return };
            let file = input.files().and_then(|f| f.get(0));
            input.set_value("");
            let Some(file) = file else { return };
            let (told, name) = (lab.clone(), file.name());
            taken_up(&lab, file, move || told.act(Action::Fault { place: Place::Map, fault: no_run(&name), now: now() }));
        })
    };
    html! {
        <>
        { offer }
        <div>
            <button type="button" class="btn sm" onclick={save_it} disabled={!training && (town.kept.is_none() || !idle)} title="Weights, optimiser, step, seed and settings, as safetensors" data-test="map-save">{ "Save run" }</button>
            <label class="btn sm file">{ "Open run" }<input type="file" class="vh" accept=".safetensors" disabled={!idle} onchange={open} data-test="map-run-file" /></label>
        </div>
        </>
    }
}

fn no_run(name: &str) -> Fault {
    Fault {
        kind: FaultKind::Config,
        what: format!("{name} is no saved run"),
        why: "Its header names no step, no seed and no settings of a training run over a city.".into(),
        advice: "Choose a file that “Save run” or `espalier city train --out` has written; open a model on the Open screen.".into(),
        details: String::new(),
        room: None,
    }
}

/// Sets one number of the settings.
fn changing(lab: &Lab, config: &Rc<Config>, set: fn(&mut Config, f64)) -> Callback<f64> {
    let (lab, config) = (lab.clone(), config.clone());
    Callback::from(move |v: f64| {
        let mut next = (*config).clone();
        set(&mut next, v);
        lab.act(Action::Town(TownAct::Config(Box::new(next))));
    })
}

/// The settings.
pub(super) fn settings(lab: &Lab) -> Html {
    let config = lab.state.town.config.clone();
    let (paper, small) = (Config::default(), Config::small());
    let knob = |label: &'static str, test: &'static str, help: &'static str, unit: &'static str, [min, max, step]: [f64; 3], [now, paper, usual]: [f64; 3], set: fn(&mut Config, f64)| {
        let on_set = changing(lab, &config, set);
        let back = on_set.clone();
        html! {
            <Knob {label} {test} {help} {unit} {min} {max} {step} value={now.to_string()} paper={Some(paper)} changed={now != usual}
                {on_set} on_reset={Some(Callback::from(move |()| back.emit(usual)))} />
        }
    };
    let scale = |c: &Config, pick: fn([f64; 2]) -> f64| match c.encoding {
        Encoding::Grid(s) | Encoding::Theory(s) => pick([s.min, s.max]),
        _ => f64::NAN,
    };
    let three = |of: &dyn Fn(&Config) -> f64| [of(&config), of(&paper), of(&small)];
    let whole_paper = {
        let (lab, config) = (lab.clone(), config.clone());
        let own = paper.clone();
        Callback::from(move |_: MouseEvent| lab.act(Action::Town(TownAct::Config(Box::new(Config { city: config.city.clone(), ..own.clone() })))))
    };
    let back = {
        let (lab, config) = (lab.clone(), config.clone());
        Callback::from(move |_: MouseEvent| lab.act(Action::Town(TownAct::Config(Box::new(Config { city: config.city.clone(), ..Config::small() })))))
    };
    html! {
        <details class="sec knobs" data-test="map-settings">
            <summary>{ "Settings of the next run" }</summary>
            <div class="acts">
                <button type="button" class="btn sm" onclick={back} data-test="map-small">{ "Small: minutes" }</button>
                <button type="button" class="btn sm" onclick={whole_paper} data-test="map-paper">{ "The paper’s: an hour or more" }</button>
            </div>
            { knob("Epochs", "map-epochs", "Times that every point is seen.", "epochs", [1.0, 1000.0, 1.0], three(&|c| f64::from(c.epochs)), |c, v| c.epochs = v as u32) }
            { knob("Batch", "map-batch", "Points a step; chance is the logarithm of it.", "points", [2.0, 8192.0, 1.0], three(&|c| c.batch as f64), |c, v| c.batch = v as usize) }
            { knob("Embedding", "map-width", "Numbers an embedding.", "numbers", [2.0, 512.0, 1.0], three(&|c| c.width as f64), |c, v| c.width = v as usize) }
            { knob("Learning rate", "map-rate", "AdamW’s.", "", [0.00001, 1.0, 0.0001], three(&|c| c.rate), |c, v| c.rate = v) }
            { knob("Weight decay", "map-decay", "AdamW’s, of matrices.", "", [0.0, 1.0, 0.01], three(&|c| c.decay), |c, v| c.decay = v) }
            { knob("Finest scale", "map-fine", "The smallest wavelength over 2π: what is finer cannot be told apart.", "m", [1.0, 100_000.0, 1.0], three(&|c| scale(c, |s| s[0])), |c, v| if let Encoding::Grid(s) | Encoding::Theory(s) = &mut c.encoding { s.min = v }) }
            { knob("Coarsest scale", "map-coarse", "The largest.", "m", [1.0, 1_000_000.0, 1.0], three(&|c| scale(c, |s| s[1])), |c, v| if let Encoding::Grid(s) | Encoding::Theory(s) = &mut c.encoding { s.max = v }) }
            { knob("Probe seeds", "map-seeds", "How often each probe is repeated; 0 leaves the probes out.", "seeds", [0.0, 5.0, 1.0], three(&|c| c.seeds as f64), |c, v| c.seeds = v as usize) }
            { knob("Supervised baseline", "map-supervised", "Steps of the Space2Vec-like baseline; 0 leaves it out.", "steps", [0.0, 10_000.0, 1.0], three(&|c| f64::from(c.supervised_steps)), |c, v| c.supervised_steps = v as u32) }
        </details>
    }
}
