//! Drawings whose height follows from their rows, as components: before and after, and small tables as colour.

use web_sys::MouseEvent;
use yew::prelude::*;

use super::figure::{Figure, Source};
use super::hooks::{place_in, theme_now, use_size, use_theme};
use super::layers::drawn;
use crate::plot::dumbbell::Dumbbells;
use crate::plot::grid::Grid;
use crate::plot::strips::Strips;

/// Properties of [`DumbbellChart`].
#[derive(Properties, PartialEq)]
pub struct DumbbellProps {
    /// Title.
    pub title: AttrValue,
    /// What is seen.
    pub sentence: AttrValue,
    /// The rows; the width is the page's.
    pub bells: Dumbbells,
    /// What, unit.
    #[prop_or_default]
    pub what: AttrValue,
    /// More for the head.
    #[prop_or_default]
    pub head: Html,
    /// Where the numbers come from.
    #[prop_or_default]
    pub source: Source,
    /// Stable name for tests.
    #[prop_or_default]
    pub test: AttrValue,
}

/// Before and after.
#[component]
pub fn DumbbellChart(props: &DumbbellProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let bells = Dumbbells { width: size[0], ..props.bells.clone() };
    let (data, whole) = (bells.clone(), bells.clone());
    html! {
        <Figure title={props.title.clone()} what={props.what.clone()} sentence={props.sentence.clone()} head={props.head.clone()} source={props.source.clone()} test={props.test.clone()}
            table={Some(Callback::from(move |()| data.table()))} scene={Some(Callback::from(move |()| whole.scene()))}>
            <div ref={node} class="limbs" role="img" aria-label={props.sentence.clone()}>if size[0] > 0.0 { { drawn(&bells.scene()) } }</div>
        </Figure>
    }
}

/// Properties of [`GridChart`].
#[derive(Properties, PartialEq)]
pub struct GridProps {
    /// Title.
    pub title: AttrValue,
    /// What is seen.
    pub sentence: AttrValue,
    /// The cells; the width is the page's.
    pub grid: Grid,
    /// What, unit.
    #[prop_or_default]
    pub what: AttrValue,
    /// More for the head.
    #[prop_or_default]
    pub head: Html,
    /// A row was chosen.
    #[prop_or_default]
    pub on_row: Option<Callback<usize>>,
    /// Where the numbers come from.
    #[prop_or_default]
    pub source: Source,
    /// Stable name for tests.
    #[prop_or_default]
    pub test: AttrValue,
}

/// A small table as colour.
#[component]
pub fn GridChart(props: &GridProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let theme = use_theme();
    let grid = Grid { width: size[0], ..props.grid.clone() };
    let (data, whole) = (grid.clone(), grid.clone());
    let onclick = props.on_row.clone().map(|choose| {
        let (node, grid) = (node.clone(), grid.clone());
        Callback::from(move |e: MouseEvent| {
            if let Some(row) = place_in(&node, [f64::from(e.client_x()), f64::from(e.client_y())]).and_then(|p| grid.row_at(p[1])) {
                choose.emit(row);
            }
        })
    });
    html! {
        <Figure title={props.title.clone()} what={props.what.clone()} sentence={props.sentence.clone()} head={props.head.clone()} source={props.source.clone()} test={props.test.clone()}
            table={Some(Callback::from(move |()| data.table()))} scene={Some(Callback::from(move |()| whole.scene(theme_now())))}>
            <div ref={node} class="limbs" role="img" aria-label={props.sentence.clone()} {onclick}>if size[0] > 0.0 { { drawn(&grid.scene(theme)) } }</div>
        </Figure>
    }
}

/// Properties of [`StripsChart`].
#[derive(Properties, PartialEq)]
pub struct StripsProps {
    /// Title.
    pub title: AttrValue,
    /// What is seen.
    pub sentence: AttrValue,
    /// The strips; the width is the page's.
    pub strips: Strips,
    /// Only this column; where there is little room, one is shown in any case.
    #[prop_or_default]
    pub only: Option<usize>,
    /// What, unit.
    #[prop_or_default]
    pub what: AttrValue,
    /// More for the head.
    #[prop_or_default]
    pub head: Html,
    /// Where the numbers come from.
    #[prop_or_default]
    pub source: Source,
    /// Stable name for tests.
    #[prop_or_default]
    pub test: AttrValue,
}

/// Pixels under which domains are shown one at a time.
const NARROW: f64 = 560.0;

/// A matrix of small strips.
#[component]
pub fn StripsChart(props: &StripsProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let all = Strips { width: size[0], ..props.strips.clone() };
    let only = props.only.or((size[0] < NARROW).then_some(0)).filter(|c| *c < all.columns.len());
    let strips = only.map_or_else(|| all.clone(), |c| all.only(c));
    let (data, whole) = (all, strips.clone());
    html! {
        <Figure title={props.title.clone()} what={props.what.clone()} sentence={props.sentence.clone()} head={props.head.clone()} source={props.source.clone()} test={props.test.clone()}
            table={Some(Callback::from(move |()| data.table()))} scene={Some(Callback::from(move |()| whole.scene()))}>
            <div ref={node} class="limbs" role="img" aria-label={props.sentence.clone()}>if size[0] > 0.0 { { drawn(&strips.scene()) } }</div>
        </Figure>
    }
}
