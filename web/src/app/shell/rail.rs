//! The rail: mark, places, and the plate, which is the open model as a tree.

use std::rc::Rc;

use espalier_lab::protocol::Summary;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::{Lab, use_lab};
use crate::app::state::{Place, State, key};
use crate::app::tree::{Tier, Tree, tiers};
use crate::figures::hooks::use_size;
use crate::plot::number;

/// The rail.
#[component]
pub fn Rail() -> Html {
    let lab = use_lab();
    let here = lab.state.place;
    let to = |place: Place| {
        let go = {
            let lab = lab.clone();
            move |_: MouseEvent| lab.go(place)
        };
        let current = (place == here).then_some("page");
        html! {
            <button type="button" aria-current={current} data-test={format!("place-{}", place.slug())} onclick={go}>
                { place.word() }
                if let Some(said) = said(&lab.state, place) { <small>{ said }</small> }
            </button>
        }
    };
    html! {
        <div class="rail">
            <span class="mark"><Mark /><span>{ "Espalier" }</span></span>
            <nav class="places" aria-label="Places">{ for Place::ALL.into_iter().map(to) }</nav>
            <Plate />
        </div>
    }
}

/// The count or state at the right of a place.
fn said(state: &State, place: Place) -> Option<String> {
    if place == Place::Map {
        return state.town.picture.as_ref().map(|p| number::count(p.text_of.len() as f64));
    }
    let summary = state.summary.as_ref()?;
    match place {
        Place::Open | Place::Map => None,
        Place::Inspect => Some(number::count(summary.tensors.len() as f64)),
        Place::Experts => crate::app::experts::Shape::of(summary).map(|s| number::count((s.experts * s.blocks.len()) as f64)),
        Place::Rank => (!state.chosen.is_empty()).then(|| {
            let (kept, full) = state.chosen.values().fold((0.0, 0.0), |(k, f), c| (k + f64::from(c.kept), f + f64::from(c.full)));
            number::percent(1.0 - kept / f64::max(full, 1.0))
        }),
        Place::Study => None,
        Place::Prune => (!state.pruned.is_empty()).then(|| {
            let (zeros, all) = state.pruned.values().fold((0.0, 0.0), |(z, a), p| (z + p.zeros, a + p.elements));
            number::percent(zeros / f64::max(all, 1.0))
        }),
    }
}

/// The mark: a young espalier with one cut.
#[component]
pub fn Mark() -> Html {
    html! {
        <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M10.8 23 11.3 2h1.4l.5 21z" fill="currentColor" />
            <path d="M12 22q0-4-4-4H2M12 22q0-4 4-4h6M12 16q0-4-4-4H5M12 16q0-4 4-4h.5M12 10q0-4-3-4H8M12 10q0-4 3-4h2" fill="none" stroke="currentColor" stroke-width="2" />
            <path d="M16.6 15 19 9" stroke="var(--cut)" stroke-width="1.8" stroke-linecap="round" />
        </svg>
    }
}

/// What the plate shows at a place: the tiers, and the words above it.
fn shown(state: &State, summary: &Summary) -> (Vec<Tier>, &'static str) {
    let of = |i: usize| summary.matrices.get(i).map(|m| key(&m.name, m.slice));
    match state.place {
        Place::Rank if !state.chosen.is_empty() => {
            let kept = |i| of(i).and_then(|k| state.chosen.get(&k).map(|c| f64::from(c.kept) / f64::from(c.full.max(1)))).unwrap_or(1.0);
            (tiers(summary, kept), "solid = rank kept")
        }
        Place::Prune if !state.pruned.is_empty() => {
            let kept = |i| of(i).and_then(|k| state.pruned.get(&k).map(|p| 1.0 - p.zeros / f64::max(p.elements, 1.0))).unwrap_or(1.0);
            (tiers(summary, kept), "solid = kept")
        }
        _ => (tiers(summary, |_| 1.0), "length = parameters"),
    }
}

/// The open model as a tree; choosing a tier chooses that block everywhere.
#[component]
fn Plate() -> Html {
    let lab = use_lab();
    let node = use_node_ref();
    let size = use_size(&node);
    let summary: Option<Rc<Summary>> = lab.state.summary.clone();
    let select = choose(&lab);
    let (heads, tree) = match &summary {
        Some(s) => {
            let (tiers, right) = shown(&lab.state, s);
            let left = number::plural(tiers.len(), "block", "blocks");
            let label = format!("The open model as a tree: {left}, attention to the left, feed-forward to the right, {right}");
            let tree = (size[0] > 0.0 && !tiers.is_empty()).then(|| html! { <Tree {tiers} {size} numbered=true on={lab.state.selection().block} select={select.clone()} {label} /> });
            ((left, right), tree.unwrap_or_else(|| empty(size)))
        }
        None => (("frame".to_owned(), "empty"), empty(size)),
    };
    let last = summary.as_ref().and_then(|s| s.matrices.iter().filter_map(|m| m.block).max());
    let here = lab.state.selection().block;
    let onkeydown = {
        let select = select.clone();
        move |e: KeyboardEvent| {
            let Some(last) = last else { return };
            let to = match e.key().as_str() {
                "ArrowUp" => here.map_or(0, |b| (b + 1).min(last)),
                "ArrowDown" => here.map_or(0, |b| b.saturating_sub(1)),
                "Home" => 0,
                "End" => last,
                _ => return,
            };
            e.prevent_default();
            select.emit(to);
        }
    };
    html! {
        <figure class="plate" data-test="plate">
            <figcaption><span>{ heads.0 }</span><span>{ heads.1 }</span></figcaption>
            if let Some(last) = last {
                <div class="draw" ref={node} role="slider" aria-orientation="vertical" aria-label="Block" aria-valuemin="0" aria-valuemax={last.to_string()}
                    aria-valuenow={here.unwrap_or(0).to_string()} tabindex="0" {onkeydown}>{ tree }</div>
            } else {
                <div class="draw" ref={node}>{ tree }</div>
            }
        </figure>
    }
}

fn choose(lab: &Lab) -> Callback<u32> {
    let lab = lab.clone();
    Callback::from(move |block| lab.act(Action::SelectBlock(block)))
}

/// A frame of wires with nothing on it.
fn empty([w, h]: [f64; 2]) -> Html {
    let rows = (h / 32.0).floor().max(0.0) as usize;
    html! {
        <svg width={w.to_string()} height={h.to_string()} aria-hidden="true">
            { for (0..rows).map(|i| { let y = i as f64 * 32.0 + 12.5; html! { <line class="wire" x1="10" x2={(w - 6.0).max(10.0).to_string()} y1={y.to_string()} y2={y.to_string()} /> } }) }
            { for [10.5, (w / 2.0).round() + 0.5, w - 6.5].map(|x| html! { <line class="axis" x1={x.to_string()} x2={x.to_string()} y1="0" y2={h.to_string()} /> }) }
        </svg>
    }
}
