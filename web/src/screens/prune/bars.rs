//! The bars: rows of blocks, the chosen block opened into its roles, ghosts of the other allocations, errors beside them.

use std::collections::{BTreeMap, BTreeSet};

use yew::prelude::*;

use super::model::{Allocations, error, mean, set_group};
use super::say;
use super::view::View;
use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::history::Gesture;
use crate::app::state::{Allocation, PruneState, Selection};
use crate::figures::branch_bars::{SideColumn, SideMark};
use crate::figures::edit::BarEdit;
use crate::figures::layers::drawn;
use crate::figures::{BranchBars, Source};
use crate::plot::branch::{Ghost, Part, Row};
use crate::plot::number::fixed;
use crate::plot::scene::{Paint, Scene};

/// A row of the figure: which matrices it stands for.
#[derive(Clone, PartialEq)]
struct Member {
    row: usize,
    group: Vec<usize>,
    column: Option<usize>,
}

/// Properties of [`Bars`].
#[derive(Properties)]
pub struct BarsProps {
    /// The laboratory.
    pub lab: Lab,
    /// What is shown.
    pub view: View,
}

impl PartialEq for BarsProps {
    fn eq(&self, other: &Self) -> bool {
        self.lab == other.lab
    }
}

/// Rows from the foot up: each block, and under the chosen one its roles.
fn members(view: &View, open: Option<usize>) -> Vec<Member> {
    let mut out = Vec::new();
    for row in 0..view.grid.rows.len() {
        let cells = &view.grid.cells[row];
        if open == Some(row) && !view.grid.by_layer {
            // From the foot up: the last role first, so that q stands right under its block.
            for (column, group) in cells.iter().enumerate().rev().filter(|(_, g)| !g.is_empty()) {
                out.push(Member { row, group: group.clone(), column: Some(column) });
            }
        }
        out.push(Member { row, group: view.grid.members(row), column: None });
    }
    out
}

fn of(all: &Allocations, g: Ghost) -> Option<&Vec<f64>> {
    match g {
        Ghost::Uniform => Some(&all.uniform),
        Ghost::Erk => Some(&all.erk),
        Ghost::Spectrum => all.spectrum.as_ref(),
        Ghost::Owl => all.owl.as_ref(),
        Ghost::Measured => all.measured.as_ref(),
    }
}

/// The bars.
#[component]
pub fn Bars(props: &BarsProps) -> Html {
    let (lab, view) = (&props.lab, &props.view);
    let ghosts = use_state_eq(|| BTreeSet::from([Ghost::Uniform, Ghost::Erk, Ghost::Owl, Ghost::Measured]));
    // The bars as they were when a drag began: rebalancing from there lets it come back.
    let began = use_mut_ref(|| None::<Began>);
    let open = view.selected_row(lab);
    let members = members(view, open);
    let state = lab.state.prune();
    let rows: Vec<Row> = members
        .iter()
        .map(|m| {
            let column = m.column.map(|c| &view.grid.columns[c]);
            Row {
                label: column.map_or_else(|| view.grid.rows[m.row].label.clone(), |c| c.name.clone()),
                kept: 1.0 - mean(&view.now, &view.sizes, &m.group),
                locked: !m.group.is_empty() && m.group.iter().all(|&i| view.locked[i]),
                on: open == Some(m.row),
                part: column.map(|c| Part { paint: Paint::Token(c.token), square: c.square }),
                ghosts: ghosts.iter().filter_map(|g| Some((*g, 1.0 - mean(of(&view.all, *g)?, &view.sizes, &m.group)))).collect(),
            }
        })
        .collect();
    let on_edit = {
        let (lab, view, members, began) = (lab.clone(), view.clone(), members.clone(), began.clone());
        Callback::from(move |edit: BarEdit| edited(&lab, &view, &members, &mut began.borrow_mut(), edit))
    };
    let gesture = {
        let port = lab.port.clone();
        Callback::from(move |()| port.number())
    };
    let head = html! {
        <div class="ghosts" role="group" aria-label="Suggestions"><span class="d">{ "suggestions" }</span>
            { for Ghost::ALL.map(|g| {
                let known = of(&view.all, g).is_some();
                let ghosts = ghosts.clone();
                let on = ghosts.contains(&g);
                let onclick = Callback::from(move |_: MouseEvent| {
                    let mut next = (*ghosts).clone();
                    if !next.remove(&g) {
                        next.insert(g);
                    }
                    ghosts.set(next);
                });
                let mut sign = Scene::new(12.0, 12.0);
                g.mark(&mut sign, [6.0, 6.0]);
                html! {
                    <button type="button" aria-pressed={on.to_string()} disabled={!known} {onclick} data-ghost={g.word()}
                        title={if known { "Show where this allocation would cut" } else { needs(g) }}>{ drawn(&sign) }{ g.word() }</button>
                }
            }) }
        </div>
    };
    let source = Source { model: view.name.clone(), tensor: "".into(), settings: match &view.asked {
        Some(a) => format!("{}, target {}", a.method, fixed(view.target, 3)).into(),
        None => format!("magnitude, scope {}, target {}", view.config.scope, fixed(view.target, 3)).into(),
    } };
    let label = view.grid.label_width().max(if open.is_some() && !view.grid.by_layer { 78.0 } else { 0.0 });
    html! {
        <BranchBars title={if view.grid.by_layer { "Kept per layer" } else { "Kept per block" }} test="prune-bars" {rows} target={Some(1.0 - view.target)} {label}
            side={side(lab, view, &members)} fixed={view.is_fixed()} {gesture} {on_edit} {head} {source}
            sentence={format!("{}{}", say::bars(&view.grid, &view.sizes, &view.now, view.error.filter(|_| view.asked.is_none())), hint(state))} />
    }
}

/// What an allocation lacks that cannot be shown yet.
fn needs(g: Ghost) -> &'static str {
    match g {
        Ghost::Owl => "Needs the outliers of all blocks: count them at the right",
        Ghost::Measured => "Needs a sweep over all blocks: it is in Study",
        _ => "Needs the spectra of all matrices",
    }
}

fn hint(state: &PruneState) -> &'static str {
    if state.allocation == Allocation::ByHand { "" } else { " Drag a cut, or draw a stroke across the wires; the others give way so that the budget stays." }
}

/// Beside the bars of a rule that reads a text: what stands out in a block, and what its outputs lost.
fn judged(lab: &Lab, view: &View, members: &[Member]) -> Vec<SideColumn> {
    let found = &lab.state.language;
    let mut out = Vec::new();
    if let Some(outliers) = &view.outliers {
        let top = outliers.iter().copied().fold(1e-9, f64::max);
        let of = |m: &Member| (m.column.is_none()).then(|| view.entries.get(*m.group.first()?)?.block).flatten().and_then(|b| outliers.get(b as usize).copied());
        let cells = members.iter().map(|m| Some(of(m).map_or_else(|| ("".into(), 0.0), |v| (AttrValue::from(fixed(v, 2)), v / top)))).collect();
        out.push(SideColumn { head: "outliers, %".into(), mark: SideMark::Bar, cells });
    }
    if !found.outputs.is_empty() {
        let mean = |m: &Member| {
            let all: Vec<f64> = m.group.iter().filter_map(|&i| found.outputs.get(&view.entries[i].key)).map(|l| l.output_error).filter(|e| e.is_finite()).collect();
            (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
        };
        let all: Vec<Option<f64>> = members.iter().map(mean).collect();
        let top = all.iter().flatten().copied().fold(1e-9, f64::max);
        let head = if view.fresh { "output error, %".into() } else { view.dated("output") };
        out.push(SideColumn { head: head.into(), mark: SideMark::Dot, cells: all.iter().map(|e| e.map(|e| (AttrValue::from(fixed(e * 100.0, 1)), e / top))).collect() });
    }
    out
}

fn side(lab: &Lab, view: &View, members: &[Member]) -> Vec<SideColumn> {
    if view.asked.is_some() {
        return judged(lab, view, members);
    }
    let expected: Vec<Option<f64>> = members.iter().map(|m| error(&view.entries, &m.group, &view.now, &lab.state.profiles)).collect();
    let done: Vec<Option<f64>> = members
        .iter()
        .map(|m| {
            let found: Option<Vec<_>> = m.group.iter().map(|&i| lab.state.pruned.get(&view.entries[i].key)).collect();
            let found = found.filter(|f| !f.is_empty())?;
            let (zeros, all) = found.iter().fold((0.0, 0.0), |(z, n), p| (z + p.zeros, n + p.elements));
            (all > 0.0).then(|| zeros / all)
        })
        .collect();
    let scale = expected.iter().flatten().fold(0.0f64, |a, b| a.max(*b)).max(1e-9);
    let written = |v: f64| AttrValue::from(fixed(v * 100.0, 1));
    let mut out = vec![SideColumn {
        head: "error, %".into(),
        mark: SideMark::Dot,
        cells: expected.iter().map(|e| e.map(|e| (written(e), e / scale))).collect(),
    }];
    if done.iter().any(Option::is_some) {
        out.push(SideColumn {
            head: format!("{}, %", view.dated("zeros")).into(),
            mark: SideMark::Bar,
            cells: done.iter().map(|d| d.map(|d| (written(d), d))).collect(),
        });
    }
    out
}

/// The gesture with this number, begun now if it is new.
fn begun<'a>(began: &'a mut Option<Began>, gesture: u32, view: &View) -> &'a mut Began {
    match began {
        Some(b) if b.gesture == gesture => {}
        _ => *began = None,
    }
    began.get_or_insert_with(|| Began { gesture, base: view.now.to_vec(), painted: BTreeMap::new() })
}

/// What a gesture began from, and the rows that a stroke has painted since.
pub struct Began {
    gesture: u32,
    base: Vec<f64>,
    painted: BTreeMap<usize, f64>,
}

fn edited(lab: &Lab, view: &View, members: &[Member], began: &mut Option<Began>, edit: BarEdit) {
    let change = |gesture: Gesture, f: &dyn Fn(&mut PruneState)| {
        let mut next = lab.state.prune().clone();
        f(&mut next);
        lab.act(Action::Prune(next, gesture));
    };
    let by_hand = |gesture: Gesture, next: &[f64]| {
        change(gesture, &|s| {
            s.allocation = Allocation::ByHand;
            s.sparsity = espalier_methods::order::gather(view.entries.iter().zip(next).map(|(e, v)| (e.key.clone(), *v)));
        });
    };
    match edit {
        BarEdit::Set { row, kept, gesture } => {
            let Some(m) = members.get(row).filter(|_| !view.is_fixed()) else { return };
            let base = gesture.map_or_else(|| view.now.to_vec(), |g| begun(began, g, view).base.clone());
            let (next, _) = set_group(&base, &view.sizes, &view.locked, &m.group, 1.0 - kept);
            by_hand(gesture.map_or(Gesture::Step, Gesture::Drag), &next);
        }
        BarEdit::Paint { row, kept, gesture } => {
            if view.is_fixed() {
                return;
            }
            let stroke = begun(began, gesture, view);
            stroke.painted.insert(row, kept);
            let (mut next, mut held) = (stroke.base.clone(), view.locked.to_vec());
            for (group, kept) in stroke.painted.iter().filter_map(|(row, kept)| Some((&members.get(*row)?.group, kept))) {
                next = set_group(&next, &view.sizes, &held, group, 1.0 - kept).0;
                // What is painted gives no way to what is painted after it.
                group.iter().for_each(|&i| held[i] = true);
            }
            by_hand(Gesture::Drag(gesture), &next);
        }
        BarEdit::Lock(row) => {
            let Some(m) = members.get(row) else { return };
            let keys: Vec<_> = m.group.iter().map(|&i| view.entries[i].key.clone()).collect();
            change(Gesture::Step, &|s| {
                let all = keys.iter().all(|k| s.locked.contains(k));
                for k in &keys {
                    if all {
                        s.locked.remove(k);
                    } else {
                        s.locked.insert(k.clone());
                    }
                }
            });
        }
        BarEdit::Reset(row) => {
            let Some(m) = members.get(row).filter(|_| !view.is_fixed() && lab.state.prune().allocation == Allocation::ByHand) else { return };
            let (next, _) = set_group(&view.now, &view.sizes, &view.locked, &m.group, view.target);
            change(Gesture::Step, &|s| s.sparsity = espalier_methods::order::gather(view.entries.iter().zip(&next).map(|(e, v)| (e.key.clone(), *v))));
        }
        BarEdit::Select(row) => select(lab, view, &members[row.min(members.len().saturating_sub(1))]),
    }
}

/// Points everywhere at a row's block, or at a role of it.
fn select(lab: &Lab, view: &View, m: &Member) {
    let here = view.selected_row(lab) == Some(m.row);
    if here && m.column.is_none() {
        return;
    }
    let Some(e) = m.group.first().map(|&i| &view.entries[i]) else { return };
    let to = Selection { tensor: e.tensor, slice: e.slice, block: e.block };
    if lab.state.selection() == to {
        return;
    }
    match (m.column, view.grid.by_layer || view.example, e.block) {
        (None, false, Some(block)) => lab.act(Action::SelectBlock(block)),
        _ => lab.act(Action::Select(to)),
    }
}
