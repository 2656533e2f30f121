//! By hand: the token's experts, what was taken away, what is left, what it costs, and what other ways would keep.

use espalier_methods::condense::ARMS;
use espalier_methods::experts::{Change, Point};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::{View, change, knobs, say};
use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::experts::ExpertsState;
use crate::app::history::Gesture;
use crate::figures::{StatItem, Stats};
use crate::plot::number::{bytes, count, fixed, params, percent, plural};
use crate::screens::parts::progress;

/// The experts of the token that is looked at, in the layer that is looked at.
pub fn token(lab: &Lab, view: &View) -> Html {
    let Some(r) = view.routing() else { return Html::default() };
    let word = lab.state.experts.words_of(r).and_then(|w| w.tokens.get(view.token)).map_or_else(|| r.tokens.get(view.token).map_or_else(String::new, u32::to_string), |t| t.1.trim().to_owned());
    let path: Vec<(u32, f32)> = r.path(view.token, view.row).collect();
    let most = path.first().map_or(1.0, |p| p.1).max(f32::MIN_POSITIVE);
    html! {
        <section class="tokenpath" data-test="experts-path">
            <h2>{ format!("“{word}”") }</h2>
            <p class="d">{ format!("its {} of {}, block {}, gate weight", plural(path.len(), "expert", "experts"), r.experts, view.block()) }</p>
            <table><tbody>{ for path.iter().enumerate().map(|(i, (e, w))| html! {
                <tr><th scope="row" class={classes!("n", (i == 0).then_some("ik"))}>{ e }</th>
                    <td><svg width="120" height="8" aria-hidden="true"><rect width={format!("{:.1}", f64::from(w / most) * 120.0)} height="6" y="1" fill="var(--expert)" /></svg></td><td class="n">{ fixed(f64::from(*w), 3) }</td></tr>
            }) }</tbody></table>
        </section>
    }
}

/// The name of the way whose selection is shown as ghosts.
fn ghost(lab: &Lab) -> Option<String> {
    lab.state.view("experts-ghost").map(|g| g.to_string()).filter(|g| !g.is_empty())
}

/// The furthest plan of a way.
fn plan_of<'a>(lab: &'a Lab, arm: &str) -> Option<&'a Point> {
    lab.state.experts.points.iter().filter(|p| p.arm == arm).max_by_key(|p| (p.step, std::cmp::Reverse(p.draw)))
}

/// Experts that the chosen way would keep where it changes a layer, layers × experts; empty where none is chosen.
pub fn ghosts(lab: &Lab, view: &View) -> Vec<bool> {
    let Some(point) = ghost(lab).and_then(|g| plan_of(lab, &g)) else { return Vec::new() };
    let kept = |block: u32, e: u32| match point.plan.of(block as usize) {
        Some(Change::Condensed { experts, .. } | Change::Among { experts }) => experts.contains(&e),
        _ => false,
    };
    view.shape.blocks.iter().flat_map(|b| (0..view.shape.experts as u32).map(move |e| kept(*b, e))).collect()
}

/// What was taken away and what is left.
pub fn hand(lab: &Lab, view: &View) -> Html {
    let state = &lab.state.edit.experts;
    let [left, left_bytes] = view.shape.left(state);
    let [all, all_bytes] = view.shape.total;
    let plan = state.plan(&view.shape);
    let found = &lab.state.experts;
    let whole = found.points.iter().find(|p| p.arm == ARMS[0].0);
    let measured = found.measured(&plan).filter(|p| p.perplexity.is_finite());
    let short = state.short(&view.shape);
    let busy = lab.state.run.is_some();
    let measure = {
        let (lab, plan) = (lab.clone(), plan.clone());
        Callback::from(move |_: MouseEvent| {
            lab.run("thin", serde_json::json!({ "plan": plan, "length": 128, "windows": 32, "evaluation": knobs::text(&lab, 1) }), None);
        })
    };
    let act = |action: fn() -> Action| {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.act(action()))
    };
    let clear = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| change(&lab, Gesture::Step, ExpertsState::clear))
    };
    let items = vec![
        StatItem::new("parameters", params(left)).of(format!("of {}, {}", params(all), percent(left / all.max(1.0)))).full(count(left)).test("experts-left"),
        StatItem::new("bytes", bytes(left_bytes)).of(format!("of {}", bytes(all_bytes))),
        StatItem::new("perplexity", measured.map_or_else(|| "–".into(), |p| fixed(p.perplexity, 3))).of(whole.map_or_else(String::new, |w| format!("whole {}", fixed(w.perplexity, 3)))).test("experts-perplexity"),
    ];
    let said = state.said();
    let nothing = said.is_empty();
    let said = if nothing { "Click a cell to drop an expert, a layer’s number to drop the layer.".to_owned() } else { said + "." };
    html! {
        <div class="sec byhand" data-test="experts-hand">
            <h2>{ "By hand" }</h2>
            <p class="say" data-test="experts-said">{ said }</p>
            <Stats {items} />
            if let Some((block, n)) = short {
                <p class="note" data-test="experts-short">{ format!("Block {block} would have {} left, but every token is sent to {}. Bring some back, or drop the whole layer by its number.", plural(n, "expert", "experts"), view.shape.per_token) }</p>
            }
            <div class="acts">
                <button type="button" class="btn" onclick={measure} disabled={busy || short.is_some()} data-test="experts-measure-now">{ "Measure" }</button>
                <button type="button" class="btn" onclick={act(|| Action::Undo)} disabled={lab.state.history.depth() == 0} data-test="experts-undo">{ "Undo" }</button>
                <button type="button" class="btn" onclick={act(|| Action::Redo)} disabled={lab.state.history.ahead() == 0}>{ "Redo" }</button>
                <button type="button" class="btn" onclick={clear} disabled={nothing}>{ "All back" }</button>
            </div>
            { progress(lab, "thin") }
            if let Some(p) = measured { <p class="d">{ say::cost(whole, p) }</p> }
            { choose(lab, view) }
        </div>
    }
}

/// Which way's selection is shown, and taking it over.
fn choose(lab: &Lab, view: &View) -> Html {
    let known: Vec<&str> = ARMS.iter().map(|(a, _)| *a).filter(|a| *a != ARMS[0].0 && plan_of(lab, a).is_some()).collect();
    if known.is_empty() {
        return Html::default();
    }
    let now = ghost(lab).unwrap_or_default();
    let onchange = {
        let lab = lab.clone();
        Callback::from(move |e: Event| {
            if let Some(s) = e.target_dyn_into::<HtmlSelectElement>() {
                lab.view("experts-ghost", &s.value());
            }
        })
    };
    let take = {
        let (lab, shape) = (lab.clone(), view.shape.clone());
        let plan = plan_of(&lab, &now).map(|p| p.plan.clone());
        Callback::from(move |_: MouseEvent| {
            if let Some(plan) = &plan {
                change(&lab, Gesture::Step, |s| s.take(plan, &shape));
            }
        })
    };
    html! {
        <div class="knob wideval"><label for="experts-ghost">{ "Ghosts ▽" }</label><span class="val">
            <select id="experts-ghost" class="in" {onchange} data-test="experts-ghost">
                <option value="" selected={now.is_empty()}>{ "none" }</option>
                { for known.iter().map(|a| html! { <option value={a.to_string()} selected={*a == now}>{ *a }</option> }) }
            </select>
            <button type="button" class="btn sm" onclick={take} disabled={now.is_empty()} data-test="experts-ghost-take">{ "take" }</button></span>
            <p>{ "Triangles mark the experts that another way keeps in the layers that it changes." }</p>
        </div>
    }
}
