//! The paper's claims and what this model shows of them, whichever way it falls.

use espalier_methods::findings::{Claim, Verdict};
use yew::prelude::*;

use super::matrix::shown;
use crate::app::context::Lab;
use crate::figures::layers::drawn;
use crate::plot::number::{fixed, params, percent, plural};
use crate::plot::scale::Scale;
use crate::plot::scene::{Scene, stroke};

/// The list.
pub fn claims(lab: &Lab) -> Html {
    let at = shown(&lab.state);
    let all: Vec<&Claim> = lab.state.language.claims.iter().filter(|c| c.asked == at).collect();
    let weights = lab.state.summary.as_ref().map_or(0.0, |s| s.tensors.iter().map(|t| t.elements).sum());
    let reach = all.iter().map(|c| c.mean.abs() + c.spread).fold(0.0, f64::max).max(1e-6);
    html! {
        <>
        <h2>{ "The paper’s claims, here" }if lab.state.language.asked().len() > 1 { <small class="d">{ format!(" at {}", percent(at)) }</small> }</h2>
        if all.is_empty() {
            <p class="d">{ "Bandari et al. 2024 pruned models of 7 billion weights after reading different texts. What they claim is held against a study of the open model, once one has run." }</p>
        } else {
            <ul class="claims" data-test="claims">{ for all.iter().map(|c| one(c, reach)) }</ul>
            <p class="d">{ format!("One model of {} parameters, not the paper’s 7 B: a claim that fails here is not refuted there. Holds or fails: all seeds on one side.", params(weights)) }</p>
        }
        </>
    }
}

fn one(c: &Claim, reach: f64) -> Html {
    let (class, sign, word) = match c.verdict {
        Verdict::Holds => ("holds", "✓", "holds here"),
        Verdict::Fails => ("fails", "╱", "fails here"),
        Verdict::Open => ("open", "○", "not decided"),
        Verdict::NotRun => ("open", "–", "not run"),
    };
    let mut s = Scene::new(260.0, 14.0);
    if c.verdict != Verdict::NotRun {
        let x = Scale::linear([-reach, reach], [4.0, 256.0]);
        s.hair_h([4.0, 256.0], 7.0, stroke("wire", 1.0));
        s.hair_v(130.0, [1.0, 13.0], stroke("edge", 1.0));
        s.line([x.at(c.mean - c.spread), 7.5], [x.at(c.mean + c.spread), 7.5], stroke("ink-2", 1.6));
        s.dot([x.at(c.mean), 7.5], 3.4, if class == "holds" { "leaf" } else if class == "fails" { "cut" } else { "ghost" });
    }
    html! {
        <li>
            <p class="say">{ &c.claim }</p>
            <p class="v"><span class={class}>{ format!("{sign} {word}") }</span><span class="d">{ &c.difference }</span>
                if c.verdict != Verdict::NotRun { <b>{ format!("{} ± {}", fixed(c.mean, 3), fixed(c.spread, 3)) }</b><span class="d">{ plural(c.seeds as usize, "seed", "seeds") }</span> }</p>
            if c.verdict != Verdict::NotRun { { drawn(&s) } }
        </li>
    }
}
