//! Around every figure: title, what it shows, legend, tools, the drawing or its table, and one sentence.

use yew::prelude::*;

use super::download::{save_png, save_text};
use super::hooks::theme_now;
use crate::plot::scene::{Paint, Scene};
use crate::plot::svg::{self, Frame};
use crate::plot::table::{Cell, Table};

/// Rows that a table shows on the page; the CSV has all.
const ROWS: usize = 500;

/// What an exported figure must say of where it comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// Model's name.
    pub model: AttrValue,
    /// Tensor or matrix; empty for the whole model.
    pub tensor: AttrValue,
    /// Settings: `k 0.165, log`; empty for none.
    pub settings: AttrValue,
}

impl Source {
    fn line(&self) -> String {
        [&self.model, &self.tensor, &self.settings].into_iter().filter(|s| !s.is_empty()).map(|s| s.as_str()).collect::<Vec<_>>().join(" · ")
    }
}

/// Copies the address of the view; given as a context by the application. Without it figures have no such tool.
#[derive(Clone, PartialEq)]
pub struct Links(pub Callback<()>);

/// Properties of [`Figure`].
#[derive(Properties, PartialEq)]
pub struct FigureProps {
    /// Title, sentence case.
    pub title: AttrValue,
    /// What, unit, kind of axis: grey behind the title.
    #[prop_or_default]
    pub what: AttrValue,
    /// What is seen, in one sentence; also the alternative text.
    #[prop_or_default]
    pub sentence: AttrValue,
    /// Legend; drawn in the head and in exports.
    #[prop_or_default]
    pub legend: Vec<(Paint, AttrValue)>,
    /// More for the head, between legend and tools.
    #[prop_or_default]
    pub head: Html,
    /// Own tools, before table, CSV, SVG, PNG: buttons.
    #[prop_or_default]
    pub tools: Html,
    /// Where the numbers come from.
    #[prop_or_default]
    pub source: Source,
    /// The data behind the drawing.
    #[prop_or_default]
    pub table: Option<Callback<(), Table>>,
    /// The drawing as it is now, for SVG and PNG.
    #[prop_or_default]
    pub scene: Option<Callback<(), Scene>>,
    /// Classes of the figure.
    #[prop_or_default]
    pub class: Classes,
    /// Stable name for tests.
    #[prop_or_default]
    pub test: AttrValue,
    /// The drawing.
    pub children: Html,
}

/// A file name made of a title.
pub fn stem(model: &str, title: &str) -> String {
    let text = format!("{model} {title}").to_lowercase();
    let parts: Vec<String> = text.split(|c: char| !c.is_alphanumeric() && c != '.').filter(|p| !p.is_empty()).map(str::to_owned).collect();
    parts.join("-")
}

/// A figure.
#[component]
pub fn Figure(props: &FigureProps) -> Html {
    let as_table = use_state_eq(|| false);
    let node = use_node_ref();
    let link = use_context::<Links>().map(|links| links.0.reform(|_: MouseEvent| ()));
    let full = {
        let node = node.clone();
        Callback::from(move |_: MouseEvent| full_screen(&node))
    };
    let name = stem(&props.source.model, &format!("{} {}", props.title, props.source.tensor));
    let frame = || Frame {
        title: props.title.to_string(),
        what: props.what.to_string(),
        source: props.source.line(),
        legend: props.legend.iter().map(|(p, n)| (p.clone(), n.to_string())).collect(),
        sentence: props.sentence.to_string(),
    };
    let toggle = {
        let as_table = as_table.clone();
        Callback::from(move |()| as_table.set(!*as_table))
    };
    let onkeydown = props.table.is_some().then(|| {
        let toggle = toggle.clone();
        Callback::from(move |e: KeyboardEvent| {
            let typing = e.target_dyn_into::<web_sys::HtmlInputElement>().is_some();
            if !typing && !e.ctrl_key() && !e.meta_key() && !e.alt_key() && matches!(e.key().as_str(), "t" | "T") {
                e.prevent_default();
                toggle.emit(());
            }
        })
    });
    let csv = props.table.clone().map(|table| {
        let name = format!("{name}.csv");
        Callback::from(move |_: MouseEvent| save_text(&table.emit(()).csv(), "text/csv;charset=utf-8", &name))
    });
    let svg_click = props.scene.clone().map(|scene| {
        let (name, frame) = (format!("{name}.svg"), frame());
        Callback::from(move |_: MouseEvent| save_text(&svg::document(&scene.emit(()), &frame, theme_now()), "image/svg+xml", &name))
    });
    let png = props.scene.clone().map(|scene| {
        let (name, frame) = (format!("{name}.png"), frame());
        Callback::from(move |_: MouseEvent| save_png(&scene.emit(()), &frame, theme_now(), &name))
    });
    let tool = |label: &'static str, title: &'static str, click: Option<Callback<MouseEvent>>| {
        click.map(|onclick| html! { <button type="button" {title} {onclick} data-tool={label}>{ label }</button> })
    };
    let test = (!props.test.is_empty()).then(|| props.test.clone());
    html! {
        <figure ref={node} class={classes!("fig", props.class.clone())} data-test={test} {onkeydown}>
            <header>
                <h2>{ &props.title }</h2>
                if !props.what.is_empty() { <span class="d what">{ &props.what }</span> }
                if !props.legend.is_empty() { <span class="keyline">{ for props.legend.iter().map(|(p, n)| key(p, n)) }</span> }
                { props.head.clone() }
                <span class="tools">
                    { props.tools.clone() }
                    if props.table.is_some() {
                        <button type="button" aria-pressed={as_table.to_string()} title="The same numbers as a table (T)" data-tool="table"
                            onclick={toggle.reform(|_: MouseEvent| ())}>{ "table" }</button>
                    }
                    { for tool("CSV", "Save the numbers", csv) }
                    { for tool("SVG", "Save the drawing", svg_click) }
                    { for tool("PNG", "Save the picture, two pixels for one", png) }
                    { for drawn_tool("link", "Copy the address of this view", LINK, link) }
                    { for drawn_tool("full", "The whole screen, and back", FULL, Some(full)) }
                </span>
            </header>
            if let (true, Some(table)) = (*as_table, &props.table) {
                { shown(&table.emit(())) }
            } else {
                { props.children.clone() }
            }
            if !props.sentence.is_empty() { <figcaption class="say">{ &props.sentence }</figcaption> }
        </figure>
    }
}

/// A chain of two links.
pub const LINK: &str = "M6 8.2a2.6 2.6 0 0 0 3.8.2l2-2a2.6 2.6 0 0 0-3.7-3.7l-.9.9M8 5.8a2.6 2.6 0 0 0-3.8-.2l-2 2a2.6 2.6 0 0 0 3.7 3.7l.9-.9";
/// Four corners.
const FULL: &str = "M2 5V2h3M9 2h3v3M12 9v3H9M5 12H2V9";

/// A tool as a drawing, where a word would take the figure's room.
fn drawn_tool(name: &'static str, title: &'static str, path: &'static str, click: Option<Callback<MouseEvent>>) -> Option<Html> {
    click.map(|onclick| html! {
        <button type="button" {title} aria-label={title} {onclick} data-tool={name}>
            <svg width="12" height="12" viewBox="0 0 14 14" aria-hidden="true"><path d={path} fill="none" stroke="currentColor" stroke-width="1.3" /></svg>
        </button>
    })
}

/// Fills the screen with a figure, or gives it back.
fn full_screen(node: &NodeRef) {
    let Some(element) = node.cast::<web_sys::Element>() else { return };
    let document = gloo::utils::document();
    if document.fullscreen_element().is_some() {
        document.exit_fullscreen();
    } else {
        // Refused in frames that do not allow it: then nothing happens, as with the browser's own key.
        let _ = element.request_fullscreen();
    }
}

/// One entry of a legend: a short line in its colour and its name.
pub fn key(paint: &Paint, name: &str) -> Html {
    html! {
        <span><svg width="12" height="10" aria-hidden="true"><rect x="0" y="4" width="12" height="3" fill={paint.css()} /></svg>{ name.to_owned() }</span>
    }
}

/// The head and first rows of a table.
pub fn shown(table: &Table) -> Html {
    let over = table.rows.len().saturating_sub(ROWS);
    html! {
        <div class="scroll figtable" tabindex="0">
            <table>
                <thead><tr>{ for table.columns.iter().map(|c| html! { <th scope="col">{ c }</th> }) }</tr></thead>
                <tbody>
                    { for table.rows.iter().take(ROWS).map(|row| html! {
                        <tr>{ for row.iter().map(|c| html! {
                            <td class={matches!(c, Cell::Number(_)).then_some("n")}>{ c.shown() }</td>
                        }) }</tr>
                    }) }
                </tbody>
            </table>
            if over > 0 {
                <p class="d">{ format!("{} more rows are in the CSV.", crate::plot::number::count(over as f64)) }</p>
            }
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_plain() {
        assert_eq!(stem("shakespeare-llama", "Spectrum layers.0.q_proj"), "shakespeare-llama-spectrum-layers.0.q-proj");
        assert_eq!(stem("", "A / B: \"C\""), "a-b-c");
    }
}
