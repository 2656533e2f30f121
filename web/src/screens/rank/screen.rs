//! The Rank screen.

use std::collections::BTreeMap;

use espalier_methods::report::Axis;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::controls::{change, controls};
use super::export::Export;
use super::model::{cell, columns, panels, rows, strip};
use super::say;
use super::view::{View, use_view};
use crate::app::action::Action;
use crate::app::context::{Lab, use_lab};
use crate::app::history::Gesture;
use crate::app::state::{Lead, Place, RankRule, Selection};
use crate::figures::edit::RankEdit;
use crate::figures::line::Mode;
use crate::figures::{BudgetStrip, RankChart, SmallMultiples, Source, StatItem, Stats};
use crate::plot::number::{count, fixed, params, percent, plural};
use crate::plot::ranks::{Column, Row};
use crate::plot::scene::Paint;
use crate::screens::cost::Start;
use crate::screens::matrices::Entry;
use crate::screens::parts::{choice, progress, segments};
use crate::teach::strip::buttons;

/// The Rank screen.
#[component]
pub fn RankScreen() -> Html {
    let lab = use_lab();
    let view = use_view(&lab);
    let state = lab.state.rank();
    let choose = {
        let lab = lab.clone();
        Callback::from(move |r: RankRule| change(&lab, Gesture::Step, |s| s.rule = r))
    };
    let rules = [choice(RankRule::Welore, "WeLore"), choice(RankRule::Energy, "Energy"), choice(RankRule::Uniform, "Uniform"), choice(RankRule::ByHand, "By hand")];
    let sentence = match state.rule {
        RankRule::Welore => "One line through every spectrum: the directions above it stay, the rest is cut.",
        RankRule::Energy => "Each matrix keeps the fewest directions that hold a share of its energy.",
        RankRule::Uniform => "Every matrix gives the same share of its rank: the baseline.",
        RankRule::ByHand => "Drag a cut to its place; what is not touched keeps its full rank.",
    };
    let source = Source {
        model: view.basis.name.clone(),
        tensor: "".into(),
        settings: view.plan.threshold.map_or_else(String::new, |k| format!("k {}", fixed(k, 3))).into(),
    };
    let selected = selected_row(&lab, &view);
    html! {
        <>
        <div class="head"><h1>{ "Rank" }</h1><p class="say">{ sentence }</p>{ segments("Rule", "rank-rule", &rules, &state.rule, &choose) }{ buttons(&lab, Place::Rank) }</div>
        <div class="rank" data-test="rank" data-example={view.basis.example.to_string()}>
            <div class="work">
                { standing(&lab, &view) }
                { budget(&lab, &view) }
                { spectra(&lab, &view, &source, selected) }
                { bars(&lab, &view, &source, selected) }
                { chosen(&lab, &view, &source, selected) }
            </div>
            <aside class="knobs" aria-label="Knobs">
                { controls(&lab, &view, &source) }
                <Export lab={lab.clone()} view={view.clone()} />
            </aside>
        </div>
        </>
    }
}

/// The row that holds the selection.
fn selected_row(lab: &Lab, view: &View) -> Option<usize> {
    let s = lab.state.selection();
    let basis = &view.basis;
    if basis.grid.by_layer {
        return basis.entries.iter().position(|e| e.tensor.is_some() && e.tensor == s.tensor);
    }
    basis.grid.rows.iter().position(|r| r.block.is_some() && r.block == s.block)
}

/// Points everywhere at a row.
fn select(lab: &Lab, view: &View, row: usize) {
    if Some(row) == selected_row(lab, view) {
        return;
    }
    let basis = &view.basis;
    let first = basis.grid.members(row).first().map(|&i| &basis.entries[i]);
    match (basis.grid.by_layer || basis.example, first) {
        (false, _) => {
            if let Some(block) = basis.grid.rows.get(row).and_then(|r| r.block) {
                lab.act(Action::SelectBlock(block));
            }
        }
        (true, Some(e)) => lab.act(Action::Select(Selection { tensor: e.tensor, slice: e.slice, block: e.block })),
        (true, None) => {}
    }
}

/// What stands above the figures: that spectra are wanted, are running, or that this is the example.
fn standing(lab: &Lab, view: &View) -> Html {
    let state = &lab.state;
    let open = state.summary.as_ref();
    let prunable = open.map_or(0, |s| s.matrices.iter().filter(|m| m.prunable).count());
    let running = state.running("spectra").is_some();
    let names = open.map(|s| s.matrices.iter().filter(|m| m.prunable).map(|m| m.label()).collect::<Vec<_>>());
    let compute = {
        let lab = lab.clone();
        let names = names.clone();
        Callback::from(move |_: MouseEvent| {
            lab.run("spectra", serde_json::json!({}), names.clone());
        })
    };
    let go = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.go(Place::Open))
    };
    let button = |words: String| html! {
        <Start method="spectra" matrices={names.clone()} busy={running} {words} test="rank-compute" row={Classes::new()} go={compute.clone()} />
    };
    if running {
        return html! { <div class="standing">{ progress(lab, "spectra") }</div> };
    }
    match open {
        None => html! {
            <div class="standing" data-test="rank-example">
                <p class="say">{ format!("No checkpoint is open: these are the spectra of {}, computed beforehand. Everything here works; writing needs a checkpoint.", view.basis.name) }</p>
                <button type="button" class="btn" onclick={go}>{ "Open a checkpoint" }</button>
            </div>
        },
        Some(_) if prunable == 0 => html! {
            <div class="standing"><p class="say">{ "This checkpoint holds no linear layer or convolution inside its blocks, so there is no rank to choose." }</p></div>
        },
        Some(s) if view.basis.example => html! {
            <div class="standing" data-test="rank-needs">
                <p class="say">{ format!("Ranks are chosen from the singular values of {}. Until then {} stands here as an example.", s.name, view.basis.name) }</p>
                { button(format!("Compute spectra, {}", plural(prunable, "matrix", "matrices"))) }
            </div>
        },
        Some(_) if view.basis.missing > 0 => html! {
            <div class="standing" data-test="rank-missing">
                <p class="say">{ format!("{} of {prunable} matrices have their spectrum; only these are counted.", prunable - view.basis.missing) }</p>
                { button(format!("Compute the other {}", count(view.basis.missing as f64))) }
            </div>
        },
        Some(_) => Html::default(),
    }
}

fn budget(lab: &Lab, view: &View) -> Html {
    let (plan, state) = (&view.plan, lab.state.rank());
    let factored = plan.factored().count();
    let target = match (state.rule, state.lead) {
        (RankRule::Welore, Lead::Target) | (RankRule::Uniform, _) => percent(state.target),
        (RankRule::Welore, Lead::Threshold) => format!("k {}", fixed(state.threshold, 3)),
        (RankRule::Energy, _) => format!("{} energy", percent(state.tau)),
        (RankRule::ByHand, _) => "by hand".into(),
    };
    let label = match (state.rule, state.lead) {
        (RankRule::Welore, Lead::Threshold) => "threshold",
        (RankRule::Energy, _) => "keeps",
        (RankRule::ByHand, _) => "ranks",
        _ => "target reduction",
    };
    let items = vec![
        StatItem::new(label, target).test("rank-stat-target"),
        StatItem::new("attempted", percent(plan.attempted)).test("rank-stat-attempted"),
        StatItem::new("effective", percent(plan.effective)).test("rank-stat-effective"),
        StatItem::new("LRC · N-LRC", format!("{} · {}", count(factored as f64), count((plan.choices.len() - factored) as f64))).test("rank-stat-lrc"),
        StatItem::new("parameters", params(plan.compressed_params))
            .of(format!("of {}, × {}", params(plan.dense_params), fixed(plan.parameter_ratio(), 2)))
            .full(count(plan.compressed_params))
            .test("rank-stat-params"),
        StatItem::new("error", percent(plan.error)).of(format!("uniform {}", percent(plan.uniform_error))).test("rank-stat-error"),
    ];
    let choices = view.choices();
    let parts = strip(&view.basis.entries, &view.basis.grid, &choices).into_iter().map(|(n, p, s)| (AttrValue::from(n), p, s)).collect::<Vec<_>>();
    let mark = match (state.rule, state.lead) {
        (RankRule::Welore, Lead::Target) | (RankRule::Uniform, _) => state.target,
        _ => plan.attempted,
    };
    html! {
        <div class="budget">
            <Stats {items} />
            <BudgetStrip title="ranks cut, % of all ranks" {parts} given_back={(plan.attempted - plan.effective).max(0.0)} target={mark} test="rank-strip" />
        </div>
    }
}

fn spectra(lab: &Lab, view: &View, source: &Source, selected: Option<usize>) -> Html {
    let basis = &view.basis;
    let panels = panels(&basis.entries, &basis.grid, &basis.curve_map(), selected, lab.state.running("spectra").is_some());
    let legend = basis.grid.columns.iter().map(|c| (Paint::Token(c.token), AttrValue::from(c.name.clone()))).collect::<Vec<_>>();
    let on_select = {
        let (lab, view) = (lab.clone(), view.clone());
        Callback::from(move |row| select(&lab, &view, row))
    };
    let modes = vec![Mode { label: "lin".into(), log_x: false, log_y: false }, Mode { label: "log".into(), log_x: false, log_y: true }];
    html! {
        <SmallMultiples title="Normalised spectra" what="σ̂ over share of rank" test="rank-spectra" class="specs" {panels} {legend} {modes} mode={1}
            x={Axis { name: "share of rank".into(), unit: String::new(), log: false }} y={Axis { name: "σ̂".into(), unit: String::new(), log: true }}
            threshold={view.plan.threshold} y_domain={Some([[0.0, 1.0], [0.02, 1.0]])} x_domain={Some([0.0, 1.0])} x_ends={[AttrValue::from("0"), AttrValue::from("100\u{a0}%")]}
            {on_select} source={source.clone()} sentence={say::spectra(&basis.entries, &basis.grid, &view.choices(), &view.plan)} />
    }
}

/// What an edit on bars does to the settings: `of(row, column)` says which entry is meant.
fn edited(lab: &Lab, of: impl Fn(usize, usize) -> Option<Entry> + 'static, select: impl Fn(usize) + 'static) -> Callback<RankEdit> {
    let lab = lab.clone();
    Callback::from(move |edit: RankEdit| match edit {
        RankEdit::Set { row, column, share, gesture } => {
            if let Some(e) = of(row, column) {
                let rank = (share * e.full()).round().clamp(1.0, e.full()) as u32;
                if lab.state.rank().by_hand.get(&e.key) != Some(&rank) {
                    change(&lab, gesture.map_or(Gesture::Step, Gesture::Drag), |s| {
                        s.by_hand.insert(e.key.clone(), rank);
                    });
                }
            }
        }
        RankEdit::Reset { row, column } => {
            if let Some(e) = of(row, column).filter(|e| lab.state.rank().by_hand.contains_key(&e.key)) {
                change(&lab, Gesture::Step, |s| {
                    s.by_hand.remove(&e.key);
                });
            }
        }
        RankEdit::Select(row) => select(row),
    })
}

fn gesture(lab: &Lab) -> Callback<(), u32> {
    let port = lab.port.clone();
    Callback::from(move |()| port.number())
}

fn rule_word(rule: RankRule) -> &'static str {
    match rule {
        RankRule::Welore => "WeLore",
        RankRule::Energy => "energy",
        RankRule::Uniform => "this",
        RankRule::ByHand => "by hand",
    }
}

fn bars(lab: &Lab, view: &View, source: &Source, selected: Option<usize>) -> Html {
    let basis = view.basis.clone();
    let choices = view.choices();
    let rows = rows(&basis.entries, &basis.grid, &choices, lab.state.rank(), &basis.norms(), selected);
    let on_edit = {
        let (basis, lab2, view) = (basis.clone(), lab.clone(), view.clone());
        edited(
            lab,
            move |row, column| match basis.grid.cells.get(row)?.get(column)?.as_slice() {
                [one] => Some(basis.entries[*one].clone()),
                _ => None,
            },
            move |row| select(&lab2, &view, row),
        )
    };
    html! {
        <RankChart title="Rank kept" test="rank-bars" columns={columns(&basis.entries, &basis.grid)} {rows} rule={rule_word(lab.state.rank().rule)} label={basis.grid.label_width()}
            gesture={gesture(lab)} {on_edit} source={source.clone()} sentence={say::bars(&view.plan)} />
    }
}

/// Below the bars: the chosen row's matrices, each with a number field; its experts as bars of their own.
fn chosen(lab: &Lab, view: &View, source: &Source, selected: Option<usize>) -> Html {
    let Some(row) = selected else { return Html::default() };
    let basis = view.basis.clone();
    let choices = view.choices();
    let label = &basis.grid.rows[row].label;
    let routed: Vec<usize> = (0..basis.grid.columns.len()).filter(|&j| basis.grid.columns[j].routed && !basis.grid.cells[row][j].is_empty()).collect();
    let fields = basis.grid.cells[row].iter().enumerate().filter(|(j, _)| !routed.contains(j)).flat_map(|(_, c)| c).filter_map(|&i| {
        let e = basis.entries[i].clone();
        let c = *choices.get(&*e.key)?;
        let (full, shown) = (c.full, if c.factored { c.kept } else { c.attempted });
        let hand = lab.state.rank().by_hand.contains_key(&e.key);
        let onchange = {
            let (lab, e) = (lab.clone(), e.clone());
            Callback::from(move |event: Event| {
                let v = event.target_dyn_into::<HtmlInputElement>().map_or(f64::NAN, |x| x.value_as_number());
                if v.is_finite() {
                    let rank = v.round().clamp(1.0, f64::from(full)) as u32;
                    change(&lab, Gesture::Step, |s| {
                        s.by_hand.insert(e.key.clone(), rank);
                    });
                }
            })
        };
        Some(html! {
            <label class="rankfield" key={e.key.to_string()}>
                <span>{ e.word() }{ " " }<small class="d">{ if c.factored { format!("of {}", count(f64::from(full))) } else { "dense".into() } }</small></span>
                <input class={classes!("in", "num", hand.then_some("hand"))} type="number" min="1" max={full.to_string()} step="1" value={shown.to_string()} data-test={format!("rank-of-{}", e.module())} {onchange} />
            </label>
        })
    });
    html! {
        <section class="chosen" data-test="rank-chosen">
            <h2>{ format!("{} {label}", if basis.grid.by_layer { "Layer" } else { "Block" }) }</h2>
            <div class="fields">{ for fields }</div>
            if !routed.is_empty() { { experts(lab, view, source, row, &routed) } }
        </section>
    }
}

fn experts(lab: &Lab, view: &View, source: &Source, row: usize, routed: &[usize]) -> Html {
    let basis = view.basis.clone();
    let choices = view.choices();
    let state = lab.state.rank();
    let mut by_expert: BTreeMap<u32, Vec<Option<usize>>> = BTreeMap::new();
    for (at, &j) in routed.iter().enumerate() {
        for &i in &basis.grid.cells[row][j] {
            if let Some(x) = basis.entries[i].expert {
                by_expert.entry(x).or_insert_with(|| vec![None; routed.len()])[at] = Some(i);
            }
        }
    }
    let members: Vec<Vec<Option<usize>>> = by_expert.values().cloned().collect();
    let norms = basis.norms();
    let rows: Vec<Row> = by_expert
        .iter()
        .map(|(x, cells)| Row {
            label: x.to_string(),
            cells: cells.iter().map(|c| c.and_then(|i| cell(&basis.entries, &[i], &choices, state))).collect(),
            errors: super::model::errors(&cells.iter().flatten().copied().collect::<Vec<_>>(), &basis.entries, &choices, &norms),
            on: false,
        })
        .collect();
    let columns: Vec<Column> = routed
        .iter()
        .map(|&j| {
            let c = &basis.grid.columns[j];
            let full = basis.grid.cells[row][j].first().map(|&i| basis.entries[i].full());
            Column { name: c.name.split(' ').next().unwrap_or_default().to_string(), paint: Paint::Token(c.token), square: c.square, full }
        })
        .collect();
    let n = rows.len();
    let on_edit = {
        let basis = basis.clone();
        edited(lab, move |r, c| members.get(r)?.get(c)?.map(|i| basis.entries[i].clone()), |_| {})
    };
    html! {
        <RankChart title={format!("Experts of block {}", basis.grid.rows[row].label)} what={plural(n, "expert", "experts")} test="rank-experts" {columns} {rows} rule={rule_word(state.rule)} label={34.0}
            gesture={gesture(lab)} {on_edit} source={source.clone()} />
    }
}
