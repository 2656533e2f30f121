//! The tensor table: tree or flat list, filtered, sorted; only the rows in sight are drawn.

use std::collections::BTreeSet;
use std::rc::Rc;

use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

use super::filter::{Filter, nearest};
use super::rows::{Branch, Column, Kind, Known, Row, View, rows};
use crate::app::action::Action;
use crate::app::context::{Lab, use_lab};
use crate::app::roles;
use crate::app::state::{Selection, key};
use crate::figures::Sparkline;
use crate::plot::lines::Values;
use crate::plot::number::{count, params, percent, plural, shape, sig};

/// Height of a row in pixels, as the style sheet has it.
const ROW: f64 = 24.0;
/// Above this many rows only those in sight are drawn.
const MANY: usize = 300;
/// Rows drawn beyond the edge, so that a quick scroll finds something.
const SPARE: usize = 12;

/// The table with its filter.
#[component]
pub fn TensorList() -> Html {
    let lab = use_lab();
    let open = use_state_eq(BTreeSet::new);
    // Filter, arrangement and order are kept with the page's view, so that they travel in links; which branches are open is not.
    let kept = lab.state.view("tensors");
    let (mut view, text) = arrangement(kept.as_deref().unwrap_or_default());
    view.open = (*open).clone();
    let set = {
        let (lab, text) = (lab.clone(), text.to_owned());
        Callback::from(move |next: View| lab.view("tensors", &written(&next, &text)))
    };
    let scrolled = use_state_eq(|| 0.0);
    let node = use_node_ref();
    {
        // The chosen block is open, so that the chosen tensor is in sight.
        let open = open.clone();
        use_effect_with((lab.state.selection().block, lab.state.opened), move |(block, _)| {
            if let Some(b) = block {
                if !open.contains(&Branch::Block(*b)) {
                    let mut next = (*open).clone();
                    next.insert(Branch::Block(*b));
                    open.set(next);
                }
            }
        });
    }
    let Some(summary) = lab.state.summary.clone() else { return Html::default() };
    let filter = Filter::read(text);
    let all = {
        // Spectra only ever grow in number while one checkpoint is open.
        let (summary, spectra) = (summary.clone(), &lab.state.spectra);
        use_memo((text.to_owned(), view.clone(), lab.state.opened, spectra.len()), |_| rows(&summary, spectra, &filter, &view))
    };
    let found = summary.tensors.iter().filter(|t| filter.passes(t)).count();
    let oninput = {
        let (lab, view) = (lab.clone(), view.clone());
        Callback::from(move |e: InputEvent| lab.view("tensors", &written(&view, &e.target_unchecked_into::<HtmlInputElement>().value())))
    };
    let onscroll = {
        let scrolled = scrolled.clone();
        Callback::from(move |e: Event| scrolled.set((f64::from(e.target_unchecked_into::<Element>().scroll_top()) / ROW).floor()))
    };
    let onkeydown = {
        let (lab, all) = (lab.clone(), all.clone());
        Callback::from(move |e: KeyboardEvent| step(&lab, &all, &e))
    };
    let height = node.cast::<Element>().map_or(800.0, |e| f64::from(e.client_height()).max(200.0));
    let (from, to) = if all.len() > MANY {
        let from = (*scrolled as usize).saturating_sub(SPARE).min(all.len());
        (from, (from + (height / ROW) as usize + 2 * SPARE).min(all.len()))
    } else {
        (0, all.len())
    };
    let arrange = |flat: bool, word: &'static str| {
        let on = view.flat == flat;
        let (view, set) = (view.clone(), set.clone());
        let onclick = Callback::from(move |_: MouseEvent| set.emit(View { flat, ..view.clone() }));
        html! { <button type="button" aria-pressed={on.to_string()} {onclick} data-test={format!("as-{word}")}>{ word }</button> }
    };
    html! {
        <>
            <div class="filter">
                <input id="filter" class="in" type="search" placeholder="filter: down_proj, block 11, shape>1e6" aria-label="Filter tensors" value={text.to_owned()} {oninput} data-test="filter" />
                <div class="seg" role="group" aria-label="Arrangement">{ arrange(false, "tree") }{ arrange(true, "table") }</div>
            </div>
            <div class="scroll rows" ref={node} {onscroll} {onkeydown} tabindex="0" aria-label="Tensors; arrow keys move the choice">
                <table data-test="tensors" data-rows={all.len().to_string()}>
                    <thead><tr>
                        { head(&view, &set, "tensor", Column::Name, "") }
                        <th scope="col" class="hid">{ "shape" }</th>
                        { head(&view, &set, "params", Column::Elements, "n") }
                        <th scope="col" class="n">{ "share" }</th>
                        <th scope="col" class="hid sparks">{ "σ" }</th>
                        { head(&view, &set, "stable rank", Column::Rank, "n last") }
                    </tr></thead>
                    <tbody>
                        { gap(from) }
                        { for all[from..to].iter().map(|r| line(&lab, &open, r)) }
                        { gap(all.len() - to) }
                    </tbody>
                </table>
                if found == 0 { { nothing(text, &filter, &summary.tensors) } }
            </div>
            if !filter.is_empty() && found > 0 { <p class="d found" aria-live="polite">{ format!("{} of {}", count(found as f64), plural(summary.tensors.len(), "tensor", "tensors")) }</p> }
        </>
    }
}

/// Arrangement, order and filter as a text: `flat params down / down_proj`.
fn written(view: &View, text: &str) -> String {
    let View { flat, column, down, .. } = *view;
    let mut words: Vec<&str> = Vec::new();
    words.extend(flat.then_some("flat"));
    words.extend(COLUMNS.iter().find(|(c, _)| *c == column).map(|(_, word)| *word));
    words.extend(down.then_some("down"));
    if text.is_empty() { words.join(" ") } else { format!("{} / {text}", words.join(" ")) }
}

/// The same, read.
fn arrangement(kept: &str) -> (View, &str) {
    let (words, text) = kept.split_once(" / ").unwrap_or((kept, ""));
    let has = |word: &str| words.split(' ').any(|w| w == word);
    let column = COLUMNS.iter().find(|(_, word)| has(word)).map(|(c, _)| *c).unwrap_or_default();
    (View { flat: has("flat"), column, down: has("down"), ..View::default() }, text)
}

const COLUMNS: [(Column, &str); 3] = [(Column::Name, "name"), (Column::Elements, "params"), (Column::Rank, "rank")];

/// Rows out of sight, as one empty row of their height.
fn gap(rows: usize) -> Html {
    if rows == 0 {
        return Html::default();
    }
    html! { <tr aria-hidden="true"><td colspan="6" height={(rows as f64 * ROW).to_string()} class="gap"></td></tr> }
}

fn head(view: &View, set: &Callback<View>, word: &'static str, column: Column, class: &'static str) -> Html {
    if !view.flat {
        return html! { <th scope="col" {class}>{ word }</th> };
    }
    let on = view.column == column;
    let sort = match (on, view.down) {
        (false, _) => "none",
        (true, true) => "descending",
        (true, false) => "ascending",
    };
    let onclick = {
        let (view, set) = (view.clone(), set.clone());
        // First by size from the largest, names from A; a second click turns it, a third gives the file's order back.
        let first = column != Column::Name;
        Callback::from(move |_: MouseEvent| {
            let mut next = view.clone();
            (next.column, next.down) = match (view.column == column, view.down == first) {
                (false, _) => (column, first),
                (true, true) => (column, !first),
                (true, false) => (Column::File, false),
            };
            set.emit(next);
        })
    };
    let mark = match sort {
        "descending" => " ▾",
        "ascending" => " ▴",
        _ => "",
    };
    html! { <th scope="col" {class} aria-sort={sort}><button type="button" {onclick} data-test={format!("sort-{word}")}>{ word }{ mark }</button></th> }
}

fn line(lab: &Lab, branches: &UseStateHandle<BTreeSet<Branch>>, row: &Row) -> Html {
    match row.kind {
        Kind::Branch(branch, open, tensors) => twig(lab, branches, row, branch, open, tensors),
        Kind::Tensor(t) => leaf(lab, row, t),
    }
}

fn twig(lab: &Lab, branches: &UseStateHandle<BTreeSet<Branch>>, row: &Row, branch: Branch, open: bool, tensors: usize) -> Html {
    let toggle = {
        let branches = branches.clone();
        Callback::from(move |e: MouseEvent| {
            e.stop_propagation();
            let mut next = (*branches).clone();
            if !next.remove(&branch) {
                next.insert(branch);
            }
            branches.set(next);
        })
    };
    let (id, block) = match branch {
        Branch::Block(b) => (format!("block-{b}"), b),
        Branch::Experts(b) => (format!("experts-{b}"), b),
    };
    let on = lab.state.selection().block == Some(block) && !open;
    html! {
        <tr key={id.clone()} class={classes!(on.then_some("on"))} onclick={toggle.clone()} data-test={id}>
            <td class={classes!("name", format!("in{}", row.depth))}>
                <button type="button" onclick={toggle} aria-expanded={open.to_string()}><span class="tw" aria-hidden="true">{ if open { "▾" } else { "▸" } }</span>{ &row.name }</button>
            </td>
            <td class="hid q">{ plural(tensors, "tensor", "tensors") }</td>
            { numbers(row) }
            <td class="hid"></td>
            { known(row) }
        </tr>
    }
}

fn leaf(lab: &Lab, row: &Row, tensor: u32) -> Html {
    let Some(summary) = &lab.state.summary else { return Html::default() };
    let Some(t) = summary.tensors.get(tensor as usize) else { return Html::default() };
    let matrix = summary.matrices.iter().find(|m| m.tensor == tensor as usize);
    let chosen = lab.state.selection().tensor == Some(tensor);
    let slice = matrix.and_then(|m| m.slice);
    let onclick = {
        let (lab, block) = (lab.clone(), t.block);
        Callback::from(move |_: MouseEvent| lab.act(Action::Select(Selection { tensor: Some(tensor), slice, block })))
    };
    let spectrum = matrix.and_then(|m| lab.state.spectra.get(&key(&m.name, m.slice)));
    html! {
        <tr key={format!("t{tensor}")} class={classes!(chosen.then_some("on"))} aria-selected={chosen.to_string()} {onclick} data-test="row" data-tensor={t.name.clone()}>
            <td class={classes!("name", format!("in{}", row.depth))} title={t.name.clone()}>{ dot(matrix.map(|m| (roles::token(m.role, m.expert.is_some()), roles::round(m.role)))) }<code>{ &row.name }</code></td>
            <td class="hid"><code class="q">{ shape(t.shape.iter().copied()) }</code></td>
            { numbers(row) }
            <td class="hid">
                if let Some(s) = spectrum { <Sparkline values={Values::from(&s.values[..])} label={format!("singular values of {}", row.name)} /> }
            </td>
            { known(row) }
        </tr>
    }
}

/// A role's mark: round for attention, square for everything else; empty for what is no matrix.
fn dot(mark: Option<(&'static str, bool)>) -> Html {
    let drawn = match mark {
        Some((token, true)) => html! { <circle cx="3.5" cy="3.5" r="3.5" fill={format!("var(--{token})")} /> },
        Some((token, false)) => html! { <rect width="7" height="7" fill={format!("var(--{token})")} /> },
        None => Html::default(),
    };
    html! { <svg class="dot" width="7" height="7" aria-hidden="true">{ drawn }</svg> }
}

fn numbers(row: &Row) -> Html {
    let share = match row.share {
        s if s < 0.000_05 => String::new(),
        s if s < 0.001 => format!("{}\u{a0}%", sig(s * 100.0, 1)),
        s => percent(s),
    };
    let width = (row.share * 100.0 * 2.4).clamp(0.5, 44.0);
    html! {
        <>
            <td class="n" title={count(row.elements)}>{ params(row.elements) }</td>
            <td class="n sh">{ share }<svg width="44" height="2" aria-hidden="true"><rect x={(44.0 - width).to_string()} width={width.to_string()} height="2" fill="var(--leaf)" /></svg></td>
        </>
    }
}

fn known(row: &Row) -> Html {
    match row.known {
        Known::Nothing => html! { <td class="n last"></td> },
        Known::Waiting => html! { <td class="n last d" title="not computed yet">{ "…" }</td> },
        Known::Rank(r) => html! { <td class="n last" data-test="stable-rank">{ sig(r, 3) }</td> },
    }
}

fn nothing(text: &str, filter: &Filter, tensors: &[espalier_lab::protocol::TensorRow]) -> Html {
    let near = filter.word().and_then(|w| nearest(w, tensors));
    html! {
        <p class="nothing" data-test="nothing-found">
            { "No tensor passes " }<code>{ text.trim() }</code>{ "." }
            if let Some((word, n)) = near { { " Close to it: " }<code>{ word }</code>{ format!(", {}.", plural(n, "tensor", "tensors")) } }
        </p>
    }
}

/// Arrow keys move the choice from tensor to tensor.
fn step(lab: &Lab, rows: &Rc<Vec<Row>>, e: &KeyboardEvent) {
    let by: i64 = match e.key().as_str() {
        "ArrowDown" => 1,
        "ArrowUp" => -1,
        _ => return,
    };
    e.prevent_default();
    let tensors: Vec<u32> = rows.iter().filter_map(|r| if let Kind::Tensor(t) = r.kind { Some(t) } else { None }).collect();
    let here = tensors.iter().position(|t| Some(*t) == lab.state.selection().tensor);
    let to = here.map_or(0, |i| (i as i64 + by).clamp(0, tensors.len() as i64 - 1) as usize);
    let (Some(tensor), Some(summary)) = (tensors.get(to), &lab.state.summary) else { return };
    let block = summary.tensors.get(*tensor as usize).and_then(|t| t.block);
    let slice = summary.matrices.iter().find(|m| m.tensor == *tensor as usize).and_then(|m| m.slice);
    lab.act(Action::Select(Selection { tensor: Some(*tensor), slice, block }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrangement_comes_back_from_its_text() {
        for flat in [false, true] {
            for column in [Column::File, Column::Name, Column::Elements, Column::Rank] {
                for (down, filter) in [(false, ""), (true, "down_proj"), (true, "a / b flat")] {
                    let view = View { flat, column, down, ..View::default() };
                    let text = written(&view, filter);
                    assert_eq!(arrangement(&text), (view, filter), "{text}");
                }
            }
        }
        assert_eq!(written(&View::default(), ""), "");
    }
}
