//! One matrix's spectrum: singular values against what chance would give, or its energy.

use std::rc::Rc;

use espalier_methods::report::{Axis, Spectrum};
use espalier_methods::spectra::energy_curve;
use yew::prelude::*;

use super::say;
use crate::app::context::use_lab;
use crate::app::state::Key;
use crate::figures::figure::Source;
use crate::figures::line::lin_and_log_log;
use crate::figures::readout::Readout;
use crate::figures::{Figure, LineChart, Mode, TailChart};
use crate::plot::lines::{Curve, Reference, Values};
use crate::plot::number::{count, percent, sig};
use crate::plot::scene::Paint;

/// Properties of [`SpectrumFigure`].
#[derive(Properties, PartialEq)]
pub struct SpectrumProps {
    /// Key of the matrix; `None` where the tensor is no matrix.
    pub name: Option<Key>,
    /// Colour token of its role.
    pub token: &'static str,
    /// Where the numbers come from.
    pub source: Source,
}

/// What is shown of a spectrum.
#[derive(Clone, Copy, PartialEq)]
enum Face {
    /// σ over rank.
    Sigma,
    /// Energy over rank.
    Energy,
    /// The density of λ and its tail.
    Tail,
}

/// The figure.
#[component]
pub fn SpectrumFigure(props: &SpectrumProps) -> Html {
    let lab = use_lab();
    let face = match lab.state.view("spectrum").as_deref() {
        Some("energy") => Face::Energy,
        Some("tail") => Face::Tail,
        _ => Face::Sigma,
    };
    let Some(name) = props.name.clone() else {
        return html! { <Figure title="Spectrum" sentence="This tensor is not a matrix, so it has no singular values."><div class="layers plot"></div></Figure> };
    };
    let Some(s) = lab.state.spectra.get(&name).cloned() else {
        return html! { <Waiting {name} /> };
    };
    let on = face == Face::Energy;
    // A second click on the face that is shown goes back to the values.
    let pick = |to: Face, word: &'static str, title: &'static str| {
        let pressed = face == to;
        let lab = lab.clone();
        let onclick = Callback::from(move |_: MouseEvent| lab.view("spectrum", if pressed { "" } else { word }));
        html! { <button type="button" aria-pressed={pressed.to_string()} {onclick} {title} data-mode={word}>{ word }</button> }
    };
    let tools = html! { <>{ pick(Face::Energy, "energy", "Energy kept by the first directions") }{ pick(Face::Tail, "tail", "Density of the eigenvalues, its power-law tail, and what a random matrix would have") }</> };
    if face == Face::Tail {
        return html! { <div class="spectrum" data-test="spectrum" data-route={s.route.clone()}><TailChart key={name.to_string()} spectrum={s} {tools} source={props.source.clone()} /></div> };
    }
    let sentence = if on { say::energy(&s) } else { say::spectrum(&s) };
    let y = if on { "energy" } else { "σ" };
    // A different key for either view: its own axes, zoom and pin.
    html! {
        <div class="spectrum" data-test="spectrum" data-route={s.route.clone()}>
            <LineChart key={format!("{name} {on}")} title="Spectrum" what={if on { "share of Σσ² over rank" } else { "σ over rank" }} {sentence}
                x={Axis { name: "rank".into(), unit: String::new(), log: false }} y={Axis { name: y.into(), unit: if on { "%".into() } else { String::new() }, log: false }}
                curves={vec![curve(&s, on, props.token)]} references={references(&s, on)} modes={modes(on)} mode={usize::from(!on)}
                words={words(&s)} {tools} source={props.source.clone()} test="spectrum-chart" look={if on { "energy-chart" } else { "spectrum-chart" }} />
            <p class="d accuracy" data-test="accuracy">{ say::floor(&s) }</p>
        </div>
    }
}

fn modes(energy: bool) -> Vec<Mode> {
    if energy { vec![Mode { label: "lin".into(), log_x: false, log_y: false }, Mode { label: "log x".into(), log_x: true, log_y: false }] } else { lin_and_log_log() }
}

fn curve(s: &Spectrum, energy: bool, token: &'static str) -> Curve {
    let y: Values = if energy { energy_curve(&s.values).into_iter().map(|e| e * 100.0).collect() } else { s.values.iter().copied().collect() };
    Curve { name: if energy { "energy" } else { "σ" }.into(), paint: Paint::Token(token), width: 1.8, x: Values::ranks(y.len()), y }
}

fn references(s: &Spectrum, energy: bool) -> Vec<Reference> {
    let mut out = Vec::new();
    if !energy && s.random_edge > 0.0 {
        out.push(Reference::Level { at: s.random_edge, label: "random matrix, edge".into() });
    }
    for (rank, label) in [(s.energy_ranks[0], "90 %"), (s.energy_ranks[2], "99 %")] {
        if rank > 0 {
            out.push(Reference::Stand { at: f64::from(rank), label: label.into() });
        }
    }
    out
}

fn words(s: &Rc<Spectrum>) -> Callback<(usize, usize), Readout> {
    let s = s.clone();
    let energy = energy_curve(&s.values);
    Callback::from(move |(_, i): (usize, usize)| {
        let sigma = s.values.get(i).copied().unwrap_or(f64::NAN);
        let noise = if sigma <= s.floor { " (not told from zero)" } else { "" };
        Readout {
            head: format!("rank {}", count(i as f64 + 1.0)),
            lines: vec![format!("σ {}{noise}", sig(sigma, 4)), format!("energy to here {}", percent(energy.get(i).copied().unwrap_or(f64::NAN)))],
        }
    })
}

/// Properties of [`Waiting`].
#[derive(Properties, PartialEq)]
struct WaitingProps {
    name: Key,
}

/// A matrix whose spectrum is not known: the empty axes, and the way to it.
#[component]
fn Waiting(props: &WaitingProps) -> Html {
    let lab = use_lab();
    let running = lab.state.running("spectra").is_some();
    let name = props.name.to_string();
    let run = Callback::from(move |_: MouseEvent| {
        lab.run("spectra", serde_json::json!({}), Some(vec![name.clone()]));
    });
    html! {
        <Figure title="Spectrum" class={classes!("waiting")}>
            <div class="layers plot" data-test="no-spectrum">
                <p class="wait">
                    if running {
                        <span class="d">{ "running" }</span>
                    } else {
                        <span class="d">{ "not computed" }</span>
                        <button type="button" class="btn sm" onclick={run} data-test="run-one">{ "Compute this one" }</button>
                    }
                </p>
            </div>
        </Figure>
    }
}
