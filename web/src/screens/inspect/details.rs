//! The selected tensor: name, numbers, weights, matrix, spectrum.

use std::rc::Rc;

use espalier_lab::protocol::{Summary, TensorRow, TensorStats};
use espalier_methods::report::{Spectrum, Tail};
use espalier_nets::checkpoint::MatrixRef;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::python::snippet;
use super::spectrum::SpectrumFigure;
use super::weights::{Heat, Weights};
use crate::app::action::Action;
use crate::app::context::use_lab;
use crate::app::shell::log::copy_text;
use crate::app::state::{Selection, key};
use crate::figures::figure::Source;
use crate::figures::stats::{StatItem, Stats};
use crate::plot::number::{bytes, count, number, percent, plural, shape, sig};

/// The selected tensor.
#[component]
pub fn Details() -> Html {
    let lab = use_lab();
    let chosen = lab.state.selection();
    // What the last worker was asked went with it, so a fresh one is asked again.
    let asked = (lab.state.opened, chosen.tensor, lab.state.reopening);
    {
        // A tensor's bytes are read when it is looked at, once.
        let lab = lab.clone();
        use_effect_with(asked, move |(_, tensor, reopening)| {
            if let (Some(t), Some(summary), false) = (*tensor, &lab.state.summary, *reopening) {
                let readable = summary.tensors.get(t as usize).is_some_and(|row| row.readable);
                // What lies elsewhere costs the visitor bytes: there the button asks first.
                if readable && lab.state.remote().is_none() && !lab.state.stats.contains_key(&t) {
                    lab.stats(t);
                }
            }
        });
    }
    let Some(summary) = lab.state.summary.clone() else { return Html::default() };
    let Some((index, row)) = chosen.tensor.and_then(|t| Some((t, summary.tensors.get(t as usize)?))) else {
        return html! { <div class="pad"><p class="say">{ "Choose a tensor to see its values." }</p></div> };
    };
    let slices: Vec<&MatrixRef> = summary.matrices.iter().filter(|m| m.tensor == index as usize).collect();
    let matrix = slices.iter().find(|m| m.slice == chosen.slice).or(slices.first()).copied();
    let stats = lab.state.stats.get(&index).cloned();
    let spectrum = matrix.and_then(|m| lab.state.spectra.get(&key(&m.name, m.slice))).cloned();
    let source = Source { model: summary.name.clone().into(), tensor: matrix.map_or(row.name.clone(), |m| key(&m.name, m.slice).to_string()).into(), settings: "".into() };
    html! {
        <div class="pad details" data-test="details" data-tensor={row.name.clone()}>
            { title(&summary, row, matrix) }
            if slices.len() > 1 { <Slices {index} names={slices.iter().filter_map(|m| m.slice).collect::<Vec<_>>()} chosen={matrix.and_then(|m| m.slice)} /> }
            if let (Some(address), None, true) = (lab.state.remote(), &stats, row.readable) {
                <p class="away" data-test="fetch-cost">
                    <span class="q">{ format!("Not read yet: {} from {address}.", bytes(row.bytes)) }</span>
                    <button type="button" class="btn sm" onclick={let lab = lab.clone(); move |_: MouseEvent| lab.stats(index)} data-test="fetch-tensor">{ "Read it" }</button>
                </p>
            }
            <Stats items={items(row, stats.as_deref(), spectrum.as_deref(), matrix.is_some())} />
            <div class="three">
                <Weights {index} opened={lab.state.opened} stats={stats.clone()} readable={row.readable} dtype={row.dtype.clone()} source={source.clone()} />
                <Heat {index} opened={lab.state.opened} {stats} words={words(row, matrix, slices.len())} source={source.clone()} />
                <SpectrumFigure name={matrix.map(|m| key(&m.name, m.slice))} token={matrix.map_or("ink-2", |m| crate::app::roles::token(m.role, m.expert.is_some()))} {source} />
            </div>
        </div>
    }
}

/// Name with the telling parts in bold, dtype, shape, bytes, and the way to check it in Python.
fn title(summary: &Rc<Summary>, row: &TensorRow, matrix: Option<&MatrixRef>) -> Html {
    let parts: Vec<&str> = row.name.split('.').collect();
    let last = parts.iter().rposition(|p| *p != "weight" && *p != "bias").unwrap_or(0);
    let part = |(i, p): (usize, &&str)| {
        let bold = i == last || p.parse::<u32>().is_ok();
        let dotted = if i + 1 < parts.len() { format!("{p}.") } else { (*p).to_owned() };
        if bold { html! { <b>{ dotted }</b> } } else { html! { <span class="d">{ dotted }</span> } }
    };
    let copy = {
        let file = summary.files.get(row.file as usize).map_or("model.safetensors", |f| f.0.as_str());
        let text = snippet(file, row, matrix);
        Callback::from(move |_: MouseEvent| copy_text(&text))
    };
    html! {
        <div class="tname">
            <code>{ for parts.iter().enumerate().map(part) }</code>
            <code class="q">{ format!("{} {}", row.dtype, shape(row.shape.iter().copied())) }</code>
            <span class="q nb">{ bytes(row.bytes) }</span>
            <span class="d">{ as_matrix(row, matrix) }</span>
            <span class="tools"><button type="button" onclick={copy} title="A snippet that repeats these numbers with torch" data-test="copy-python">{ "copy as Python" }</button></span>
        </div>
    }
}

/// How a tensor that is not a plain matrix was taken as one.
fn as_matrix(row: &TensorRow, matrix: Option<&MatrixRef>) -> String {
    match matrix {
        Some(m) if m.slice.is_some() => format!("one matrix a slice, {} × {}", count(m.shape[0] as f64), count(m.shape[1] as f64)),
        Some(m) if m.transposed => format!("stored in × out; taken as {} × {}", count(m.shape[0] as f64), count(m.shape[1] as f64)),
        Some(m) if row.shape.len() > 2 => format!("taken as {} × {}: out × in·kh·kw", count(m.shape[0] as f64), count(m.shape[1] as f64)),
        Some(_) => String::new(),
        None => "not a matrix: no spectrum".into(),
    }
}

/// Properties of [`Slices`].
#[derive(Properties, PartialEq)]
struct SlicesProps {
    index: u32,
    names: Vec<u32>,
    chosen: Option<u32>,
}

/// Which slice of a tensor that holds several matrices.
#[component]
fn Slices(props: &SlicesProps) -> Html {
    let lab = use_lab();
    let (index, block) = (props.index, lab.state.selection().block);
    let onchange = Callback::from(move |e: Event| {
        let slice = e.target_unchecked_into::<HtmlSelectElement>().value().parse().ok();
        lab.act(Action::Select(Selection { tensor: Some(index), slice, block }));
    });
    html! {
        <label class="slices">{ "slice " }
            <select class="in" {onchange} data-test="slice">
                { for props.names.iter().map(|s| html! { <option value={s.to_string()} selected={props.chosen == Some(*s)}>{ s }</option> }) }
            </select>
            { format!(" of {}", props.names.len()) }
        </label>
    }
}

fn items(row: &TensorRow, stats: Option<&TensorStats>, spectrum: Option<&Spectrum>, matrix: bool) -> Vec<StatItem> {
    let none = || "…".to_owned();
    let mut out = Vec::new();
    match stats {
        Some(s) => {
            let finite = s.elements - s.nan - s.infinite;
            out.push(StatItem::new("std", number(s.std)).full(format!("{}; mean {}", s.std, sig(s.mean, 2))).test("std"));
            out.push(StatItem::new("max |w|", number(s.min.abs().max(s.max.abs()))).test("max"));
            out.push(StatItem::new("kurtosis", sig(s.kurtosis, 3)).full("3 for a normal distribution").test("kurtosis"));
            if s.zeros > 0.0 && s.elements > 0.0 {
                out.push(StatItem::new("zeros", percent(s.zeros / s.elements)).full(count(s.zeros)).test("zero-share"));
            }
            if finite < s.elements {
                out.push(StatItem::new("not finite", count(s.elements - finite)).test("not-finite"));
            }
        }
        None if !row.readable => out.push(StatItem::new("values", "not decoded").of(row.dtype.clone())),
        None => out.extend(["std", "max |w|", "kurtosis"].map(|l| StatItem::new(l, none()))),
    }
    if !matrix {
        return out;
    }
    match spectrum {
        Some(s) => {
            out.push(StatItem::new("stable rank", sig(s.stable_rank, 4)).full(s.stable_rank.to_string()).test("stable-rank"));
            out.push(StatItem::new("effective rank", sig(s.effective_rank, 4)).of(format!("of {}", count(s.values.len() as f64))).full(s.effective_rank.to_string()).test("effective-rank"));
            let ranks = s.energy_ranks.map(|r| count(f64::from(r))).join(" · ");
            out.push(StatItem::new("rank at 90, 95, 99 % energy", ranks).test("energy-ranks"));
            out.push(match &s.tail {
                Tail::Fit { alpha, sigma, distance, count: n, .. } => StatItem::new("tail α", sig(*alpha, 3))
                    .of(format!("D {}", sig(*distance, 2)))
                    .full(format!("±{} over the {} largest eigenvalues; D is the largest gap between tail and fit", sig(*sigma, 2), n))
                    .test("alpha"),
                Tail::TooFew { count: n } => StatItem::new("tail α", "–").of(format!("{}, ten are needed", plural(*n as usize, "eigenvalue", "eigenvalues"))).test("alpha"),
                Tail::Flat { .. } => StatItem::new("tail α", "–").of("all eigenvalues are equal").test("alpha"),
            });
        }
        None => out.extend(["stable rank", "effective rank", "rank at 90, 95, 99 % energy", "tail α"].map(|l| StatItem::new(l, none()))),
    }
    out
}

/// Extents of the matrix view and the words of its axes: what lies across, what lies down.
fn words(row: &TensorRow, matrix: Option<&MatrixRef>, slices: usize) -> ([u64; 2], [AttrValue; 2]) {
    // As the statistics lay it out: in file order, fused experts one under the other, a vector as one row.
    let rows = match (matrix, row.shape.as_slice()) {
        (_, [] | [_]) => 1.0,
        (Some(m), [slices, rows, _]) if m.slice.is_some() => slices * rows,
        (_, [first, ..]) => *first,
    };
    let cols = if rows > 0.0 { row.elements / rows } else { 0.0 };
    let (across, down) = match matrix {
        Some(m) if m.slice.is_some() && m.transposed => ("outputs".to_owned(), format!("inputs of {slices} slices")),
        Some(m) if m.slice.is_some() => ("inputs".into(), format!("outputs of {slices} slices")),
        Some(m) if m.transposed => ("outputs".into(), "inputs".into()),
        Some(_) if row.shape.len() > 2 => ("inputs × kernel".into(), "outputs".into()),
        Some(_) => ("inputs".into(), "outputs".into()),
        None => ("columns".into(), "rows".into()),
    };
    ([rows as u64, cols as u64], [format!("{} {across}", count(cols)).into(), format!("{} {down}", count(rows)).into()])
}
