//! A change that changes nothing: a slider rescales channels, the outputs stay, magnitude's mask moves, Wanda's does not.

use espalier_methods::findings::{Patch, Rescaled};
use espalier_methods::report::Axis;
use serde_json::json;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::app::context::Lab;
use crate::figures::hooks::{theme_now, use_size, use_theme};
use crate::figures::layers::drawn;
use crate::figures::{Figure, LineChart, Source};
use crate::plot::lines::{Curve, Reference};
use crate::plot::number::{count, fixed};
use crate::plot::patch::{Kept, Parts};
use crate::plot::scene::Paint;
use crate::plot::table::{Cell, Table};
use crate::screens::cost::Start;
use crate::screens::parts::progress;

/// Properties of [`Rescale`].
#[derive(Properties, PartialEq)]
pub struct RescaleProps {
    /// The laboratory.
    pub lab: Lab,
    /// A model that can be run is open.
    pub ready: bool,
}

fn of<'a>(all: &'a [Rescaled], rule: &str) -> Vec<&'a Rescaled> {
    espalier_methods::order::gather(all.iter().filter(|r| r.rule == rule))
}

fn parts(p: &Patch, step: usize, gain: f64) -> Parts {
    let bits = |all: &[espalier_methods::bytes::U32s], i: usize| all.get(i).or(all.last()).map(|b| b.iter().map(|v| *v != 0).collect()).unwrap_or_default();
    let loud: Vec<usize> = p.loud.iter().map(|l| *l as usize).collect();
    let cols = p.columns.len().max(1);
    let kept = |rule: &str, all: &[espalier_methods::bytes::U32s]| Kept { rule: rule.into(), now: bits(all, step), base: bits(all, 0) };
    Parts {
        width: 0.0,
        size: [p.rows as usize, p.columns.len()],
        norms: p.norms.iter().enumerate().map(|(c, n)| f64::from(*n) * if loud.contains(&c) { gain } else { 1.0 }).collect(),
        weights: p.weights.iter().enumerate().map(|(i, w)| f64::from(*w) / if loud.contains(&(i % cols)) { gain } else { 1.0 }).collect(),
        kept: [kept("magnitude", &p.magnitude), kept("Wanda", &p.wanda)],
        loud,
    }
}

/// Properties of [`Picture`].
#[derive(Properties, PartialEq)]
struct PictureProps {
    parts: Parts,
    sentence: AttrValue,
}

/// The part of the matrix. A component of its own: a width is measured when it is first drawn, and the demonstration stands there before there is anything to draw.
#[component]
fn Picture(props: &PictureProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let theme = use_theme();
    let parts = Parts { width: size[0], ..props.parts.clone() };
    html! { <div ref={node} class="limbs" role="img" aria-label={props.sentence.clone()}>if size[0] > 0.0 { { drawn(&parts.scene(theme)) } }</div> }
}

/// The demonstration.
#[component]
pub fn Rescale(props: &RescaleProps) -> Html {
    let lab = &props.lab;
    let found = &lab.state.language;
    let c = &lab.state.prune().calibrated;
    let config = json!({ "sparsity": lab.state.study().sparsity, "calibration": c.text, "evaluation": c.domains.first().cloned().unwrap_or_else(|| c.text.clone()), "samples": c.samples, "length": c.length, "windows": c.windows });
    let go = {
        let (lab, config) = (lab.clone(), config.clone());
        Callback::from(move |_: MouseEvent| {
            lab.run("rescaling", config.clone(), None);
        })
    };
    let button = html! {
        <Start method="rescaling" {config} ready={props.ready} busy={lab.state.run.is_some()} words={if found.rescaled.is_empty() { "Rescale and prune" } else { "Again" }} test="rescale-run" class={classes!("btn")} row={classes!("acts", "foot")} line={classes!("rules")} {go}>{ progress(lab, "rescaling") }</Start>
    };
    let (magnitude, wanda) = (of(&found.rescaled, "magnitude"), of(&found.rescaled, "wanda"));
    let steps = magnitude.len().min(wanda.len());
    let (Some(patch), true) = (&found.patch, steps > 0) else {
        return html! { <><div class="empty"><h2>{ "A change that changes nothing" }</h2><p class="say">{ "In three channels of every norm the gain is multiplied and the columns that read them are divided by it: the outputs stay to the last bit. Which rule notices?" }</p></div>{ button }</> };
    };
    let step = lab.state.view("study-gain").and_then(|v| v.parse::<usize>().ok()).unwrap_or(3).min(steps - 1);
    let gain = magnitude[step].gain;
    let slide = {
        let lab = lab.clone();
        Callback::from(move |e: InputEvent| {
            if let Some(i) = e.target_dyn_into::<HtmlInputElement>() {
                lab.view("study-gain", &i.value());
            }
        })
    };
    let rise = |all: &[&Rescaled]| all[step].nats - all[0].nats;
    let lod = wanda[step].outliers.map_or_else(String::new, |o| format!(" The middle block’s outliers (M = 5): {} %.", fixed(o, 2)));
    let sentence = if step == 0 {
        "Nothing is rescaled yet: the two rules differ only by the input’s length.".to_owned()
    } else {
        format!(
            "The outputs are equal to the last bit. Magnitude replaces {} weights and loses {} nats to a change that is none; Wanda replaces {} and loses {}.{lod}",
            count(magnitude[step].replaced),
            fixed(rise(&magnitude), 3),
            count(wanda[step].replaced),
            fixed(rise(&wanda), 3)
        )
    };
    let picture = parts(patch, step, gain);
    // What is saved is as wide as a page of a paper.
    let whole = Parts { width: 900.0, ..picture.clone() };
    let source = Source { model: lab.state.summary.as_ref().map_or_else(String::new, |s| s.name.clone()).into(), tensor: patch.tensor.clone().into(), settings: format!("gain × {gain}").into() };
    let rows: Vec<[f64; 4]> = magnitude.iter().zip(&wanda).map(|(m, w)| [m.gain, m.nats, w.nats, m.replaced]).collect();
    let table = {
        let rows = rows.clone();
        Callback::from(move |()| {
            let mut t = Table::new(["gain", "magnitude, loss added [nats]", "Wanda, loss added [nats]", "magnitude, weights replaced"]);
            rows.iter().for_each(|r| t.push(r.map(Cell::from)));
            t
        })
    };
    let curve = |name: &str, token: &'static str, all: &[&Rescaled]| Curve { name: name.into(), paint: Paint::Token(token), width: 1.8, x: all.iter().map(|r| r.gain).collect(), y: all.iter().map(|r| r.nats).collect() };
    let head = html! {
        <label class="pick gain">{ "gain" }<input type="range" class="range" min="0" max={(steps - 1).to_string()} step="1" value={step.to_string()} aria-valuetext={format!("× {gain}")} oninput={slide} data-test="rescale-gain" /><b data-test="rescale-gain-value">{ format!("× {gain}") }</b></label>
    };
    html! {
        <>
        <Figure title="A change that changes nothing" what={format!("a part of {}", patch.tensor)} sentence={sentence.clone()} {head} source={source.clone()} table={Some(table)} scene={Some(Callback::from(move |()| whole.scene(theme_now())))} test="study-rescale">
            <Picture parts={picture} {sentence} />
        </Figure>
        <LineChart title="Loss by gain" what={format!("loss added at {} removed", crate::plot::number::percent(lab.state.study().sparsity))} test="study-rescale-loss"
            x={Axis { name: "gain".into(), unit: "×".into(), log: true }} y={Axis { name: "loss added".into(), unit: "nats".into(), log: false }}
            curves={vec![curve("magnitude", "c6", &magnitude), curve("Wanda", "leaf", &wanda)]} references={vec![Reference::Limit { at: gain, label: format!("× {gain}") }]} legend=true mode={0}
            modes={vec![crate::figures::Mode { label: "log".into(), log_x: true, log_y: false }]} {source}
            sentence={format!("Magnitude loses {} nats a token at × {}, Wanda {}.", fixed(magnitude[steps - 1].nats, 3), magnitude[steps - 1].gain, fixed(wanda[steps - 1].nats, 3))} />
        { button }
        </>
    }
}
