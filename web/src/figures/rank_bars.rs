//! Rank bars that are dragged: block by role, leaf with a red cut where factored, ink to full length where dense.

use std::rc::Rc;

use web_sys::Element;
use yew::prelude::*;

use super::edit::{RankEdit, key_move};
use super::figure::{Figure, Source};
use super::hooks::{place_in, use_size};
use super::layers::drawn;
use crate::plot::number::count;
use crate::plot::ranks::{Cell, Column, RankBars, Row};
use crate::plot::scene::{Scene, stroke};

/// Properties of [`RankChart`].
#[derive(Properties, PartialEq)]
pub struct RankChartProps {
    /// Title, sentence case.
    pub title: AttrValue,
    /// What, unit, kind of axis.
    #[prop_or_default]
    pub what: AttrValue,
    /// What is seen, in one sentence.
    #[prop_or_default]
    pub sentence: AttrValue,
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows from the foot up.
    pub rows: Vec<Row>,
    /// Word over the first error column.
    pub rule: AttrValue,
    /// Width of the labels.
    #[prop_or(26.0)]
    pub label: f64,
    /// A fresh number for a gesture.
    pub gesture: Callback<(), u32>,
    /// A change.
    pub on_edit: Callback<RankEdit>,
    /// Where the numbers come from.
    #[prop_or_default]
    pub source: Source,
    /// Stable name for tests.
    #[prop_or_default]
    pub test: AttrValue,
}

/// Half the width in which a pointer takes a cut.
const REACH: [f64; 2] = [12.0, 20.0];

/// A pointer that moves less than this is a click.
const CLICK: f64 = 5.0;

/// What a pressed pointer does. A row is chosen when it is lifted, as on the bars of Prune.
#[derive(Clone, Copy, PartialEq)]
struct Drag {
    row: usize,
    /// Where it was pressed; in a stroke, where it was last.
    at: [f64; 2],
    hold: Hold,
}

#[derive(Clone, Copy, PartialEq)]
enum Hold {
    /// A cut follows.
    Cut { column: usize, gesture: u32 },
    /// Beside the cuts: nothing yet, a stroke as soon as it moves.
    Beside,
    /// A stroke that paints every bar it crosses.
    Stroke { gesture: u32 },
}

/// The bar of a single matrix: one that stands for several has no rank of its own.
fn single(bars: &RankBars, row: usize, column: usize) -> Option<&Cell> {
    bars.rows.get(row)?.cells.get(column)?.as_ref().filter(|cell| cell.of == 1)
}

/// Draggable rank bars.
#[component]
pub fn RankChart(props: &RankChartProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let drag = use_mut_ref(|| None::<Drag>);
    let keys = use_mut_ref(|| None::<u32>);
    let step = if props.rows.len() <= 8 { 26.0 } else { 20.0 };
    let bars = Rc::new(RankBars { width: size[0].max(160.0), step, label: props.label, columns: props.columns.clone(), rows: props.rows.clone(), rule: props.rule.to_string() });

    let onpointerdown = {
        let (node, bars, drag, fresh) = (node.clone(), bars.clone(), drag.clone(), props.gesture.clone());
        Callback::from(move |e: PointerEvent| {
            let Some(p) = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]) else { return };
            let Some((row, column, _)) = bars.hit(p[0], p[1]) else { return };
            let reach = REACH[usize::from(e.pointer_type() == "touch")];
            let near = single(&bars, row, column).is_some_and(|cell| (bars.scale(column).at(if cell.full > 0.0 { cell.attempted / cell.full } else { 1.0 }) - p[0]).abs() <= reach);
            let hold = if near { Hold::Cut { column, gesture: fresh.emit(()) } } else { Hold::Beside };
            *drag.borrow_mut() = Some(Drag { row, at: p, hold });
            if let Some(el) = node.cast::<Element>() {
                // Fails only for a pointer that has gone already.
                let _ = el.set_pointer_capture(e.pointer_id());
            }
        })
    };
    let onpointermove = {
        let (node, bars, drag, edit, fresh) = (node.clone(), bars.clone(), drag.clone(), props.on_edit.clone(), props.gesture.clone());
        Callback::from(move |e: PointerEvent| {
            let Some(mut d) = *drag.borrow() else { return };
            let Some(p) = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]) else { return };
            let paint = |from, to, gesture| {
                for (row, column, share) in bars.crossed(from, to).into_iter().filter(|(r, c, _)| single(&bars, *r, *c).is_some()) {
                    edit.emit(RankEdit::Set { row, column, share, gesture: Some(gesture) });
                }
            };
            // A finger beside the cuts scrolls the page.
            if d.hold == Hold::Beside && e.pointer_type() != "touch" && (p[0] - d.at[0]).hypot(p[1] - d.at[1]) > CLICK {
                let gesture = fresh.emit(());
                d.hold = Hold::Stroke { gesture };
                // The bar that it began on is its first.
                paint(d.at, d.at, gesture);
            }
            match d.hold {
                Hold::Beside => return,
                Hold::Cut { column, gesture } => edit.emit(RankEdit::Set { row: d.row, column, share: bars.share(column, p[0]), gesture: Some(gesture) }),
                Hold::Stroke { gesture } => {
                    paint(d.at, p, gesture);
                    d.at = p;
                }
            }
            *drag.borrow_mut() = Some(d);
        })
    };
    let stop = {
        let (drag, edit) = (drag.clone(), props.on_edit.clone());
        Callback::from(move |_: PointerEvent| {
            if let Some(Drag { row, hold: Hold::Beside | Hold::Cut { .. }, .. }) = drag.take() {
                edit.emit(RankEdit::Select(row));
            }
        })
    };
    let ondblclick = {
        let (node, bars, edit) = (node.clone(), bars.clone(), props.on_edit.clone());
        Callback::from(move |e: MouseEvent| {
            let at = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]);
            if let Some((row, column, _)) = at.and_then(|p| bars.hit(p[0], p[1])) {
                edit.emit(RankEdit::Reset { row, column });
            }
        })
    };
    let handles = bars.rows.iter().enumerate().flat_map(|(r, row)| row.cells.iter().enumerate().map(move |(c, cell)| (r, c, row, cell))).filter_map(|(r, c, row, cell)| {
        let cell = cell.as_ref().filter(|cell| cell.of == 1 && cell.full > 0.0)?;
        let x = bars.scale(c).at(cell.attempted / cell.full);
        let onkeydown = {
            let (edit, keys, fresh, rank, full) = (props.on_edit.clone(), keys.clone(), props.gesture.clone(), cell.attempted, cell.full);
            Callback::from(move |e: KeyboardEvent| {
                if e.ctrl_key() || e.meta_key() || e.alt_key() {
                    return;
                }
                match e.key().as_str() {
                    "Delete" | "Backspace" => edit.emit(RankEdit::Reset { row: r, column: c }),
                    "Enter" => edit.emit(RankEdit::Select(r)),
                    key => match key_move(key, false, 1.0, 10.0) {
                        Some(m) => {
                            let gesture = *keys.borrow_mut().get_or_insert_with(|| fresh.emit(()));
                            edit.emit(RankEdit::Set { row: r, column: c, share: m.from(rank, 1.0, full) / full, gesture: Some(gesture) });
                        }
                        None => return,
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
        let name = format!("{} {}, rank", row.label, props.columns[c].name);
        Some(html! {
            <g key={format!("{r}/{c}")} role="slider" tabindex="0" class="handle" aria-label={name} aria-valuemin="1" aria-valuemax={cell.full.to_string()}
                aria-valuenow={cell.attempted.to_string()} aria-valuetext={if cell.factored > 0 { format!("{} of {}", count(cell.kept), count(cell.full)) } else { format!("dense, {} attempted", count(cell.attempted)) }}
                data-row={r.to_string()} data-column={c.to_string()} {onkeydown} {onkeyup}>
                <rect x={(x - REACH[0]).to_string()} y={(bars.y(r) - step / 2.0).to_string()} width={(2.0 * REACH[0]).to_string()} height={step.to_string()} fill="transparent" />
            </g>
        })
    });
    let table = {
        let bars = bars.clone();
        Callback::from(move |()| bars.table())
    };
    let scene = {
        let bars = bars.clone();
        Callback::from(move |()| bars.scene())
    };
    html! {
        <Figure title={props.title.clone()} what={props.what.clone()} sentence={props.sentence.clone()} head={legend()} source={props.source.clone()}
            table={Some(table)} scene={Some(scene)} class="ranks" test={props.test.clone()}>
            <div ref={node} class="limbs" {onpointerdown} {onpointermove} onpointerup={stop.clone()} onpointercancel={stop} {ondblclick}>
                if size[0] > 0.0 {
                    { drawn(&bars.scene()) }
                    <svg class="handles" width={bars.width.to_string()} height={bars.height().to_string()} aria-label={props.sentence.clone()}>{ for handles }</svg>
                }
            </div>
        </Figure>
    }
}

/// The four signs of the bars.
fn legend() -> Html {
    let bar = |paint: &'static str| {
        let mut s = Scene::new(14.0, 12.0);
        s.rect([0.0, 3.0, 12.0, 6.0], paint);
        drawn(&s)
    };
    let mut oblique = Scene::new(10.0, 12.0);
    crate::plot::branch::cut(&mut oblique, 5.0, 6.0, 5.0, "edge", 1.6);
    let mut tick = Scene::new(5.0, 12.0);
    tick.hair_v(2.0, [1.0, 11.0], stroke("ghost", 1.6));
    html! {
        <span class="keyline">
            <span>{ bar("leaf") }{ "factored, LRC" }</span>
            <span>{ bar("ink-2") }{ "dense, N-LRC" }</span>
            <span>{ drawn(&oblique) }{ "cut attempted, not made" }</span>
            <span>{ drawn(&tick) }{ "uniform" }</span>
        </span>
    }
}
