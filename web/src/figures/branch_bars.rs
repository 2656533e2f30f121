//! Bars per block that are dragged: the handle is the red cut, a number field stands in the same row, ghosts lie on the same wire.

use std::rc::Rc;

use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

use super::edit::{BarEdit, key_move};
use super::figure::{Figure, Source};
use super::hooks::{place_in, use_size};
use super::layers::drawn;
use crate::plot::branch::{Branches, FOOT, HEAD, Row};
use crate::plot::number::{fixed, percent};

/// How a side column draws its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideMark {
    /// A solid bar from its left.
    Bar,
    /// A dot at the end of a hairline, with a second one for before.
    Dot,
}

/// A column at the right of the bars: a cause or an effect.
#[derive(Clone, Debug, PartialEq)]
pub struct SideColumn {
    /// Head: name and unit.
    pub head: AttrValue,
    /// Form.
    pub mark: SideMark,
    /// One a row, from the foot up: written value, share of the column's scale; `None` where it is not known.
    pub cells: Vec<Option<(AttrValue, f64)>>,
}

/// Properties of [`BranchBars`].
#[derive(Properties, PartialEq)]
pub struct BranchBarsProps {
    /// Title, sentence case.
    pub title: AttrValue,
    /// What is seen, in one sentence.
    #[prop_or_default]
    pub sentence: AttrValue,
    /// Rows from the foot up.
    pub rows: Vec<Row>,
    /// Fraction kept on target.
    #[prop_or_default]
    pub target: Option<f64>,
    /// Width of the labels.
    #[prop_or(26.0)]
    pub label: f64,
    /// Columns at the right.
    #[prop_or_default]
    pub side: Vec<SideColumn>,
    /// Nothing can be changed (a scope that sets the sparsities itself).
    #[prop_or_default]
    pub fixed: bool,
    /// A fresh number for a gesture.
    pub gesture: Callback<(), u32>,
    /// A change.
    pub on_edit: Callback<BarEdit>,
    /// More for the head: suggestions.
    #[prop_or_default]
    pub head: Html,
    /// Where the numbers come from.
    #[prop_or_default]
    pub source: Source,
    /// Stable name for tests.
    #[prop_or_default]
    pub test: AttrValue,
}

/// What a pressed pointer does. A row is chosen when it is lifted: choosing opens a block into its parts, and rows must not move under a drag.
#[derive(Clone, Copy, PartialEq)]
struct Drag {
    row: usize,
    /// Where it was pressed.
    at: [f64; 2],
    hold: Hold,
}

#[derive(Clone, Copy, PartialEq)]
enum Hold {
    /// A handle: the bar follows, from this fraction.
    Handle { gesture: u32, from: f64 },
    /// Beside the handles: nothing yet, a stroke as soon as it moves.
    Beside,
    /// A stroke that paints every row it crosses.
    Stroke { gesture: u32 },
}

/// Half the width in which a pointer takes a handle, for a mouse and for a finger.
const REACH: [f64; 2] = [12.0, 24.0];
/// A pointer that moves less than this is a click.
const CLICK: f64 = 5.0;
/// A Shift drag moves so much less.
const FINE: f64 = 0.1;

/// Draggable bars.
#[component]
pub fn BranchBars(props: &BranchBarsProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let drag = use_mut_ref(|| None::<Drag>);
    let keys = use_mut_ref(|| None::<u32>);
    let tall = size[0] > 0.0 && size[0] < 380.0;
    let step = if tall { 32.0 } else if props.rows.len() <= 9 { 28.0 } else { 24.0 };
    let bars = Rc::new(Branches { width: size[0].max(120.0), step, label: props.label, rows: props.rows.clone(), target: props.target });
    let editable = |row: &Row| !props.fixed && !row.locked;

    let onpointerdown = {
        let (node, bars, drag, edit, fresh, frozen) = (node.clone(), bars.clone(), drag.clone(), props.on_edit.clone(), props.gesture.clone(), props.fixed);
        Callback::from(move |e: PointerEvent| {
            let Some(p) = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]) else { return };
            let Some(row) = bars.row_at(p[1]) else { return };
            if e.alt_key() {
                edit.emit(BarEdit::Lock(row));
                return;
            }
            let kept = bars.rows[row].kept;
            let reach = REACH[usize::from(e.pointer_type() == "touch")];
            let near = (bars.scale().at(kept) - p[0]).abs() <= reach;
            // A finger beside the handles scrolls the page.
            let hold = match near {
                true if !frozen && !bars.rows[row].locked => Hold::Handle { gesture: fresh.emit(()), from: kept },
                _ => Hold::Beside,
            };
            *drag.borrow_mut() = Some(Drag { row, at: p, hold });
            if let Some(el) = node.cast::<Element>() {
                // Fails only for a pointer that has gone already.
                let _ = el.set_pointer_capture(e.pointer_id());
            }
        })
    };
    let onpointermove = {
        let (node, bars, drag, edit, fresh, frozen) = (node.clone(), bars.clone(), drag.clone(), props.on_edit.clone(), props.gesture.clone(), props.fixed);
        Callback::from(move |e: PointerEvent| {
            let Some(mut d) = *drag.borrow() else { return };
            let Some(p) = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]) else { return };
            // Tenths of a percent, hundredths with Shift: what the field beside it shows.
            let grid = if e.shift_key() { 1e4 } else { 1e3 };
            let rounded = |kept: f64| (kept.clamp(0.0, 1.0) * grid).round() / grid;
            if d.hold == Hold::Beside && !frozen && e.pointer_type() != "touch" && (p[0] - d.at[0]).hypot(p[1] - d.at[1]) > CLICK {
                d.hold = Hold::Stroke { gesture: fresh.emit(()) };
                *drag.borrow_mut() = Some(d);
            }
            match d.hold {
                Hold::Beside => {}
                Hold::Handle { gesture, from } => {
                    let kept = rounded(from + (p[0] - d.at[0]) / bars.scale().span() * if e.shift_key() { FINE } else { 1.0 });
                    if bars.rows.get(d.row).is_some_and(|r| r.kept != kept) {
                        edit.emit(BarEdit::Set { row: d.row, kept, gesture: Some(gesture) });
                    }
                }
                Hold::Stroke { gesture } => {
                    let row = bars.row_at(p[1]).and_then(|i| Some((i, bars.rows.get(i)?))).filter(|(_, r)| !r.locked);
                    let kept = rounded(bars.kept_at(p[0]));
                    if let Some((row, _)) = row.filter(|(_, r)| r.kept != kept) {
                        edit.emit(BarEdit::Paint { row, kept, gesture });
                    }
                }
            }
        })
    };
    let stop = {
        let (drag, edit) = (drag.clone(), props.on_edit.clone());
        Callback::from(move |_: PointerEvent| {
            if let Some(Drag { row, hold: Hold::Beside | Hold::Handle { .. }, .. }) = drag.take() {
                edit.emit(BarEdit::Select(row));
            }
        })
    };
    let ondblclick = {
        let (node, bars, edit) = (node.clone(), bars.clone(), props.on_edit.clone());
        Callback::from(move |e: MouseEvent| {
            let at = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]);
            if let Some(row) = at.and_then(|p| bars.row_at(p[1])) {
                edit.emit(BarEdit::Reset(row));
            }
        })
    };
    let handles = bars.rows.iter().enumerate().map(|(i, row)| {
        let (x, y) = (bars.scale().at(row.kept.clamp(0.0, 1.0)), bars.y(i));
        let onkeydown = {
            let (edit, keys, fresh, kept, open) = (props.on_edit.clone(), keys.clone(), props.gesture.clone(), row.kept, editable(row));
            Callback::from(move |e: KeyboardEvent| {
                if e.ctrl_key() || e.meta_key() || e.alt_key() {
                    return;
                }
                match e.key().as_str() {
                    "l" | "L" => edit.emit(BarEdit::Lock(i)),
                    "Delete" | "Backspace" => edit.emit(BarEdit::Reset(i)),
                    "Enter" => edit.emit(BarEdit::Select(i)),
                    key => match key_move(key, e.shift_key(), 0.001, 0.01) {
                        Some(m) if open => {
                            // A key held down is one step of undo.
                            let gesture = *keys.borrow_mut().get_or_insert_with(|| fresh.emit(()));
                            edit.emit(BarEdit::Set { row: i, kept: m.from(kept, 0.0, 1.0), gesture: Some(gesture) });
                        }
                        _ => return,
                    },
                }
                e.prevent_default();
                e.stop_propagation();
            })
        };
        let onkeyup = {
            let keys = keys.clone();
            Callback::from(move |_: KeyboardEvent| *keys.borrow_mut() = None)
        };
        let what = if row.part.is_some() { row.label.clone() } else { format!("block {}", row.label) };
        html! {
            <g key={i} role="slider" tabindex="0" aria-orientation="horizontal" aria-label={format!("{what}, kept")} aria-valuemin="0" aria-valuemax="100"
                aria-valuenow={format!("{:.1}", row.kept * 100.0)} aria-valuetext={format!("{} removed", percent(1.0 - row.kept))}
                aria-disabled={(!editable(row)).to_string()} data-row={i.to_string()} class={classes!("handle", (!editable(row)).then_some("off"))} {onkeydown} {onkeyup}>
                <rect x={(x - REACH[0]).to_string()} y={(y - step / 2.0).to_string()} width={(2.0 * REACH[0]).to_string()} height={step.to_string()} fill="transparent" />
            </g>
        }
    });
    let table = {
        let bars = bars.clone();
        Callback::from(move |()| bars.table())
    };
    let scene = {
        let bars = bars.clone();
        Callback::from(move |()| bars.scene())
    };
    let tall_class = if tall { "s32" } else if step == 28.0 { "s28" } else { "s24" };
    html! {
        <Figure title={props.title.clone()} sentence={props.sentence.clone()} head={props.head.clone()} source={props.source.clone()}
            table={Some(table)} scene={Some(scene)} class="branches" test={props.test.clone()}>
            <div class={classes!("branch", tall_class)}>
                <div ref={node.clone()} class="limbs" {onpointerdown} {onpointermove} onpointerup={stop.clone()} onpointercancel={stop} {ondblclick}>
                    if size[0] > 0.0 {
                        { drawn(&bars.scene()) }
                        <svg class="handles" width={bars.width.to_string()} height={bars.height().to_string()} aria-label={props.sentence.clone()}>
                            { for handles }
                        </svg>
                    }
                </div>
                { side(props, &bars) }
            </div>
        </Figure>
    }
}

/// The columns at the right, row by row with the bars.
fn side(props: &BranchBarsProps, bars: &Branches) -> Html {
    let rows = bars.rows.iter().enumerate().rev().map(|(i, row)| {
        let onchange = {
            let edit = props.on_edit.clone();
            Callback::from(move |e: Event| {
                let Some(input) = e.target_dyn_into::<HtmlInputElement>() else { return };
                let removed = input.value_as_number();
                if removed.is_finite() {
                    edit.emit(BarEdit::Set { row: i, kept: 1.0 - (removed / 100.0).clamp(0.0, 1.0), gesture: None });
                }
            })
        };
        let onclick = {
            let edit = props.on_edit.clone();
            Callback::from(move |_: MouseEvent| edit.emit(BarEdit::Lock(i)))
        };
        let name = if row.part.is_some() { row.label.clone() } else { format!("block {}", row.label) };
        html! {
            <div class={classes!("siderow", (row.on && row.part.is_none()).then_some("on"))} key={i}>
                <input class="in num" type="number" min="0" max="100" step="0.1" value={fixed((1.0 - row.kept) * 100.0, 1).replace('\u{202f}', "")}
                    disabled={props.fixed || row.locked} aria-label={format!("sparsity of {name}, %")} data-row={i.to_string()} {onchange} />
                <button type="button" class="ib lock" aria-pressed={row.locked.to_string()} disabled={props.fixed} title="Lock: the others give way, this one stays"
                    aria-label={format!("lock {name}")} {onclick}>{ padlock(row.locked) }</button>
                { for props.side.iter().map(|c| cell(c, i)) }
            </div>
        }
    });
    html! {
        <div class="side">
            <div class="sidehead"><span class="num">{ "sparsity" }</span><span class="lock"></span>{ for props.side.iter().map(|c| html! { <span class="sidecell">{ &c.head }</span> }) }</div>
            { for rows }
            <div class="sidefoot"></div>
        </div>
    }
}

fn cell(column: &SideColumn, row: usize) -> Html {
    let Some((text, share)) = column.cells.get(row).cloned().flatten() else {
        return html! { <span class="sidecell"><span class="n d">{ "…" }</span></span> };
    };
    let x = share.clamp(0.0, 1.0) * 58.0;
    let mark = match column.mark {
        SideMark::Bar => html! { <rect x="0" y="6" width={format!("{x:.1}")} height="4" fill="var(--c1)" /> },
        SideMark::Dot => html! { <><path d={format!("M0 8.5H{x:.1}")} stroke="var(--edge)" stroke-width="1" /><circle cx={format!("{x:.1}")} cy="8.5" r="2.6" fill="var(--cut)" /></> },
    };
    html! { <span class="sidecell"><svg width="64" height="16" aria-hidden="true">{ mark }</svg><span class="n">{ text }</span></span> }
}

/// A padlock, closed or open.
pub fn padlock(closed: bool) -> Html {
    html! {
        <svg viewBox="0 0 14 14" width="14" height="14" fill="none" stroke="currentColor" stroke-width="1.3" aria-hidden="true">
            <rect x="3" y="6.5" width="8" height="5.5" fill={if closed { "currentColor" } else { "none" }} />
            <path d={if closed { "M4.5 6.5V4.5a2.5 2.5 0 0 1 5 0v2" } else { "M4.5 6.5V4.5a2.5 2.5 0 0 1 4.9-.7" }} />
        </svg>
    }
}

/// Heights that the style sheet must know: head and foot of the bars.
pub const FRAME: [f64; 2] = [HEAD, FOOT];
