//! Spectra of all blocks side by side on one scale, and how much rank each needs.

use std::rc::Rc;

use espalier_methods::report::Axis;
use espalier_methods::spectra::energy_curve;
use yew::prelude::*;

use super::model::{Matrix, kinds, of};
use super::say;
use crate::app::action::Action;
use crate::app::context::use_lab;
use crate::figures::SmallMultiples;
use crate::figures::figure::Source;
use crate::figures::line::lin_and_log_log;
use crate::plot::lines::{Curve, Values};
use crate::plot::panels::{Panel, Ready};
use crate::plot::scene::Paint;

/// The panels of the open checkpoint.
#[component]
pub fn Blocks() -> Html {
    let lab = use_lab();
    let (opened, known) = (lab.state.opened, lab.state.spectra.len());
    let matrices = {
        let lab = lab.clone();
        use_memo((opened, known), move |_| lab.state.summary.as_deref().map(|s| of(s, &lab.state.spectra)).unwrap_or_default())
    };
    let name: AttrValue = lab.state.summary.as_ref().map(|s| s.name.clone().into()).unwrap_or_default();
    let select = {
        let lab = lab.clone();
        Callback::from(move |block| lab.act(Action::SelectBlock(block)))
    };
    if !matrices.iter().any(|m| m.block.is_some()) {
        return Html::default();
    }
    html! {
        <div class="sec pad multi">
            <Multiples {matrices} title="Spectra by block" source={name} running={lab.state.running("spectra").is_some()} selected={lab.state.selection().block} select={Some(select)} />
        </div>
    }
}

/// Properties of [`Multiples`].
#[derive(Properties)]
pub struct MultiplesProps {
    /// Matrices, in file order.
    pub matrices: Rc<Vec<Matrix>>,
    /// Title.
    pub title: AttrValue,
    /// Model's name.
    pub source: AttrValue,
    /// Whether spectra are being computed.
    pub running: bool,
    /// Chosen block.
    pub selected: Option<u32>,
    /// A block was chosen.
    pub select: Option<Callback<u32>>,
}

impl PartialEq for MultiplesProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.matrices, &other.matrices) && self.running == other.running && self.selected == other.selected && self.source == other.source
    }
}

/// One panel a block; σ over σ₁, or the energy.
#[component]
pub fn Multiples(props: &MultiplesProps) -> Html {
    let energy = use_state_eq(|| false);
    let on = *energy;
    let blocks = blocks(&props.matrices);
    let curves = use_memo((Rc::as_ptr(&props.matrices), on), |_| blocks.iter().map(|b| curves(&props.matrices, *b, on)).collect::<Vec<_>>());
    let panel = |(i, block): (usize, &u32)| {
        let members = props.matrices.iter().filter(|m| m.block == Some(*block));
        let open = members.filter(|m| m.spectrum.is_none()).count();
        let ready = match (open, props.running) {
            (0, _) => Ready::Done,
            (_, true) => Ready::Running,
            (_, false) => Ready::Waiting,
        };
        Panel { title: block.to_string(), curves: curves[i].clone(), ready, on: props.selected == Some(*block) }
    };
    let panels: Vec<Panel> = blocks.iter().enumerate().map(panel).collect();
    let legend = kinds(&props.matrices).into_iter().map(|(word, token)| (Paint::Token(token), AttrValue::from(word))).collect::<Vec<_>>();
    let on_select = props.select.clone().map(|select| {
        let blocks = blocks.clone();
        Callback::from(move |i: usize| {
            if let Some(b) = blocks.get(i) {
                select.emit(*b);
            }
        })
    });
    let pick = |word: &'static str, to: bool| {
        let energy = energy.clone();
        html! { <button type="button" aria-pressed={(on == to).to_string()} onclick={Callback::from(move |_: MouseEvent| energy.set(to))} data-test={format!("multiples-{word}")}>{ word }</button> }
    };
    let tools = html! { <>{ pick("spectra", false) }{ pick("energy", true) }<span class="d" aria-hidden="true">{ " · " }</span></> };
    let longest = props.matrices.iter().filter(|m| m.block.is_some()).map(|m| m.full).max().unwrap_or(1).max(2);
    let source = Source { model: props.source.clone(), tensor: "".into(), settings: if on { "energy".into() } else { "σ / σ₁, same scale".into() } };
    let what = if on { "Σσ² to rank, % of all, over share of rank; same scale" } else { "σ / σ₁ over rank; same scale" };
    let x = Axis { name: if on { "share of rank".into() } else { "rank".into() }, unit: if on { "%".into() } else { String::new() }, log: false };
    let y = Axis { name: if on { "energy".into() } else { "σ / σ₁".into() }, unit: if on { "%".into() } else { String::new() }, log: false };
    html! {
        <>
            if on {
                <SmallMultiples key="energy" title="Energy by block" {what} sentence={say::blocks(&props.matrices, props.running)} {x} {y} {panels} {legend}
                    y_domain={Some([[0.0, 100.0], [1.0, 100.0]])} x_domain={Some([0.0, 100.0])} x_ends={[AttrValue::from("0"), AttrValue::from("100 %")]}
                    {tools} {on_select} {source} test="energy-by-block" />
            } else {
                <SmallMultiples key="spectra" title={props.title.clone()} {what} sentence={say::blocks(&props.matrices, props.running)} {x} {y} {panels} {legend}
                    y_domain={Some([[0.0, 1.0], [0.02, 1.0]])} x_domain={Some([1.0, longest as f64])} modes={lin_and_log_log()} mode={1}
                    {tools} {on_select} {source} test="spectra-by-block" />
            }
        </>
    }
}

/// Blocks that hold matrices, lowest first.
fn blocks(matrices: &[Matrix]) -> Vec<u32> {
    let all: std::collections::BTreeSet<u32> = espalier_methods::order::gather(matrices.iter().filter_map(|m| m.block));
    all.into_iter().collect()
}

/// Curves of one block: attention thin, feed-forward wider, experts thinnest, for there are many.
fn curves(matrices: &[Matrix], block: u32, energy: bool) -> Vec<Curve> {
    let mut out: Vec<Curve> = matrices
        .iter()
        .filter(|m| m.block == Some(block))
        .filter_map(|m| {
            let s = m.spectrum.as_ref()?;
            let top = s.values.first().copied().filter(|t| *t > 0.0)?;
            let n = s.values.len();
            let (x, y): (Values, Values) = if energy {
                ((1..=n).map(|i| i as f64 / n as f64 * 100.0).collect(), energy_curve(&s.values).into_iter().map(|e| e * 100.0).collect())
            } else {
                (Values::ranks(n), s.values.iter().map(|v| v / top).collect())
            };
            let width = match (m.expert, crate::app::roles::round(m.role)) {
                (true, _) => 0.7,
                (_, true) => 1.1,
                _ => 1.6,
            };
            Some(Curve { name: m.word().into(), paint: Paint::Token(m.token()), width, x, y })
        })
        .collect();
    // The many thin ones lie under the few wide ones.
    espalier_methods::order::by_number(&mut out, |c| c.width);
    out
}
