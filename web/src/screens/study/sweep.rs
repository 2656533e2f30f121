//! The sensitivity sweep: what each part costs when it alone is pruned.

use serde_json::{Value, json};
use yew::prelude::*;

use super::screen::change;
use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::history::Gesture;
use crate::app::language::Part;
use crate::app::state::{Allocation, Asked, Place};
use crate::figures::{GridChart, Source};
use crate::plot::grid::Grid;
use crate::plot::number::{fixed, percent, plural};
use crate::screens::cost::Start;
use crate::screens::matrices::of_summary;
use crate::screens::parts::{choice, progress, segments};
use crate::screens::prune::asked::reading;

/// The sweep that the knobs ask for. The text that measures is the first of those ticked in Prune.
pub fn config(lab: &Lab) -> Value {
    let (state, c) = (lab.state.study(), &lab.state.prune().calibrated);
    let mut m = reading(c, &lab.state.own);
    // The sweep draws windows of a text; formats are the study's.
    m.remove("format");
    let unit = match state.part {
        Part::Block => "block",
        Part::Linear => "linear",
        Part::Role => "role",
    };
    let ladder = state.ladder().iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    m.extend([("unit".to_owned(), json!(unit)), ("criterion".into(), state.rule.key().into()), ("ladder".into(), ladder.into())]);
    m.extend([("evaluation".to_owned(), json!(c.domains.first().cloned().unwrap_or_else(|| c.text.clone()))), ("windows".into(), c.windows.into())]);
    m.into()
}

fn asked(lab: &Lab) -> Asked {
    Asked { method: "sensitivity".into(), config: config(lab), matrices: None, seed: lab.state.seed }
}

/// Parts from the top of the figure down, with short names: depth goes up.
fn parts(lab: &Lab) -> Vec<(String, String)> {
    let Some(summary) = &lab.state.summary else { return Vec::new() };
    let mut out: Vec<(String, String)> = Vec::new();
    for e in of_summary(summary).into_iter().filter(|e| e.block.is_some()) {
        let block = e.block.unwrap_or(0);
        let one = match lab.state.study().part {
            Part::Block => (format!("block {block}"), block.to_string()),
            Part::Linear => (e.key.to_string(), format!("{block} {}", e.word())),
            Part::Role => (e.role.label().to_owned(), e.role.label().to_owned()),
        };
        if !out.contains(&one) {
            out.push(one);
        }
    }
    if lab.state.study().part != Part::Role {
        out.reverse();
    }
    out
}

/// The figure with its buttons.
pub fn sweep(lab: &Lab, ready: bool) -> Html {
    let state = lab.state.study();
    let found = &lab.state.language;
    let parts = parts(lab);
    let ladder = state.ladder();
    let here = asked(lab);
    let same = found.sweep.as_ref() == Some(&here);
    let by_error = lab.state.view("study-sweep").as_deref() == Some("error");
    let cell = |part: &str, ratio: f64| found.cells.get(&format!("{part} @ {ratio}")).filter(|_| same);
    let values: Vec<f64> = parts.iter().flat_map(|(p, _)| ladder.iter().map(|r| cell(p, *r).map_or(f64::NAN, |c| if by_error { c.error * 100.0 } else { c.nats })).collect::<Vec<_>>()).collect();
    let done = values.iter().filter(|v| !v.is_nan()).count();
    let left = values.len() - done;
    let running = lab.state.running("sensitivity").and_then(|r| {
        let (part, ratio) = r.label.split_once(" @ ")?;
        Some((parts.iter().position(|(p, _)| p == part)?, ladder.iter().position(|l| l.to_string() == ratio)?))
    });
    let rows: Vec<String> = parts.iter().map(|(_, short)| short.clone()).collect();
    let known: Vec<(usize, f64)> = (0..values.len()).filter(|i| !values[*i].is_nan()).map(|i| (i, values[i])).collect();
    let worst = known.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, v)| (i / ladder.len(), i % ladder.len(), *v));
    let unit = if by_error { "%" } else { "nats a token" };
    let what_of = if by_error { "output error" } else { "loss added" };
    let sentence = match worst {
        Some((r, c, v)) => format!(
            "{} of {} measured; {} at {} costs most: {} {unit}. Parts that are harmless alone may add up to harm together.",
            done,
            values.len(),
            named(state.part, &rows[r]),
            percent(ladder[c]),
            if by_error { fixed(v, 1) } else { fixed(v, 4) }
        ),
        None => "Each part alone is pruned to each of these shares while all others stay dense, and the loss is measured again.".to_owned(),
    };
    let grid = Grid {
        width: 0.0,
        rows,
        columns: ladder.iter().map(|r| percent(*r)).collect(),
        axes: [if state.part == Part::Role { "role".into() } else { "block ↑".into() }, "removed".into()],
        values,
        value: format!("{what_of}, {unit}"),
        log: true,
        limits: None,
        running,
        on: None,
    };
    let source = Source { model: lab.state.summary.as_ref().map_or_else(String::new, |s| s.name.clone()).into(), tensor: "".into(), settings: format!("{}, {}", state.rule.word(), lab.state.prune().calibrated.text).into() };
    let measure = {
        let lab = lab.clone();
        Callback::from(move |error: bool| lab.view("study-sweep", if error { "error" } else { "" }))
    };
    let part = {
        let lab = lab.clone();
        Callback::from(move |p: Part| change(&lab, Gesture::Step, |s| s.part = p))
    };
    let fine = {
        let lab = lab.clone();
        Callback::from(move |f: bool| change(&lab, Gesture::Step, |s| s.fine = f))
    };
    let head = html! {
        <>{ segments("What is shown", "sweep-shown", &[choice(false, "loss"), choice(true, "output error")], &by_error, &measure) }
        { segments("Part", "sweep-part", &[choice(Part::Block, "block"), choice(Part::Linear, "linear"), choice(Part::Role, "role")], &state.part, &part) }
        { segments("Steps", "sweep-steps", &[choice(false, "5 steps"), choice(true, "9 steps")], &state.fine, &fine) }</>
    };
    let busy = lab.state.run.is_some();
    let start = {
        let (lab, here) = (lab.clone(), here.clone());
        Callback::from(move |_: MouseEvent| {
            lab.run("sensitivity", here.config.clone(), None);
        })
    };
    let blocks = lab.state.summary.as_ref().map_or(0, |s| s.blocks);
    let takes = found.by_block(blocks, lab.state.prune().target).is_some_and(|b| !b.is_empty());
    let take = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| {
            let mut next = lab.state.prune().clone();
            next.allocation = Allocation::Measured;
            lab.act(Action::Prune(next, Gesture::Step));
            lab.go(Place::Prune);
        })
    };
    let word = match (same && done > 0, left) {
        (true, 0) => "Measured".to_owned(),
        (true, _) => format!("Go on, {} to go", plural(left, "cell", "cells")),
        _ => format!("Sweep {}", plural(left, "cell", "cells")),
    };
    // What is left of it.
    let mut weighed = here.config.clone();
    weighed["cells"] = left.into();
    weighed["blocks"] = blocks.into();
    html! {
        <>
        <GridChart title="Sensitivity sweep" what={format!("{what_of}, one part pruned, {}", state.rule.word())} {sentence} {grid} {source} {head} test="study-sweep" />
        <Start method="sensitivity" config={weighed} ready={ready && !(same && left == 0)} {busy} words={word} test="sweep-run" class={classes!("btn")} row={classes!("acts", "foot")} line={classes!("rules")} go={start}>
            <button type="button" class="btn" disabled={!takes} onclick={take} data-test="sweep-take">{ "Take as allocation" }</button>
            { progress(lab, "sensitivity") }
            <span class="d" data-test="sweep-count">{ format!("{done} of {}", done + left) }</span>
        </Start>
        </>
    }
}

fn named(part: Part, short: &str) -> String {
    match part {
        Part::Block => format!("block {short}"),
        Part::Linear => format!("linear {short}"),
        Part::Role => short.to_owned(),
    }
}
