//! Two texts: what one wakes more than the other.

use std::rc::Rc;

use espalier_methods::report::Axis;
use yew::prelude::*;

use super::reading::{FIRST, SECOND, field, held, watch};
use super::{View, grid, say};
use crate::app::context::Lab;
use crate::figures::{ExpertGridChart, LineChart};
use crate::plot::lines::{Curve, Values};
use crate::plot::scene::Paint;
use crate::screens::parts::progress;

/// Both fields, the difference, and how far each layer tells the texts apart.
pub fn compare(lab: &Lab, view: &View) -> Html {
    let go = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| watch(&lab, held(&lab, "experts-text", FIRST), Some(held(&lab, "experts-second", SECOND))))
    };
    let busy = lab.state.running("experts").is_some();
    html! {
        <>
        <div class="read"><div class="readhead"><h2>{ "Two texts" }</h2><span class="play"><button type="button" class="btn go" onclick={go} disabled={busy} data-test="experts-compare">{ "Compare" }</button></span></div>
            <div class="twotexts">{ field(lab, "experts-text", FIRST, "First text") }{ field(lab, "experts-second", SECOND, "Second text") }</div>
            { progress(lab, "experts") }
        </div>
        { difference(lab, view) }
        </>
    }
}

fn difference(lab: &Lab, view: &View) -> Html {
    let [a, b, ..] = &view.routings[..] else {
        return html! { <p class="say pad">{ "Press Compare: red cells wake for the first text, blue ones for the second." }</p> };
    };
    let mut g = grid::bare(lab, view);
    g.values = a.difference(b);
    g.diverging = true;
    g.unit = "difference of shares".into();
    let axis = |name: &str, unit: &str| Axis { name: name.into(), unit: unit.into(), log: false };
    let x: Values = a.blocks.iter().map(|b| f64::from(*b)).collect();
    let y: Values = (0..a.layers()).map(|l| a.specialisation(b, l)).collect();
    let curves = vec![Curve { name: "divergence of loads".into(), paint: Paint::Token("expert"), width: 1.5, x, y }];
    html! {
        <>
        <ExpertGridChart title="Difference" what="share of a layer’s choices, first text less second" sentence={say::difference(a, b)} grid={Rc::new(g)} source={view.source.clone()} test="experts-difference" />
        <div class="two one"><LineChart title="Specialisation by layer" what="Jensen–Shannon divergence of the two loads" sentence="0 where both texts wake the same experts; ln 2 = 0.69 nats where they have none in common." x={axis("block", "")} y={axis("divergence", "nats")} {curves} source={view.source.clone()} test="experts-specialisation" /></div>
        </>
    }
}
