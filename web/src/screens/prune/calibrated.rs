//! The knobs of rules that read a text: what is read, how the sparsity is shared out, what is measured; and Run.

use yew::prelude::*;

use super::controls::{allocation_knob, change, pattern_knob, target_knob};
use super::view::View;
use crate::app::context::Lab;
use crate::app::history::Gesture;
use crate::app::language::{Calibrated, Marks, Rule};
use crate::app::state::{Allocation, Scope};
use crate::plot::number::plural;
use crate::screens::cost::Start;
use crate::screens::parts::{Knob, choice, progress, segments};
use crate::screens::reading::{Measuring, Reading};

/// Changes the knobs.
pub fn tune(lab: &Lab, gesture: Gesture, edit: impl FnOnce(&mut Calibrated)) {
    change(lab, gesture, |p| edit(&mut p.calibrated));
}

/// Takes a rule; one that reads a text has no cut through all matrices.
pub fn take_rule(lab: &Lab, rule: Rule) {
    change(lab, Gesture::Step, |p| {
        p.calibrated.rule = rule;
        if rule != Rule::Magnitude && matches!(p.scope, Scope::Tensor | Scope::Global) {
            p.scope = Scope::Row;
        }
    });
}

fn number(lab: &Lab, set: impl Fn(&mut Calibrated, f64) + 'static) -> Callback<f64> {
    let lab = lab.clone();
    Callback::from(move |v: f64| tune(&lab, Gesture::Step, |c| set(c, v)))
}

fn slide(lab: &Lab, set: impl Fn(&mut Calibrated, f64) + 'static) -> Option<Callback<(f64, u32)>> {
    let lab = lab.clone();
    Some(Callback::from(move |(v, id): (f64, u32)| tune(&lab, Gesture::Drag(id), |c| set(c, v))))
}

fn switch(lab: &Lab, label: &'static str, test: &'static str, words: [&'static str; 2], now: bool, help: &'static str, set: impl Fn(&mut Calibrated, bool) + 'static) -> Html {
    let choose = {
        let lab = lab.clone();
        Callback::from(move |v: bool| tune(&lab, Gesture::Step, |c| set(c, v)))
    };
    html! {
        <div class="knob wideval"><label>{ label }</label><span class="val">{ segments(label, test, &[choice(false, words[0]), choice(true, words[1])], &now, &choose) }</span><p>{ help }</p></div>
    }
}

/// The knobs, the cost of a run in words, and the buttons.
pub fn controls(lab: &Lab, view: &View) -> Html {
    let state = lab.state.prune();
    let c = &state.calibrated;
    let d = Calibrated::default();
    let fresh = {
        let port = lab.port.clone();
        Some(Callback::from(move |()| port.number()))
    };
    let owl = state.allocation == Allocation::Owl;
    let shared = owl || state.allocation == Allocation::Measured;
    let lead = match c.rule {
        Rule::Wanda => "Removes the weights whose size times the norm of their input is smallest, row by row.",
        Rule::SparseGpt => "Removes the weights that are missed least, and lets those that stay make up for them.",
        Rule::Magnitude => "Removes the weights that are nearest to zero.",
    };
    let marks = {
        let lab = lab.clone();
        Callback::from(move |m: Marks| tune(&lab, Gesture::Step, |c| c.marks = m))
    };
    html! {
        <>
        <h2>{ c.rule.word() }</h2>
        <p class="say lead">{ lead }</p>
        { pattern_knob(lab, true) }
        { target_knob(lab, view) }
        { allocation_knob(lab, view) }
        if owl || view.outliers.is_some() {
            <Knob label="Outlier threshold M" test="prune-multiple" unit="× mean" value={c.multiple.to_string()} min={1.0} max={20.0} step={0.5} track=true paper={Some(5.0)} changed={c.multiple != d.multiple}
                on_set={number(lab, |c, v| c.multiple = (v * 2.0).round() / 2.0)} on_slide={slide(lab, |c, v| c.multiple = (v * 2.0).round() / 2.0)} gesture={fresh.clone()} on_reset={Some(number(lab, |c, _| c.multiple = 5.0).reform(|()| 0.0))}
                help="A weight stands out when its metric is over so many times its block’s mean." />
        }
        if shared || view.outliers.is_some() {
            <Knob label="Spread λ" test="prune-lambda" value={c.lambda.to_string()} min={0.0} max={0.3} step={0.01} track=true paper={Some(0.08)} changed={c.lambda != d.lambda}
                on_set={number(lab, |c, v| c.lambda = v)} on_slide={slide(lab, |c, v| c.lambda = v)} gesture={fresh} on_reset={Some(number(lab, |c, _| c.lambda = 0.08).reform(|()| 0.0))}
                help="How far blocks may part from the mean." />
        }
        <Reading lab={lab.clone()} />
        <Measuring lab={lab.clone()} />
        if c.rule == Rule::SparseGpt {
            { switch(lab, "Update", "prune-update", ["off", "on"], c.update, "Whether what stays makes up for what goes: the same marks with and without.", |c, v| c.update = v) }
            <div class="knob wideval"><label>{ "Marks" }</label><span class="val">{ segments("Marks", "prune-marks", &[choice(Marks::Own, "own"), choice(Marks::Wanda, "Wanda’s"), choice(Marks::Magnitude, "magnitude’s")], &c.marks, &marks) }</span>
                <p>{ "Whose choice of weights the update takes." }</p></div>
            <Knob label="Damping" test="prune-damping" value={c.damping.to_string()} min={0.0} max={1.0} step={0.005} changed={c.damping != d.damping} on_set={number(lab, |c, v| c.damping = v)}
                on_reset={Some(number(lab, |c, _| c.damping = 0.01).reform(|()| 0.0))} help="Share of the Hessian’s mean diagonal that is added to it. Paper: 0.01." />
        } else if state.scope == Scope::Row {
            { switch(lab, "Remainder", "prune-exact", ["official", "equal"], c.exact, "Official: each row loses int(columns × sparsity), a little too few. Equal: the rest is handed out, so that runs are compared at the same number of zeros.", |c, v| c.exact = v) }
        }
        { switch(lab, "Inside a block", "prune-sequential", ["at once", "in stages"], c.true_sequential, "In stages: q, k, v first, then the block runs again for what follows.", |c, v| c.true_sequential = v) }
        { run(lab, view) }
        </>
    }
}

fn run(lab: &Lab, view: &View) -> Html {
    let busy = lab.state.run.is_some();
    let ready = !view.example && !view.entries.is_empty() && view.cannot.is_none();
    let Some(asked) = view.asked.clone() else { return Html::default() };
    let word = lab.state.prune().calibrated.rule.word();
    let again = lab.state.shown.iter().any(|a| a.method == asked.method);
    let method = asked.method.clone();
    let go = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| {
            lab.run(&asked.method, asked.config.clone(), None);
        })
    };
    let count = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| {
            let config = super::asked::reading(&lab.state.prune().calibrated, &lab.state.own);
            lab.run("outliers", config.into(), None);
        })
    };
    let c = &lab.state.prune().calibrated;
    // Only what the cost depends on, so that a dragged bar asks for no estimate.
    let mut weighed = super::asked::reading(c, &lab.state.own);
    let calibrating = serde_json::Value::Object(weighed.clone());
    weighed.extend([("windows".to_owned(), if c.domains.is_empty() { 0.into() } else { c.windows.into() }), ("evaluation".into(), c.domains.join(",").into()), ("criterion".into(), c.rule.key().into())]);
    let weighed = serde_json::Value::Object(weighed);
    let tokens = f64::from(c.samples) * f64::from(c.length) + f64::from(c.windows) * f64::from(c.length) * c.domains.len() as f64;
    html! {
        <>
        <p class="costline" data-test="prune-cost"><span>{ "reads " }<b>{ format!("{} × {} tokens", c.samples, c.length) }</b></span>
            <span>{ "measures " }<b>{ plural(c.domains.len(), "text", "texts") }</b></span><span>{ "about " }<b>{ format!("{} G", crate::plot::number::sig(4.0 * tokens * view.weights() / 1e9, 3)) }</b>{ " multiplications" }</span></p>
        if let Some(why) = &view.cannot {
            <p class="warnbox" data-test="prune-cannot"><b>{ format!("{word} cannot run here. ") }</b>{ why }</p>
        }
        <Start method={method.clone()} config={weighed} {ready} {busy} words={if again { "Prune again".into() } else { format!("Prune {}", plural(view.entries.len(), "matrix", "matrices")) }} test="prune-run" {go}>
            <Start aside={true} method="outliers" config={calibrating} {ready} {busy} words={if view.outliers.is_some() { "Count outliers again" } else { "Count outliers" }} test="prune-outliers" go={count} />
        </Start>
        { progress(lab, &method) }
        { progress(lab, "outliers") }
        </>
    }
}
